"""A table of methods that were asked the same captions and pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from caption_models import ByDirection, Question

from ntcir.ablation.rows import Estimate
from ntcir.measures.reciprocal import Figures
from ntcir.modalities import directions
from ntcir.scoring import group_score

CUTOFFS = (1, 5, 10)


class Table:
    """Rows in Markdown: a method each, with MRR and its interval, R@k in percent and the median rank both ways.

    A method that was trained several times has the mean of each figure over the trainings. Intervals are over pictures
    with all of their captions, each query counting with its mean over the trainings.

    Args:
        question: what all are asked.
    """

    def __init__(self, question: Question) -> None:
        self._question = question
        self._names = [each.name for each in reversed(directions(question.opened.config.pair))]
        figures = [f"{name} MRR | {' | '.join(f'R@{k}' for k in CUTOFFS)} | median rank" for name in self._names]
        self.lines = [f"| method | {' | '.join(figures)} |", f"|---|{'---|---:|---:|---:|---:|' * len(figures)}"]
        self._line("random", [chance_cells(*_sizes(question)[name]) for name in self._names])

    def add(self, method: str, trainings: Sequence[ByDirection]) -> None:
        """Add a method."""
        self._line(method, [figure_cells([each[name] for each in trainings]) for name in self._names])

    def compare(self, what: str, trainings: Sequence[ByDirection], others: Sequence[ByDirection]) -> None:
        """Add the difference of two methods, paired by query; bold where the interval leaves out 0."""
        self._line(
            what,
            [
                difference_cells([each[name] for each in trainings], [each[name] for each in others])
                for name in self._names
            ],
        )

    def __str__(self) -> str:
        pictures, captions = (len(self._question.whole.items[name]) for name in self._question.opened.config.pair)
        return "\n".join([f"{pictures:,} pictures and {captions:,} captions:", "", *self.lines])

    def _line(self, method: str, cells: Sequence[Sequence[str]]) -> None:
        self.lines.append(f"| {method} | {' | '.join(cell for some in cells for cell in some)} |")


def figure_cells(trainings: Sequence[Figures]) -> list[str]:
    """Return the cells of a method in one direction."""
    mrr = Estimate.of(_per_query(trainings), _clusters(trainings[0]))
    medians = [group_score(each).medr for each in trainings]
    return [
        f"{mrr.value:.4f} [{mrr.low:.3f}, {mrr.high:.3f}]",
        *(f"{share:.1f}" for share in _shares(trainings)),
        f"{np.mean([median for median in medians if median is not None]):.3g}",
    ]


def difference_cells(trainings: Sequence[Figures], others: Sequence[Figures]) -> list[str]:
    """Return the cells of a difference in one direction."""
    mrr = Estimate.of(_per_query(trainings) - _per_query(others), _clusters(trainings[0]))
    text = f"{mrr.value:+.4f} [{mrr.low:+.4f}, {mrr.high:+.4f}]"
    shares = zip(_shares(trainings), _shares(others), strict=True)
    return [f"**{text}**" if mrr.is_real else text, *(f"{share - other:+.1f}" for share, other in shares), ""]


def chance_cells(size: int, relevant: np.ndarray) -> list[str]:
    """Return the cells of random orders.

    Args:
        size: of the gallery.
        relevant: how many items of it are right, int64 [queries].
    """
    found = np.mean([within(size, int(number)) for number in relevant], axis=0)  # by rank k: the mean share of R@k
    mrr = float((np.diff(found, prepend=0.0) / np.arange(1, size + 1)).sum())
    median = int(np.searchsorted(found, 0.5)) + 1
    return [f"{mrr:.4f}", *(f"{100 * found[min(k, size) - 1]:.1f}" for k in CUTOFFS), str(median)]


def within(size: int, relevant: int) -> np.ndarray:
    """Return how likely one of the right items is among the first k of a random order, for k = 1 ... ``size``."""
    placed = np.arange(size)
    none = np.cumprod(np.clip(size - relevant - placed, 0, None) / (size - placed))
    return np.asarray(1 - none)


def _per_query(trainings: Sequence[Figures]) -> np.ndarray:
    """Return the reciprocal rank of each query, the mean over trainings, float64 [queries]."""
    return np.mean([each.sums / each.rows for each in trainings], axis=0)


def _shares(trainings: Sequence[Figures]) -> list[float]:
    """Return R@k in percent, the mean over trainings."""
    found = [group_score(each).recall for each in trainings]
    return [100 * float(np.mean([recall[k] or 0.0 for recall in found])) for k in CUTOFFS]


def _clusters(figures: Figures) -> np.ndarray | None:
    """Return the clusters of queries, numbered without a gap."""
    return None if figures.clusters is None else np.unique(figures.clusters, return_inverse=True)[1].reshape(-1)


def _sizes(question: Question) -> dict[str, tuple[int, np.ndarray]]:
    """Return by direction the size of the gallery, and of each query the number of right items."""
    place, items = question.whole.place, question.whole.items
    return {
        each.name: (len(items[each.answer.name]), np.bincount(place[each.query.name]))
        for each in directions(question.opened.config.pair)
    }

"""Mean average precision over categories: an answer is right if it shares a category with the query.

Every item asks and ranks all items of the other side, its own partner among them, as is published for the Wikipedia
collection (Costa Pereira et al., On the role of correlation and abstraction in cross-modal multimedia retrieval, IEEE
TPAMI 36(3), 2014).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ntcir.corpora.corpus import Corpus
from ntcir.formats.columns import Floats, Ints
from ntcir.measures.average_precision import average_precisions, random_average_precisions
from ntcir.modalities import Direction
from ntcir.model.model import Vectors
from ntcir.model.split_ranks import side_of
from ntcir.sampling.galleries import WholeSplit
from ntcir.scoring import bootstrap
from ntcir.search.counting import Side
from ntcir.system.errors import UserError, counted, short

_CELLS = 1 << 20  # scores in memory at once; sorting them takes some ten times the memory


@dataclass(frozen=True)
class CategoryScore:
    """The mean over queries; None where no query counts.

    Attributes:
        queries: how many count: those that share a category with an answer.
        mean: mean average precision.
        interval: its 95% percentile bootstrap over queries, or clusters of queries such as a picture's captions.
        random: what random orders would have.
    """

    queries: int
    mean: float | None
    interval: tuple[float, float] | None
    random: float | None

    def to_json(self) -> dict[str, Any]:
        """Return the score as ``ntcir evaluate --categories --json`` writes it."""
        return {
            "mAP_queries": self.queries,
            "mAP": self.mean,
            "mAP_95": list(self.interval) if self.interval else None,
            "random_mAP": self.random,
        }


@dataclass(frozen=True)
class _Precisions:
    """Of the queries of a direction that count: average precisions, those of random orders, and clusters, if any."""

    values: Floats
    chances: Floats
    clusters: Ints | None

    def score(self) -> CategoryScore:
        if not len(self.values):
            return CategoryScore(0, None, None, None)
        clusters = np.arange(len(self.values)) if self.clusters is None else self.clusters
        codes = np.unique(clusters, return_inverse=True)[1].reshape(-1)
        sums = np.asarray(np.bincount(codes, self.values), dtype=np.float64)
        interval = bootstrap(sums, rows=np.bincount(codes).astype(np.int64))
        return CategoryScore(len(self.values), float(self.values.mean()), interval, float(self.chances.mean()))


def require_categories(corpus: Corpus, pair: Sequence[str]) -> None:
    """Check that items of a pair have categories.

    Raises:
        UserError: if neither side has any.
    """
    if not any(name in corpus.categories for name in pair):
        raise UserError(
            f"{corpus.root} has no categories, which --categories needs: leave it out, and items are right by pairs "
            "only."
        )


def category_scores(
    vectors: Mapping[str, Vectors],
    whole: WholeSplit,
    directions: Sequence[Direction],
    corpus: Corpus,
    ranked: Mapping[str, Vectors] | None = None,
) -> tuple[dict[str, CategoryScore], list[str]]:
    """Return the scores of ``all`` queries and of each direction, and a sentence about the queries that do not count.

    Args:
        vectors: of the distinct items, by modality.
        whole: which these are.
        directions: both.
        corpus: has the categories; a modality without any has those of its partners.
        ranked: of the same items where they are ranked; None where an item has one vector for both.

    Raises:
        UserError: if the corpus has no categories, or no query shares one with an answer.
    """
    require_categories(corpus, list(whole.items))
    labels = _labels(corpus, whole)
    sides = {name: side_of(each) for name, each in vectors.items()}
    theirs = sides if ranked is None else {name: side_of(each) for name, each in ranked.items()}
    clusters = whole.clusters() if corpus.shared_are_positive else {}
    found: dict[str, _Precisions] = {}
    remarks: list[str] = []
    for direction in directions:
        asks, answers = direction.query.name, direction.answer.name
        values, right = _average_precisions(sides[asks], theirs[answers], labels[asks], labels[answers])
        counts = right > 0
        chances = random_average_precisions(right[counts], sides[answers].items)
        groups = clusters[asks][counts] if asks in clusters else None
        found[direction.name] = _Precisions(values[counts], chances, groups)
        if not counts.all():
            remarks.append(_left_out(direction, whole.items[asks], labels[asks], counts))
    if not any(len(each.values) for each in found.values()):
        raise UserError(f"No item that asks shares a category with an answer in {corpus.root}: leave out --categories.")
    scores = {name: each.score() for name, each in {"all": _joined(list(found.values())), **found}.items()}
    return scores, remarks


def _labels(corpus: Corpus, whole: WholeSplit) -> dict[str, np.ndarray]:
    """Return by modality the categories of items, float32 [items, categories] of 0 and 1."""
    known = [name for name in whole.items if name in corpus.categories]
    labels = {
        name: (corpus.categories[name].loc[list(whole.items[name])].to_numpy() > 0).astype(np.float32) for name in known
    }
    for name in whole.items:
        if name not in labels:  # an item has the categories of its partners
            theirs = labels[known[0]]
            labels[name] = np.zeros((len(whole.items[name]), theirs.shape[1]), dtype=np.float32)
            np.maximum.at(labels[name], whole.place[name], theirs[whole.place[known[0]]])
    return labels


def _average_precisions(
    asked: Side, ranked: Side, labels: np.ndarray, theirs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the average precision of each query, float64, and how many answers are right for it, int64; [queries].

    Scores are inner products in double precision rounded to single, as those of a run are, a block of queries at a
    time; items that are the same are scored once, so that they tie.
    """
    columns = torch.from_numpy(ranked.vectors).double().T
    step = max(1, _CELLS // max(ranked.items, 1))
    values, right = np.empty(asked.items), np.empty(asked.items, dtype=np.int64)
    for start in range(0, asked.items, step):
        block = slice(start, start + step)
        relevant = labels[block] @ theirs.T > 0
        queries = torch.from_numpy(asked.vectors[asked.place[block]]).double()
        scores = (queries @ columns).float().numpy()
        values[block] = average_precisions(scores[:, ranked.place], relevant)
        right[block] = relevant.sum(axis=1)
    return values, right


def _joined(parts: Sequence[_Precisions]) -> _Precisions:
    clusters = [part.clusters for part in parts if part.clusters is not None]
    return _Precisions(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.chances for part in parts]),
        np.concatenate(clusters) if clusters else None,
    )


def _left_out(direction: Direction, items: np.ndarray, labels: np.ndarray, counts: np.ndarray) -> str:
    """Return a sentence about the queries of a direction that do not count."""
    asks, answers = direction
    without = ~labels.any(axis=1)
    reasons = {
        counted(int(without.sum()), "has no category", "have no category"): without,
        counted(
            int((~counts & ~without).sum()),
            f"shares none with any {answers.noun}",
            f"share none with any {answers.noun}",
        ): ~counts & ~without,
    }
    told = " and ".join(
        f"{reason} (first: {short(str(items[int(those.argmax())]))})"
        for reason, those in reasons.items()
        if those.any()
    )
    return f"mAP over categories leaves out {counted(int((~counts).sum()), asks.noun, asks.plural)}: {told}."

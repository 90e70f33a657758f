"""Hard negatives: pairs that are easily mistaken for another, and are not known to be its positives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ntcir.config import Negatives
from ntcir.modalities import modality
from ntcir.sampling.neighbours import nearest_others
from ntcir.sampling.relations import Relation, swapped
from ntcir.search.dots import dots

ABOVE_CEILING, WITHIN_ABSOLUTE, WITHIN_RELATIVE = (
    "above the score ceiling",
    "within the absolute margin",
    "within the relative margin",
)

_CELLS = 1 << 14  # candidates that relations are asked about at once; they may look up long codes


@dataclass(frozen=True)
class MiningReport:
    """What came of mining.

    Attributes:
        of: what negatives were mined for, such as ``photographs``.
        pairs: how many were asked for.
        kept: negatives in all.
        without: how many of the pairs have none.
        refused: reason -> candidates refused; each counts for the first reason that holds.
    """

    of: str
    pairs: int
    kept: int
    without: int
    refused: dict[str, int]

    @property
    def counts(self) -> dict[str, int]:
        """The numbers by name, for a file."""
        return {"pairs": self.pairs, "mined": self.kept, "pairs without": self.without, **self.refused}

    def lines(self) -> list[str]:
        """Return the report in sentences for people, one a line."""
        refused = ", ".join(f"{count:,} {reason}" for reason, count in self.refused.items() if count) or "none"
        lines = [f"mined {self.kept:,} hard negatives for {self.pairs:,} {self.of}; refused: {refused}"]
        if self.without:
            lines.append(f"{self.without:,} of {self.pairs:,} {self.of} have no hard negative")
        return lines


@dataclass(frozen=True)
class Mined:
    """Hard negatives of each pair.

    Attributes:
        rows: int64 [pairs, most]: the pairs whose item on the other side it is, hardest first; -1 where there are
            fewer.
        report: how many candidates were refused, and why.
    """

    rows: np.ndarray
    report: MiningReport


@dataclass(frozen=True)
class HardNegatives:
    """What each pair can be shown besides its batch, mined in one way.

    Attributes:
        left: int64 [pairs, any]: the pairs whose left items are hard negatives of each pair's right item, -1 where
            there are fewer.
        right: the same of right items that are hard negatives of each pair's left item.
    """

    left: np.ndarray
    right: np.ndarray

    @property
    def is_empty(self) -> bool:
        """Whether no left item has a hard negative."""
        return not bool((self.right >= 0).any())


def mine_by_model(
    left: np.ndarray,
    right: np.ndarray,
    forbidden: Mapping[str, Relation],
    options: Negatives,
    *,
    pair: Sequence[str],
    pairs: np.ndarray | None = None,
) -> tuple[Mined, Mined]:
    """Return what a model ranks high and should not: right items for each left one, left items for each right one.

    Candidates are those of rank ``range_min`` up to ``range_max`` among all but the pair's own, by cosine; among equals
    the first. Of these, forbidden ones are refused, then those that score above ``max_score``, above
    ``positive - absolute_margin``, or above ``positive - |positive| * relative_margin``. These are the choices of
    sentence-transformers' ``mine_hard_negatives``, whose relative margin (NV-Retriever, Moreira et al. 2024, sec. 3)
    would let harder negatives in where the positive's score is negative.

    Equal embeddings cost nothing and tie exactly; those that are equal but for rounding cost a lot. So encode equal
    rows once.

    Args:
        left: embeddings of the pairs' left items, float32 [pairs, dim], finite unit rows.
        right: those of their right items, the same shape.
        forbidden: reason -> relation of (left items' pairs, right items' pairs), asked in order.
        options: range, ceiling and margins.
        pair: the modalities on the left and on the right, for the reports.
        pairs: int64, the pairs to mine for; None for all. The others get none, the candidates are all pairs.
    """
    asked = np.arange(len(left)) if pairs is None else np.asarray(pairs, dtype=np.int64)
    reversed_ = {reason: swapped(relation) for reason, relation in forbidden.items()}
    of_left, of_right = (modality(name).plural for name in pair)
    return (
        _mine(left, right, asked, forbidden, options, of_left),
        _mine(right, left, asked, reversed_, options, of_right),
    )


def sample_to_mine(
    coming: Sequence[np.ndarray], pairs: int, options: Negatives, seed: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return for which pairs the hard negatives of the coming steps are to be mined, and among which.

    A step shows hard negatives of a share of its batch's pairs: for others none are needed. Searching all the rest of a
    large corpus would take longer than the steps do, so it is a sample that is searched.

    Args:
        coming: the batches of the coming steps, int64 [batch] each.
        pairs: how many there are.
        options: ``share`` and ``sample``.
        seed: fixes what is drawn.

    Returns:
        int64 [asked], and int64 [among], of which the former is a part; both ascending.
    """
    draw = np.random.default_rng(list(seed))
    asked = np.unique(np.concatenate([draw.permutation(rows)[: round(options.share * len(rows))] for rows in coming]))
    others = np.setdiff1d(np.arange(pairs), asked, assume_unique=True)
    chosen = draw.permutation(others)[: max(options.sample - len(asked), 0)]
    return asked, np.union1d(asked, chosen)


def renumbered(rows: np.ndarray, among: np.ndarray, pairs: int) -> np.ndarray:
    """Return a table of neighbours by position in ``among`` as one by pair, int64 [pairs, most]; -1: none."""
    table = np.full((pairs, rows.shape[1]), -1, dtype=np.int64)
    table[among] = np.where(rows >= 0, among[rows], -1)
    return table


def _mine(
    queries: np.ndarray,
    documents: np.ndarray,
    asked: np.ndarray,
    forbidden: Mapping[str, Relation],
    options: Negatives,
    of: str,
) -> Mined:
    """Mine in one direction; relations take (queries' pairs, documents' pairs)."""
    candidates, scores = nearest_others(queries, documents, asked, options.range_max)
    candidates, scores = candidates[:, options.range_min :], scores[:, options.range_min :]
    own = dots(queries[asked], documents, np.arange(len(asked) + 1), asked)[:, None].astype(np.float64)
    reasons: dict[str, Callable[[slice], np.ndarray]] = {
        reason: between(relation, asked, candidates) for reason, relation in forbidden.items()
    }
    ceiling, absolute, relative = options.max_score, options.absolute_margin, options.relative_margin
    if ceiling is not None:
        reasons[ABOVE_CEILING] = lambda part: scores[part] > float(ceiling)
    if absolute is not None:
        reasons[WITHIN_ABSOLUTE] = lambda part: scores[part] > own[part] - absolute
    if relative is not None:
        reasons[WITHIN_RELATIVE] = lambda part: scores[part] > own[part] - np.abs(own[part]) * relative
    kept, refused = sift(candidates, reasons)
    rows = np.full((len(queries), options.range_max - options.range_min), -1, dtype=np.int64)
    order = np.argsort(~kept, axis=1, kind="stable")
    rows[asked, : candidates.shape[1]] = np.take_along_axis(np.where(kept, candidates, -1), order, axis=1)
    return Mined(rows, report_of(of, rows[asked], refused))


def between(relation: Relation, asked: np.ndarray, candidates: np.ndarray) -> Callable[[slice], np.ndarray]:
    """Return what tells of a block of rows which candidates are related; where there is none, anything."""
    return lambda part: relation(asked[part, None], np.maximum(candidates[part], 0))


def sift(
    candidates: np.ndarray, reasons: Mapping[str, Callable[[slice], np.ndarray]]
) -> tuple[np.ndarray, dict[str, int]]:
    """Return which candidates no reason refuses, bool like ``candidates``; and how many each reason refused.

    Args:
        candidates: int64 [any, any], -1 where there is none.
        reasons: reason -> what tells of a block of rows which of their candidates it refuses; asked in order.
    """
    kept = candidates >= 0
    refused = dict.fromkeys(reasons, 0)
    block = max(1, _CELLS // max(candidates.shape[1], 1))
    for start in range(0, len(candidates), block):
        part = slice(start, start + block)
        for reason, holds in reasons.items():
            held = kept[part] & holds(part)
            refused[reason] += int(held.sum())
            kept[part] &= ~held
    return kept, refused


def report_of(of: str, rows: np.ndarray, refused: dict[str, int]) -> MiningReport:
    """Return the report on a table of hard negatives, int64 [pairs, most], of the pairs that were asked for."""
    found = rows >= 0
    return MiningReport(of, len(rows), int(found.sum()), int((~found.any(axis=1)).sum()), refused)

"""Hard negatives: pairs that are easily mistaken for another, and that nothing says are its positives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ntcir.config import Negatives
from ntcir.sampling.neighbours import nearest_others
from ntcir.sampling.overlap import ObjectOverlap
from ntcir.sampling.positives import Relation
from ntcir.search.dots import dots
from ntcir.search.keys import best_of_ragged, read_keys, sort_keys
from ntcir.system.errors import UserError

ABOVE_CEILING, WITHIN_ABSOLUTE, WITHIN_RELATIVE = (
    "above the score ceiling",
    "within the absolute margin",
    "within the relative margin",
)
SAME_OBJECTS = "showing the same objects"

_CELLS = 1 << 14  # candidates that relations are asked about at once; they may look up long codes
_NEAR = 256  # candidates of a photograph that are near in time
_SLACK = 1e-5  # what float32 may add to an overlap that is exactly the highest allowed


@dataclass(frozen=True)
class MiningReport:
    """What came of mining.

    Attributes:
        of: what negatives were mined for: ``photographs`` or ``readings``.
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
        rows: int64 [pairs, most]: the pairs whose reading (or photograph) it is, hardest first; -1 where there are
            fewer.
        report: how many candidates were refused, and why.
    """

    rows: np.ndarray
    report: MiningReport


def mine_by_model(
    images: np.ndarray,
    sensors: np.ndarray,
    forbidden: Mapping[str, Relation],
    options: Negatives,
    *,
    pairs: np.ndarray | None = None,
) -> tuple[Mined, Mined]:
    """Return what a model ranks high and should not: readings for each photograph, photographs for each reading.

    Candidates are those of rank ``range_min`` up to ``range_max`` among all but the pair's own, by cosine; among equals
    the first. Of these, forbidden ones are refused, then those that score above ``max_score``, above
    ``positive - absolute_margin``, or above ``positive - |positive| * relative_margin``. These are the choices of
    sentence-transformers' ``mine_hard_negatives``, whose relative margin (NV-Retriever, Moreira et al. 2024, sec. 3)
    would let harder negatives in where the positive's score is negative.

    Equal embeddings cost nothing and tie exactly; those that are equal but for rounding cost a lot. So encode equal
    readings once.

    Args:
        images: embeddings of the pairs' photographs, float32 [pairs, dim], unit rows.
        sensors: those of their readings, the same shape.
        forbidden: reason -> relation of (photographs' pairs, readings' pairs), asked in order.
        options: range, ceiling and margins.
        pairs: int64, the pairs to mine for; None for all. The others get none, the candidates are all pairs.

    Raises:
        UserError: if an embedding is not finite.
    """
    if not (np.isfinite(images).all() and np.isfinite(sensors).all()):
        raise UserError("The training has diverged (NaN): lower training.lr or raise training.temperature.")
    asked = np.arange(len(images)) if pairs is None else np.asarray(pairs, dtype=np.int64)
    reversed_ = {reason: _swapped(relation) for reason, relation in forbidden.items()}
    return (
        _mine(images, sensors, asked, forbidden, options, "photographs"),
        _mine(sensors, images, asked, reversed_, options, "readings"),
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


def within(relation: Relation, among: np.ndarray) -> Relation:
    """Return a relation of pairs as one of positions in ``among``, int64 [any]."""
    return lambda left, right: relation(among[left], among[right])


def renumbered(rows: np.ndarray, among: np.ndarray, pairs: int) -> np.ndarray:
    """Return a table of neighbours by position in ``among`` as one by pair, int64 [pairs, most]; -1: none."""
    table = np.full((pairs, rows.shape[1]), -1, dtype=np.int64)
    table[among] = np.where(rows >= 0, among[rows], -1)
    return table


def _swapped(relation: Relation) -> Relation:
    return lambda left, right: relation(right, left)


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
        reason: _between(relation, asked, candidates) for reason, relation in forbidden.items()
    }
    ceiling, absolute, relative = options.max_score, options.absolute_margin, options.relative_margin
    if ceiling is not None:
        reasons[ABOVE_CEILING] = lambda part: scores[part] > float(ceiling)
    if absolute is not None:
        reasons[WITHIN_ABSOLUTE] = lambda part: scores[part] > own[part] - absolute
    if relative is not None:
        reasons[WITHIN_RELATIVE] = lambda part: scores[part] > own[part] - np.abs(own[part]) * relative
    kept, refused = _sift(candidates, reasons)
    rows = np.full((len(queries), options.range_max - options.range_min), -1, dtype=np.int64)
    order = np.argsort(~kept, axis=1, kind="stable")
    rows[asked, : candidates.shape[1]] = np.take_along_axis(np.where(kept, candidates, -1), order, axis=1)
    return Mined(rows, _report(of, rows[asked], refused))


def _between(relation: Relation, asked: np.ndarray, candidates: np.ndarray) -> Callable[[slice], np.ndarray]:
    """Return what tells of a block of rows which candidates are related; where there is none, anything."""
    return lambda part: relation(asked[part, None], np.maximum(candidates[part], 0))


def _sift(
    candidates: np.ndarray, reasons: Mapping[str, Callable[[slice], np.ndarray]]
) -> tuple[np.ndarray, dict[str, int]]:
    """Return which candidates no reason refuses, bool like ``candidates``; and how many each reason refused."""
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


def _report(of: str, rows: np.ndarray, refused: dict[str, int]) -> MiningReport:
    found = rows >= 0
    return MiningReport(of, len(rows), int(found.sum()), int((~found.any(axis=1)).sum()), refused)


def mine_by_objects(
    seconds: np.ndarray,
    groups: Sequence[str] | np.ndarray,
    features: np.ndarray,
    overlap: ObjectOverlap,
    forbidden: Mapping[str, Relation],
    options: Negatives,
) -> Mined:
    """Return photographs of the same group that are near in time or looks, but show other objects.

    Only photographs that show objects have hard negatives, and are hard negatives. Candidates of a photograph are those
    of its group at most ``near_seconds`` away (of more than 256, every so-manieth) and the ``similar`` most similar
    ones of its group. Those are refused that are forbidden, either way round, or overlap by more than ``max_overlap``;
    the ``most`` most similar of the others are kept, the most similar first, among equals the first. Both photograph
    and reading of such a pair serve as hard negatives.

    Looks are compared by the cosine of features that are standardised over all photographs, as the towers see them.

    Args:
        seconds: time of each pair, float64 [pairs].
        groups: the group (day, session) of each pair.
        features: of the pairs' photographs, float32 [pairs, dim].
        overlap: of the pairs' photographs.
        forbidden: reason -> relation of (photographs' pairs, readings' pairs), asked in order.
        options: ``near_seconds``, ``similar``, ``max_overlap`` and ``most``.

    Raises:
        UserError: if a feature is not finite.
    """
    centre, scale = _moments(features)
    reasons = {reason: _either_way(relation) for reason, relation in forbidden.items()}
    rows = np.full((len(features), options.most), -1, dtype=np.int64)
    refused = dict.fromkeys([*reasons, SAME_OBJECTS], 0)
    codes = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1].reshape(-1)
    for code in range(codes.max(initial=-1) + 1):
        members = np.flatnonzero((codes == code) & overlap.shows)
        if len(members) < 2:
            continue
        looks = (features[members] - centre) / scale
        looks /= np.maximum(np.linalg.norm(looks, axis=1, keepdims=True), 1e-12)
        found, counts = _mine_group(members, seconds[members], looks, overlap, reasons, options)
        rows[members] = found
        for reason, count in counts.items():
            refused[reason] += count
    return Mined(rows, _report("photographs", rows, refused))


def _moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each column, float32 [dim], without a copy of all in double precision."""
    total = np.zeros(features.shape[1])
    squares = np.zeros(features.shape[1])
    blocks = [features[start : start + 1024] for start in range(0, len(features), 1024)]
    for block in blocks:
        total += block.sum(axis=0, dtype=np.float64)
    centre = total / max(len(features), 1)
    if not np.isfinite(centre).all():
        raise UserError("Image features are not finite: remove the features folder (features.store) and extract anew.")
    for block in blocks:
        squares += np.square(block - centre).sum(axis=0)
    scale = np.sqrt(squares / max(len(features), 1))
    return centre.astype(np.float32), np.where(scale > 0, scale, 1).astype(np.float32)


def _either_way(relation: Relation) -> Relation:
    return lambda left, right: relation(left, right) | relation(right, left)


def _mine_group(
    members: np.ndarray,
    seconds: np.ndarray,
    looks: np.ndarray,
    overlap: ObjectOverlap,
    forbidden: Mapping[str, Relation],
    options: Negatives,
) -> tuple[np.ndarray, dict[str, int]]:
    """Return the hard negatives of a group's pairs, int64 [members, most], and the counts of what was refused."""
    candidates = _near_in_time(seconds, options.near_seconds)
    if options.similar:
        similar, _ = nearest_others(looks, looks, np.arange(len(looks)), options.similar)
        candidates = np.concatenate([candidates, similar], axis=1)
    candidates = np.sort(candidates, axis=1)
    candidates[:, 1:][candidates[:, 1:] == candidates[:, :-1]] = -1
    reasons: dict[str, Callable[[slice], np.ndarray]] = {
        reason: _between(relation, members, np.where(candidates < 0, -1, members[candidates]))
        for reason, relation in forbidden.items()
    }
    reasons[SAME_OBJECTS] = lambda part: (
        _overlaps(overlap, members[part], members, np.maximum(candidates[part], 0)) > options.max_overlap + _SLACK
    )
    kept, refused = _sift(candidates, reasons)
    counts = kept.sum(axis=1)
    scores = dots(looks, looks, np.concatenate([[0], np.cumsum(counts)]), candidates[kept])
    found, _ = read_keys(best_of_ragged(sort_keys(scores, candidates[kept]), counts, options.most))
    return np.where(found < 0, -1, members[found]), refused


def _overlaps(overlap: ObjectOverlap, rows: np.ndarray, members: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Return the overlap of each row's photograph with its candidates, positions in ``members``; float32."""
    used, place = np.unique(candidates, return_inverse=True)  # neighbours have many candidates in common
    return np.take_along_axis(overlap.between(rows, members[used]), place.reshape(candidates.shape), axis=1)


def _near_in_time(seconds: np.ndarray, within: float) -> np.ndarray:
    """Return who is at most ``within`` seconds away, others than oneself: int64 [pairs, at most 256], -1: no more.

    Of more than 256, evenly many in the order of time are taken, so that dense recordings stay affordable.
    """
    order = np.argsort(seconds, kind="stable")
    sorted_ = seconds[order]
    low = np.searchsorted(sorted_, seconds - within, side="left")[:, None]
    counts = np.searchsorted(sorted_, seconds + within, side="right")[:, None] - low
    taken = np.minimum(counts, _NEAR)
    place = np.arange(taken.max(initial=0))
    candidates = order[np.minimum(low + place * counts // np.maximum(taken, 1), len(order) - 1)]
    candidates[(place >= taken) | (candidates == np.arange(len(seconds))[:, None])] = -1
    return np.asarray(candidates)

"""Which pairs are more than themselves: pseudo-positives of each other, or no negatives at least."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ntcir.config import Positives
from ntcir.sampling.overlap import ObjectOverlap
from ntcir.sampling.relations import NEAR, Relation, equal_rows, near_in_time, reasons, same_item

_BLOCK = 512
_SLACK = 1e-5  # what float32 may lose of an overlap that is exactly the one asked for


class FalseNegatives:
    """Knows which pairs of a split must not be contrasted with each other.

    The left item of pair i and the right item of pair j are no negatives of each other where i and j share an item (by
    id), were recorded at most ``near_seconds`` apart, or have equal rows on a side whose rows are compared.

    Args:
        left_ids: the left item of each pair.
        right_ids: the right item of each pair.
        seconds: the times of the pairs in seconds.
        right_rows: of the right items, float [pairs, dim] without NaN, or None not to compare them.
        near_seconds: 0 turns the window off.
        pair: the modalities on the left and on the right.
        left_rows: the same of the left items.

    Attributes:
        same: relates pairs that share an item.
        relations: why two pairs are no negatives -> the relation; all of them together are this one.
    """

    def __init__(
        self,
        left_ids: Sequence[str] | np.ndarray,
        right_ids: Sequence[str] | np.ndarray,
        seconds: np.ndarray,
        right_rows: np.ndarray | None,
        near_seconds: float,
        *,
        pair: Sequence[str],
        left_rows: np.ndarray | None = None,
    ) -> None:
        words = reasons(pair)
        self.same = same_item(left_ids, right_ids)
        self.relations: dict[str, Relation] = {words.same: self.same}
        if near_seconds > 0 and np.isfinite(seconds).any():  # what has no time is near nothing
            self.relations[NEAR] = near_in_time(seconds, near_seconds)
        if right_rows is not None:
            self.relations[words.equal] = equal_rows(right_rows)
        if left_rows is not None:
            self.relations[words.equal_left] = equal_rows(left_rows)

    def __call__(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return bool of the common shape of two arrays of positions; a pair is related to itself."""
        result = np.zeros(np.broadcast_shapes(left.shape, right.shape), dtype=bool)
        for relation in self.relations.values():
            result |= relation(left, right)
        return result


class ObjectPositives:
    """Pairs whose pictures show the same objects, near enough in time: pseudo-positives of each other.

    Args:
        overlap: of the pairs' pictures.
        groups: the group (day, session) of each pair.
        seconds: their times in seconds.
        options: how much overlap, and how near.

    Attributes:
        matches: int64 [pairs, at most ``options.most``]: the pairs that match best, by overlap, then by nearness in
            time, then by position; -1 where there are fewer.
    """

    def __init__(
        self, overlap: ObjectOverlap, groups: Sequence[str] | np.ndarray, seconds: np.ndarray, options: Positives
    ) -> None:
        self._overlap, self._options = overlap, options
        self._groups = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1].reshape(-1)
        self._seconds = np.array(seconds, dtype=np.float64)
        if not np.isfinite(self._seconds).all():  # without times, nothing is nearer than anything else
            self._seconds = np.zeros(len(self._seconds))
        self.matches = self._best()

    def __call__(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return bool of the common shape of two arrays of positions: whether they match; no pair matches itself."""
        allowed, least = self._allowed(left, right), self._options.overlap - _SLACK
        if left.ndim == 2 and right.ndim == 2 and left.shape[1] == 1 and right.shape[0] == 1:  # all with all
            return np.asarray(allowed & (self._overlap.between(left[:, 0], right[0]) >= least))
        near = np.nonzero(allowed)  # of scattered pairs, most are too far apart for their objects to matter
        left, right = np.broadcast_arrays(left, right)
        allowed[near] = self._overlap.elementwise(left[near], right[near]) >= least
        return allowed

    def _allowed(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return whether two pairs, not being one, are near enough to match."""
        within = self._options.within_seconds
        if within is None:
            near = self._groups[left] == self._groups[right]
        else:
            near = np.abs(self._seconds[left] - self._seconds[right]) <= within
        return np.asarray(near & (left != right))

    def _best(self) -> np.ndarray:
        """Return ``matches``, found in blocks of pairs that are neighbours in time."""
        most, within = self._options.most, self._options.within_seconds
        result = np.full((len(self._overlap), most), -1, dtype=np.int64)
        place = self._groups.astype(np.float64) if within is None else self._seconds
        order = np.argsort(place, kind="stable")
        order = order[self._overlap.shows[order]]  # the others match nothing
        sorted_place = place[order]
        for start in range(0, len(order), _BLOCK):
            rows = order[start : start + _BLOCK]
            low = np.searchsorted(sorted_place, sorted_place[start] - (within or 0), side="left")
            high = np.searchsorted(sorted_place, sorted_place[start + len(rows) - 1] + (within or 0), side="right")
            columns = order[low:high]
            shared = self._overlap.between(rows, columns).astype(np.float64)
            matching = self._allowed(rows[:, None], columns) & (shared >= self._options.overlap - _SLACK)
            apart = np.abs(self._seconds[rows][:, None] - self._seconds[columns])
            # Equal overlaps must be equal, whatever float32 made of them, for the time to decide.
            worth = np.where(matching, np.round(shared, 4) - 1e-6 * apart / (apart.max(initial=0) + 1), -np.inf)
            if most < len(columns):
                threshold = np.partition(worth, len(columns) - most, axis=1)[:, len(columns) - most]
                matching &= worth >= threshold[:, None]
            at, to = np.nonzero(matching)
            sequence = np.lexsort((columns[to], -worth[at, to], at))
            at, to = at[sequence], to[sequence]
            rank = np.arange(len(at)) - np.searchsorted(at, at)
            kept = rank < most
            result[rows[at[kept]], rank[kept]] = columns[to[kept]]
        return result

    def sentence(self, of: str = "photographs") -> str:
        """Return in one sentence how many pictures match others; ``of`` says what they are."""
        shown, matched = int(self._overlap.shows.sum()), self.matches[:, 0] >= 0
        each = (self.matches[matched] >= 0).sum() / max(matched.sum(), 1)
        return (
            f"{shown:,} of {len(self.matches):,} {of} show objects to match by; "
            f"{matched.sum():,} have pseudo-positives, {each:.1f} each on average"
        )

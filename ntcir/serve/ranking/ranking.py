"""The order of what is found: exact, worked out as deep as somebody looks, for many people at once.

All items get an approximate score in one scan; what may be among the best of a depth is scored exactly. Among equal
scores the lower row, which is the earlier item, comes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ntcir.search.keys import read_keys
from ntcir.serve.ranking.grouping import Groups, GroupScores, above, below
from ntcir.serve.ranking.scanning import Scans
from ntcir.serve.ranking.workers import Workers

if TYPE_CHECKING:
    from ntcir.search.compact import CompactVectors

_DEPTH, _GROWS = 256, 4  # hits that are worked out at first, and how many times as many when more are looked at


class ItemScores(Protocol):
    """What items score."""

    def approximate(self) -> tuple[np.ndarray, float]:
        """Return about what all items score, float32 [n], minus infinity where it can be no hit; and the error."""

    def exact(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what items score, float32 [k], and rows of what is shown beside them, int64 [k], -1 for nothing."""


class QueryScores:
    """What items score for one query.

    Args:
        vectors: of all items.
        scans: of them.
        query: float32 [dim].
    """

    def __init__(self, vectors: CompactVectors, scans: Scans, query: np.ndarray) -> None:
        self._vectors, self._scans, self._query = vectors, scans, query

    def approximate(self) -> tuple[np.ndarray, float]:
        """Scan all items."""
        return self._scans.approximate(self._query)

    def exact(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Score some items; nothing is shown beside them."""
        return self._vectors.scores(self._query, rows), np.full(len(rows), -1, dtype=np.int64)


@dataclass(frozen=True)
class Hits:
    """Some neighbours of a ranking.

    Attributes:
        rows: int64 [k], in order.
        scores: float32 [k]; None where nothing is asked, and items are in order of time.
        partners: what happens then, int64 [k]; -1 where nothing is asked of that.
        sizes: how many items each hit stands for, itself among them, int64 [k]: those of its event that pass.
    """

    rows: np.ndarray
    scores: np.ndarray | None
    partners: np.ndarray
    sizes: np.ndarray


class Ranking:
    """The hits of a state; thread-safe.

    Args:
        passing: which items can be found, bool [n].
        scores: of items; None where nothing is asked.
        workers: for what takes long.
        floor: the least score, or None.
        events: the event of each item, int32 [n], of which one hit is shown; None where all are.
        remarks: what a person should know of it.

    Attributes:
        total: how many hits there are.
        remarks: as given.
    """

    def __init__(
        self,
        passing: np.ndarray,
        scores: ItemScores | None,
        workers: Workers,
        *,
        floor: float | None = None,
        events: np.ndarray | None = None,
        remarks: tuple[str, ...] = (),
    ) -> None:
        self._scores, self._workers, self.remarks = scores, workers, remarks
        if scores is not None:
            passing = _found(passing, scores, floor)
        rows = np.flatnonzero(passing).astype(np.int32)  # half the memory
        self._groups = Groups(rows, None if events is None else events[rows])
        self.total = len(self._groups)
        self._deepening = Lock()
        self._keys = self._partners = self._members = np.empty(0, dtype=np.int64)  # of the best hits, best first

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        starts = self._groups.starts
        return self._groups.rows.nbytes + (0 if starts is None else starts.nbytes) + 3 * self._keys.nbytes

    def slice(self, offset: int, count: int) -> Hits:
        """Return the hits from a place on, fewer at the end."""
        offset = max(0, offset)
        here = slice(offset, min(offset + max(0, count), self.total))
        groups = np.arange(*here.indices(self.total))
        if self._scores is None:
            return Hits(self._groups.firsts(here), None, np.full(len(groups), -1), self._groups.sizes(groups))
        keys, partners, members = self._best(here.stop) if len(groups) else (self._keys, self._partners, self._members)
        rows, scores = read_keys(keys[here])
        return Hits(rows, scores, partners[here], self._groups.sizes(members[here]))

    def position_of(self, row: int) -> int | None:
        """Return the place of an item among the hits, or that of the hit that stands for it; None if it is no hit."""
        group, scores = self._groups.of(row), self._scores
        if group is None or scores is None:
            return group
        return self._workers.do(lambda: self._place(group, scores))

    def _place(self, group: int, scores: ItemScores) -> int:
        # Exactly scored is only what may be before it or behind it.
        field = self._field(scores)
        [own], _ = field.keys(np.array([group]))
        score = float(read_keys(np.array([own]))[1][0])
        near = field.reaching(score)
        surely = field.best[near] > above(score + field.error)
        keys, _ = field.keys(near[~surely])
        return int(np.count_nonzero(surely) + np.count_nonzero(keys > own))

    def _best(self, depth: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the best hits, at least to a depth: keys, partners and the numbers of their groups."""
        with self._deepening:
            scores = self._scores
            if scores is not None and depth > len(self._keys):
                wanted = max(_DEPTH, len(self._keys))
                while wanted < depth:
                    wanted *= _GROWS
                self._workers.do(lambda: self._deepen(scores, min(wanted, self.total)))
            return self._keys, self._partners, self._members

    def _deepen(self, scores: ItemScores, depth: int) -> None:
        field = self._field(scores)
        least = float(np.partition(field.best, self.total - depth)[self.total - depth])
        near = field.reaching(least - field.error)
        keys, partners = field.keys(near)
        order = np.argsort(keys)[::-1][:depth]
        self._keys, self._partners, self._members = keys[order], partners[order], near[order]

    def _field(self, scores: ItemScores) -> GroupScores:
        values, error = scores.approximate()
        every = len(self._groups.rows) == len(values)
        return GroupScores(self._groups, values if every else values[self._groups.rows], error, scores.exact)


def _found(passing: np.ndarray, scores: ItemScores, floor: float | None) -> np.ndarray:
    """Return which items that pass can be hits: those that have a score, of at least the floor; bool [n]."""
    values, error = scores.approximate()
    found: np.ndarray = passing & (values > -np.inf)
    if floor is None:
        return found
    found &= values >= below(floor - error)
    unsure = np.flatnonzero(found & (values <= above(floor + error)))
    found[unsure] = scores.exact(unsure)[0].astype(np.float64) >= floor
    return found

"""Hits in groups: each item by itself, or one hit for all items of an event."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ntcir.search.keys import read_keys, sort_keys

Exact = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]  # rows -> scores, and rows of partners


class Groups:
    """The items that can be hits, in groups that are neighbours in order of rows.

    Args:
        rows: of these items, int32 or int64 [hits], ascending.
        events: the number of each one's group, int32 [hits], ascending; None where each is a group of its own.

    Attributes:
        rows: as given.
        starts: where each group begins among the rows, int64 [groups]; None where each item is one.
    """

    def __init__(self, rows: np.ndarray, events: np.ndarray | None) -> None:
        self.rows = rows
        self.starts: np.ndarray | None = None
        if events is not None:
            new = events[1:] != events[:-1]
            self.starts = np.concatenate([np.zeros(min(1, len(rows)), dtype=np.int64), np.flatnonzero(new) + 1])

    def __len__(self) -> int:
        return len(self.rows if self.starts is None else self.starts)

    def firsts(self, groups: slice) -> np.ndarray:
        """Return the first row of some groups, int64 [k]."""
        rows = self.rows[groups] if self.starts is None else self.rows[self.starts[groups]]
        return rows.astype(np.int64)

    def sizes(self, groups: np.ndarray) -> np.ndarray:
        """Return how many items some groups have, int64 [k]."""
        if self.starts is None:
            return np.ones(len(groups), dtype=np.int64)
        return np.asarray(np.append(self.starts, len(self.rows))[groups + 1] - self.starts[groups])

    def of(self, row: int) -> int | None:
        """Return the group of an item, or None where it can be no hit."""
        place = int(np.searchsorted(self.rows, row))
        if place == len(self.rows) or self.rows[place] != row:
            return None
        return place if self.starts is None else int(np.searchsorted(self.starts, place, side="right")) - 1


class GroupScores:
    """What groups score: each as much as its best item, of equals the first.

    Args:
        groups: of items.
        approximate: about what the items score, float32 [hits].
        error: how far these may be off.
        exact: scores items exactly.

    Attributes:
        best: about what each group scores, float32 [groups], off by no more than ``error``.
        error: as given.
    """

    def __init__(self, groups: Groups, approximate: np.ndarray, error: float, exact: Exact) -> None:
        self._groups, self._values, self.error, self._exact = groups, approximate, error, exact
        starts = groups.starts
        self.best = approximate if starts is None or not len(starts) else np.maximum.reduceat(approximate, starts)

    def reaching(self, score: float) -> np.ndarray:
        """Return which groups may score so much, int64 [any], ascending."""
        return np.flatnonzero(self.best >= below(score - self.error))

    def keys(self, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the best item of groups, as its key (``ntcir.search.keys``), and its partner; int64 [k] each.

        Args:
            groups: int64 [k], ascending.
        """
        starts, rows = self._groups.starts, self._groups.rows
        if starts is None:
            chosen = rows[groups].astype(np.int64)
            scores, partners = self._exact(chosen)
            return sort_keys(scores, chosen), partners
        counts = self._groups.sizes(groups)
        ends = np.cumsum(counts)
        of = np.repeat(np.arange(len(groups)), counts)  # which of the groups each of their items is of
        cells = np.arange(len(of)) - (ends - counts)[of] + starts[groups][of]
        needed = (self.best[groups].astype(np.float64) - 2 * self.error).astype(np.float32)
        near = self._values[cells] >= np.nextafter(needed, np.float32(-np.inf))[of]  # may be its group's best
        chosen, of = rows[cells[near]].astype(np.int64), of[near]
        scores, partners = self._exact(chosen)
        keys = sort_keys(scores, chosen)
        if not len(keys):
            return keys, partners
        found = np.maximum.reduceat(keys, np.flatnonzero(np.diff(of, prepend=-1)))
        return found, partners[np.searchsorted(chosen, read_keys(found)[0])]


def below(value: float) -> np.float32:
    """Return a number of single precision that is less than ``value``, so that comparing leaves nothing out."""
    return _beside(value, -np.inf)


def above(value: float) -> np.float32:
    """Return a number of single precision that is greater than ``value``."""
    return _beside(value, np.inf)


def _beside(value: float, towards: float) -> np.float32:
    with np.errstate(over="ignore"):  # beyond single precision lies infinity
        return np.float32(np.nextafter(np.float32(value), np.float32(towards)))

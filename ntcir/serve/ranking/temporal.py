"""What happens before or after something else: pairs of items within a time of each other.

    score(p) = s(a, p) + max { s(b, q) : 0 < t(q) - t(p) <= w }

for what is looked for, a, and what happens then, b, within w seconds after it; before it, times are swapped. The item p
is found, and q shown beside it, the lower row among equals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ntcir.search.keys import read_keys, sort_keys
from ntcir.serve.index.catalogue import UNKNOWN
from ntcir.serve.typed import Order

if TYPE_CHECKING:
    from ntcir.search.compact import CompactVectors
    from ntcir.serve.ranking.scanning import Scans

_ROUNDING = 2.0**-23  # twice what adding two numbers of single precision may be off, as a share of their sizes


@dataclass(frozen=True)
class Windows:
    """For each item the items that lie within a time of it, which are neighbours in time.

    Attributes:
        minutes: at most so many between two items.
        order: whether items after each are meant, or before it.
        timed: rows of the items that have times, int64 [timed], in order of time.
        place: of each row in ``timed``, int64 [n]; -1 where there is none.
        starts: int64 [timed], ascending: places of the first item within the time of each.
        stops: int64 [timed], ascending: places after the last one.
    """

    minutes: float
    order: Order
    timed: np.ndarray
    place: np.ndarray
    starts: np.ndarray
    stops: np.ndarray

    @classmethod
    def of(cls, times: np.ndarray, minutes: float, order: Order) -> Windows:
        """Return the windows of items.

        Args:
            times: int64 [n], seconds; ``UNKNOWN`` where there is none.
            minutes: at most so many between two items.
            order: whether items after each are meant, or before it; none of the same second.
        """
        timed = np.flatnonzero(times != UNKNOWN)
        timed = timed[np.argsort(times[timed], kind="stable")]
        place = np.full(len(times), -1, dtype=np.int64)
        place[timed] = np.arange(len(timed))
        sorted_times, within = times[timed], int(minutes * 60)
        if order == "after":
            starts = np.searchsorted(sorted_times, sorted_times, side="right")
            stops = np.searchsorted(sorted_times, sorted_times + within, side="right")
        else:
            starts = np.searchsorted(sorted_times, sorted_times - within, side="left")
            stops = np.searchsorted(sorted_times, sorted_times, side="left")
        return cls(minutes, order, timed, place, starts, stops)


class ThenScores:
    """The scores of items by what they are and what happens then; items without such a neighbour have none.

    Args:
        vectors: of all items.
        scans: of them.
        query: of what is looked for, float32 [dim].
        then: of what happens then, float32 [dim].
        windows: where that is looked for.
    """

    def __init__(
        self, vectors: CompactVectors, scans: Scans, query: np.ndarray, then: np.ndarray, windows: Windows
    ) -> None:
        self._vectors, self._scans = vectors, scans
        self._query, self._then, self._windows = query, then, windows

    def approximate(self) -> tuple[np.ndarray, float]:
        """Return about what all items score, float32 [n], minus infinity for those that cannot be found; and the error.

        Bounds of both scores add up: the greatest of numbers is off by no more than one of them.
        """
        windows = f"{self._windows.minutes} {self._windows.order}".encode()
        return self._scans.kept(self._query.tobytes() + self._then.tobytes() + windows, self._added)

    def _added(self) -> tuple[np.ndarray, float]:
        both = self._scans.approximate_all([self._query, self._then])
        (first, first_error), (second, second_error) = both
        windows = self._windows
        found = np.full(len(first), -np.inf, dtype=np.float32)
        found[windows.timed] = first[windows.timed] + window_best(second[windows.timed], windows.starts, windows.stops)
        sizes = float(np.abs(first).max(initial=0)) + float(np.abs(second).max(initial=0))
        error = first_error + second_error
        return found, error + _ROUNDING * (sizes + error)

    def exact(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the scores of items that can be found, float32 [k], and their neighbours' rows, int64 [k].

        A neighbour is scored exactly if it may be the best of a window that is asked for.

        Args:
            rows: int64 [k], in any order.
        """
        windows, (second, error) = self._windows, self._scans.approximate(self._then)
        order = np.argsort(windows.place[rows])
        places = windows.place[rows[order]]
        starts, stops = windows.starts[places], windows.stops[places]
        inside = _union(starts, stops, len(windows.timed))  # places of all that lies in any of these windows
        values = second[windows.timed[inside]]
        best = window_best(values, np.searchsorted(inside, starts), np.searchsorted(inside, stops))
        # An item matters if it may be the best of the window that asks least of it. Windows are in order, so those that
        # an item lies in are neighbours as well.
        least = -(best.astype(np.float64) - 2 * error)
        firsts, lasts = (np.searchsorted(ends, inside, side="right") for ends in (stops, starts))
        needed = -window_best(least, firsts, lasts)
        wanted = inside[values >= np.nextafter(needed.astype(np.float32), np.float32(-np.inf))]
        neighbours = windows.timed[wanted]
        keys = sort_keys(self._vectors.scores(self._then, neighbours), neighbours)
        partners, scores = read_keys(window_best(keys, np.searchsorted(wanted, starts), np.searchsorted(wanted, stops)))
        back = np.argsort(order)
        return self._vectors.scores(self._query, rows) + scores[back], partners[back]


def window_best(values: np.ndarray, starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """Return the greatest of ``values[start:stop]`` for each window; the least there can be for an empty one.

    A window is covered by two runs whose length is a power of 2, and the greatest of such runs are worked out from
    those of half the length.

    Args:
        values: [n], floats or integers.
        starts: int64 [windows].
        stops: int64 [windows].

    Returns:
        [windows], of the type of the values.
    """
    least = -np.inf if values.dtype.kind == "f" else np.iinfo(values.dtype).min
    found = np.full(len(starts), least, dtype=values.dtype)
    lengths = stops - starts
    level = np.where(lengths > 0, np.frexp(lengths)[1] - 1, -1).astype(np.int8)
    runs = values
    for doubled in range(int(level.max(initial=-1)) + 1):
        here = np.flatnonzero(level == doubled)
        found[here] = np.maximum(runs[starts[here]], runs[stops[here] - (1 << doubled)])
        runs = np.maximum(runs[: -(1 << doubled)], runs[1 << doubled :])
    return found


def _union(starts: np.ndarray, stops: np.ndarray, count: int) -> np.ndarray:
    """Return what lies in any of some windows, of ``count`` places: int64, ascending."""
    changes = np.bincount(starts, minlength=count + 1) - np.bincount(stops, minlength=count + 1)
    return np.flatnonzero(np.cumsum(changes)[:count] > 0)

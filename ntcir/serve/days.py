"""A day as the page shows it: its photographs in order of time, its readings, and where it went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np

from ntcir.report.items import in_order
from ntcir.serve.day_numbers import DAY, date_of, number_of
from ntcir.serve.index.catalogue import UNKNOWN, Catalogue
from ntcir.serve.index.facets import Spread

MOST_SHOWN = 5_000  # photographs of a day; of more, as many that are evenly spaced
_HOUR = 3_600  # seconds
_NO_DAY = np.iinfo(np.int32).min
_DIGITS = 6  # significant, of a reading
_ENDS = ("least", "most", "low", "high")  # of a column's range

Ranges = Mapping[str, Spread]


@dataclass(frozen=True)
class Timeline:
    """Seconds of a local day, which only ever go forward.

    They are those that have passed since midnight, by a clock that shows the local time of the day's first item and is
    never put forward or back. So they are the wall clock's on an ordinary day, and on one of 23 or 25 hours, or of a
    flight to another zone, they still follow the order of time, where the wall clock would jump or show an hour twice.
    What the wall clock showed is in ``ticks``.

    Attributes:
        seconds: int64 [k], of each item, ascending.
        shifts: where a stretch begins in which the wall clock differs from that clock, and by how many seconds; the
            first begins at 0 and differs by none.
    """

    seconds: np.ndarray
    shifts: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, day: int, times: np.ndarray, offsets: np.ndarray) -> Timeline:
        """Return the timeline of a day, counted from 1970, with items at these times (int64 [k], ascending)."""
        if not len(times):
            return cls(times, ((0, 0),))
        seconds = times + int(offsets[0]) - day * DAY
        changed = np.flatnonzero(np.diff(offsets)) + 1
        shifts = ((int(seconds[place]), int(offsets[place]) - int(offsets[0])) for place in changed)
        return cls(seconds, ((0, 0), *shifts))

    @property
    def length(self) -> int:
        """When the day ends, in its seconds."""
        return max(DAY - self.shifts[-1][1], int(self.seconds[-1]) + 1 if len(self.seconds) else 0)

    def ticks(self) -> list[dict[str, Any]]:
        """Return the whole hours of the wall clock, as ``{seconds, clock}``."""
        ends = [start for start, _ in self.shifts[1:]] + [self.length]
        found = []
        for (start, shift), end in zip(self.shifts, ends, strict=True):
            first, last = -(-(start + shift) // _HOUR), (end + shift - 1) // _HOUR
            found += [
                {"seconds": hour * _HOUR - shift, "clock": f"{hour % 24:02}:00"} for hour in range(first, last + 1)
            ]
        return found


class Days:
    """The local days of a corpus; by UTC where no zone is known.

    Args:
        catalogue: of its items.
        ranges: column of numbers -> ``least``, ``most``, ``low`` and ``high`` of the corpus, as far as they are known.
    """

    def __init__(self, catalogue: Catalogue, ranges: Ranges) -> None:
        self._catalogue, self._ranges = catalogue, ranges

    @cached_property
    def _days(self) -> np.ndarray:
        """Of each item, counted from 1970: int32 [n]."""
        local = self._catalogue.local()
        return np.where(local == UNKNOWN, _NO_DAY, local // DAY).astype(np.int32)

    @cached_property
    def _known(self) -> np.ndarray:
        """Days with items, ascending."""
        return np.unique(self._days[self._days != _NO_DAY])

    def day_of(self, row: int) -> date | None:
        """Return the day of an item, or None if its time is not known."""
        number = int(self._days[row])
        return None if number == _NO_DAY else date_of(number)

    def rows(self, day: date) -> np.ndarray:
        """Return the items of a day in order of time."""
        rows = np.flatnonzero(self._days == number_of(day))
        return rows[np.argsort(self._catalogue.times[rows], kind="stable")]

    def describe(self, day: date, shown: int | None = None) -> dict[str, Any]:
        """Return a day as JSON has it.

        Args:
            day: one without items is empty, and still knows its neighbours.
            shown: an item that is among those shown however many there are.
        """
        catalogue, every = self._catalogue, self.rows(day)
        rows = _thinned(every, shown)
        times, offsets = catalogue.times[rows].astype(np.int64), catalogue.offsets[rows].astype(np.int64)
        timeline = Timeline.of(number_of(day), times, offsets)
        seconds = timeline.seconds.tolist()
        clocks = ((times + offsets) % DAY).tolist()
        previous, following = self._neighbours(day)
        return {
            "day": day.isoformat(),
            "weekday": f"{day:%A}",
            "zone": "local" if catalogue.zoned else "UTC",
            "previous": previous,
            "next": following,
            "total": len(every),
            "length": timeline.length,
            "ticks": timeline.ticks(),
            "photographs": [
                {"id": catalogue.ids[row], "clock": _clock(clock), "seconds": second, "event": event}
                for row, clock, second, event in zip(
                    rows.tolist(), clocks, seconds, catalogue.events[rows].tolist(), strict=True
                )
            ],
            "readings": {"times": seconds, "series": self._series(rows)},
            "track": self._track(rows, seconds),
        }

    def _neighbours(self, day: date) -> tuple[str | None, str | None]:
        """Return the days with items before and after one."""
        number = number_of(day)
        before = self._known[: np.searchsorted(self._known, number)]
        after = self._known[np.searchsorted(self._known, number, side="right") :]
        return (
            date_of(int(before[-1])).isoformat() if len(before) else None,
            date_of(int(after[0])).isoformat() if len(after) else None,
        )

    def _series(self, rows: np.ndarray) -> list[dict[str, Any]]:
        """Return the columns that change within a day, those that tell most first."""
        found = []
        for name in in_order(self._catalogue.numbers):
            values = self._catalogue.numbers[name][rows]
            known = np.isfinite(values)
            if len(np.unique(values[known])) < 2:
                continue
            told = [_rounded(value) if ok else None for value, ok in zip(values, known, strict=True)]
            corpus: Mapping[str, Any] = self._ranges.get(name, {})
            range_of_corpus = {end: _rounded(corpus[end]) for end in _ENDS if end in corpus}
            found.append({"name": name, "values": told} | range_of_corpus)
        return found

    def _track(self, rows: np.ndarray, seconds: list[int]) -> list[list[float]]:
        """Return where a day went, as latitude, longitude and seconds; where it stayed, only the first."""
        where = self._catalogue.positions[rows]
        known = np.flatnonzero(np.isfinite(where).all(axis=1))
        if not len(known):
            return []
        moved = np.r_[True, (np.diff(where[known], axis=0) != 0).any(axis=1)]
        return [[round(float(where[k, 0]), 6), round(float(where[k, 1]), 6), seconds[k]] for k in known[moved].tolist()]


def _thinned(rows: np.ndarray, shown: int | None) -> np.ndarray:
    """Return at most so many rows as are shown, evenly spaced, with the one that must be there."""
    if len(rows) <= MOST_SHOWN:
        return rows
    places = np.linspace(0, len(rows) - 1, MOST_SHOWN).round().astype(np.int64)
    here = np.flatnonzero(rows == (-1 if shown is None else shown))
    if len(here) and here[0] not in places:
        places[np.abs(places - here[0]).argmin()] = here[0]
    return rows[places]


def _clock(seconds: int) -> str:
    return f"{seconds // _HOUR:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _rounded(value: float) -> float:
    return float(f"{float(value):.{_DIGITS}g}")

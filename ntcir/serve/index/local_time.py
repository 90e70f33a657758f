"""How far local time is ahead of UTC, from the zones in readings, or from the hour on the writer's clock."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ntcir.serve.day_numbers import DAY
from ntcir.serve.index.catalogue import UNKNOWN

ZONES = ("new_timezone", "time_zone")  # the first counts; where it is missing, the next
LOCAL_HOUR = "local_hour"  # that readers of corpora add
_QUARTER = 900  # seconds, of which all offsets from UTC are multiples
_HALF_DAY = 48  # such quarters


def offsets_by_zone(times: np.ndarray, zones: Sequence[pd.Series]) -> tuple[np.ndarray, np.ndarray]:
    """Return the seconds that local time is ahead of UTC, int32 [n], and where that is known, bool [n].

    Args:
        times: int64 [n], seconds since 1970 in UTC.
        zones: names of time zones [n], the better ones first; a name that is no zone's counts as missing.
    """
    offsets, known = np.zeros(len(times), dtype=np.int32), np.zeros(len(times), dtype=bool)
    stamps = pd.Series(pd.to_datetime(np.where(times == UNKNOWN, 0, times), unit="s", utc=True))
    for names in zones:
        codes, values = pd.factorize(names)
        codes = np.where(known | (times == UNKNOWN), -1, codes)
        order = np.argsort(codes, kind="stable")
        starts = np.searchsorted(codes[order], np.arange(len(values) + 1))
        for code, zone in enumerate(values):
            rows = order[starts[code] : starts[code + 1]]
            if not len(rows):
                continue
            try:
                local = stamps.iloc[rows].dt.tz_convert(str(zone)).dt.tz_localize(None)
            except (LookupError, ValueError, OSError):  # what pandas and zoneinfo raise for an unknown zone
                continue
            offsets[rows] = local.to_numpy().astype("datetime64[s]").astype(np.int64) - times[rows]
            known[rows] = True
    return offsets, known


def offsets_by_hour(times: np.ndarray, hours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the same from the hours on a local clock, float64 [n], 0 to 24, NaN where there is none.

    Twelve hours behind UTC and twelve ahead of it are told apart by neither clock: the latter is taken.
    """
    known = np.isfinite(hours) & (times != UNKNOWN)
    ahead = np.where(known, hours, 0.0) - np.where(known, times, 0) % DAY / 3600
    quarters = np.rint(ahead * 3600 / _QUARTER).astype(np.int64)
    quarters = _HALF_DAY - (_HALF_DAY - quarters) % (2 * _HALF_DAY)  # from -12 hours (not included) to 12
    return np.where(known, quarters * _QUARTER, 0).astype(np.int32), known


def carried(offsets: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return offsets where each that is not known is that of the item before, the first ones that of the next.

    Args:
        offsets: int32 [n], in order of time.
        known: bool [n]; if none is, all offsets are 0.
    """
    if not known.any():
        return np.zeros_like(offsets)
    last = np.maximum.accumulate(np.where(known, np.arange(len(known)), -1))
    return offsets[np.where(last < 0, np.argmax(known), last)]

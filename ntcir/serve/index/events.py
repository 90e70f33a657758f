"""Events: neighbours in time that look alike.

A new event begins after a long gap, with a new day, and where the photographs before and those after look unlike: the
cosine between the means of their vectors has a valley there, as in TextTiling (Hearst 1997, "TextTiling: Segmenting
text into multi-paragraph subtopic passages", section 4). How deep a valley must be depends on the valleys of the whole
corpus, so that it fits any model's vectors.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ntcir.serve.day_numbers import DAY
from ntcir.serve.index.catalogue import UNKNOWN

GAP = 600  # seconds without an item, after which a new event begins
_SIDE = 3  # items on either side of a place whose vectors are averaged
_REACH = 8  # places on either side among which the peaks beside a valley are looked for
_DEEP = 1.0  # standard deviations above the mean depth of all places
_BLOCK = 8192  # items whose vectors are in memory at once

Take = Callable[[np.ndarray], np.ndarray]


def events_of(times: np.ndarray, offsets: np.ndarray, take: Take) -> np.ndarray:
    """Return the number of each item's event, int32 [n], ascending from 0.

    Args:
        times: int64 [n], seconds since 1970 in UTC, ascending; ``UNKNOWN`` at the end, each an event of its own.
        offsets: int32 [n], seconds that local time is ahead of UTC.
        take: rows, int64 [k] -> unit vectors, float32 [k, dim].
    """
    begins = _certain(times, offsets)
    likeness = _likeness(begins, take)
    return np.cumsum(begins | _valleys(likeness, begins), dtype=np.int32) - np.int32(1)


def _certain(times: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return where an event certainly begins, bool [n]: at the first item, after a gap, with a new local day."""
    begins = np.ones(len(times), dtype=bool)
    timed = times != UNKNOWN
    days = np.where(timed, times + offsets, 0) // DAY
    with np.errstate(over="ignore"):
        gaps = times[1:] - times[:-1] > GAP
    begins[1:] = gaps | (days[1:] != days[:-1]) | ~timed[1:]
    return begins


def _likeness(begins: np.ndarray, take: Take) -> np.ndarray:
    """Return the cosine between the means of the vectors before each item and from it on, float32 [n].

    Means are of up to three vectors, and reach over no certain beginning. NaN where an event certainly begins.
    """
    parts = np.cumsum(begins)
    found = np.full(len(begins), np.nan, dtype=np.float32)
    for start in range(0, len(begins), _BLOCK):
        stop = min(start + _BLOCK, len(begins))
        low, high = max(start - _SIDE, 0), min(stop + _SIDE - 1, len(begins))
        if begins[start:stop].all():
            continue
        vectors, part = take(np.arange(low, high)), parts[low:high]
        here = np.flatnonzero(~begins[start:stop]) + start - low
        before, after = vectors[here - 1].copy(), vectors[here].copy()
        for step in range(1, _SIDE):
            earlier, later = np.maximum(here - 1 - step, 0), np.minimum(here + step, len(vectors) - 1)
            before += vectors[earlier] * ((part[earlier] == part[here]) & (earlier == here - 1 - step))[:, None]
            after += vectors[later] * ((part[later] == part[here]) & (later == here + step))[:, None]
        lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
        found[here + low] = np.einsum("ij,ij->i", before, after) / np.maximum(lengths, 1e-12)
    return found


def _valleys(likeness: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """Return where likeness has a deep valley, bool [n].

    The depth of a place is how far the peaks on its left and on its right rise above it, added up.
    """
    inner = ~begins
    if not inner.any():
        return inner
    parts = np.cumsum(begins)
    own = np.where(inner, likeness, -np.inf)
    left, right, lowest = own.copy(), own.copy(), np.where(inner, likeness, np.inf)
    for step in range(1, _REACH + 1):
        same = (parts[step:] == parts[:-step]) & inner[step:] & inner[:-step]
        np.maximum(left[step:], own[:-step], out=left[step:], where=same)
        np.maximum(right[:-step], own[step:], out=right[:-step], where=same)
        if step < _SIDE:
            np.minimum(lowest[step:], own[:-step], out=lowest[step:], where=same)
            np.minimum(lowest[:-step], own[step:], out=lowest[:-step], where=same)
    depth = np.zeros(len(likeness))
    depth[inner] = left[inner].astype(np.float64) + right[inner] - 2.0 * likeness[inner]
    enough = depth[inner].mean() + _DEEP * depth[inner].std()
    found: np.ndarray = inner & (likeness <= lowest) & (depth > enough)
    return found

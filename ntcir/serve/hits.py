"""Items as the page is told of them: plain values, which it shows as text and never reads as HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from ntcir.modalities import modality
from ntcir.serve.index.catalogue import UNKNOWN, Catalogue

# Columns of words that a person knows a moment by, those of a lifelog first; else the first ones that there are.
_TELLING = ("semantic_name", "original_name", "movement", "city")
_MOST_LABELS = 2  # under a photograph
_LONGEST = 240  # characters of a caption under a photograph


@dataclass(frozen=True)
class Clock:
    """A local time.

    Attributes:
        day: ``2020-03-16``.
        time: ``16:50:48``.
        weekday: ``Mon``.
    """

    day: str
    time: str
    weekday: str

    @classmethod
    def of(cls, catalogue: Catalogue, row: int) -> Clock | None:
        """Return the local time of an item, or None."""
        seconds = int(catalogue.times[row])
        if seconds == UNKNOWN:
            return None
        when = datetime.fromtimestamp(seconds + int(catalogue.offsets[row]), UTC)
        return cls(f"{when:%Y-%m-%d}", f"{when:%H:%M:%S}", f"{when:%a}")


def main_labels(catalogue: Catalogue) -> list[str]:
    """Return the columns of words that stand under a photograph."""
    known = [name for name in _TELLING if name in catalogue.labels]
    return (known or list(catalogue.labels))[:_MOST_LABELS]


def describe(
    catalogue: Catalogue,
    rows: Sequence[int] | np.ndarray,
    scores: np.ndarray | None = None,
    *,
    first: int = 0,
    sizes: np.ndarray | None = None,
    partners: np.ndarray | None = None,
) -> list[dict[str, Any]]:
    """Return items as JSON has them.

    Args:
        catalogue: of the items.
        rows: which, in order.
        scores: float32 [rows]; None where nothing is asked.
        first: the rank of the first, from 0.
        sizes: int64 [rows], how many hits the event of each has, where hits are grouped.
        partners: int64 [rows], what happens before or after each; -1 for nothing.
    """
    found = []
    for place, row in enumerate(map(int, rows)):
        hit = one(catalogue, row) | {"rank": first + place + 1}
        hit["score"] = None if scores is None else told(scores[place])
        if sizes is not None:
            hit["in_event"] = int(sizes[place])
        if partners is not None and partners[place] >= 0:
            hit["then"] = one(catalogue, int(partners[place]))
        found.append(hit)
    return found


def one(catalogue: Catalogue, row: int) -> dict[str, Any]:
    """Return an item as JSON has it: ``id``, ``day``, ``clock``, ``weekday``, ``position``, ``caption``, ``labels``."""
    clock = Clock.of(catalogue, row)
    where = [float(each) for each in catalogue.positions[row]]
    labels = {name: catalogue.labels[name] for name in main_labels(catalogue)}
    return {
        "id": catalogue.ids[row],
        "day": clock and clock.day,
        "clock": clock and clock.time,
        "weekday": clock and clock.weekday,
        "position": [round(each, 6) for each in where] if all(map(math.isfinite, where)) else None,
        "event": int(catalogue.events[row]),
        "caption": caption_of(catalogue, row),
        "labels": {name: each.values[code] for name, each in labels.items() if (code := int(each.codes[row])) >= 0},
    }


def told(number: float) -> float:
    """Return a number of single precision as JSON has it: its 9 digits, by which it is known, and no more."""
    return float(f"{float(number):.9g}")


def caption_of(catalogue: Catalogue, row: int) -> str | None:
    """Return what is read under an item: a caption, or the item itself where it is no picture."""
    if catalogue.captions is not None:
        text = catalogue.captions[row]
    elif modality(catalogue.modality).pictured:
        return None
    else:
        text = catalogue.contents[row]
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"

"""What is told of an item: its time and place, its words, its event, as JSON and tables have them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from ntcir.serve.catalogue import UNKNOWN, Catalogue

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(catalogue: Catalogue, row: int) -> tuple[datetime, datetime] | None:
    """Return when an item was, in UTC and on the wall clock there; None where that is not known."""
    seconds = int(catalogue.times[row])
    if seconds == UNKNOWN:
        return None
    utc = _EPOCH + timedelta(seconds=seconds)
    return utc, utc + timedelta(seconds=int(catalogue.offsets[row]))


def position(catalogue: Catalogue, row: int) -> tuple[float, float] | None:
    """Return where an item was, latitude and longitude in degrees; None where that is not known."""
    latitude, longitude = (float(each) for each in catalogue.positions[row])
    return (latitude, longitude) if np.isfinite([latitude, longitude]).all() else None


def labels(catalogue: Catalogue, row: int) -> dict[str, str]:
    """Return the words of an item by column, without columns in which it has none."""
    found = ((column, each.values, int(each.codes[row])) for column, each in catalogue.labels.items())
    return {column: values[code] for column, values, code in found if code >= 0}


def item_tree(catalogue: Catalogue, row: int) -> dict[str, Any]:
    """Return what is told of an item, as a JSON object."""
    when, where = moment(catalogue, row), position(catalogue, row)
    event = catalogue.events[row]  # a number of the array's own type, or searching would copy the whole array
    first, behind = (int(np.searchsorted(catalogue.events, event, side)) for side in ("left", "right"))
    return {
        "id": catalogue.ids[row],
        "time": when and f"{when[0]:%Y-%m-%dT%H:%M:%SZ}",
        "day": when and f"{when[1]:%Y-%m-%d}",
        "clock": when and f"{when[1]:%H:%M:%S}",
        "position": where and list(where),
        "event": int(event),
        "in_event": behind - first,
        "caption": catalogue.captions[row] if catalogue.captions is not None else None,
        "labels": labels(catalogue, row),
    }


def gone_tree(item: str) -> dict[str, Any]:
    """Return the same for an item that the corpus no longer has."""
    empty = dict.fromkeys(("time", "day", "clock", "position", "event", "in_event", "caption"))
    return {"id": item, **empty, "labels": {}}

"""Which columns of a table of readings are a position."""

from __future__ import annotations

from collections.abc import Iterable

# Latitude and longitude in degrees, the better ones first: VAISL's are smoothed, those of the metadata are not.
POSITIONS = (("new_lat", "new_lng"), ("latitude", "longitude"), ("lat", "lng"), ("lat", "lon"))


def position_columns(columns: Iterable[object]) -> list[tuple[str, str]]:
    """Return the pairs of columns, latitude and longitude, that are there; the better ones first."""
    there = set(map(str, columns))
    return [pair for pair in POSITIONS if set(pair) <= there]

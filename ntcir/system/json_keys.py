"""JSON objects in which a key that comes twice is a mistake, not a value that hides another."""

from __future__ import annotations

from typing import Any


def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object's keys and values, for ``object_pairs_hook`` of ``json.loads``.

    Raises:
        ValueError: naming the first key that comes twice.
    """
    fields: dict[str, Any] = {}
    for key, value in pairs:
        if key in fields:
            raise ValueError(f"the key {key!r} appears twice")
        fields[key] = value
    return fields

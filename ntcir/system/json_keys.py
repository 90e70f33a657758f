"""JSON objects in which a repeated key is an error, instead of one value silently replacing another."""

from __future__ import annotations

from typing import Any


def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object's keys and values, for ``object_pairs_hook`` of ``json.loads``.

    Raises:
        ValueError: naming the first key that appears twice.
    """
    fields: dict[str, Any] = {}
    for key, value in pairs:
        if key in fields:
            raise ValueError(f"the key {key!r} appears twice")
        fields[key] = value
    return fields

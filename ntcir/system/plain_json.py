"""JSON written by programs and possibly damaged since: whatever is wrong with it is a ``ValueError``."""

from __future__ import annotations

import json
import sys
from typing import Any, TypeGuard


def parse_json(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: if it is not JSON, not UTF-8, or nested too deeply for Python.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is too deeply nested") from error


def is_finite_number(value: object) -> TypeGuard[int | float]:
    """Return whether a value is a number, not true or false, that a float can hold; JSON's may have any length."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def parse_object(text: str | bytes) -> dict[str, Any]:
    """Return the value of a JSON text that is an object.

    Raises:
        ValueError: as ``parse_json``, or if it is something else.
    """
    tree = parse_json(text)
    if not isinstance(tree, dict):
        raise ValueError("it is not a JSON object")
    return tree

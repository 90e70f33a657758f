"""Values as they are typed into an address: read, with a reason where they are not valid, and written."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeVar

from ntcir.system.errors import UserError, short

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Order = Literal["after", "before"]
Value = TypeVar("Value")


@dataclass(frozen=True)
class Area:
    """A part of the map, in degrees; one over the date line has a west greater than its east."""

    south: float
    west: float
    north: float
    east: float


def single(key: str, text: str, read: Callable[[str], Value]) -> Value:
    """Return what is read of the value of a key.

    Raises:
        UserError: if it is not valid, with the reason that ``read`` gives in a ``ValueError``.
    """
    try:
        return read(text.strip())
    except ValueError as error:
        raise UserError(f"{key}={short(text)} is not valid: {error}.") from None


class Single:
    """Reads keys that count once; of several values the last counts, as in a form that repeats a field."""

    def __init__(self, given: Mapping[str, list[str]]) -> None:
        self._given = given

    def __call__(self, key: str, read: Callable[[str], Value], missing: Value) -> Value:
        """Return what is read of the last value of a key, or what stands for none."""
        values = self._given.get(key)
        return single(key, values[-1], read) if values else missing


def number(text: str) -> float:
    """Return a finite number."""
    try:
        value = float(text)
    except ValueError:
        raise ValueError("it is not a number") from None
    if not math.isfinite(value):
        raise ValueError("it is not a finite number")
    return value


def minutes(text: str) -> float:
    """Return minutes, up to a week."""
    value = number(text)
    if not 0 < value <= 7 * 24 * 60:
        raise ValueError("it must be more than 0 and at most 10080 minutes (a week)")
    return value


def order(text: str) -> Order:
    """Return what comes first."""
    if text == "after":
        return "after"
    if text == "before":
        return "before"
    raise ValueError("it must be after or before")


def group(text: str) -> str:
    """Return how hits are grouped."""
    if text not in {"event", "none"}:
        raise ValueError("it must be event or none")
    return text


def flag(text: str) -> bool:
    """Return a yes or no."""
    if text not in {"0", "1"}:
        raise ValueError("it must be 0 or 1")
    return text == "1"


def day(text: str) -> date:
    """Return a day."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("write a day as 2020-03-16") from None


def weekday(text: str) -> int:
    """Return 0 for Monday, and so on."""
    if text not in WEEKDAYS:
        raise UserError(f"weekday={short(text)} is not valid: it must be one of {', '.join(WEEKDAYS)}.")
    return WEEKDAYS.index(text)


def hours(text: str) -> tuple[float, float]:
    """Return two hours of a day."""
    first, dash, last = text.partition("-")
    if not dash:
        raise ValueError("write hours as 8-12")
    found = number(first), number(last)
    if not all(0 <= each <= 24 for each in found):
        raise ValueError("hours lie between 0 and 24")
    return found


def area(text: str) -> Area:
    """Return a part of the map."""
    parts = [number(part) for part in text.split(",")]
    if len(parts) != 4:
        raise ValueError("write an area as south,west,north,east in degrees")
    found = Area(*parts)
    if not -90 <= found.south <= found.north <= 90:
        raise ValueError("latitudes lie between -90 and 90, the south first")
    return found


def spelled(value: float) -> str:
    """Return the shortest text that is read as the number."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))

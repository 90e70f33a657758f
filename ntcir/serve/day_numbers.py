"""Days as numbers, counted from 1970, as times in seconds divide into them."""

from __future__ import annotations

from datetime import date, timedelta

DAY = 86_400  # seconds
THURSDAY = 3  # the weekday of day 0, counted from Monday
_FIRST = date(1970, 1, 1)


def number_of(day: date) -> int:
    """Return the number of a day."""
    return (day - _FIRST).days


def date_of(number: int) -> date:
    """Return the day of a number."""
    return _FIRST + timedelta(days=number)

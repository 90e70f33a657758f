"""What a form offers to narrow by: days, the most frequent words, the range of each number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import numpy as np

from ntcir.serve.day_numbers import DAY, date_of
from ntcir.serve.index.catalogue import Catalogue

MOST = 200  # values of a column of words


class Day(TypedDict):
    """A local day, ``YYYY-MM-DD``, and how many items it has."""

    day: str
    count: int


class Value(TypedDict):
    """A value of a column of words, and how many items have it."""

    value: str
    count: int


class Spread(TypedDict):
    """A column of numbers: how many items have one, the least and the most, and what a twentieth is below and above."""

    known: int
    least: float
    most: float
    low: float
    high: float


class Facets(TypedDict):
    """What a form offers, as JSON can hold it.

    Keys:
        days: with items, in their order.
        labels: column -> values, the most frequent first; at most 200.
        numbers: column -> its range.
    """

    days: list[Day]
    labels: dict[str, list[Value]]
    numbers: dict[str, Spread]


def facets_of(catalogue: Catalogue) -> Facets:
    """Return what can be narrowed by in a catalogue."""
    local = catalogue.local()[catalogue.known_times()]
    days, counts = np.unique(local // DAY, return_counts=True)
    return Facets(
        days=[
            Day(day=date_of(day).isoformat(), count=count)
            for day, count in zip(days.tolist(), counts.tolist(), strict=True)
        ],
        labels={
            column: [
                Value(value=value, count=count)
                for value, count in zip(labels.values[:MOST], _counts(labels.codes)[:MOST].tolist(), strict=True)
            ]
            for column, labels in catalogue.labels.items()
        },
        numbers={column: _spread(numbers) for column, numbers in catalogue.numbers.items()},
    )


def read_facets(tree: Mapping[str, Any]) -> Facets:
    """Return what ``facets_of`` returned, from JSON.

    Raises:
        KeyError, TypeError, AttributeError: if it was not.
    """
    return Facets(
        days=[Day(day=each["day"], count=each["count"]) for each in tree["days"]],
        labels={
            column: [Value(value=each["value"], count=each["count"]) for each in values]
            for column, values in tree["labels"].items()
        },
        numbers={
            column: Spread(
                known=each["known"], least=each["least"], most=each["most"], low=each["low"], high=each["high"]
            )
            for column, each in tree["numbers"].items()
        },
    )


def _counts(codes: np.ndarray) -> np.ndarray:
    return np.bincount(codes[codes >= 0])


def _spread(numbers: np.ndarray) -> Spread:
    known = np.sort(numbers[np.isfinite(numbers)])
    low, high = (float(known[round(share * (len(known) - 1))]) for share in (0.05, 0.95))
    return Spread(known=len(known), least=float(known[0]), most=float(known[-1]), low=low, high=high)

"""What a form offers to narrow by: days, the most frequent words, the range of each number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from ntcir.serve.catalogue import Catalogue

MOST = 200  # values of a column of words
_DAY = 86_400


@dataclass(frozen=True)
class Spread:
    """A column of numbers.

    Attributes:
        known: how many items have one.
        least: of all.
        most: of all.
        low: a twentieth lies below.
        high: a twentieth lies above.
    """

    known: int
    least: float
    most: float
    low: float
    high: float


@dataclass(frozen=True)
class Facets:
    """What a form offers.

    Attributes:
        days: local days with items, in their order, and how many.
        labels: column -> values, the most frequent first, and how many items have each; at most 200.
        numbers: column -> its range.
    """

    days: Mapping[date, int]
    labels: Mapping[str, Mapping[str, int]]
    numbers: Mapping[str, Spread]

    def to_json(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {
            "days": {day.isoformat(): count for day, count in self.days.items()},
            "labels": {column: list(map(list, values.items())) for column, values in self.labels.items()},
            "numbers": {column: asdict(spread) for column, spread in self.numbers.items()},
        }

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> Facets:
        """Return what ``to_json`` was called on.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: if it was not.
        """
        return cls(
            {date.fromisoformat(day): int(count) for day, count in tree["days"].items()},
            {column: {str(value): int(count) for value, count in values} for column, values in tree["labels"].items()},
            {column: Spread(**spread) for column, spread in tree["numbers"].items()},
        )


def facets_of(catalogue: Catalogue) -> Facets:
    """Return what can be narrowed by in a catalogue."""
    local = catalogue.local()[catalogue.known_times()]
    days, counts = np.unique(local // _DAY, return_counts=True)
    first = date(1970, 1, 1)
    return Facets(
        {first + timedelta(days=int(day)): int(count) for day, count in zip(days, counts, strict=True)},
        {
            column: dict(zip(labels.values[:MOST], _counts(labels.codes)[:MOST].tolist(), strict=True))
            for column, labels in catalogue.labels.items()
        },
        {column: _spread(numbers) for column, numbers in catalogue.numbers.items()},
    )


def _counts(codes: np.ndarray) -> np.ndarray:
    return np.bincount(codes[codes >= 0])


def _spread(numbers: np.ndarray) -> Spread:
    known = np.sort(numbers[np.isfinite(numbers)])
    low, high = (float(known[round(share * (len(known) - 1))]) for share in (0.05, 0.95))
    return Spread(len(known), float(known[0]), float(known[-1]), low, high)

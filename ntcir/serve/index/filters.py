"""Which items pass what a person narrows by."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Protocol

import numpy as np

from ntcir.serve.day_numbers import DAY, THURSDAY, number_of
from ntcir.serve.index.catalogue import Catalogue
from ntcir.serve.state import Narrow
from ntcir.serve.typed import Area, spelled
from ntcir.system.errors import UserError, did_you_mean, short, some

_HOUR = 3_600  # seconds


class Judged(Protocol):
    """Which photographs are blurred or dark, bool [n]; see ``ntcir.serve.pictures.quality``."""

    @property
    def judged(self) -> int:
        """How many photographs are judged so far."""

    def blurred(self) -> np.ndarray:
        """Return which are blurred."""

    def dark(self) -> np.ndarray:
        """Return which are dark."""


def passing(narrow: Narrow, catalogue: Catalogue, quality: Judged | None) -> np.ndarray | None:
    """Return which items pass, bool [n]; None where nothing is narrowed.

    Days, weekdays and hours are local ones. An item that lacks what is asked about, such as a time or a position,
    does not pass.

    Args:
        narrow: by what.
        catalogue: of the items.
        quality: of photographs; None where nobody knows it.

    Raises:
        UserError: if there is no such column or value, the hours are equal, or nobody knows the quality.
    """
    if not narrow:
        return None
    found = np.ones(len(catalogue), dtype=bool)
    if narrow.first or narrow.last or narrow.hours or narrow.weekdays:
        found &= _in_time(narrow, catalogue)
    for column, values in narrow.labels:
        found &= _labelled(catalogue, column, values)
    for column, low, high in narrow.ranges:
        found &= _within(catalogue, column, low, high)
    if narrow.area:
        found &= _in_area(narrow.area, catalogue.positions)
    if (narrow.sharp or narrow.bright) and quality is None:
        raise UserError("Nothing is known of how sharp and how bright the items are: leave out sharp and bright.")
    if narrow.sharp and quality is not None:
        found &= ~quality.blurred()
    if narrow.bright and quality is not None:
        found &= ~quality.dark()
    return found


def _in_time(narrow: Narrow, catalogue: Catalogue) -> np.ndarray:
    local = catalogue.local()
    found = catalogue.known_times()
    if narrow.first:
        found &= local >= number_of(narrow.first) * DAY
    if narrow.last:
        found &= local < (number_of(narrow.last) + 1) * DAY
    if not (narrow.hours or narrow.weekdays):
        return found
    days = np.floor_divide(local, DAY)
    if narrow.weekdays:
        chosen = np.zeros(7, dtype=bool)
        chosen[list(narrow.weekdays)] = True
        found &= chosen[(days + THURSDAY) % 7]
    if narrow.hours:
        first, last = narrow.hours
        if first == last:
            raise UserError(f"hours={spelled(first)}-{spelled(last)} is empty: the two hours must differ.")
        seconds = local - days * DAY
        after, before = seconds >= first * _HOUR, seconds < last * _HOUR
        found &= after & before if first < last else after | before
    return found


def _labelled(catalogue: Catalogue, column: str, values: Iterable[str]) -> np.ndarray:
    if column not in catalogue.labels:
        raise _no_column("words", column, catalogue.labels)
    labels = catalogue.labels[column]
    place = {value: code for code, value in enumerate(labels.values)}
    chosen = np.zeros(len(place) + 1, dtype=bool)  # the last is that of -1: no value
    for value in values:
        if value not in place:
            hint = did_you_mean(value, place) or f"; the most frequent are: {some(labels.values)}"
            raise UserError(f"No item has {short(column)} = '{short(value)}'{hint}.")
        chosen[place[value]] = True
    found: np.ndarray = chosen[labels.codes]
    return found


def _within(catalogue: Catalogue, column: str, low: float, high: float) -> np.ndarray:
    if column not in catalogue.numbers:
        raise _no_column("numbers", column, catalogue.numbers)
    numbers = catalogue.numbers[column]
    with np.errstate(over="ignore"):  # a bound beyond single precision is infinite
        found: np.ndarray = (numbers >= np.float32(low)) & (numbers <= np.float32(high))
    return found


def _in_area(area: Area, positions: np.ndarray) -> np.ndarray:
    """Return what lies in an area, bool [n]; a map that was moved around the earth has longitudes beyond 180."""
    latitudes, longitudes = positions[:, 0], positions[:, 1]
    found: np.ndarray = (latitudes >= np.float32(area.south)) & (latitudes <= np.float32(area.north))
    if area.east - area.west >= 360:
        return found
    west, east = _turned(area.west), _turned(area.east)
    after, before = longitudes >= np.float32(west), longitudes <= np.float32(east)
    return found & (after & before if west <= east else after | before)


def _turned(longitude: float) -> float:
    """Return a longitude between -180 and 180."""
    return longitude if -180 <= longitude <= 180 else math.remainder(longitude, 360.0)


def _no_column(kind: str, column: str, known: Iterable[str]) -> UserError:
    names = list(known)
    there = f"; there are: {some(names, 40)}" if names else "; there are none"
    return UserError(f"There is no column of {kind} '{short(column)}'{did_you_mean(column, names)}{there}.")

"""Rows of a CSV file: their numbers, and which do not have as many cells as the header has columns.

A decimal comma without quotes makes a row longer, and moves every cell behind it by one; pandas cuts off what is then
too much, silently.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

_BLOCK = 1 << 22  # bytes looked at at a time
_NEWLINE, _RETURN, _COMMA, _QUOTE = b'\n\r,"'


@dataclass(frozen=True)
class Rows:
    """The rows below a header, in the order in which pandas has them.

    Attributes:
        numbers: the number of each in the file, blank ones counted; int64 [rows]. The header is row 1.
        longer: positions of rows in which something stands behind the last column -> how many cells each has.
        shorter: positions of rows that end before the last column.
    """

    numbers: np.ndarray
    longer: dict[int, int] = field(default_factory=dict)
    shorter: list[int] = field(default_factory=list)


def survey(path: Path, columns: int) -> Rows:
    """Look at the rows of a CSV file.

    Args:
        path: the file, in UTF-8.
        columns: how many its header has.

    Raises:
        OSError, UnicodeDecodeError, csv.Error: if it cannot be read.
    """
    regular = 0
    for commas, blank in _lines(path):
        if blank.any() or (commas != columns - 1).any():
            return _survey_by_row(path, columns)
        regular += len(commas)
    return Rows(np.arange(2, regular + 1))


def _lines(path: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield of the lines of each block how many commas they have, and whether they are blank; int64 and bool [lines].

    What stands in quotes does not count, line breaks included. Where quotes are not those of CSV, some line comes out
    with too many commas or too few.
    """
    quoted, commas_before, length_before = False, 0, 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            data = np.frombuffer(block, np.uint8)
            quotes = np.flatnonzero(data == _QUOTE)
            ends, commas = (
                places[(np.searchsorted(quotes, places) + quoted) % 2 == 0]
                for places in (np.flatnonzero(data == _NEWLINE), np.flatnonzero(data == _COMMA))
            )
            quoted = (len(quotes) + quoted) % 2 == 1
            if len(ends):
                counts = np.diff(np.searchsorted(commas, ends), prepend=0)
                counts[0] += commas_before
                lengths = np.diff(ends, prepend=-1) - 1 - (data[np.maximum(ends - 1, 0)] == _RETURN)
                lengths[0] += length_before
                yield counts, lengths <= 0
                commas_before, length_before = len(commas) - int(np.searchsorted(commas, ends[-1])), 0
                length_before = len(data) - 1 - int(ends[-1])
            else:
                commas_before, length_before = commas_before + len(commas), length_before + len(data)
    if length_before:  # no line break at the end
        yield np.array([commas_before]), np.array([False])


def _survey_by_row(path: Path, columns: int) -> Rows:
    """Look at each row by Python's reader, which takes a few seconds for a million."""
    numbers: list[int] = []
    longer: dict[int, int] = {}
    shorter: list[int] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        next(rows, None)
        for number, row in enumerate(rows, start=2):
            if not row or (len(row) == 1 and row[0] != "" and not row[0].strip(" \t")):
                continue  # as pandas does
            if len(row) > columns and any(cell.strip() for cell in row[columns:]):
                longer[len(numbers)] = len(row)
            elif len(row) < columns:
                shorter.append(len(numbers))
            numbers.append(number)
    return Rows(np.array(numbers, dtype=np.int64), longer, shorter)

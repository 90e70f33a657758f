"""Columns of readings as the page offers them: numbers with a range, words to choose from, and positions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ntcir.corpora.positions import position_columns
from ntcir.serve.index.catalogue import Labels
from ntcir.serve.index.local_time import LOCAL_HOUR
from ntcir.system.errors import some

MOST_VALUES = 2_000  # of a column of words: more are no choice
_DISTINCT, _FEW = 0.9, 20  # a share of distinct values from which on a column names items; not of so few items
_CODE = re.compile("[0-9a-f]{12,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# Why a column is left out.
_EMPTY, _CONSTANT = "no value", "the same value throughout"
_MANY, _IDS = f"more than {MOST_VALUES:,} values", "values that differ nearly everywhere"
_CODES = "codes that only a machine reads"


@dataclass
class Partners:
    """The reading that goes with each item.

    Attributes:
        table: of readings, indexed by id.
        rows: int64 [n], each item's row of the table; -1 where it has none.
    """

    table: pd.DataFrame
    rows: np.ndarray

    def __contains__(self, column: str) -> bool:
        return column in self.table.columns

    def numbers(self, column: str) -> np.ndarray:
        """Return a column of numbers, float64 [n]; NaN where there is none."""
        values = pd.to_numeric(self.table[column], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        return self._taken(values, np.nan)

    def codes(self, column: str) -> tuple[np.ndarray, np.ndarray]:
        """Return a column of words as int64 [n], -1 where there is none, and the distinct words in the table."""
        codes, values = pd.factorize(self.table[column].astype(object))
        return self._taken(codes.astype(np.int64), -1), np.asarray(values, dtype=object)

    def words(self, column: str) -> pd.Series:
        """Return a column as it is, object [n]; NaN where there is no value."""
        return pd.Series(self._taken(self.table[column].to_numpy(dtype=object), np.nan))

    def _taken(self, values: np.ndarray, missing: float) -> np.ndarray:
        if not len(values):
            return np.full(len(self.rows), missing, dtype=values.dtype)
        return np.where(self.rows >= 0, values[self.rows], missing)


@dataclass
class Columns:
    """What can be narrowed by.

    Attributes:
        numbers: column -> float32 [n].
        labels: column -> words.
        left_out: why -> columns.
    """

    numbers: dict[str, np.ndarray] = field(default_factory=dict)
    labels: dict[str, Labels] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    def add(self, partners: Partners) -> None:
        """Add the columns of readings, but for those that nobody can narrow by; the first of two of a name stays."""
        for column in map(str, partners.table.columns):
            if column == LOCAL_HOUR or column in self.numbers or column in self.labels:
                continue
            if pd.api.types.is_numeric_dtype(partners.table[column]):
                found: np.ndarray | Labels | str = numbers_of(partners.numbers(column))
            else:
                found = labels_of(*partners.codes(column))
            if isinstance(found, str):
                self.left_out.setdefault(found, []).append(column)
            elif isinstance(found, Labels):
                self.labels[column] = found
            else:
                self.numbers[column] = found

    def remarks(self) -> list[str]:
        """Return which columns are left out, and why, a line for each reason."""
        return [
            f"{'Columns' if len(names) > 1 else 'The column'} {some(names, 12)} "
            f"{'are' if len(names) > 1 else 'is'} not offered: {why}."
            for why, names in self.left_out.items()
        ]


def numbers_of(values: np.ndarray) -> np.ndarray | str:
    """Return numbers, float32 [n], of values, float64 [n]; or why they are left out."""
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    there = narrow[np.isfinite(narrow)]
    if not len(there):
        return _EMPTY
    if there.min() == there.max():
        return _CONSTANT
    return np.where(np.isfinite(narrow), narrow, np.float32(np.nan))


def labels_of(codes: np.ndarray, values: np.ndarray) -> Labels | str:
    """Return labels, the most frequent first; or why they are left out.

    Args:
        codes: int64 [n], an index into ``values``; -1 where an item has none.
        values: distinct words, some of which no item may have.
    """
    counts = np.bincount(codes[codes >= 0], minlength=len(values))
    known, distinct = int(counts.sum()), int((counts > 0).sum())
    if not known:
        return _EMPTY
    if distinct == 1 and known == len(codes):
        return _CONSTANT
    if known > _FEW and distinct > _DISTINCT * known:
        return _IDS
    if distinct > MOST_VALUES:
        return _MANY
    words = np.array([str(value) for value in values], dtype=object)
    if all(_CODE.fullmatch(words[code]) for code in np.flatnonzero(counts)):
        return _CODES
    order = np.lexsort((words.astype(str), -counts))[:distinct]
    place = np.full(len(values) + 1, -1, dtype=np.int32)  # one more for -1
    place[order] = np.arange(distinct)
    return Labels(place[codes], words[order].tolist())


def positions_of(partners: Partners) -> np.ndarray:
    """Return latitudes and longitudes in degrees, float32 [n, 2]; NaN where there is none.

    Where the better columns have no position, the next ones count.
    """
    found = np.full((len(partners.rows), 2), np.nan, dtype=np.float32)
    for names in position_columns(partners.table.columns):
        pair = np.stack([partners.numbers(name) for name in names], axis=1)
        possible = (np.abs(pair) <= (90, 180)).all(axis=1) & np.isnan(found).all(axis=1)
        found[possible] = pair[possible]
    return found


def single_labels(categories: pd.DataFrame, ids: pd.Index) -> Labels | str:
    """Return the one category of each item; or why that cannot be.

    Args:
        categories: items x concepts, 0 or 1.
        ids: of the items.
    """
    cells = categories.reindex(ids).fillna(0).to_numpy() > 0
    several = cells.sum(axis=1)
    if (several > 1).any():
        return "items are in several at once"
    codes = np.where(several > 0, cells.argmax(axis=1), -1)
    return labels_of(codes, np.asarray([str(column) for column in categories.columns], dtype=object))


def merged(found: Mapping[str, np.ndarray], count: int) -> np.ndarray:
    """Return columns of numbers as one array, float32 [columns, n]."""
    return np.stack(list(found.values())) if found else np.empty((0, count), dtype=np.float32)

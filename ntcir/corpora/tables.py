"""Reading CSV files: columns checked by name, ids as text, numbers as numbers, everything else missing."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ntcir.errors import UserError


def header(path: Path) -> list[str]:
    """Return the column names of a CSV file.

    Raises:
        UserError: if the file cannot be read as UTF-8 text.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"Cannot read {path}: {error}.") from error


def read_table(
    path: Path, *, needed: Sequence[str], numeric: Sequence[str], text: Sequence[str], plain: Sequence[str] = ()
) -> pd.DataFrame:
    """Read the named columns of a CSV file.

    Args:
        path: the file; its header is the first line.
        needed: columns without which the file is of no use.
        numeric: columns to return as float64; what is no number becomes NaN; absent ones are left out.
        text: columns to return as categories of text (small in memory), NaN where empty; absent ones left out.
        plain: columns (of those needed) to return as text, one string a row.

    Raises:
        UserError: if the file cannot be read, is empty, or lacks a needed column.
    """
    there = header(path)
    if not there:
        raise UserError(f"{path} is empty.")
    absent = [column for column in needed if column not in there]
    if absent:
        raise UserError(
            f"{path} has no column '{absent[0]}'; it has: {', '.join(name or '(unnamed)' for name in there)}."
        )
    wanted = [column for column in there if column and column in {*needed, *numeric, *text, *plain}]
    # Text is read as text and made categories afterwards: pandas would take categories "00012" for numbers.
    types: dict[str, Any] = dict.fromkeys([column for column in (*text, *plain) if column in wanted], object)
    try:
        table = pd.read_csv(
            path,
            usecols=wanted,
            index_col=False,  # a row that is longer than the header must not shift its columns
            dtype=types,
            encoding="utf-8-sig",
            low_memory=False,
            na_values=[""],
            keep_default_na=True,
        )
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise UserError(f"Cannot read {path}: {' '.join(str(error).split())}.") from error
    for column in (name for name in numeric if name in wanted):
        if table[column].dtype.kind not in "fiu":
            table[column] = pd.to_numeric(table[column].astype(object), errors="coerce")
        table[column] = table[column].astype("float64")
        # An infinite reading is a fault of the export, not a reading.
        table.loc[np.isinf(table[column].to_numpy()), column] = np.nan
    for column in (name for name in text if name in wanted):
        table[column] = pd.Categorical(table[column])
    return table


def day_names(times: pd.Series) -> np.ndarray:
    """Return the UTC day of each time as text ``YYYY-MM-DD``, object [n]; each day is formatted once."""
    days, places = np.unique(times.dt.tz_convert(None).to_numpy().astype("datetime64[D]"), return_inverse=True)
    names: np.ndarray = days.astype(str).astype(object)[places]
    return names

"""Reading CSV files: columns checked by name, ids as text, numbers as numbers, everything else missing."""

from __future__ import annotations

import csv
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ntcir.corpora.corpus import ReadingReport
from ntcir.errors import UserError

_MARK = "="  # before cells that are to stay as written: pandas takes NA, None and the like for missing otherwise


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


def columns_of(path: Path, known: Collection[str]) -> dict[str, str]:
    """Return the columns of a CSV file: as written in its header -> what they are called here.

    That is the same, but for a known column that the file lacks: it is one that differs in case or blanks around it.

    Raises:
        UserError: if the file cannot be read or is empty; if a known column comes twice, or may be either of two.
    """
    there = header(path)
    if not there:
        raise UserError(f"{path} is empty.")
    columns = {name: name for name in there if name}
    for name in filter(None, dict.fromkeys(known)):
        if (times := there.count(name)) > 1:
            raise UserError(f"{path} has {times} columns named '{name}': rename or remove all but one.")
        alike = [written for written in there if written.strip().lower() == name.lower()]
        if not times and len(alike) > 1:
            raise UserError(f"{path} has no column '{name}', but '{alike[0]}' and '{alike[1]}': rename one of them.")
        if not times and alike:
            columns[alike[0]] = name
    return columns


def read_table(
    path: Path,
    *,
    needed: Sequence[str],
    numeric: Sequence[str],
    text: Sequence[str],
    plain: Sequence[str] = (),
    verbatim: Sequence[str] = (),
    report: ReadingReport | None = None,
) -> pd.DataFrame:
    """Read the named columns of a CSV file.

    Args:
        path: the file; its header is the first line.
        needed: columns without which the file is of no use.
        numeric: columns to return as float64; what is no number becomes NaN; absent ones are left out.
        text: columns to return as categories of text (small in memory), NaN where empty; absent ones left out.
        plain: columns (of those needed) to return as text, one string a row.
        verbatim: likewise, and words such as ``NA`` and ``None`` are themselves, not missing values.
        report: is told of columns that are named a little differently.

    Raises:
        UserError: if the file cannot be read, is empty, lacks a needed column, or has two columns of one name.
    """
    known = {*needed, *numeric, *text, *plain, *verbatim}
    columns = columns_of(path, sorted(known))
    absent = [column for column in needed if column not in columns.values()]
    if absent:
        raise UserError(
            f"{path} has no column '{absent[0]}'; it has: {', '.join(name or '(unnamed)' for name in header(path))}."
        )
    names = {written: name for written, name in columns.items() if name in known}
    if report is not None:
        report.notes += [
            f"the column '{written}' of {path.name} is read as '{name}'"
            for written, name in names.items()
            if written != name
        ]
    wanted = list(names.values())
    # Text is read as text and made categories afterwards: pandas would take categories "00012" for numbers.
    types: dict[str, Any] = {written: object for written, name in names.items() if name in {*text, *plain}}
    try:
        table = pd.read_csv(
            path,
            usecols=list(names),
            index_col=False,  # a row that is longer than the header must not shift its columns
            dtype=types,
            converters={written: _marked for written, name in names.items() if name in verbatim},
            encoding="utf-8-sig",
            low_memory=False,
            na_values=[""],
            keep_default_na=True,
        )
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise UserError(f"Cannot read {path}: {' '.join(str(error).split())}.") from error
    table = table.rename(columns=names)
    for column in (name for name in verbatim if name in wanted):
        cells = table[column].astype(object).str.removeprefix(_MARK)
        table[column] = cells.where(cells != "", np.nan)
    for column in (name for name in numeric if name in wanted):
        if table[column].dtype.kind not in "fiu":
            table[column] = pd.to_numeric(table[column].astype(object), errors="coerce")
        table[column] = table[column].astype("float64")
        # An infinite reading is a fault of the export, not a reading.
        table.loc[np.isinf(table[column].to_numpy()), column] = np.nan
    for column in (name for name in text if name in wanted):
        table[column] = pd.Categorical(table[column])
    return table


def _marked(cell: str) -> str:
    return _MARK + cell


def day_names(times: pd.Series) -> np.ndarray:
    """Return the UTC day of each time as text ``YYYY-MM-DD``, object [n]; each day is formatted once."""
    days, places = np.unique(times.dt.tz_convert(None).to_numpy().astype("datetime64[D]"), return_inverse=True)
    names: np.ndarray = days.astype(str).astype(object)[places]
    return names

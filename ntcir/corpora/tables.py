"""Reading CSV files: columns checked by name, ids as text, numbers as numbers, everything else missing."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ntcir.corpora.cells import BLANK_WORDS
from ntcir.corpora.corpus import ReadingReport
from ntcir.corpora.csv_rows import survey
from ntcir.corpora.numbers import MIXED, read_numbers
from ntcir.system.errors import UserError, some
from ntcir.system.first_bytes import kind_of_bytes
from ntcir.system.regular import LARGEST_TEXT, open_regular

_MOST_LONGER = 0.5  # of the rows; if more are longer than the header, the file is at fault
_LONGEST_HEADER = 1 << 20  # characters


def header(path: Path) -> list[str]:
    """Return the column names of a CSV file.

    Raises:
        UserError: if the file cannot be read as UTF-8 text.
    """
    try:
        # No more than the header can have: a file without line breaks is not read whole for it.
        with io.TextIOWrapper(open_regular(path, LARGEST_TEXT), encoding="utf-8-sig", newline="") as file:
            names = next(csv.reader(iter(lambda: file.readline(_LONGEST_HEADER), "")), [])
        if any("\0" in name for name in names):
            raise UnicodeDecodeError("utf-8", b"\0", 0, 1, "it holds zero bytes")
        return names
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(unreadable(path, error)) from error


def unreadable(path: Path, error: Exception) -> str:
    """Return the sentence for a file of text that cannot be read; an ``OSError`` gives its reason."""
    if isinstance(error, UnicodeDecodeError):
        with path.open("rb") as file:
            kind = kind_of_bytes(file.read(64))
        what = f"but {kind}" if kind else f"({error.reason})"
        return f"Cannot read {path}: it is not UTF-8 text {what}; save it as UTF-8."
    if isinstance(error, OSError):
        return f"Cannot read {path}: {(error.strerror or str(error)).lower()}."
    return f"Cannot read {path}: {' '.join(str(error).split()).rstrip('.')}."


def columns_of(path: Path, known: Collection[str]) -> dict[str, str]:
    """Return the columns of a CSV file: as written in its header -> what they are called here.

    That is the same, but for a known column that the file lacks: it is one that differs in case or blanks around it.

    Raises:
        UserError: if the file cannot be read or is empty; if a known column appears twice, or may be either of two.
    """
    there = header(path)
    if not there:
        raise UserError(f"{path} is empty.")
    columns = {name: name for name in there if name.strip()}
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
    numeric: Sequence[str] = (),
    text: Sequence[str] = (),
    plain: Sequence[str] = (),
    raw: Sequence[str] = (),
    report: ReadingReport | None = None,
) -> pd.DataFrame:
    """Read the named columns of a CSV file.

    Rows in which something stands behind the last column are left out: their cells cannot be told apart.

    Args:
        path: the file; its header is the first line.
        needed: columns without which the file is of no use.
        numeric: columns to return as float64; what is not a number becomes NaN; absent ones are left out.
        text: columns to return as categories of text (small in memory), NaN where empty; absent ones left out.
        plain: columns (of those needed) to return as text, one string a row.
        raw: columns to return as text as it is written: ``NA`` and the like are no more missing than any other word.
        report: told of columns that are named a little differently, of rows that are longer or shorter than the
            header, and which cells of the numeric columns are not plain numbers.

    Returns:
        the table, indexed by the number of each row in the file, in which the header is row 1.

    Raises:
        UserError: if the file cannot be read, is empty, lacks a needed column, or has two columns of one name; if most
            of its rows are longer than the header.
    """
    known = {*needed, *numeric, *text, *plain, *raw}
    columns = columns_of(path, sorted(known))
    absent = [column for column in needed if column not in columns.values()]
    if absent:
        there = header(path)
        separated = next((sign for sign in ";\t|" if len(there) == 1 and sign in there[0]), None)
        if separated:
            raise UserError(f"{path} separates its columns with {separated!r}: save it as CSV, with commas.")
        raise UserError(
            f"{path} has no column '{absent[0]}'; it has: {some((name or '(unnamed)' for name in there), 40)}."
        )
    names = {written: name for written, name in columns.items() if name in known}
    if report is not None:
        report.notes += [
            f"the column '{written}' of {path.name} is read as '{name}'"
            for written, name in names.items()
            if written != name
        ]
    numeric = [column for column in numeric if column in names.values()]
    as_text = {*text, *plain, *raw}
    # Text is read as text and made categories afterwards: pandas would take categories "00012" for numbers. Among
    # numbers, words for a missing value are counted, so pandas must not drop them.
    table = _read(path, names, text=as_text, words=known - {*numeric, *raw})
    odd = [column for column in numeric if not _is_plain(table[column])]
    if odd:
        written = {name: column for name, column in names.items() if column in odd}
        table[odd] = _read(path, written, text=set(odd), words=set())[odd]
    table = _straight(table, path, report)
    for column in numeric:
        if column in odd:
            read = read_numbers(table[column])
            table[column] = read.values
            if report is not None:
                report.note(column, read.remarks(lambda row: f"row {table.index[row]} of {path.name}"))
                if read.filled and not read.numbers:
                    report.empty[column] = f"none of its {read.filled:,} values in {path.name} is a number"
        table[column] = table[column].astype("float64")
    for column in (name for name in text if name in names.values()):
        table[column] = pd.Categorical(table[column])
    return table


def _straight(table: pd.DataFrame, path: Path, report: ReadingReport | None) -> pd.DataFrame:
    """Return the rows whose cells are those of their columns, indexed by their numbers in the file."""
    try:
        rows = survey(path, len(header(path)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(unreadable(path, error)) from error
    if len(rows.numbers) != len(table):  # quotes that two readers take differently: numbers as pandas counts
        table.index = pd.RangeIndex(2, len(table) + 2)
        return table
    table.index = pd.Index(rows.numbers)
    longer = list(rows.longer)
    if longer:
        first = f"row {rows.numbers[longer[0]]} has {rows.longer[longer[0]]} cells for {len(header(path))} columns"
        if len(longer) > _MOST_LONGER * len(table):
            raise UserError(
                f"{path}: {len(longer):,} of {len(table):,} rows are longer than the header ({first}): put cells "
                "that contain a comma, such as 12,5, in quotes."
            )
        if report is not None:
            reason = f"row of {path.name} is longer than the header, for example because of an unquoted comma ({first})"
            report.drop(reason, [f"row {number}" for number in rows.numbers[longer]])
    if rows.shorter and report is not None:
        report.notes.append(
            f"{len(rows.shorter):,} rows of {path.name} are shorter than the header; their last cells are missing "
            f"(first: row {rows.numbers[rows.shorter[0]]})"
        )
    return table.drop(index=table.index[longer]) if longer else table


def _read(path: Path, names: Mapping[str, str], *, text: Set[str], words: Set[str]) -> pd.DataFrame:
    """Read columns of a CSV file, by their name in the header -> the name they get.

    Those of ``text`` are read as text. The usual words for a missing value are missing in those of ``words`` only.
    """
    types: dict[str, Any] = {written: object for written, name in names.items() if name in text}
    missing = {written: sorted(BLANK_WORDS) if name in words else [""] for written, name in names.items()}
    try:
        table = pd.read_csv(
            path,
            usecols=list(names),
            index_col=False,  # rows that are all longer than the header have no index in front
            dtype=types,
            encoding="utf-8-sig",
            low_memory=False,
            na_values=missing,
            keep_default_na=False,
        )
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise UserError(unreadable(path, error)) from error
    return table.rename(columns=dict(names))


def _is_plain(column: pd.Series) -> bool:
    """Return whether pandas read a column as finite numbers and gaps."""
    return column.dtype.kind in "fiu" and not np.isinf(column.to_numpy(dtype=np.float64)).any()


def numbers_or_words(column: pd.Series, report: ReadingReport, path: Path) -> pd.Series:
    """Return a column as float64 if nearly all its values are numbers, else as categories of text; blank is missing.

    Args:
        column: raw, indexed by the number of each row in the file.
        report: told what is not a plain number in a numeric column, or that a column is neither.
        path: the file, for the report.
    """

    def place(row: int) -> str:
        return f"row {column.index[row]} of {path.name}"

    read = read_numbers(column)
    words = column.str.strip()
    words = words.where(~words.isin(BLANK_WORDS))
    # A column of nothing but '-' is a category with one word; one of nothing but 'NA' is empty.
    if read.numeric or words.isna().all():
        report.note(str(column.name), read.remarks(place))
        return pd.Series(read.values, index=column.index)
    if read.share >= MIXED:
        others = [read.unread, *read.doubtful.values()]
        first = min((finding for finding in others if finding.count), key=lambda finding: finding.row)
        report.note(
            str(column.name),
            [
                f"WARNING: {read.numbers:,} of {read.filled:,} values are numbers, too few for a numeric column: it "
                f"is read as a category ({first.first(place)}); correct the cells, or list it in sensors.numeric"
            ],
        )
    return words.astype("category")


def day_names(times: pd.Series) -> np.ndarray:
    """Return the UTC day of each time as text ``YYYY-MM-DD``, object [n]; each day is formatted once."""
    days, places = np.unique(times.dt.tz_convert(None).to_numpy().astype("datetime64[D]"), return_inverse=True)
    names: np.ndarray = days.astype(str).astype(object)[places]
    return names

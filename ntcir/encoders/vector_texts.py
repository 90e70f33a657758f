"""Vectors in text files, a row a line: of one file, or of several that have the parts and columns of one matrix."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ntcir.encoders.vector_arrays import NotVectors
from ntcir.system.errors import short, shown
from ntcir.system.first_bytes import kind_of_bytes
from ntcir.system.progress import progress, say
from ntcir.system.regular import LARGEST_WEIGHTS, read_regular

ENDINGS = (".dat", ".txt", ".csv", ".tsv")
_PARTED = ".dat"  # the ending of what is read of a folder, and of what may be divided into parts
_TRAIN, _TEST = "Train", "Test"  # in the names of files whose rows follow each other, as NUS-WIDE's have them
_BOM = b"\xef\xbb\xbf"
_TO_BLANKS = bytes.maketrans(b",;", b"  ")


def parts_of(path: Path) -> list[Path]:
    """Return the files whose rows, one below the other, are a matrix: a file of training and that of test, or one.

    Raises:
        NotVectors: if one of the two is missing.
    """
    if path.suffix.lower() != _PARTED or (_TRAIN not in path.name and _TEST not in path.name):
        return [path]
    parts = [path.with_name(path.name.replace(_TEST, _TRAIN)), path.with_name(path.name.replace(_TRAIN, _TEST))]
    for part in parts:
        if not part.is_file():
            raise NotVectors(f"{short(part.name)} is missing beside it: the rows of both belong together")
    return parts


def files_in(folder: Path) -> list[list[Path]]:
    """Return the files of a folder whose columns stand side by side, by name, each with its parts; see ``parts_of``.

    Raises:
        NotVectors: if there are none, or a part is missing.
    """
    files = sorted((path for path in folder.glob(f"*{_PARTED}") if path.is_file()), key=lambda path: path.name.lower())
    matrices = list(dict.fromkeys(tuple(parts_of(path)) for path in files))
    if not matrices:
        raise NotVectors(f"it is a directory without {_PARTED} files: name a file, or a folder with such")
    whole = [parts for parts in matrices if len(parts) == 1]
    if whole and len(whole) < len(matrices):
        say(
            f"{folder}: {len(whole):,} files are not read, because others are divided into {_TRAIN} and {_TEST} "
            f"(first: {short(whole[0][0].name)})."
        )
        matrices = [parts for parts in matrices if len(parts) > 1]
    return [list(parts) for parts in matrices]


def read_side_by_side(matrices: Sequence[Sequence[Path]]) -> np.ndarray:
    """Return matrices beside each other, the parts of each below each other, float32 [rows, columns].

    Raises:
        OSError: if a file cannot be read.
        NotVectors: if one is damaged, has ids, or other rows or columns than those that it belongs to.
    """
    columns = []
    with progress("Reading vectors", sum(map(len, matrices))) as advance:
        for parts in matrices:
            read = []
            for path in parts:
                rows, ids = read_text(path)
                if ids is not None:
                    raise NotVectors(f"{short(path.name)} has ids: files that are read together have none")
                read.append(rows)
                advance(1)
            _check_alike(parts, [rows.shape[1] for rows in read], "columns")
            columns.append(read)
    for number in range(len(columns[0])):
        _check_alike([parts[number] for parts in matrices], [len(each[number]) for each in columns], "rows")
    return np.concatenate([np.concatenate(read) for read in columns], axis=1)


def _check_alike(paths: Sequence[Path], sizes: Sequence[int], what: str) -> None:
    for path, size in zip(paths, sizes, strict=True):
        if size != sizes[0]:
            raise NotVectors(
                f"{short(path.name)} has {size:,} {what}, and {short(paths[0].name)} has {sizes[0]:,}: copy both again"
            )


def read_text(path: Path) -> tuple[np.ndarray, Sequence[str] | None]:
    """Read numbers with blanks, tabs, commas or semicolons between them, a row a line.

    A first word that is not a number is the row's id.

    Returns:
        float32 [rows, columns], and the ids if there are any.

    Raises:
        OSError: if the file cannot be read.
        NotVectors: if it is not text, or not a matrix of numbers.
    """
    data = read_regular(path, LARGEST_WEIGHTS).removeprefix(_BOM)
    kind = kind_of_bytes(data[:64])
    if kind or b"\0" in data[: 1 << 12]:
        raise NotVectors(f"{short(path.name)} is not UTF-8 text{f' but {kind}' * bool(kind)}")
    first = data[: 1 << 20].lstrip().partition(b"\n")[0]
    if not first.strip():
        raise NotVectors(f"{short(path.name)} is empty")
    if b"," in first or b";" in first:
        data = data.translate(_TO_BLANKS)
    table = _table(data, path)
    ids = None
    if table[0].dtype.kind not in "biuf" and not _is_number(table.iat[0, 0], finite=False):
        ids = [str(each) for each in table[0]]
        table = table.iloc[:, 1:]
    for column, values in table.items():
        if values.dtype.kind not in "biuf":
            _refuse_words(values, f"column {int(str(column)) + 1} of {short(path.name)}")
    return table.to_numpy(dtype=np.float32), ids


def _table(data: bytes, path: Path) -> pd.DataFrame:
    """Return the cells of a text; a column of numbers is one, any other is of text."""
    try:
        return pd.read_csv(
            io.BytesIO(data),
            sep=r"\s+",
            header=None,
            quoting=3,  # none
            keep_default_na=False,
            low_memory=False,
            encoding_errors="replace",
        )
    except (ValueError, OverflowError, MemoryError) as error:  # pandas' parser errors are ValueErrors
        if isinstance(error, MemoryError):
            raise
        reason = " ".join(str(error).split()).rstrip(".")
        raise NotVectors(f"{short(path.name)} is not a matrix of numbers ({short(reason, 120)})") from error


def _refuse_words(values: pd.Series, where: str) -> None:
    for row, value in enumerate(values, start=1):
        if not _is_number(value):
            what = f"{shown(str(value), 40)}, which is not a number" if str(value) else "missing"
            raise NotVectors(f"line {row}, {where} is {what}")
    raise NotVectors(f"{where} is not numbers only")


def _is_number(value: object, *, finite: bool = True) -> bool:
    """Return whether a cell, text or a number of Python's, is a number."""
    try:
        number = float(str(value))
    except ValueError:
        return False
    return math.isfinite(number) or not finite

"""Columns and matrices of 0 and 1 in text files, read as numpy reads bytes: a number a character."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ntcir.corpora.text_files import read_bytes
from ntcir.system.errors import UserError, shown

_BLANKS = b" \t\r"
_ZERO, _NEWLINE = ord("0"), ord("\n")


def read_column(path: Path, rows: int, listed: str) -> np.ndarray:
    """Read a file of one 0 or 1 a line.

    Args:
        path: of the file.
        rows: that it must have.
        listed: the file whose lines these are of.

    Returns:
        uint8 [rows].

    Raises:
        UserError: if it cannot be read, has another number of lines, or another value.
    """
    return read_matrix(path, rows, 1, listed)[:, 0]


def read_matrix(path: Path, rows: int, columns: int, listed: str) -> np.ndarray:
    """Read a file of so many 0 and 1 a line, with blanks or tabs between them.

    Args:
        path: of the file.
        rows: that it must have.
        columns: that each of them must have.
        listed: the file whose lines these are of.

    Returns:
        uint8 [rows, columns].

    Raises:
        UserError: if it cannot be read, has other numbers of lines or columns, or another value.
    """
    data = read_bytes(path).rstrip()
    digits = np.frombuffer(data.translate(None, _BLANKS), dtype=np.uint8)
    # Each line has its digits and the end of line, which the last one lacks.
    width = columns + 1
    if len(digits) == rows * width - 1 and _one_character_each(data):
        lines = np.append(digits, np.uint8(_NEWLINE)).reshape(rows, width)
        values = lines[:, :columns] - _ZERO
        if (lines[:, columns] == _NEWLINE).all() and (values <= 1).all():
            return values
    raise UserError(_fault(path, data, rows, columns, listed))


def _one_character_each(data: bytes) -> bool:
    """Return whether no two digits stand side by side: ``10`` is not ``1 0``."""
    is_digit = np.frombuffer(data, dtype=np.uint8) >= _ZERO
    return not (is_digit[1:] & is_digit[:-1]).any()


def _fault(path: Path, data: bytes, rows: int, columns: int, listed: str) -> str:
    """Return the sentence about the first thing that is wrong."""
    lines = data.split(b"\n") if data else []
    for number, line in enumerate(lines, start=1):
        cells = line.split()
        odd = next((cell for cell in cells if cell not in (b"0", b"1")), None)
        if odd is not None:
            return f"{path}: line {number} has {shown(odd.decode('utf-8', 'replace'))}, which is neither 0 nor 1."
        if len(cells) != columns:
            return (
                f"{path}: line {number} has {_count(len(cells), 'value')}, but {columns:,} are needed: copy it again."
            )
    has = _count(len(lines), "line")
    return f"{path} has {has}, but {listed} names {rows:,} photographs: copy both again, from the same release."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

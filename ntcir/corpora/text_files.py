"""Text files that are no tables: whole, or line by line."""

from __future__ import annotations

from pathlib import Path

from ntcir.system.errors import UserError
from ntcir.system.first_bytes import kind_of_bytes
from ntcir.system.regular import LARGEST_TEXT, read_regular

_BOM = b"\xef\xbb\xbf"


def read_bytes(path: Path) -> bytes:
    """Return what is in a text file, without a byte order mark.

    Raises:
        UserError: if it cannot be read, is compressed, or in UTF-16.
    """
    try:
        data = read_regular(path, LARGEST_TEXT)
    except OSError as error:
        raise UserError(f"Cannot read {path}: {(error.strerror or str(error)).lower()}.") from error
    kind = kind_of_bytes(data[:64])
    if kind is not None:
        raise UserError(f"Cannot read {path}: it is not UTF-8 text but {kind}; save it as UTF-8.")
    return data.removeprefix(_BOM)


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file without blanks around them; empty ones at the end are no lines.

    Raises:
        UserError: if it cannot be read, or is not UTF-8 text.
    """
    try:
        text = read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"Cannot read {path}: it is not UTF-8 text ({error.reason}); save it as UTF-8.") from error
    return [line.strip() for line in text.rstrip().split("\n")] if text.strip() else []

"""Text files that are not tables: whole, or line by line."""

from __future__ import annotations

from pathlib import Path

from ntcir.corpora.tables import unreadable
from ntcir.system.errors import UserError
from ntcir.system.first_bytes import kind_of_bytes
from ntcir.system.regular import LARGEST_TEXT, read_regular

_BOM = b"\xef\xbb\xbf"


def read_bytes(path: Path, most: int = LARGEST_TEXT) -> bytes:
    """Return what is in a text file, without a byte order mark.

    Raises:
        UserError: if it cannot be read, has more than ``most`` bytes, is compressed, or in UTF-16.
    """
    try:
        data = read_regular(path, most)
    except OSError as error:
        raise UserError(unreadable(path, error)) from error
    kind = kind_of_bytes(data[:64])
    if kind is not None:
        raise UserError(f"Cannot read {path}: it is not UTF-8 text but {kind}; save it as UTF-8.")
    return data.removeprefix(_BOM)


def read_text(path: Path, most: int = LARGEST_TEXT) -> str:
    """Return the text of a file.

    Raises:
        UserError: as ``read_bytes``, and if it is in another encoding than UTF-8; then the line is named.
    """
    data = read_bytes(path, most)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path} is not UTF-8 text: line {line} holds the byte 0x{data[error.start]:02x}; save it as UTF-8."
        ) from error


def read_lines(path: Path) -> list[str]:
    r"""Return the lines of a text file, without their ends (``\n`` or ``\r\n``); blank ones at the end are left out.

    Raises:
        UserError: as ``read_text``.
    """
    lines = read_text(path).split("\n")  # str.splitlines also splits at characters that captions have
    while lines and not lines[-1].strip():
        lines.pop()
    return [line.removesuffix("\r") for line in lines]

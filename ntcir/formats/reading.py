"""Text files as bytes of UTF-8, however they were saved: plain, gzipped, in UTF-16 as PowerShell's ``>`` writes, piped.

The content decides, never the name. This is the ground under :mod:`ntcir.formats.columns` and the CSV readers.
"""

from __future__ import annotations

import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast

from ntcir.system.errors import UserError
from ntcir.system.first_bytes import COMPRESSED, GZIP, MARKS, looks_like_utf16
from ntcir.system.regular import LARGEST_TEXT, ends_in_zeros, open_given, read_all

StrPath = str | os.PathLike[str]

BOM = b"\xef\xbb\xbf"  # some editors put this byte order mark in front
STANDARD_INPUT = "standard input"

_PEEK = 64  # bytes by which the kind of file is told


def is_standard_input(path: StrPath) -> bool:
    """Return whether a path is the ``-`` that stands for standard input."""
    return os.fspath(path) == "-"


def named(path: StrPath) -> StrPath:
    """Return what messages call a file."""
    return STANDARD_INPUT if is_standard_input(path) else path


def read_bytes(path: StrPath, most: int = -1) -> bytes:
    """Return the first bytes of a text file in UTF-8, all of them by default; no byte order mark.

    Raises:
        UserError: as :func:`opened` does.
    """
    with opened(path) as file:
        return read_all(file, path, LARGEST_TEXT) if most < 0 else file.read(most)


@contextmanager
def opened(path: StrPath) -> Iterator[IO[bytes]]:
    """Open a text file, or standard input for ``-``, as bytes of UTF-8 without a byte order mark.

    A regular file is read as it is used; what can be read only once, such as a pipe, at once.

    Raises:
        UserError: if it cannot be read; if it is damaged; if it is packed in another way than by gzip, or in UTF-16
            without a byte order mark.
    """
    with _readable(path), _raw(path) as file:
        plain: IO[bytes] = file
        if _head(file).startswith(GZIP):
            if ends_in_zeros(file):
                raise EOFError
            plain = cast("IO[bytes]", gzip.GzipFile(fileobj=file, mode="rb"))
        yield _as_utf8(path, plain)


@contextmanager
def _raw(path: StrPath) -> Iterator[IO[bytes]]:
    """Open a file whose beginning can be read again."""
    if is_standard_input(path):
        if sys.stdin is None:
            raise UserError("Standard input is closed: give a file, or pipe one in.")
        yield io.BytesIO(read_all(sys.stdin.buffer, named(path), LARGEST_TEXT))
        return
    with open_given(path) as file:
        yield file if file.seekable() else io.BytesIO(read_all(file, path, LARGEST_TEXT))


@contextmanager
def _readable(path: StrPath) -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        what = "truncated" if isinstance(error, EOFError) else "damaged"
        raise UserError(f"{named(path)} cannot be unpacked: the gzip file is {what}; copy it again.") from error
    except OSError as error:
        raise UserError(f"{named(path)} cannot be read: {(error.strerror or str(error)).lower()}.") from error


def _head(file: IO[bytes]) -> bytes:
    """Return the first bytes of a file, and go back."""
    head = file.read(_PEEK)
    file.seek(0)
    return head


def _as_utf8(path: StrPath, file: IO[bytes]) -> IO[bytes]:
    """Return the file, or its content in UTF-8; either behind the byte order mark."""
    head = _head(file)
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return io.BytesIO(_decoded(path, read_all(file, path, LARGEST_TEXT), encoding).encode())
    for magic, kind in COMPRESSED.items():
        if head.startswith(magic):
            extra = " (as spreadsheets such as .xlsx are)" if kind == "ZIP" else ""
            raise UserError(
                f"{named(path)} is compressed with {kind}{extra}: extract the text file that is in it and give that."
            )
    if looks_like_utf16(head):
        raise UserError(f"{named(path)} is UTF-16 text without a byte order mark: save it as UTF-8.")
    if head.startswith(BOM):
        file.seek(len(BOM))
    return file


def _decoded(path: StrPath, raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise UserError(
            f"{named(path)} begins as {encoding.upper()} text but is not valid from byte {error.start + 1} on: "
            "save it as UTF-8."
        ) from error

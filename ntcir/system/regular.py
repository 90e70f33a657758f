"""Opening files that somebody else may have put there: regular ones of a bounded size, and nothing that never ends.

A named pipe waits for ever, a device may have no end, and a sparse file of 300 GB costs nothing to make. What the
program looks for itself must be a regular file (:func:`open_regular`); what a user names may be a pipe as well, as
``<(...)`` of the shell is (:func:`open_given`).
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from io import BufferedReader, FileIO
from pathlib import Path
from typing import IO

LARGEST = 1 << 30  # bytes of a file that is read as one piece: the largest, a shard's index, has a hundredth of that
LARGEST_TEXT = 1 << 33  # of a table, run or qrels: a run of 100 million lines
LARGEST_WEIGHTS = 1 << 36  # of networks
_PIECE = 1 << 20
_KINDS = {
    stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"
}  # fmt: skip


class Irregular(OSError):
    """Something other than a regular file, or one that is too large; ``strerror`` says which, as in any OSError."""

    def __init__(self, problem: str, path: str | os.PathLike[str]) -> None:
        super().__init__(errno.EINVAL, problem, os.fspath(path))


class _Reader(BufferedReader):
    """A file that allocates no more memory than it has bytes, however many a damaged header asks for.

    Python's own asks for the memory first: a PNG of 200 bytes with a part of "4 GB" would fail for want of it.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        """Return so many bytes, or what is left."""
        if size is not None and size > _PIECE:
            size = min(size, max(os.fstat(self.fileno()).st_size - self.tell(), _PIECE))
        return super().read(size)


def exists(path: Path) -> bool:
    """Return whether there is something of that name, which there cannot be where it is longer than a name can be.

    Raises:
        OSError: if that cannot be found out.
    """
    try:
        return path.exists()
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        return False


def open_regular(path: str | os.PathLike[str], most: int = LARGEST) -> BufferedReader:
    """Open a regular file of at most ``most`` bytes, without waiting; a link to one is one.

    Raises:
        Irregular: if it is something else, or larger.
        OSError: if it cannot be opened.
    """
    # Without waiting: opening a pipe would otherwise last until somebody writes into it.
    return _opened(path, os.O_NONBLOCK, {stat.S_IFREG}, most)


def read_regular(path: str | os.PathLike[str], most: int = LARGEST) -> bytes:
    """Return what is in a regular file; raises as ``open_regular`` does."""
    with open_regular(path, most) as file:
        return read_all(file, path, most)


def open_given(path: str | os.PathLike[str], most: int = LARGEST_TEXT) -> BufferedReader:
    """Open what a user names: a regular file of at most ``most`` bytes, a pipe, a terminal, or ``/dev/null``.

    Raises:
        Irregular: if it is something else, such as a device without end, or larger.
        OSError: if it cannot be opened.
    """
    device = _is_device(path)
    if device and not _is_harmless(path):
        raise Irregular("it is a device, not a file", path)
    return _opened(path, 0, {stat.S_IFREG, stat.S_IFIFO, *({stat.S_IFCHR} if device else ())}, most)


def sha256_of(path: str | os.PathLike[str], most: int = LARGEST_WEIGHTS) -> str:
    """Return the SHA-256 of a regular file, as ``sha256sum`` prints it; raises as ``open_regular`` does."""
    with open_regular(path, most) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_all(file: IO[bytes], path: str | os.PathLike[str], most: int) -> bytes:
    """Return the rest of an opened file, which may have grown, be a pipe, or be unpacked as it is read.

    Raises:
        Irregular: if there are more than ``most`` bytes.
    """
    pieces, left = [], most
    while piece := file.read(_PIECE):
        pieces.append(piece)
        left -= len(piece)
        if left < 0:
            raise Irregular(f"it has more than {most >> 20:,} megabytes, the most that is read", path)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def ends_in_zeros(file: IO[bytes]) -> bool:
    """Return whether the last mebibyte of a regular file is zeros, as where a copy was interrupted; stays where it is.

    Python's gzip looks through zeros behind the packed data byte by byte, which takes hours for a file of some GB.
    """
    if not file.seekable():
        return False
    here = file.tell()
    size = file.seek(0, os.SEEK_END)
    try:
        return size > _PIECE and file.seek(size - _PIECE) >= 0 and not file.read(_PIECE).strip(b"\0")
    finally:
        file.seek(here)


def _opened(path: str | os.PathLike[str], flags: int, kinds: set[int], most: int) -> BufferedReader:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags)
    except OSError as error:
        if error.errno == errno.ENXIO:  # the system's error for opening a socket
            raise Irregular("it is a socket, not a file", path) from error
        raise
    try:
        state = os.fstat(handle)
        kind = stat.S_IFMT(state.st_mode)
        if kind == stat.S_IFDIR:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
        if kind not in kinds:
            raise Irregular(f"it is {_KINDS.get(kind, 'something else')}, not a file", path)
        if state.st_size > most:
            raise Irregular(f"it has {state.st_size / 2**20:,.0f} megabytes; at most {most >> 20:,} are read", path)
        return (_Reader if kind == stat.S_IFREG else BufferedReader)(FileIO(handle, "rb"))
    except BaseException:
        os.close(handle)
        raise


def _is_device(path: str | os.PathLike[str]) -> bool:
    try:
        return stat.S_ISCHR(Path(path).stat().st_mode)
    except (OSError, ValueError):  # opening it will report that
        return False


def _is_harmless(path: str | os.PathLike[str]) -> bool:
    """Return whether a device is one that has an end: nothing, or a person at a terminal."""
    if Path(path).stat().st_rdev == Path(os.devnull).stat().st_rdev:
        return True
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        return os.isatty(handle)
    finally:
        os.close(handle)

"""Who works on which part of a store: locks that several processes respect and that end with their process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl

    HAS_LOCKS = True
except ImportError:  # such as on Windows: two processes may then do the same work, and write the same
    HAS_LOCKS = False


class Claims:
    """Locks on the bytes of an empty file, a byte a block; the system drops them when a process ends, however it ends.

    Where the file system knows no locks, every claim is granted: work may be done twice, and nothing is lost by that,
    because whoever writes a block writes the same.

    Args:
        folder: of the store.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "claims"
        self._file: int | None = None

    def take(self, block: int) -> bool:
        """Claim a block; return whether it is free or this process has it already."""
        if not HAS_LOCKS:
            return True
        try:
            file = self._open()
        except OSError:  # whoever writes here will be told what is wrong
            return True
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, block)
        except (BlockingIOError, PermissionError):  # which of them depends on the system
            return False
        except OSError:  # no locks here
            return True
        return True

    def give(self, block: int) -> None:
        """Let others have a block."""
        if HAS_LOCKS and self._file is not None:
            with suppress(OSError):
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, block)

    def close(self) -> None:
        """Let others have all blocks."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        return self._file


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Keep other processes from what this one does in a folder; yield whether that is certain.

    This is another kind of lock than claims, on the folder itself: it may be taken while claims are held.
    """
    file: int | None = None
    try:
        file = os.open(folder, os.O_RDONLY)
        if HAS_LOCKS:
            fcntl.flock(file, fcntl.LOCK_EX)
        certain = HAS_LOCKS
    except OSError:  # no locks here, or a folder cannot be opened
        certain = False
    try:
        yield certain
    finally:
        if file is not None:
            os.close(file)

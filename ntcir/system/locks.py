"""Locks of the operating system on files: they end with the process that holds them, however it ends.

There are three kinds: ``LockFile``, a file that is there while it is locked; ``ByteLocks``, many locks on one file; and
``folder_locked``, a short one on a folder itself.
"""

from __future__ import annotations

import os
import platform
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl

    HAS_LOCKS = True
except ImportError:  # such as on Windows
    HAS_LOCKS = False

CLAIM = ".claim"  # the file in a folder that is locked by whoever writes the folder


def lock(file: int, *, wait: bool = False) -> bool | None:
    """Lock an open file for this process alone.

    Args:
        file: its descriptor, open for writing: NFS asks for that.
        wait: for as long as another process has it.

    Returns:
        Whether it was free; None where the file system has no locks.
    """
    if not HAS_LOCKS:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # which of them depends on the system
        return False
    except OSError:
        return None
    return True


def same_file(file: int, path: Path) -> bool:
    """Return whether an open file still has this name."""
    try:
        return os.path.samestat(os.fstat(file), path.lstat())
    except OSError:
        return False


class LockFile:
    """A file that is there while this process has locked it, and says which process that is.

    A killed process leaves the file behind, but not the lock.

    Args:
        path: of the file; its folder must be there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def take(self) -> bool | None:
        """Return whether no other process has the lock; None where the file system has no locks.

        Raises:
            OSError: if the file cannot be made.
        """
        while True:
            file = self._open()
            free = lock(file)
            if free and same_file(file, self._path):
                self._file = file
                with suppress(OSError):  # no space left: then nobody can be told which process it is
                    os.ftruncate(file, 0)
                    os.write(file, f"{os.getpid()} {platform.node()}\n".encode())
                return True
            os.close(file)
            if free is None:
                self._path.unlink(missing_ok=True)
            if not free:
                return free
            # Its previous owner has removed the file in the meantime.

    def _open(self) -> int:
        plain = getattr(os, "O_NOFOLLOW", 0)
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | plain, 0o666)
        except PermissionError:  # another user's, left behind: enough to lock it, but not on NFS
            return os.open(self._path, os.O_RDONLY | plain)

    def holder(self) -> str:
        """Return who has the lock, as far as is known: ``process 4711``."""
        try:
            number, _, machine = self._path.read_text(encoding="utf-8").strip().partition(" ")
        except (OSError, ValueError):
            number, machine = "", ""
        if not number.isdecimal():
            return "another process"
        return f"process {number}" if machine == platform.node() else f"process {number} on {machine}"

    def give(self) -> None:
        """Remove the file, and release the lock."""
        if self._file is not None:
            if same_file(self._file, self._path):
                with suppress(OSError):
                    self._path.unlink()
            os.close(self._file)
            self._file = None


class ByteLocks:
    """Locks on the bytes of an empty file: one file, and as many locks as there are pieces of work.

    Where the file system has no locks, every lock is granted: two processes may then do the same piece, so whoever does
    one must write the same.

    Args:
        path: of the file, which is made when the first lock is taken and stays; its folder must be there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def take(self, byte: int) -> bool:
        """Lock a byte (from 0); return whether it was free or this process has the lock already."""
        if not HAS_LOCKS:
            return True
        try:
            file = self._open()
        except OSError:  # the process that writes here reports what is wrong
            return True
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
        except (BlockingIOError, PermissionError):  # which of them depends on the system
            return False
        except OSError:  # no locks here
            return True
        return True

    def give(self, byte: int) -> None:
        """Let others have a byte's lock."""
        if HAS_LOCKS and self._file is not None:
            with suppress(OSError):
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, byte)

    def close(self) -> None:
        """Let others have all locks."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        return self._file


@contextmanager
def folder_locked(folder: Path) -> Iterator[bool]:
    """Wait for a folder's own lock and hold it; yield whether other processes are certainly kept out.

    The lock is on the folder itself: it may be taken while files in the folder are locked.
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


def remove_if_dead(path: Path) -> bool:
    """Remove a file that was locked while it was written, if no process has the lock any more; return whether it was.

    Where the file system has no locks nobody knows, and the file stays.
    """
    try:
        file = os.open(path, os.O_RDWR | os.O_NONBLOCK | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return False
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode) or not lock(file) or not same_file(file, path):
            return False
        path.unlink()
    except OSError:
        return False
    finally:
        os.close(file)
    return True

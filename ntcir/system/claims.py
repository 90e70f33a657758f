"""Which process writes which folder: a lock that ends with its process, so that two commands never write one folder.

Reading needs no lock: a folder can be read while it is being written.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from ntcir.system.errors import UserError
from ntcir.system.files import disk_errors, require_writable
from ntcir.system.locks import CLAIM, LockFile
from ntcir.system.progress import say


@dataclass
class _Claim:
    """A folder of this process's.

    Attributes:
        lock: held.
        made: the folders that were made for it, the innermost first.
        users: blocks within ``claimed`` that are under way.
    """

    lock: LockFile
    made: list[Path] = field(default_factory=list)
    users: int = 0

    def give(self) -> None:
        self.lock.give()
        for folder in self.made:  # nothing was written there after all
            with suppress(OSError):
                folder.rmdir()


_claims: dict[Path, _Claim] = {}  # by the path of the lock's file
_told: list[Path] = []  # folders whose lack of locks was reported


@contextmanager
def claimed(folder: Path, instead: str = "choose another --out") -> Iterator[None]:
    """Keep other processes from writing to a folder, which is made if it is not there and removed if it stays empty.

    Within another block for the same folder nothing happens; what ``take`` has claimed is given up at the end.

    Args:
        folder: to be written.
        instead: what may be done instead of waiting.

    Raises:
        UserError: if another process has claimed it, or it cannot be written to.
    """
    with _claimed(folder, folder / CLAIM, instead):
        yield


@contextmanager
def claimed_name(target: Path, instead: str = "choose another --out") -> Iterator[None]:
    """Do the same for a folder that is replaced as a whole: the lock lies beside it.

    Raises:
        UserError: if another process has claimed it, or the place cannot be written to.
    """
    with _claimed(target, target.parent / f".{target.name}{CLAIM}", instead):
        yield


def take(folder: Path) -> bool:
    """Claim a folder, which is made if it is not there, for as long as this process lives; return whether it was free.

    Raises:
        UserError: if it cannot be written to.
    """
    return isinstance(_take(folder / CLAIM), _Claim)


def give(folder: Path) -> None:
    """Release a folder that was taken."""
    claim = _claims.pop((folder / CLAIM).absolute(), None)
    if claim is not None:
        claim.give()


@contextmanager
def _claimed(folder: Path, place: Path, instead: str) -> Iterator[None]:
    claim = _take(place)
    if isinstance(claim, str):
        raise UserError(f"{folder} is being written by {claim}: wait for it to end, or {instead}.")
    claim.users += 1
    try:
        yield
    finally:
        claim.users -= 1
        if not claim.users:
            _claims.pop(place.absolute(), None)
            claim.give()


def _take(place: Path) -> _Claim | str:
    """Return the claim whose lock is the file ``place``, or who has it."""
    key, folder = place.absolute(), place.parent
    if key in _claims:
        return _claims[key]
    require_writable(folder)
    lock = LockFile(place)
    while True:
        made = [each for each in (folder, *folder.absolute().parents) if not os.path.lexists(each)]
        with disk_errors(folder), suppress(FileNotFoundError):  # the process that made it has removed it
            folder.mkdir(parents=True, exist_ok=True)
            free = lock.take()
            break
    if free is False:
        return lock.holder()
    if free is None and not _told:
        _told.append(folder)
        say(
            f"WARNING: {folder} is on a file system without locks: do not run two commands that write there at "
            "the same time."
        )
    claim = _claims[key] = _Claim(lock, made)
    return claim


@atexit.register
def _give_all() -> None:
    """Give up what was claimed and never used."""
    while _claims:
        _claims.popitem()[1].give()

"""Temporary files and folders, which a killed process leaves behind and the next one removes.

Each is locked while its process works on it, so that what is left over can be told from what is being written.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from ntcir.system.locks import CLAIM, LockFile, lock, remove_if_dead, same_file

_LONGEST = 40  # letters of the name that is to be written, in that of its temporary file
_NO_SUFFIX = ".part"
_TEMPORARY = re.compile(r"\.(?P<name>.{1,40})\.[a-z0-9_]{8}(?P<suffix>\.[^.]{1,39})", re.DOTALL)
_DRAWN = re.compile(r"[a-z0-9_]{8}")  # what `tempfile` puts behind a prefix


def make_temporary(place: Path) -> tuple[Path, int]:
    """Make a temporary file beside ``place``, such as ``.run.csv.k3v9_x2a.csv``; return it with its lock, to be closed.

    What killed processes have left in the folder is removed.

    Raises:
        OSError: if no file can be made there.
    """
    remove_left_over(place.parent)
    prefix, suffix = f".{place.name[:_LONGEST]}.", place.suffix[:_LONGEST] or _NO_SUFFIX
    while True:
        file, name = tempfile.mkstemp(dir=place.parent, prefix=prefix, suffix=suffix)
        # Until it is locked, it looks like a left-over.
        if lock(file, wait=True) is None or same_file(file, Path(name)):
            return Path(name), file
        os.close(file)


def remove_left_over(folder: Path) -> None:
    """Remove the temporary files of killed processes from a folder."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 (called for each file that is written)
    except OSError:
        return
    for name in names:
        if name[:1] == "." and _is_temporary(name):
            remove_if_dead(folder / name)


def _is_temporary(name: str) -> bool:
    """Return whether a file is called as only ``make_temporary`` calls one: its suffix comes twice."""
    found = _TEMPORARY.fullmatch(name)
    if found is None:
        return False
    whole, suffix = found["name"], found["suffix"]
    return suffix == _NO_SUFFIX or whole.endswith(suffix) or len(whole) == _LONGEST


class TemporaryFolder:
    """A folder that is removed in the end, or, if the process is killed, by the next one that makes one of that name.

    Args:
        prefix: of its name.
        place: where it lies; by default where the system has its temporary files.

    Attributes:
        path: of the folder.

    Raises:
        OSError: if no folder can be made there.
    """

    def __init__(self, prefix: str, place: Path | None = None) -> None:
        place = place or Path(tempfile.gettempdir())
        for folder, claim in abandoned(prefix, place):
            shutil.rmtree(folder, ignore_errors=True)
            claim.give()
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
            self._claim = LockFile(self.path / CLAIM)
            # Until it is locked, it looks like a left-over.
            with suppress(FileNotFoundError):
                if self._claim.take() is not False:
                    return

    def close(self) -> None:
        """Remove it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._claim.give()

    def __enter__(self) -> Path:
        """Return its path."""
        return self.path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Remove it."""
        self.close()


def abandoned(prefix: str, place: Path) -> list[tuple[Path, LockFile]]:
    """Return the temporary folders of this user that killed processes have left, each with its lock, to be given."""
    found = []
    for folder in sorted(place.glob(f"{prefix}*")):
        if not _DRAWN.fullmatch(folder.name.removeprefix(prefix)):
            continue
        claim = LockFile(folder / CLAIM)
        with suppress(OSError):
            if not folder.is_symlink() and folder.is_dir() and folder.stat().st_uid == os.geteuid() and claim.take():
                found.append((folder, claim))
    return found

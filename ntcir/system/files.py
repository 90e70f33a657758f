"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ntcir.system.errors import UserError
from ntcir.system.temporaries import TemporaryFolder, make_temporary

# Files of a model folder that are looked for without importing torch.
MODEL_FILE, MODEL_CONFIG = "model.safetensors", "config.yaml"

# Raised by the system when there is no room: disk full, quota used up, file size limit reached.
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_UMASK = threading.Lock()
_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_IN_THE_WAY = {errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG}


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn the system's "no room" and "not allowed" into one sentence about ``path``.

    Raises:
        UserError: if the body raises an error of that kind.
    """
    try:
        yield
    except Exception as error:
        number = getattr(error, "errno", None)
        if number in NO_ROOM or (number is None and _tells_no_room(str(error))):
            raise UserError(f"No space left to write {path}: free some space and start again.") from error
        if number in {errno.EACCES, errno.EPERM, errno.EROFS}:
            raise UserError(f"No permission to write {path}: choose another place.") from error
        if number in _IN_THE_WAY:
            raise UserError(f"Cannot write {path}: {os.strerror(number).lower()}.") from error
        raise


def _tells_no_room(message: str) -> bool:
    """Return whether an error without a number is about room: numpy's and safetensors' only say so."""
    return "requested and" in message or any(os.strerror(number) in message for number in NO_ROOM)


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its name when the body succeeds, and is removed when not.

    The folder is made if it is not there. A reader sees the old file or the new one, never half of one. A link stays,
    and what it leads to is replaced. What is replaced keeps its permissions. What cannot be replaced, such as a pipe, a
    device or a file that is mounted by itself, is written to when all is there.

    Should the process be killed, the next one that writes to the folder removes the temporary file.

    Raises:
        UserError: if there is no room or no permission, or the file is write-protected.
    """
    path = Path(path)
    with disk_errors(path):
        if path.exists() and not path.is_file() and not path.is_dir():
            with TemporaryFolder("ntcir-output-") as folder:
                temporary = folder / f"whole{path.suffix}"
                yield temporary
                _write_into(path, temporary)
            return
        place = path.resolve() if path.is_symlink() else path
        _refuse_protected(place, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary, held = make_temporary(place)
        except FileNotFoundError as error:  # as /proc has it
            raise UserError(f"Cannot write {path}: no file can be created in {place.parent}.") from error
        try:
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            _take_permissions(temporary, place)
            try:
                temporary.replace(place)
            except OSError as error:
                if error.errno != errno.EBUSY:
                    raise
                _write_into(place, temporary)
                temporary.unlink()
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        finally:
            os.close(held)


def _refuse_protected(place: Path, path: Path) -> None:
    """Refuse to replace a write-protected file, although its folder's permissions would allow it.

    Raises:
        UserError: if nobody may write to it, or this user may not. (To root the system allows everything.)
    """
    if not place.is_file():
        return
    effective = os.access in os.supports_effective_ids
    if not place.stat().st_mode & _WRITE or not os.access(place, os.W_OK, effective_ids=effective):
        raise UserError(f"{path} is write-protected: choose another place, or allow it with `chmod u+w`.")


def _take_permissions(temporary: Path, place: Path) -> None:
    """Give a new file the owner and the permissions of the one it replaces, or else those that new files have."""
    try:
        old = place.stat()
    except FileNotFoundError:
        temporary.chmod(0o666 & ~_umask())
        return
    new = temporary.stat()
    if hasattr(os, "chown") and (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        with suppress(OSError):  # to others than root the system allows only groups that they are in
            os.chown(temporary, old.st_uid if os.geteuid() == 0 else -1, old.st_gid)
    temporary.chmod(stat.S_IMODE(old.st_mode))


def require_writable(folder: Path) -> None:
    """Check that files can be created in a folder, which may not exist yet, before hours of work depend on it.

    Raises:
        UserError: if they cannot.
    """
    with disk_errors(folder):
        there = next(place for place in (folder, *folder.absolute().parents) if os.path.lexists(place))
        if not there.is_dir():
            raise UserError(f"Cannot write to {folder}: {there} is not a folder.")
        try:
            with tempfile.TemporaryFile(dir=there):
                pass
        except FileNotFoundError as error:  # as /proc has it
            raise UserError(f"Cannot write to {folder}: no file can be created in {there}.") from error


def _write_into(place: Path, source: Path) -> None:
    with source.open("rb") as whole, place.open("wb") as target:
        shutil.copyfileobj(whole, target)


def atomic_write(path: str | os.PathLike[str], text: str) -> None:
    """Write ``text`` as UTF-8 to ``path``, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _umask() -> int:
    """Return the process's umask (the system offers no way to read it without setting it).

    One thread at a time: of two, the second would read the zero that the first has set, and put that back.
    """
    with _UMASK:
        mask = os.umask(0)
        os.umask(mask)
    return mask

"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ntcir.errors import UserError

# A model folder's files that are looked for without importing torch.
MODEL_FILE, MODEL_CONFIG = "model.safetensors", "config.yaml"

# Raised by the system when there is no room: disk full, quota used up, file size limit reached.
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
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
            raise UserError(f"No room left to write {path}: free some space and start again.") from error
        if number in {errno.EACCES, errno.EPERM, errno.EROFS}:
            raise UserError(f"Not allowed to write {path}: choose another place.") from error
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
    and what it leads to is replaced. What cannot be replaced, such as a pipe, a device or a file that is mounted by
    itself, is written to when all is there.

    Raises:
        UserError: if there is no room or no permission.
    """
    path = Path(path)
    with disk_errors(path):
        if path.exists() and not path.is_file() and not path.is_dir():
            with tempfile.TemporaryDirectory() as folder:
                temporary = Path(folder) / f"whole{path.suffix}"
                yield temporary
                _write_into(path, temporary)
            return
        place = path.resolve() if path.is_symlink() else path
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name[:40]}.", suffix=place.suffix[:40])
        except FileNotFoundError as error:  # as /proc has it
            raise UserError(f"Cannot write {path}: no file can be made in {place.parent}.") from error
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.chmod(0o666 & ~_umask())
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


def require_writable(folder: Path) -> None:
    """Check that files can be made in a folder, which may not be there yet, so that nobody finds out after hours.

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
            raise UserError(f"Cannot write to {folder}: no file can be made in {there}.") from error


def _write_into(place: Path, source: Path) -> None:
    with source.open("rb") as whole, place.open("wb") as target:
        shutil.copyfileobj(whole, target)


def atomic_write(path: str | os.PathLike[str], text: str) -> None:
    """Write ``text`` as UTF-8 to ``path``, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _umask() -> int:
    """Return the process's umask (the system offers no way to read it without setting it)."""
    mask = os.umask(0)
    os.umask(mask)
    return mask

"""The user's home folder, which containers and clusters may not have, and what libraries keep between two runs.

Ultralytics, matplotlib and torch's compiler each keep a folder under the home folder, and OpenVINO asks for it. A user
whom the system does not know, without ``HOME``, has none, and each library ends in a traceback of its own. So they all
get one folder of ours: ``$XDG_CACHE_HOME/ntcir`` or ``~/.cache/ntcir``, or, where nothing can be written there, one of
the user's own under the folder for temporary files. What the environment says already is left alone.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from ntcir.system.errors import UserError

# The variable by which a library is told its folder -> the folder's name within ours.
_KEPT = {
    "YOLO_CONFIG_DIR": "ultralytics", "MPLCONFIGDIR": "matplotlib", "TORCHINDUCTOR_CACHE_DIR": "inductor",
}  # fmt: skip


def expanded(path: str | Path) -> Path:
    """Return a path with ``~`` replaced by the home folder.

    Raises:
        UserError: if there is no such home folder.
    """
    path = Path(path)
    if not str(path).startswith("~"):
        return path
    try:
        found = path.expanduser()
    except RuntimeError:  # what pathlib raises where there is no home folder
        found = path
    if found == path or os.environ.get("HOME", "").startswith(_prefix()):
        raise UserError(f"{path} starts with a home folder that is not known here (is HOME set?): give the full path.")
    return found


def share_caches() -> None:
    """Tell libraries, by the environment, where they may keep things; called before one that needs it is imported."""
    folder = cache_folder()
    if folder is None:
        return  # nothing can be written anywhere: the library's own error is as good as ours
    for variable, name in _KEPT.items():
        place = folder / name
        with suppress(OSError):
            place.mkdir(exist_ok=True)
            os.environ.setdefault(variable, str(place))
    if _home() is None:  # the only setting that OpenVINO reads
        os.environ["HOME"] = str(_substitute())


def settle_torch_home() -> None:
    """Tell torch to keep published weights in our folder, unless it has one of its own that can be used.

    Only before weights are looked for: torch's own folder is made by this where it is not there.
    """
    folder = cache_folder()
    if folder is not None and "TORCH_HOME" not in os.environ and not _is_usable(_torch_home()):
        os.environ["TORCH_HOME"] = str(folder / "torch")


@cache
def cache_folder() -> Path | None:
    """Return our folder, made and known to be writable; None where there is no room for one at all."""
    return next(filter(_is_writable, _candidates()), None)


def _candidates() -> Iterator[Path]:
    named = os.environ.get("XDG_CACHE_HOME", "")
    if Path(named).is_absolute():  # any other is not valid, the standard says, and to be ignored
        yield Path(named) / "ntcir"
    home = _home()
    if home is not None:
        yield home / ".cache" / "ntcir"
    yield _substitute()


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:
        return None


@cache
def _substitute() -> Path:
    """Return a folder under that for temporary files that is the user's own, and that nobody else made or may enter."""
    place = Path(f"{_prefix()}{os.geteuid()}")
    with suppress(OSError):
        place.mkdir(mode=0o700, exist_ok=True)
        found = place.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077:
            return place
    with suppress(OSError):
        return Path(tempfile.mkdtemp(prefix=_prefix()))
    return place


def _prefix() -> str:
    return str(Path(tempfile.gettempdir()) / "ntcir-home-")


def _is_writable(folder: Path) -> bool:
    """Return whether files can be made in a folder, which is made if it is not there; found out by trying."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _torch_home() -> Path:
    """Return where torch looks for published weights."""
    named = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.path.expanduser(named)) / "torch"  # noqa: PTH111 (leaves ~ as it is where there is no home, as torch does)


def _is_usable(folder: Path) -> bool:
    """Return whether weights may lie in a folder already, or can be put there."""
    return folder.is_absolute() and (os.access(folder / "hub", os.R_OK | os.X_OK) or _is_writable(folder))

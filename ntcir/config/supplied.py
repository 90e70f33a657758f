"""A configuration that came with data: it may say how they are used, and not where on this machine to write or read.

A corpus folder may have an ``ntcir.yaml``, which is used where the user names no configuration. Whoever made the corpus
wrote it, so that it is no word of the user's: unlike a file after ``--config``, and ``--set``, it cannot send features
to any folder, read any file as weights, open a detector (which may hold code), or allow that photographs of this
machine are read (``data.outside``). What it says of these is refused, unless a setting replaces it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ntcir.config.experiment import Config, load_config
from ntcir.config.features import Features
from ntcir.config.places import OPEN_CLIP_FOLDER, PUBLISHED, Found, places
from ntcir.system.errors import UserError, shown
from ntcir.system.home import expanded
from ntcir.system.regular import exists

_WHY = {
    "store": "a corpus may not choose a folder elsewhere to write to",
    "code": "a corpus may not choose a detector's or a model's file, which may hold code",
    "data": "a corpus may not choose weights or vectors outside its folder",
}


def load_supplied(path: Path, settings: Sequence[str]) -> Config:
    """Read a corpus's own configuration and apply the user's settings on top.

    Paths of weights are looked for in the corpus folder first, then, as those that a user gives, in the current one.

    Args:
        path: of the file, which lies in the corpus folder.
        settings: ``key.sub=value``, as of ``load_config``.

    Raises:
        UserError: as ``load_config``, or if the file chooses a place that is not the data's to choose.
    """
    config = load_config(path, settings)
    typed = [setting.partition("=")[0].strip() for setting in settings]

    def is_typed(key: str) -> bool:
        return any(key == each or key.startswith(f"{each}.") for each in typed)

    if config.data.outside and not is_typed("data.outside"):
        raise _refused(path, "data.outside", True, "a corpus may not allow photographs outside its folder to be read")
    for key, network in _networks(config):
        if str(network).startswith(OPEN_CLIP_FOLDER) and not is_typed(key):
            raise _refused(path, key, network, _WHY["code"])
    changes: dict[str, str] = {}
    for found in places(config):
        if found.place.supplied == "corpus" or found.value is None or is_typed(found.key):
            continue
        allowed = _allowed(found, path.parent)
        if allowed is None:
            raise _refused(path, found.key, str(found.value), _WHY[found.place.supplied])
        changes[found.key] = allowed
    return config.changed(changes, str(path))


def _networks(config: Config) -> Iterator[tuple[str, str | None]]:
    """Yield the keys that name networks, which are no paths but may end with one, and their values."""
    yield "texts.network", config.texts.network
    for number, backbone in enumerate(config.features.backbones):
        yield f"features.backbones.{number}.arch", backbone.arch


def _allowed(found: Found, folder: Path) -> str | None:
    """Return the value that a corpus's configuration may give, made one that is found; None where it may not."""
    if found.place.supplied == "store":
        return str(found.value) if is_local(found.value) else None
    if found.place.supplied == "code":
        return str(found.value) if _is_free(found.path, folder) else None
    return str(found.value) if found.value in PUBLISHED else _data(found, folder)


def is_local(store: Path) -> bool:
    """Return whether a folder of features may be chosen by who made a corpus or a model: it lies in the current one.

    That holds of the usual one, wherever a link of that name leads: nobody but the user chose that.
    """
    if store == Features().store:
        return True
    if expanded(store).is_absolute() or ".." in store.parts:
        return False
    return store.resolve().is_relative_to(Path.cwd().resolve())


def _data(found: Found, folder: Path) -> str | None:
    """Return the path of a file of the corpus or of the current folder, made one that is found; None of any other."""
    place = expanded(found.value)
    own = folder / place
    if exists(own) and own.is_file():
        inside = own.resolve().is_relative_to(folder.resolve())
        return str(own.absolute()) if inside else None
    elsewhere = place.is_absolute() or ".." in place.parts
    return None if found.path is not None and elsewhere else str(found.value)


def _is_free(place: Path | None, folder: Path) -> bool:
    """Return whether a file is a published one or lies in the current folder, and not in the corpus's."""
    if place is None:
        return True
    if place.is_absolute() or ".." in place.parts:
        return False
    lexically, really = place.absolute(), place.resolve()
    return not lexically.is_relative_to(folder.absolute()) and not really.is_relative_to(folder.resolve())


def _refused(path: Path, key: str, value: object, why: str) -> UserError:
    return UserError(
        f"{path} says {key} = {shown(value)}, but it came with the data, and {why}: give the value yourself with "
        f"--set {key}=..., or, if you trust the file, name it with --config {path}."
    )

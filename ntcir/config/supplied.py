"""A configuration that came with data: it may say how they are used, and not where on this machine to write or read.

A corpus folder may have an ``ntcir.yaml``, which is used where the user names no configuration. Whoever made the corpus
wrote it, so that it is no word of the user's: unlike a file after ``--config``, and ``--set``, it cannot send features
to any folder, read any file as weights, open a detector (which may hold code), or allow that photographs of this
machine are read (``data.outside``). What it says of these is refused, unless a setting replaces it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ntcir.config.experiment import Config, load_config
from ntcir.config.sections import Backbone, Features
from ntcir.system.errors import UserError, shown
from ntcir.system.home import expanded
from ntcir.system.regular import exists

_PUBLISHED = {"imagenet", "places365", "random"}


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
        raise _refused(path, "data.outside", True, "a corpus cannot allow that photographs outside its folder are read")
    store = config.features.store
    if not is_typed("features.store") and not is_local(store):
        raise _refused(path, "features.store", str(store), "a corpus cannot choose a folder elsewhere to be written to")
    detector = config.objects.detector
    if not is_typed("objects.detector") and not _is_free(config.objects.path, path.parent):
        why = "a corpus cannot choose a file to be opened as a detector, which may hold code"
        raise _refused(path, "objects.detector", detector, why)
    weights: dict[str, str] = {}
    for number, backbone in enumerate(config.features.backbones):
        key = f"features.backbones.{number}.weights"
        if not is_typed(key):
            found = _weights(backbone, path.parent)
            if found is None:
                why = "a corpus cannot choose weights outside its folder"
                raise _refused(path, key, backbone.weights, why)
            weights[key] = found
    return config.changed(weights, str(path))


def is_local(store: Path) -> bool:
    """Return whether a folder of features may be chosen by who made a corpus or a model: it lies in the current one.

    That holds of the usual one, wherever a link of that name leads: nobody but the user chose that.
    """
    if store == Features().store:
        return True
    if expanded(store).is_absolute() or ".." in store.parts:
        return False
    return store.resolve().is_relative_to(Path.cwd().resolve())


def _weights(backbone: Backbone, folder: Path) -> str | None:
    """Return the weights of a network, a path made one that is found; None where it leads elsewhere."""
    if backbone.weights in _PUBLISHED:
        return backbone.weights
    place = expanded(backbone.weights)
    own = folder / place
    if exists(own) and own.is_file():
        inside = own.resolve().is_relative_to(folder.resolve())
        return str(own.absolute()) if inside else None
    elsewhere = place.is_absolute() or ".." in place.parts
    return None if backbone.checkpoint and elsewhere else backbone.weights


def _is_free(detector: Path | None, folder: Path) -> bool:
    """Return whether a detector is a published one or lies in the current folder, and not in the corpus's."""
    if detector is None:
        return True
    if detector.is_absolute() or ".." in detector.parts:
        return False
    lexically, really = detector.absolute(), detector.resolve()
    return not lexically.is_relative_to(folder.absolute()) and not really.is_relative_to(folder.resolve())


def _refused(path: Path, key: str, value: object, why: str) -> UserError:
    return UserError(
        f"{path} says {key} = {shown(value)}, but it came with the data, and {why}: give the value yourself with "
        f"--set {key}=..., or, if you trust the file, name it with --config {path}."
    )

"""Keys whose values are paths: found by walking the configuration, so that no list of them is kept by hand.

Such a key is annotated with a ``Place``, which says what becomes of its value when the configuration is used from
another folder, handed on with a model, or was written by whoever made the data.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ntcir.system.errors import UserError
from ntcir.system.home import expanded
from ntcir.system.regular import exists

_WEIGHTS = {".pth", ".pt", ".tar", ".safetensors"}
PUBLISHED = ("imagenet", "places365", "random")
DEMO_DETECTOR = "demo"


def _as_path(value: Any) -> Path | None:
    return None if value is None else expanded(value)


def path_of_weights(value: Any) -> Path | None:
    """Return the path of weights that are given by one; a file may be there or not."""
    if value is None:
        return None
    path = expanded(value)
    is_path = (exists(path) and path.is_file()) or "/" in str(value) or path.suffix in _WEIGHTS
    return path if is_path and value not in PUBLISHED else None


# How names of networks begin that are of these libraries.
TIMM, OPEN_CLIP = "timm:", "open_clip:"
OPEN_CLIP_FOLDER = f"{OPEN_CLIP}local-dir:"  # ... and has its settings in a folder, whose path follows


def path_of_text_network(value: Any) -> Path | None:
    """Return the folder of a sentence encoder; ``$NAME`` in it stands for an environment variable.

    Raises:
        UserError: if there is no such variable.
    """
    if value is None or str(value).startswith(OPEN_CLIP):
        return None
    found = os.path.expandvars(str(value))
    if "$" in found:
        raise UserError(
            f"texts.network = {value!r} names an environment variable that is not set: set it to the folder of the "
            "sentence encoder, or give the folder itself."
        )
    return expanded(found)


def path_of_detector(value: Any) -> Path | None:
    """Return the path of a detector that is given by one; something may be there or not."""
    path = expanded(value)
    return path if value != DEMO_DETECTOR and (exists(path) or len(path.parts) > 1) else None


@dataclass(frozen=True)
class Place:
    """Marks a key whose value is, or may be, a path.

    Attributes:
        supplied: what a configuration that came with data may say: ``data``, a file of its own folder or of the current
            one; ``code``, one of the current folder alone, for what it opens may run or teach something; ``store``, the
            usual folder or one below the current one; ``corpus``, where the data lie, which nothing depends on.
        path: the value -> the path, or None where it is not one.
        anchored: whether it is made absolute, so that it is found from any folder. What moves with the folder that a
            command is typed in stays relative, but for ``~``.
        handed_on: what a model that is handed on has: the file's ``name`` alone, or the ``default``.
    """

    supplied: Literal["data", "code", "store", "corpus"]
    path: Callable[[Any], Path | None] = _as_path
    anchored: bool = True
    handed_on: Literal["name", "default"] = "default"


@dataclass(frozen=True)
class Found:
    """A value that is marked as a place: its dotted key, the mark, the value, and the key's default."""

    key: str
    place: Place
    value: Any
    default: Any

    @property
    def path(self) -> Path | None:
        """The path that the value is, if it is one."""
        return self.place.path(self.value)


def places(section: BaseModel, prefix: str = "") -> Iterator[Found]:
    """Yield all values of a section, and of those within it, that are marked as places."""
    fields: dict[str, FieldInfo] = type(section).model_fields
    values = {**{name: getattr(section, name) for name in fields}, **(section.__pydantic_extra__ or {})}
    for name, value in values.items():
        key = f"{prefix}{name}"
        field = fields.get(name)
        marks = [mark for mark in field.metadata if isinstance(mark, Place)] if field else []
        if field and marks:
            yield Found(key, marks[0], value, field.get_default(call_default_factory=True))
        elif isinstance(value, BaseModel):
            yield from places(value, f"{key}.")
        elif isinstance(value, list | tuple | Mapping):
            entries = value.items() if isinstance(value, Mapping) else enumerate(value)
            for at, entry in entries:
                if isinstance(entry, BaseModel):
                    yield from places(entry, f"{key}.{at}.")


def anchored(config: BaseModel) -> dict[str, str]:
    """Return the changes by which what is given by path is found from any folder."""
    changes = {}
    for found in places(config):
        if found.path is not None:
            changes[found.key] = str(found.path.absolute() if found.place.anchored else found.path)
    return changes


def handed_on(config: BaseModel) -> dict[str, Any]:
    """Return the changes by which no path of this machine is left: files by their names alone, the usual folders."""
    changes: dict[str, Any] = {}
    for found in places(config):
        if found.place.handed_on == "default":
            changes[found.key] = None if found.default is None else str(found.default)
        elif found.path is not None:
            changes[found.key] = found.path.name
    return changes

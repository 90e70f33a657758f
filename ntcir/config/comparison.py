"""What differs between two configurations, and which differences a trained model does not notice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ntcir.config.experiment import Config
from ntcir.config.places import places

# What computes things and how many at a time: a model moves to other machines. A training may go on for more steps.
_MOVABLE = (
    "name", "data.outside", "features.backend", "features.device", "features.batch", "training.iters", "objects.batch",
    "encoder.device",
)  # fmt: skip


def lasting(config: Config) -> dict[str, Any]:
    """Return the keys and values of a configuration that stay as they are for as long as a model is used.

    Where things lie is not among them: whether weights, detector and vectors are the same, their fingerprints tell.
    """
    return without_places(config, _MOVABLE)


def without_places(config: Config, keys: Iterable[str] = ()) -> dict[str, Any]:
    """Return the keys and values of a configuration, without paths and without some more keys, which are dotted."""
    tree: dict[str, Any] = config.model_dump(mode="json")
    for key in (*(found.key for found in places(config)), *keys):
        *sections, last = key.split(".")
        part: Any = tree
        for section in sections:
            part = part[int(section) if isinstance(part, list) else section]
        del part[last]
    return tree


def first_difference(ours: Any, theirs: Any, place: str = "") -> tuple[str, Any, Any]:
    """Return the dotted key of the first value in which two trees differ, and both values."""
    if isinstance(ours, dict) and isinstance(theirs, dict) and ours.keys() == theirs.keys():
        key = next(key for key in ours if ours[key] != theirs[key])
        return first_difference(ours[key], theirs[key], f"{place}.{key}" if place else key)
    return place, ours, theirs

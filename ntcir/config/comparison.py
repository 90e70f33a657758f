"""What differs between two configurations, and which differences a trained model does not notice."""

from __future__ import annotations

from typing import Any

from ntcir.config.experiment import Config
from ntcir.config.places import places

# What computes things and how many at a time: a model moves to other machines. A training may go on for more steps. How
# much hubness counts may be changed when a model is asked.
_MOVABLE = (
    "name", "data.outside", "features.backend", "features.device", "features.batch", "training.iters", "objects.batch",
    "encoder.device", "hubness.beta",
)  # fmt: skip


def lasting(config: Config) -> dict[str, Any]:
    """Return the keys and values of a configuration that stay as they are for as long as a model is used.

    Where things lie is not among them: whether weights, detector and vectors are the same, their fingerprints tell.
    """
    tree: dict[str, Any] = config.model_dump(mode="json")
    for key in _MOVABLE:
        _remove(tree, key)
    return without_places(config, tree)


def without_places(config: Config, tree: dict[str, Any]) -> dict[str, Any]:
    """Return a tree of all keys and values of a configuration from which those given by path have been removed."""
    for found in places(config):
        _remove(tree, found.key)
    return tree


def _remove(tree: Any, key: str) -> None:
    *sections, last = key.split(".")
    for section in sections:
        tree = tree[int(section) if isinstance(tree, list) else section]
    del tree[last]


def first_difference(ours: Any, theirs: Any, place: str = "") -> tuple[str, Any, Any]:
    """Return the dotted key of the first value in which two trees differ, and both values."""
    if isinstance(ours, dict) and isinstance(theirs, dict) and ours.keys() == theirs.keys():
        key = next(key for key in ours if ours[key] != theirs[key])
        return first_difference(ours[key], theirs[key], f"{place}.{key}" if place else key)
    if _are_sections(ours) and _are_sections(theirs) and len(ours) == len(theirs):
        at = next(at for at, (one, other) in enumerate(zip(ours, theirs, strict=True)) if one != other)
        return first_difference(ours[at], theirs[at], f"{place}.{at}")
    return place, ours, theirs


def _are_sections(value: Any) -> bool:
    """Return whether a value is a list of sections, such as objectives; a day of a range would say little by itself."""
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)

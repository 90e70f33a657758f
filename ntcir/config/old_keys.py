"""Spellings of keys that are no longer written and stay valid: what they say is put where it belongs now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

INFO_NCE = "info_nce"
# Old key -> where it is now; `objective` stands for the first info_nce among the objectives.
RENAMED = {
    "towers.standardise": "towers.image.standardise",
    "towers.image_dropout": "towers.image.input_dropout",
    "towers.sensor_hidden": "towers.sensor.hidden",
    "towers.sensor_layers": "towers.sensor.layers",
    "towers.sensor_dropout": "towers.sensor.dropout",
    "training.temperature": "objective.temperature",
    "training.learn_temperature": "objective.learn_temperature",
    "training.symmetric": "objective.symmetric",
}
_SECTIONS = ("towers", "training")


def lifted(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tree of keys and values in which old spellings are replaced.

    Raises:
        ValueError: if a key is given in both spellings, or there is no objective that it could be of.
    """
    result = dict(tree)
    for old, new in RENAMED.items():
        section, name = old.split(".")
        part = result.get(section)
        if not isinstance(part, dict) or name not in part:
            continue
        value = part[name]
        result[section] = {key: each for key, each in part.items() if key != name}
        *_, leaf = new.split(".")
        if new.startswith("objective."):
            objectives = [dict(each) if isinstance(each, dict) else each for each in _objectives(result)]
            at = _first(objectives, old)
            _put(objectives[at], leaf, value, old, f"objectives.{at}.{leaf}")
            result["objectives"] = objectives
        else:
            _, modality, leaf = new.split(".")
            towers = result["towers"]
            own = towers.get(modality, {})
            if not isinstance(own, dict):
                continue  # which is told where the tower is checked
            own = dict(own)
            _put(own, leaf, value, old, new)
            result["towers"] = towers | {modality: own}
    return result


def current_changes(changes: Mapping[str, Any], objectives: list[Any]) -> dict[str, Any]:
    """Return changes, by dotted key, in the spelling of today; a section given as a whole may hold old keys too.

    Args:
        changes: dotted key -> value.
        objectives: those of the configuration that is changed, as dictionaries.

    Raises:
        ValueError: if a key is given in both spellings, or there is no objective that it could be of.
    """
    result: dict[str, Any] = {}
    old_ones: dict[str, Any] = {}
    for key, value in changes.items():
        if key in RENAMED:
            old_ones[key] = value
        elif key in _SECTIONS and isinstance(value, dict):
            olds = {f"{key}.{name}": each for name, each in value.items() if f"{key}.{name}" in RENAMED}
            old_ones |= olds
            result[key] = {name: each for name, each in value.items() if f"{key}.{name}" not in olds}
        else:
            result[key] = value
    changed = result.get("objectives", objectives)
    for old, value in old_ones.items():
        new = RENAMED[old]
        if new.startswith("objective."):
            new = new.replace("objective", f"objectives.{_first(changed, old)}")
        if new in result:
            raise ValueError(_both(old, new))
        result[new] = value
    return result


def _objectives(tree: Mapping[str, Any]) -> list[Any]:
    given = tree.get("objectives")
    return given if isinstance(given, list) else [{"kind": INFO_NCE}]


def _first(objectives: Any, old: str) -> int:
    kinds = [each.get("kind") if isinstance(each, dict) else None for each in objectives]
    if INFO_NCE not in kinds:
        raise ValueError(f"{old} is a setting of the objective {INFO_NCE}, which is not among the objectives")
    return kinds.index(INFO_NCE)


def _put(part: dict[str, Any], name: str, value: Any, old: str, new: str) -> None:
    if name in part:
        raise ValueError(_both(old, new))
    part[name] = value


def _both(old: str, new: str) -> str:
    return f"{old} is the old spelling of {new}, and both are given: remove one"

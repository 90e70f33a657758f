"""Spellings of keys that are no longer written and stay valid: what they say is put where it belongs now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def old_names(section: Sequence[str]) -> list[str]:
    """Return the old names of keys that a section had."""
    return [old.split(".")[1] for old in RENAMED if list(section) == old.split(".")[:1]]


def typed_as(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the keys that are given in an old spelling: key of today, as in ``RENAMED`` -> the old one.

    Args:
        given: a tree of keys and values, or dotted keys and values.
    """
    found = {}
    for old, new in RENAMED.items():
        section, name = old.split(".")
        part = given.get(section)
        if old in given or (isinstance(part, Mapping) and name in part):
            found[new] = old
    return found


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
            if not isinstance(result.get("objectives", []), list):
                continue  # which is told where the objectives are checked
            objectives = [dict(each) if isinstance(each, dict) else each for each in _objectives(result)]
            at = _first(objectives, old)
            _put(objectives[at], leaf, value, old, f"objectives.{at}.{leaf}")
            result["objectives"] = objectives
        else:
            _, modality, leaf = new.split(".")
            _require_tower(modality, result.get("pair"), old)
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
            if not isinstance(changed, list):
                continue  # which is told where the objectives are checked
            new = new.replace("objective", f"objectives.{_first(changed, old)}")
        if _is_in(result, new):
            raise ValueError(_both(old, new))
        result[new] = value
    return result


def _is_in(changes: Mapping[str, Any], key: str) -> bool:
    """Return whether changes give a key, by itself or within a section or a list that is given as a whole."""
    parts = key.split(".")
    for at in range(len(parts), 0, -1):
        if (start := ".".join(parts[:at])) not in changes:
            continue
        part = changes[start]
        for name in parts[at:]:
            if isinstance(part, dict) and name in part:
                part = part[name]
            elif isinstance(part, list) and name.isdigit() and int(name) < len(part):
                part = part[int(name)]
            else:
                break
        else:
            return True
    return False


def _require_tower(modality: str, pair: Any, old: str) -> None:
    if isinstance(pair, list | tuple) and modality not in pair:
        between = " and ".join(map(str, pair))
        raise ValueError(f"{old} is a setting of the {modality} tower, and the pair is {between}: remove it")


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

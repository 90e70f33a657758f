"""A configuration's tree of keys and values, changed by dotted keys."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from ntcir.config.objective import objective_class
from ntcir.config.old_keys import current_changes
from ntcir.config.registry import OBJECTIVES
from ntcir.config.solved import forget_defaults, is_solved
from ntcir.system.errors import UserError, short, shown


def changed_tree(tree: dict[str, Any], changes: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Return the tree of a configuration, which is changed in place, with dotted keys replaced.

    Args:
        tree: of a checked configuration, all keys in it.
        changes: dotted key -> value; yet to be checked.
        origin: named in the error.

    Raises:
        UserError: if there is no such key.
    """
    try:
        changes = dict(current_changes(changes, tree["objectives"]))
    except ValueError as error:
        raise UserError(f"{origin}: {error}.") from error
    if "pair" in changes:  # other modalities, other towers
        tree["towers"] = {"dim": tree["towers"]["dim"]} | {
            name: tower for name, tower in tree["towers"].items() if name in _names(changes["pair"])
        }
    solved = is_solved(tree["objectives"])
    of_objectives = [key for key in changes if key.partition(".")[0] == "objectives"]
    for key in of_objectives:  # first: defaults depend on them
        _forget_defaults_of_kind(tree["objectives"], key, changes[key], of_objectives)
        _put(tree, key, changes.pop(key))
    if is_solved(tree["objectives"]) != solved:
        forget_defaults(tree)
    for key, value in sorted(changes.items(), key=lambda change: change[0] != "data.split.by"):
        if key == "data.split.by" and value != tree["data"]["split"]["by"]:
            tree["data"]["split"] = {}  # another kind of split: the days or names of the old one mean nothing in it
        _put(tree, key, value)
    return tree


def _forget_defaults_of_kind(objectives: Any, key: str, kind: Any, also_set: Collection[str]) -> None:
    """Take from an objective that is to become one of another kind what it has by default.

    What both kinds have stays where both are trained; what was set stays in any case, and is checked.

    Args:
        objectives: yet to be checked; changed in place.
        key: dotted, that is to be set.
        kind: its value, where the key is an objective's kind.
        also_set: dotted keys that are set as well, before or after this one.
    """
    place = re.fullmatch(r"objectives\.(\d{1,9})\.kind", key)
    if place is None or not isinstance(objectives, list) or int(place[1]) >= len(objectives):
        return
    objective = objectives[int(place[1])]
    before = objective.get("kind") if isinstance(objective, dict) else None
    if not (isinstance(before, str) and isinstance(kind, str) and {before, kind} <= set(OBJECTIVES)) or kind == before:
        return
    usual = objective_class(before)(kind=before).model_dump(mode="json")
    both = objective_class(kind).model_fields if not is_solved([objective, {"kind": kind}]) else {}
    for name, value in usual.items():
        key_of_name = f"objectives.{place[1]}.{name}"
        if name not in both and key_of_name not in also_set and objective.get(name, ...) == value:
            del objective[name]


def _names(pair: Any) -> list[Any]:
    """Return the modalities of a pair that is yet to be checked."""
    return list(pair) if isinstance(pair, list | tuple) else []


def _put(tree: Any, key: str, value: Any) -> None:
    """Set a dotted key, making the sections on the way; a number is a position in a list, ``[]`` not needed."""
    *sections, last = key.split(".")
    for section in sections:
        if isinstance(tree, dict):
            if not isinstance(tree.get(section), dict | list):
                tree[section] = {}
            tree = tree[section]
        else:
            tree = tree[_position(tree, section, key)]
    if isinstance(tree, dict):
        tree[last] = value
    else:
        tree[_position(tree, last, key)] = value


def _position(part: Any, name: str, key: str) -> int:
    """Return which entry of a list a part of a dotted key names.

    Raises:
        UserError: if there is none.
    """
    if isinstance(part, list):
        if name.isascii() and name.isdecimal() and len(name) < 10 and int(name) < len(part):
            return int(name)
        entries = "1 entry" if len(part) == 1 else f"{len(part)} entries"
        raise UserError(
            f"There is no configuration key '{short(key)}': its list has {entries}, counted from 0, and none is "
            f"{shown(name)}."
        )
    raise UserError(f"There is no configuration key '{short(key)}'.")

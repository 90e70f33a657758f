"""A configuration as it was written before modalities had towers of their own and objectives were values.

Results of an ablation are kept under a digest of their configuration: by this, those of earlier versions are found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ntcir.config.experiment import Config, parse_config
from ntcir.config.old_keys import INFO_NCE, RENAMED
from ntcir.modalities import DEFAULT_PAIR
from ntcir.system.errors import UserError

# Keys that were added since results may have been kept, with defaults that change nothing: of a tower, of an objective
# by its kind, of a backbone, and of the rest.
_OF_TOWERS_SINCE: dict[str, object] = {
    "head": "mlp", "norm": "none", "blocks": [3, 4, 6, 1], "widths": [256, 512, 1024, 2048], "pca": None,
    "facets": "joined",
}  # fmt: skip
_OF_BACKBONES_SINCE: dict[str, object] = {"levels": []}
_OF_OBJECTIVES_SINCE: dict[str, dict[str, object]] = {"ranking": {"negatives": "hardest"}}
_SINCE: dict[str, object] = {
    "features.mirror": False, "texts.vectors_rate": 1.0, "texts.shift": "never", "towers.rectify": "never",
    "training.optimizer": "adam", "training.momentum": 0.9, "training.milestones": [], "training.smoothing": 1,
    "sensors.numbers": None, "towers.members": 1, "hubness": {"beta": 0.0, "temperature": 0.1, "queries": None},
}  # fmt: skip
_RAW = ((), ("raw",))  # what became of numbers, if there were any
_ADDED = ("pair", "objectives", "training.start", "data.pictures", "texts")  # keys that had no spelling then


def former_tree(config: Config) -> dict[str, Any] | None:
    """Return a configuration's keys and values in the spelling of before, all of them; None if it has no such spelling.

    A key that is added to the configuration is named in ``_ADDED``; as long as it has its default value, the tree stays
    the same.
    """
    if config.pair != DEFAULT_PAIR or config.objectives[0].kind != INFO_NCE:
        return None
    if config.encodings not in _RAW:
        return None
    config = config.changed({"sensors.numbers": None})  # all numbers were raw, whatever the preset
    tree = config.model_dump(mode="json")
    now = {"objective": tree["objectives"][0], "towers": tree["towers"]}
    before = {old: _at(now, new) for old, new in RENAMED.items()}
    tree["towers"] = {"dim": config.towers.dim}
    for key in (*_ADDED, *(key for key in _SINCE if not key.startswith(("texts.", "towers.")))):
        *sections, last = key.split(".")
        del _at(tree, ".".join(sections))[last]
    for backbone in tree["features"]["backbones"]:
        _leave_out(backbone, _OF_BACKBONES_SINCE)
    for old, value in before.items():
        section, name = old.split(".")
        tree[section][name] = value
    try:
        said = parse_config(tree, "the earlier spelling")
    except UserError:
        return None
    return tree if said == config else None  # else some key of today says what could not be said then


def without_later(config: Config, tree: dict[str, Any]) -> dict[str, Any]:
    """Return a tree of all keys and values without those that were added since results may have been kept.

    A key that is set to something else than its default stays, as no earlier result is of such a configuration. What
    becomes of numbers is spelled out where it is not what became of them then.
    """
    if config.encodings:
        tree["sensors"]["numbers"] = None if config.encodings in _RAW else list(config.encodings)
    for name in config.pair:
        _leave_out(tree["towers"][name], _OF_TOWERS_SINCE)
    for backbone in tree["features"]["backbones"]:
        _leave_out(backbone, _OF_BACKBONES_SINCE)
    for objective in tree["objectives"]:
        _leave_out(objective, _OF_OBJECTIVES_SINCE.get(objective["kind"], {}))
    for key, default in _SINCE.items():
        *sections, last = key.split(".")
        _leave_out(_at(tree, ".".join(sections)), {last: default})
    return tree


def as_begun(config: Config, tree: Mapping[str, Any]) -> Config:
    """Return a saved configuration in which it is spelled out what becomes of numbers, where there are readings.

    What is saved has all keys of its time: numbers were raw where ``sensors.numbers`` is not among them.

    Args:
        config: what was read of it.
        tree: as it was saved.
    """
    if not config.encodings:
        return config
    sensors = tree.get("sensors")
    is_former = isinstance(sensors, Mapping) and "numbers" not in sensors
    meant = ("raw",) if is_former else config.encodings
    return config.changed({"sensors.numbers": list(meant)})


def _leave_out(section: dict[str, Any], defaults: Mapping[str, object]) -> None:
    """Remove the keys of a section that have these values."""
    for key, default in defaults.items():
        if key in section and section[key] == default:
            del section[key]


def _at(tree: dict[str, Any], key: str) -> Any:
    """Return what is at a dotted key, the tree itself for the empty one."""
    found: Any = tree
    for part in key.split(".") if key else ():
        found = found[part]
    return found

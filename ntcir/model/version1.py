"""Models and checkpoints of format 1, from before a model had encoders by modality, as those of today.

Such a model had ``sensors.json``, the encoder of readings, and in ``model.json`` what is to be known of the image
networks; a tower's first layer, where it has one that knows the rows, was the first of its head; and the only objective
was InfoNCE.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ntcir.system.plain_json import parse_object

if TYPE_CHECKING:
    import torch

VERSION = 1
READINGS = "sensors.json"
LAST_SECTION = "topics"  # of every config.yaml: one without it is truncated
_CARD = "model.json"
_FIRST_LAYER = re.compile(r"towers\.(\w+)\.head\.0\.(?:mean|scale|tables\.\d+\.weight)")
_LAYER = re.compile(r"towers\.(\w+)\.head\.(\d+)\.(.+)")
_NETWORK = re.compile(r"networks\.(\d+\..+)")


def lift(
    told: Mapping[str, Any], vouched: Mapping[str, str], readings: bytes, *, retrained: bool
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Return a model's encoders by modality, and the facts for people.

    Args:
        told: what ``model.json`` says; another format's, where a training that was resumed was killed while it saved.
        vouched: what the weights carry; the oldest carry nothing.
        readings: the content of ``sensors.json``.
        retrained: whether the image networks, and so their fingerprints, change in the course of the training.

    Raises:
        ValueError: if something is not of its kind, or not what was saved with the weights.
        KeyError: if something is missing.
    """
    try:
        tree = parse_object(readings)
    except ValueError as error:
        raise ValueError(f"{READINGS}: {error}") from error
    if vouched.get(READINGS, digest := hashlib.sha256(readings).hexdigest()) != digest:
        raise ValueError(f"{READINGS} is not the file that was saved with the weights: its digest is another")
    card = _facts(told, vouched.get(_CARD), retrained=retrained)
    del card["version"]
    frozen = {"kind": "frozen", "dim": card.pop("image_dim"), "fingerprints": card.pop("fingerprints")}
    return {"image": frozen, "sensor": {"kind": "readings", **tree}}, card


def lift_state(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return weights, in their order, under the names of today; what has no other name keeps its own."""
    with_stem = {found[1] for name in state if (found := _FIRST_LAYER.fullmatch(name))}
    return {_lifted(name, with_stem): value for name, value in state.items()}


def _lifted(name: str, with_stem: set[str]) -> str:
    """Return the name of today of a tensor, given the modalities whose heads began with a layer that is a stem now."""
    if name == "log_temperature":
        return "learnt.0.log_temperature"
    if network := _NETWORK.fullmatch(name):
        return f"networks.image.{network[1]}"
    if not (layer := _LAYER.fullmatch(name)):
        return name
    modality, number, rest = layer[1], int(layer[2]), layer[3]
    if modality not in with_stem:
        return name
    return f"towers.{modality}.head.{number - 1}.{rest}" if number else f"towers.{modality}.stem.{rest}"


def _facts(told: Mapping[str, Any], vouched: str | None, *, retrained: bool) -> dict[str, Any]:
    """Return a model's facts: those its weights carry, so that a kill between two files does not mix two models."""
    found = dict(told) if vouched is None else parse_object(vouched)
    later = told.get("version") != VERSION
    for facts in (found,) if later else (told, found):
        dim, prints = facts["image_dim"], facts["fingerprints"]
        if not isinstance(dim, int) or isinstance(dim, bool) or dim < 1:
            raise ValueError(f"image_dim in {_CARD} is not a number of columns")
        if not isinstance(prints, list) or not all(isinstance(each, str) for each in prints):
            raise ValueError(f"fingerprints in {_CARD} is not a list of texts")
    lasting = ["version", "image_dim", *([] if retrained else ["fingerprints"])]
    if not later and any(told[key] != found[key] for key in lasting):
        raise ValueError(f"{_CARD} is not the file that was saved with the weights")
    return found

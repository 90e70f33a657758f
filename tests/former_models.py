"""Trainings as earlier versions left them, made of those of today: nothing here uses what the package knows of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from ntcir.config import load_config
from ntcir.config.comparison import lasting
from ntcir.model.folder import CARD, CONFIG, ENCODERS, WEIGHTS
from ntcir.model.trained import LAST
from ntcir.system.tensor_files import read_tensors, write_tensors

READINGS = "sensors.json"
Array = TypeVar("Array")  # numpy's or torch's


def former_state(state: Mapping[str, Array]) -> dict[str, Array]:
    """Return weights of images and sensors under the names that they had in format 1.

    A stem was the first layer of its head. Layers without weights, such as dropout, were counted as they are now.
    """
    found: dict[str, Array] = {}
    for name, value in state.items():
        parts = name.split(".")
        modality = parts[1] if parts[0] == "towers" else ""
        if parts[0] == "towers" and parts[2] == "stem":
            parts[2:3] = ["head", "0"]
        elif modality and any(other.startswith(f"towers.{modality}.stem.") for other in state):
            parts[3] = str(int(parts[3]) + 1)
        elif parts[:2] == ["networks", "image"]:
            del parts[1]
        elif parts[0] == "learnt":
            parts = parts[2:]
        found[".".join(parts)] = value
    return found


def make_former(folder: Path, *, vouching: bool = True) -> Path:
    """Turn a finished or interrupted training of images and sensors into one of format 1, in its place.

    Args:
        folder: of the training.
        vouching: whether the weights carry what belongs to them; the first models' did not.
    """
    facts = json.loads((folder / CARD).read_text(encoding="utf-8"))
    encoders = json.loads((folder / ENCODERS).read_text(encoding="utf-8"))
    image, sensor = encoders["image"], encoders["sensor"]
    readings = json.dumps({key: sensor[key] for key in ("columns", "statistics")}, indent=1) + "\n"
    (folder / READINGS).write_text(readings, encoding="utf-8")
    (folder / ENCODERS).unlink()
    card = {key: value for key, value in facts.items() if key not in {"version", "files"}}
    facts = {"version": 1, "image_dim": image["dim"], "fingerprints": image["fingerprints"], **card}
    (folder / CARD).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    told = {
        READINGS: hashlib.sha256(readings.encode()).hexdigest(), CARD: json.dumps(facts),
        CONFIG: json.dumps(lasting(load_config(folder / CONFIG))),
    }  # fmt: skip
    state, _ = read_tensors(folder / WEIGHTS)
    write_tensors(folder / WEIGHTS, former_state(state), told if vouching else {})
    if (folder / LAST).is_file():
        tensors, progress = read_tensors(folder / LAST)
        weights = {name.removeprefix("model."): value for name, value in tensors.items() if name.startswith("model.")}
        kept = {name: value for name, value in tensors.items() if not name.startswith("model.")}
        kept |= {f"model.{name}": value for name, value in former_state(weights).items()}
        write_tensors(folder / LAST, kept, {"progress": progress["progress"]})
    return folder

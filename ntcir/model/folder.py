"""A trained model as a folder: four files, of which the last one written, the weights, vouches for the others.

A training overwrites its model at each better validation and may be killed between two files. The weights therefore
carry what must belong to them: the digest of their own tensors, that of ``sensors.json``, the facts of ``model.json``,
which is there for people, and the settings of ``config.yaml``, in which paths and the like may be changed by hand.
"""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ntcir.config import Config, load_config, parse_config
from ntcir.config.comparison import first_difference, lasting
from ntcir.encoders.readings import ReadingsEncoder
from ntcir.encoders.saved_readings import check_saved
from ntcir.model.tensor_files import not_finite, read_tensors, write_tensors
from ntcir.system.errors import UserError, shown
from ntcir.system.files import MODEL_CONFIG, MODEL_FILE, atomic_write
from ntcir.system.plain_json import parse_object
from ntcir.system.regular import read_regular

MODEL_VERSION = 1
WEIGHTS, CONFIG, READINGS, CARD = MODEL_FILE, MODEL_CONFIG, "sensors.json", "model.json"
_LAST_SECTION = f"\n{list(Config.model_fields)[-1]}:"
# What may be wrong with a content, as opposed to a file that cannot be read.
_DAMAGE = (ValueError, LookupError, TypeError, AttributeError, RuntimeError)


@dataclass(frozen=True)
class Saved:
    """What is in a model's folder.

    Attributes:
        config: resolved.
        readings: the encoder of readings.
        image_dim: length of the image features.
        fingerprints: of the image networks, in order.
        card: facts for people.
        state: the weights by name.
    """

    config: Config
    readings: ReadingsEncoder
    image_dim: int
    fingerprints: list[str]
    card: dict[str, Any]
    state: dict[str, torch.Tensor]


def write_model(folder: Path, saved: Saved) -> None:
    """Write a model's files: the weights last, without which it does not count.

    Raises:
        UserError: if there is no room or no permission.
    """
    saved.config.save(folder / CONFIG)
    readings = json.dumps(saved.readings.to_json(), indent=1) + "\n"
    atomic_write(folder / READINGS, readings)
    facts = {"version": MODEL_VERSION, "image_dim": saved.image_dim, "fingerprints": saved.fingerprints, **saved.card}
    atomic_write(folder / CARD, json.dumps(facts, indent=1) + "\n")
    digests = {READINGS: _sha256(readings.encode()), CARD: json.dumps(facts), CONFIG: json.dumps(lasting(saved.config))}
    write_tensors(folder / WEIGHTS, saved.state, digests)


def read_model(folder: Path) -> Saved:
    """Read what ``write_model`` wrote.

    Raises:
        UserError: if there is no model, it is of another version, damaged, or cannot be read.
    """
    with reading(folder):
        if not (folder / WEIGHTS).is_file():
            raise UserError(f"There is no trained model in {folder}: train one with `ntcir train`.")
        facts = _object(CARD, read_regular(folder / CARD))
        if "version" not in facts:
            raise ValueError(f"version is missing in {CARD}")
        if facts["version"] != MODEL_VERSION:
            raise UserError(f"The model in {folder} is of another version of ntcir: train it again.")
        config = load_config(folder / CONFIG)
        if _LAST_SECTION not in read_regular(folder / CONFIG).decode():  # what is left may still be YAML
            raise ValueError(f"{CONFIG} is truncated")
        written = read_regular(folder / READINGS)
        tree = _object(READINGS, written)
        check_saved(tree)
        state, vouched = read_tensors(folder / WEIGHTS)
        if vouched.get(READINGS, digest := _sha256(written)) != digest:
            raise ValueError(f"{READINGS} is not the file that was saved with the weights: its digest is another")
        if CONFIG in vouched:
            _check_settings(folder / CONFIG, config, vouched[CONFIG])
        card = _facts(facts, vouched.get(CARD), retrained=config.encoder.finetune)
        if found := not_finite(state):
            raise UserError(
                f"The weights of the model in {folder} hold {found}: its training diverged; train it again, with a "
                "lower training.lr."
            )
        dim, prints = card.pop("image_dim"), card.pop("fingerprints")
        del card["version"]
        return Saved(config, ReadingsEncoder.from_json(tree), dim, prints, card, state)


def _object(name: str, text: bytes) -> dict[str, Any]:
    """Return the keys and values in one of the files.

    Raises:
        ValueError: if they cannot be read; the phrase names the file.
    """
    try:
        return parse_object(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Turn what goes wrong while a model is read into one sentence that says which kind it is.

    Raises:
        UserError: if the body raises an error.
    """
    try:
        yield
    except UserError:
        raise
    except MemoryError as error:
        raise UserError(f"Not enough memory to read the model in {folder}.") from error
    except OSError as error:
        if error.errno == errno.ENOENT:
            name = Path(error.filename).name if error.filename else "a file"
            raise UserError(
                f"The model in {folder} is damaged ({name} is missing): copy the whole folder again, or train it again."
            ) from error
        what = f": {error.filename}" if error.filename else ""
        reason = (error.strerror or str(error)).lower()
        raise UserError(f"Cannot read the model in {folder}{what}: {reason}.") from error
    except _DAMAGE as error:
        words = " ".join(str(error).split())[:200]
        if "not enough memory" in words:  # torch's allocator says so by a RuntimeError
            raise UserError(f"Not enough memory to read the model in {folder}.") from error
        if isinstance(error, KeyError):
            words = f"{words} is missing"
        raise UserError(
            f"The model in {folder} is damaged ({words}): copy the whole folder again, or train it again."
        ) from error


def _check_settings(path: Path, config: Config, vouched: str) -> None:
    """Refuse settings with which the model was not trained.

    Raises:
        UserError: naming the first.
        ValueError: if ``vouched``, the settings that the weights carry as JSON, are none.
    """
    trained = lasting(parse_config(parse_object(vouched), "the configuration in the weights"))
    found = lasting(config)
    if found != trained:
        key, here, there = first_difference(found, trained)
        raise UserError(
            f"{path} has {key} = {shown(here)}, but the model was trained with {shown(there)}: put that back, "
            "or train another model."
        )


def _facts(told: Mapping[str, Any], vouched: str | None, *, retrained: bool) -> dict[str, Any]:
    """Return a model's facts: those its weights carry, so that a kill between two files does not mix two models.

    Args:
        told: what ``model.json`` says.
        vouched: the facts that the weights carry as JSON; None of a model from before they did.
        retrained: whether the image networks, and so their fingerprints, change in the course of the training.

    Raises:
        ValueError: if one of them is not of its kind, or what is the same all through a training differs.
        KeyError: if one is missing.
    """
    found = dict(told) if vouched is None else parse_object(vouched)
    for facts in (told, found):
        dim, prints = facts["image_dim"], facts["fingerprints"]
        if not isinstance(dim, int) or isinstance(dim, bool) or dim < 1:
            raise ValueError(f"image_dim in {CARD} is not a number of columns")
        if not isinstance(prints, list) or not all(isinstance(each, str) for each in prints):
            raise ValueError(f"fingerprints in {CARD} is not a list of texts")
    lasting = ["version", "image_dim", *([] if retrained else ["fingerprints"])]
    if any(told[key] != found[key] for key in lasting):
        raise ValueError(f"{CARD} is not the file that was saved with the weights")
    return found


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

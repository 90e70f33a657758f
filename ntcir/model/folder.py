"""A trained model as a folder: four files, of which the last one written, the weights, vouches for the others.

    config.yaml         the resolved configuration, in which paths and the like may be changed by hand
    encoders.json       by modality, what turns items into rows: its kind, and what that kind fitted or was given
    model.json          the format, digests of the two above, facts for people
    model.safetensors   the weights

A training overwrites its model at each better validation and may be killed between two files. The weights therefore
carry, beside the digest of their own tensors, what must belong to them: the facts of ``model.json`` with its digests,
the encoders, and the settings of the configuration.

This is format 2; models of format 1 are read as well (``version1``). Nothing here imports torch before tensors are read
or written.
"""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ntcir.config import Config, load_config, parse_config
from ntcir.config.comparison import first_difference, lasting
from ntcir.config.former import as_begun
from ntcir.config.yaml_tree import read_yaml
from ntcir.model import version1
from ntcir.system.errors import UserError, shown
from ntcir.system.files import MODEL_CONFIG, MODEL_FILE, atomic_write
from ntcir.system.plain_json import parse_object
from ntcir.system.regular import read_regular

if TYPE_CHECKING:
    import torch

MODEL_VERSION = 2
WEIGHTS, CONFIG, ENCODERS, CARD = MODEL_FILE, MODEL_CONFIG, "encoders.json", "model.json"
_FORMER = (version1.READINGS,)  # what earlier formats had that this one has not
# What may be wrong with a content, as opposed to a file that cannot be read.
_DAMAGE = (ValueError, LookupError, TypeError, AttributeError, RuntimeError)


@dataclass(frozen=True)
class Saved:
    """What is in a model's folder.

    Attributes:
        config: resolved.
        encoders: by modality, each as JSON: its ``kind`` and whatever that kind needs to be made again.
        card: facts for people.
        state: the weights by name.
    """

    config: Config
    encoders: dict[str, dict[str, Any]]
    card: dict[str, Any]
    state: dict[str, torch.Tensor]


def write_model(folder: Path, saved: Saved) -> None:
    """Write a model's files: the weights last, without which it does not count.

    Raises:
        UserError: if there is no room or no permission.
    """
    from ntcir.system.tensor_files import write_tensors

    contents = {CONFIG: saved.config.to_yaml(), ENCODERS: json.dumps(saved.encoders, indent=1) + "\n"}
    for name, text in contents.items():
        atomic_write(folder / name, text)
    digests = {name: _sha256(text.encode()) for name, text in contents.items()}
    facts = {"version": MODEL_VERSION, "files": digests, **saved.card}
    atomic_write(folder / CARD, json.dumps(facts, indent=1) + "\n")
    vouched = {CARD: facts, CONFIG: lasting(saved.config), ENCODERS: saved.encoders}
    write_tensors(folder / WEIGHTS, saved.state, {name: json.dumps(tree) for name, tree in vouched.items()})
    for name in _FORMER:  # of a training that an earlier version began: now nothing needs it
        with suppress(OSError):
            (folder / name).unlink()


def read_model(folder: Path) -> Saved:
    """Read what ``write_model`` wrote, now or in format 1.

    Raises:
        UserError: if there is no model, it is of a later format, damaged, or cannot be read.
    """
    from ntcir.system.tensor_files import not_finite, read_tensors

    with reading(folder):
        told = _told(folder)
        newest = _version(told, folder)
        state, vouched = read_tensors(folder / WEIGHTS)
        # A kill while a training that was resumed saved may have left the weights of an earlier format.
        if CARD not in vouched and newest > version1.VERSION:
            raise ValueError(f"{WEIGHTS} does not say which files belong to it")
        version = _version(parse_object(vouched[CARD]), folder) if CARD in vouched else newest
        config = load_config(folder / CONFIG)
        retrained = config.encoder.finetune
        if version == version1.VERSION:
            _check_config(folder / CONFIG, config, vouched.get(CONFIG), (version1.LAST_SECTION,))
            readings = read_regular(folder / version1.READINGS)
            encoders, card = version1.lift(told, vouched, readings, retrained=retrained)
            state = version1.lift_state(state)
        else:
            card = parse_object(vouched[CARD])
            digests = _check_card(told, card, retrained=retrained)
            if _sha256(read_regular(folder / CONFIG)) != digests[CONFIG]:
                _check_config(folder / CONFIG, config, vouched[CONFIG], parse_object(vouched[CONFIG]))
            encoders = _encoders(read_regular(folder / ENCODERS), digests[ENCODERS], vouched, retrained=retrained)
            del card["version"], card["files"]
        if found := not_finite(state):
            raise UserError(
                f"The weights of the model in {folder} hold {found}: its training diverged; train it again, with a "
                "lower training.lr."
            )
        return Saved(config, encoders, card, state)


def read_config(folder: Path) -> Config:
    """Return the configuration of a model, without its weights; whether they belong together is not checked.

    Raises:
        UserError: if there is no model, it is of a later format, damaged, or cannot be read.
    """
    with reading(folder):
        _version(_told(folder), folder)
        return load_config(folder / CONFIG)


def _told(folder: Path) -> dict[str, Any]:
    """Return what ``model.json`` says, which is read first of all: a later format may have other files and keys.

    Raises:
        UserError: if there is no model.
        ValueError, OSError: if the file is damaged or cannot be read.
    """
    if not (folder / WEIGHTS).is_file():
        raise UserError(f"There is no trained model in {folder}: train one with `ntcir train`.")
    return _object(CARD, read_regular(folder / CARD))


def _version(facts: Mapping[str, Any], folder: Path) -> int:
    """Return the format that a model's facts say.

    Raises:
        UserError: if it is a later one.
        ValueError: if it is none.
    """
    if "version" not in facts:
        raise ValueError(f"version is missing in {CARD}")
    version = facts["version"]
    if type(version) is not int or version < version1.VERSION:
        raise ValueError(f"{CARD} has version = {shown(version)}, which is not a format of models")
    if version > MODEL_VERSION:
        raise UserError(
            f"The model in {folder} was saved by a newer ntcir (format {version}; this one reads formats up to "
            f"{MODEL_VERSION}): upgrade ntcir."
        )
    return version


def _check_card(told: Mapping[str, Any], facts: Mapping[str, Any], *, retrained: bool) -> dict[str, str]:
    """Return the digests of a model's files: those that its weights carry.

    Args:
        told: what ``model.json`` says, which may be of a later model of the same training.
        facts: what the weights say.
        retrained: whether encoders change in the course of the training.

    Raises:
        ValueError: if ``model.json`` is of another training.
    """
    files = told.get("files")
    if not isinstance(files, dict) or ENCODERS not in files:
        raise ValueError(f"files is missing in {CARD}, or has no digest of {ENCODERS}")
    digests: dict[str, str] = facts["files"]
    if files[ENCODERS] != digests[ENCODERS] and not retrained:
        raise ValueError(f"{CARD} is not the file that was saved with the weights")
    return digests


def _encoders(written: bytes, digest: str, vouched: Mapping[str, str], *, retrained: bool) -> dict[str, dict[str, Any]]:
    """Return a model's encoders: those that its weights carry.

    Args:
        written: the content of ``encoders.json``, which may be of a later model of the same training.
        digest: of what was saved with the weights.
        vouched: what the weights carry.
        retrained: whether networks, and so their fingerprints, change in the course of the training.

    Raises:
        ValueError: if the file is of another training.
    """
    found = parse_object(vouched[ENCODERS])
    if _sha256(written) != digest:
        there = _object(ENCODERS, written)
        if not retrained or _without_fingerprints(there) != _without_fingerprints(found):
            raise ValueError(f"{ENCODERS} is not the file that was saved with the weights: its digest is another")
    return found


def _without_fingerprints(encoders: Mapping[str, Any]) -> dict[str, Any]:
    return {
        modality: {key: value for key, value in tree.items() if key != "fingerprints"}
        for modality, tree in encoders.items()
    }


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
    """Turn an error while a model is read into one sentence that says what kind it is.

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
        if "not enough memory" in words:  # torch's allocator raises a RuntimeError
            raise UserError(f"Not enough memory to read the model in {folder}.") from error
        if isinstance(error, KeyError):
            words = f"{words} is missing"
        raise UserError(
            f"The model in {folder} is damaged ({words}): copy the whole folder again, or train it again."
        ) from error


def _check_config(path: Path, config: Config, vouched: str | None, sections: Iterable[str]) -> None:
    """Refuse a configuration that is truncated, or settings with which the model was not trained.

    Args:
        path: of the configuration.
        config: what was read there; what is left of a truncated file may still be YAML.
        vouched: the settings that the weights carry as JSON; the oldest models have none.
        sections: those that were saved. Keys that came later have their defaults here and there.

    Raises:
        UserError: naming the first.
        ValueError: if the file is truncated, or ``vouched`` holds no settings.
    """
    there = read_yaml(path) or {}
    if missing := [section for section in sections if section not in there]:
        raise ValueError(f"{CONFIG} is truncated: it has no '{missing[0]}'")
    if vouched is None:
        return
    saved = parse_object(vouched)
    trained = lasting(as_begun(parse_config(saved, "the configuration in the weights"), saved))
    found = lasting(as_begun(config, there))
    if found != trained:
        key, here, then = first_difference(found, trained)
        raise UserError(
            f"{path} has {key} = {shown(here)}, but the model was trained with {shown(then)}: put that back, "
            "or train another model."
        )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

"""Files that describe many trainings: a base configuration, and what is varied about it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from ntcir.config.complaints import complaint
from ntcir.config.experiment import Config, load_config, parse_config
from ntcir.config.section import Section
from ntcir.config.yaml_tree import NotYaml, read_yaml
from ntcir.system.errors import UserError, did_you_mean, short
from ntcir.system.home import expanded

S = TypeVar("S", bound=Section)


def read_description(path: Path, kind: type[S], what: str, such_as: str, required: Mapping[str, str]) -> S:
    """Read such a file.

    Args:
        path: of the file.
        kind: what it is read as; it has the key ``base``.
        what: what it describes, such as ``ablation``.
        such_as: keys that it may have, for a sentence.
        required: key that it must have -> what that is.

    Raises:
        UserError: if it is not there or not YAML, or a key or value is wrong; the sentence names both.
    """
    try:
        tree = read_yaml(path, typed=True)
    except OSError as error:
        raise UserError(f"Cannot read the {what} {path}: {(error.strerror or str(error)).lower()}.") from error
    except NotYaml as error:
        raise UserError(f"{path} is not YAML: {error}.") from error
    if not isinstance(tree, dict):
        raise UserError(f"{path} must hold keys and values, such as {such_as}.")
    if _is_configuration(tree, kind):
        article = "an" if what[0] in "aeiou" else "a"
        raise UserError(
            f"{path} is a configuration to train with, not {article} {what}: train with `ntcir train --config {path}`, "
            "or name it as `base` in a file of its own that says what is varied."
        )
    try:
        return kind.model_validate(tree)
    except ValidationError as error:
        raise UserError(_sentence(error, path, kind, required)) from error


def read_base(base: str | dict[str, Any], path: Path) -> Config:
    """Return the configuration that a file names, relative to itself, or spells out.

    Raises:
        UserError: if it is not one.
    """
    if isinstance(base, str):
        return load_config(path.parent / expanded(base))
    return parse_config(base, f"the base of {path}")


def _is_configuration(tree: Mapping[Any, Any], kind: type[Section]) -> bool:
    """Return whether keys are those of a training: some that only a configuration has, none that only ``kind`` has."""
    training, other = set(Config.model_fields), set(kind.model_fields)
    return bool(tree.keys() & (training - other)) and not tree.keys() & (other - training)


def _sentence(error: ValidationError, path: Path, kind: type[Section], required: Mapping[str, str]) -> str:
    """Return one sentence for the first thing that is wrong."""
    # What is unknown first: a file of another kind lacks things too, but that does not say what is wrong with it.
    first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    place = [str(part) for part in first["loc"]]
    if not place:  # what is told of the whole names its keys itself
        return f"{path}: {complaint(first)}."
    key = short(".".join(place))
    if first["type"] == "extra_forbidden":
        field = kind.model_fields.get(place[0])
        within = field.annotation if field else None
        known = list((within if isinstance(within, type) and issubclass(within, Section) else kind).model_fields)
        hint = did_you_mean(short(place[-1]), known) or f"; known here: {', '.join(known)}"
        return f"Unknown key '{key}' in {path}{hint}."
    if first["type"] == "missing" and key in required:
        return f"{path} lacks the key '{key}': {required[key]}."
    if place[0] == "base":
        return f"{path}: base must name a configuration file, or be one."
    value = "" if isinstance(first["input"], dict | list) else f" = {short(str(first['input']))}"
    return f"{path}: {key}{value} is not valid: {complaint(first)}."

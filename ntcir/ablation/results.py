"""What a training came to, kept under a digest of all that it depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ntcir.ablation.folds import Fold
from ntcir.config import Config
from ntcir.config.comparison import without_places
from ntcir.config.former import former_tree, without_later
from ntcir.system.files import atomic_write
from ntcir.system.plain_json import is_finite_number, parse_object
from ntcir.system.regular import read_regular

RESULT_VERSION = 1  # to be raised when a training with the same configuration and data comes to something else
# What does not count: names, and where things lie. Whether they are the same, fingerprints and the fold's digest tell.
_UNNAMED = ("name", "data")
_ELSEWHERE = {"features": ("store", "batch", "backbones"), "objects": ("detector", "batch")}


@dataclass(frozen=True)
class Result:
    """One training, answered topics and all.

    Attributes:
        reciprocal: direction -> topic id -> reciprocal rank, 0 where the topic was not answered.
        seconds: of training steps and validations, without reading features.
        best_step: the step whose weights answered.
        what: which training it was, for people.
    """

    reciprocal: dict[str, dict[str, float]]
    seconds: float
    best_step: int
    what: dict[str, Any]

    def save(self, path: Path) -> None:
        """Write the result, whole or not at all."""
        atomic_write(path, json.dumps({"version": RESULT_VERSION, **asdict(self)}, indent=1) + "\n")


def load_result(path: Path, fold: Fold) -> Result | None:
    """Return the result in a file, or None if there is none, or none of these topics."""
    try:
        tree = parse_object(read_regular(path))
        if tree.pop("version") != RESULT_VERSION:
            return None
        result = Result(**tree)
        answered = {direction: set(values) for direction, values in result.reciprocal.items()}
        numbers = [value for values in result.reciprocal.values() for value in values.values()]
        whole = all(isinstance(value, float | int) and 0 <= value <= 1 for value in numbers)
        whole &= int(result.what["iterations"]) > 0
        whole &= is_finite_number(result.seconds) and answered == {
            direction: {topic.topic_id for topic in topics} for direction, topics in fold.topics.by_direction().items()
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError):  # not there, or damaged
        return None
    return result if whole else None


def digest_of(config: Config, fold: Fold, fingerprints: Sequence[str]) -> str:
    """Return what names a result: the configuration, the networks, the data and the topics.

    Args:
        config: where things lie, and what they are named, does not count.
        fold: the data and topics.
        fingerprints: of the networks, the files of vectors, the detector, and the model that the training begins from.
    """
    # What an earlier version measured is kept under the name that it gave.
    tree = former_tree(config) or without_later(config, without_places(config, config.model_dump(mode="json")))
    for section, keys in _ELSEWHERE.items():
        for key in keys:
            tree[section].pop(key, None)
    for key in _UNNAMED:
        del tree[key]
    parts = [RESULT_VERSION, tree, list(fingerprints), fold.digest]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]

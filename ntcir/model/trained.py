"""How far the trainings in folders have come: which have a model, which are finished, which is the newest.

Nothing here imports torch: commands that only look around must start at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ntcir.system.errors import UserError, shown
from ntcir.system.files import MODEL_CONFIG, MODEL_FILE
from ntcir.system.plain_json import parse_object
from ntcir.system.tensor_facts import read_facts

LAST = "last.safetensors"  # a training's checkpoint
CHECKPOINT_VERSION = 2


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        step: steps done.
        best_step: the step whose model is kept; 0 where there is none yet.
        best_mrr: the best mean of ``training.smoothing`` validation MRRs so far, that step's; -1 where there were
            not so many validations yet.
        data: a digest of what is trained on: networks, pairs and sensor statistics.
    """

    step: int = 0
    best_step: int = 0
    best_mrr: float = -1.0
    data: str = ""


def is_finished(folder: Path) -> bool:
    """Return whether a training in ``folder`` has come to its last step.

    Raises:
        UserError: if its checkpoint or its configuration cannot be read.
    """
    from ntcir.config import load_config

    if not (folder / LAST).is_file():
        return (folder / MODEL_FILE).is_file()
    return read_progress(folder / LAST).step >= load_config(folder / MODEL_CONFIG).training.iters


def trained(folder: Path) -> list[Path]:
    """Return the folders in ``folder`` that hold a model, the newest last."""
    found = sorted(folder.glob(f"*/{MODEL_FILE}"), key=lambda path: path.stat().st_mtime_ns)
    return [path.parent for path in found]


def newest(folder: Path) -> Path | None:
    """Return the most recently trained model in ``folder``; None if there is no model."""
    return next(reversed(trained(folder)), None)


def read_progress(path: Path) -> Progress:
    """Return how far the run of a checkpoint had got.

    Raises:
        UserError: if the file is damaged, of a later format or cannot be read.
    """
    with reading_checkpoint(path):
        return progress_of(read_facts(path), path)


def progress_of(facts: Mapping[str, str], path: Path) -> Progress:
    """Return the progress that the facts in a checkpoint's header hold.

    Raises:
        UserError: if the checkpoint is of a later format.
        ValueError: if they hold none.
    """
    version = checkpoint_version(facts)
    if version > CHECKPOINT_VERSION:
        raise UserError(
            f"{path} was saved by a newer ntcir (format {version}; this one reads formats up to {CHECKPOINT_VERSION}): "
            "upgrade ntcir."
        )
    tree = parse_object(facts.get("progress", ""))
    kinds = {"step": int, "best_step": int, "best_mrr": float, "data": str}
    if tree.keys() != kinds.keys() or not all(type(value) is kinds[name] for name, value in tree.items()):
        raise ValueError("it does not say how far the training got")
    return Progress(**tree)


def checkpoint_version(facts: Mapping[str, str]) -> int:
    """Return the format of a checkpoint; the first did not say so.

    Raises:
        ValueError: if what is said is not a format.
    """
    text = facts.get("version", "1")
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) >= 1):
        raise ValueError(f"its format is {shown(text)}")
    return int(text)


@contextmanager
def reading_checkpoint(path: Path) -> Iterator[None]:
    """Turn what goes wrong while a checkpoint is read into one sentence.

    Raises:
        UserError: if the body raises an error.
    """
    try:
        yield
    except MemoryError as error:
        raise UserError(f"Not enough memory to read {path}.") from error
    except OSError as error:
        raise UserError(f"Cannot read {path}: {(error.strerror or str(error)).lower()}.") from error
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}): remove its folder.") from error

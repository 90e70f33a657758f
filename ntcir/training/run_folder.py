"""The folder of a training: whose it is, whether it may be written to, and what is written before the first step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ntcir.config import Config, load_config
from ntcir.config.comparison import first_difference
from ntcir.config.former import as_begun
from ntcir.config.yaml_tree import read_yaml
from ntcir.corpora.corpus import Corpus
from ntcir.model.folder import CONFIG, WEIGHTS, read_config
from ntcir.model.trained import LAST, is_finished, read_progress
from ntcir.system.claims import claimed
from ntcir.system.errors import UserError
from ntcir.system.files import require_writable
from ntcir.system.parallel import by_first
from ntcir.system.progress import say

DROPPED = "dropped.csv"


@contextmanager
def run_folder(config: Config, folder: Path, *, resume: bool) -> Iterator[Config]:
    """Keep a folder for this training alone; of several processes the first does, for all of them.

    Yields the configuration to train with: a training that was begun before ``sensors.numbers`` had a default other
    than raw goes on with raw numbers.

    Args:
        config: resolved; ``training.batch`` is that of all processes together.
        folder: need not exist.
        resume: go on with an interrupted training there; it must have the same configuration but for the steps.

    Raises:
        UserError: if the folder holds another training, another command is training there, or it cannot be written to.
    """
    with ExitStack() as claims:
        by_first(lambda: claims.enter_context(claimed(folder)))
        if by_first(lambda: resume and _begun_raw(config, folder)):
            config = config.changed({"sensors.numbers": ["raw"]})
        by_first(lambda: _check(config, folder, resume))
        yield config


def begin(config: Config, corpus: Corpus, folder: Path, *, resume: bool) -> None:
    """Write what is known before the first step: the configuration, and the items that were left out."""
    if not resume:
        (folder / LAST).unlink(missing_ok=True)  # of a training that did not come to its first model
    config.save(folder / CONFIG)
    corpus.report.save_dropped(folder / DROPPED)


def _check(config: Config, folder: Path, resume: bool) -> None:
    require_writable(folder)
    if not (folder / LAST).is_file():
        if (folder / WEIGHTS).is_file():
            if resume and config.solved is not None:
                raise UserError(
                    f"{folder} already holds a model, and {config.solved.kind} is solved at once, so there is nothing "
                    "to resume: use that model, or choose another --out."
                )
            raise UserError(f"{folder} already holds a trained model: choose another --out.")
        if resume:
            say(f"There is nothing to resume in {folder}; starting a new training.")
        return
    if config.solved is not None:
        raise UserError(
            f"{folder} holds a training, and {config.solved.kind} is solved, not trained: choose another --out."
        )
    if not config.training.iters:
        raise UserError(
            f"{folder} holds a training, and training.iters = 0 asks for a model without one: choose another --out."
        )
    done = read_progress(folder / LAST).step
    if not resume and done == 0 and not (folder / WEIGHTS).is_file():
        return  # nothing was learnt there
    if not resume:
        old = load_config(folder / CONFIG)
        if is_finished(folder):
            raise UserError(f"{folder} already holds a trained model: choose another --out.")
        raise UserError(
            f"{folder} holds an interrupted training (step {done} of {old.training.iters}): add --resume to "
            "continue, or choose another --out."
        )
    if (folder / WEIGHTS).is_file():
        read_config(folder)  # a model there must be one that can be read: once finished, it is not written again
    _check_unchanged(config, _begun(folder), folder)


def _begun(folder: Path) -> Config:
    """Return the configuration of the training there, with what becomes of numbers spelled out."""
    return as_begun(load_config(folder / CONFIG), read_yaml(folder / CONFIG) or {})


def _begun_raw(config: Config, folder: Path) -> bool:
    """Return whether numbers, which the configuration leaves open, were raw when the training there was begun."""
    if config.sensors.numbers is not None or config.encodings in ((), ("raw",)) or not (folder / LAST).is_file():
        return False
    if _begun(folder).encodings != ("raw",):
        return False
    say(f"{folder} was begun with sensors.numbers = raw, and goes on with it.")
    return True


def _check_unchanged(config: Config, old: Config, folder: Path) -> None:
    """Check that a training would go on as it was begun; only its steps and the bias against hubs may be others."""
    # What the bias needs is made at the end, so that a model that was trained without one can still get it.
    free: dict[str, Any] = {"hubness.beta": config.hubness.beta}
    # More steps may be asked for, unless the rates of those that were done would have been others.
    if config.training.schedule != "cosine":
        free["training.iters"] = config.training.iters
    config = as_begun(config, config.model_dump(mode="json"))
    ours, theirs = (value.model_dump(mode="json") for value in (config, old.changed(free)))
    if ours == theirs:
        return
    key, *_ = first_difference(ours, theirs)
    asked, done = config.training.batch, old.training.batch
    sizes = f" ({done} pairs, all processes together, to {asked})" if key == "training.batch" else ""
    raise UserError(
        f"Cannot resume {folder} with another configuration: {key} was changed{sizes}; choose another --out, "
        "or remove the folder to train it again."
    )

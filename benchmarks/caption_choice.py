"""Cross-validation among training pictures: what a configuration's values are chosen by, one key varied at a time."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from caption_models import Opened, folds

from ntcir.config import Config
from ntcir.modalities import directions
from ntcir.model.metrics import METRICS, read_metrics
from ntcir.system.errors import UserError
from ntcir.training.trainer import Trainer

STEPS = (200, 300, 400, 600)
# The key, and the values that are tried beside the configuration's own.
GRID: dict[str, tuple[Any, ...]] = {
    "towers.image.power": (0.5, 1.0),
    "towers.image.input_dropout": (0.5, 0.75, 0.85),
    "towers.text.input_dropout": (0.4, 0.6, 0.75),
    "objectives.0.temperature": (0.05, 0.07, 0.1),
    "training.batch": (256, 512),
    "augment.views": (0, 4),
    "augment.share": (0.25, 0.5),
}


def choice(training: Opened, grid: Mapping[str, tuple[Any, ...]] = GRID) -> Iterator[str]:
    """Yield the lines of a table: MRR of both directions at several numbers of steps, the mean over folds.

    Args:
        training: a corpus of training pictures alone.
        grid: the values to try, by key.

    Raises:
        UserError: if the rate of learning depends on the number of steps, so that a training has no shorter one in it.
    """
    config = training.config
    if config.training.schedule != "constant":
        raise UserError(
            f"training.schedule = {config.training.schedule} is not valid here: a training of {max(STEPS)} steps "
            "stands for the shorter ones, which needs a constant rate."
        )
    steps = sorted({*STEPS, config.training.iters})
    own = config.training.iters
    names = " / ".join(each.name for each in reversed(directions(config.pair)))
    yield f"| {names} | {' | '.join(f'{step} steps' for step in steps)} | difference at {own} |"
    yield f"|---|{'---|' * len(steps)}---|"
    usual = None
    for name, changes in variants(config, grid):
        # One key at a time: only the configuration itself is trained for longer than it says.
        taken = [step for step in steps if not changes or step <= own]
        found = np.array([mrr_at(fold, config.changed(changes), taken) for fold in folds(training)])
        usual = found if usual is None else usual
        cells = [" / ".join(f"{mrr:.4f}" for mrr in at) for at in found.mean(axis=0)]
        cells += [""] * (len(steps) - len(taken))
        place = steps.index(own)
        gain = (found[:, place] - usual[:, place]).mean(axis=1)
        noise = gain.std(ddof=1) / math.sqrt(len(gain))
        yield f"| {name} | {' | '.join(cells)} | {f'{gain.mean():+.4f} ± {noise:.4f}' if changes else ''} |"


def variants(config: Config, grid: Mapping[str, tuple[Any, ...]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield names and changes: none, then each key's other values."""
    yield "as it stands", {}
    for key, values in grid.items():
        own = _value(config, key)
        for value in values:
            if value != own:
                yield f"{key} = {value} (for {own})", {key: value}


def mrr_at(fold: Opened, config: Config, steps: list[int]) -> list[list[float]]:
    """Return the MRR on the validation split after each number of steps, float [steps][directions].

    The answer of the right modality comes first, as in the table.
    """
    validated = {"training.iters": max(steps), "training.validate_every": math.gcd(*steps)}
    with tempfile.TemporaryDirectory() as folder:
        Trainer(config.changed(validated), fold.corpus, fold.rows(), Path(folder)).run()
        by_step = {row["step"]: row for row in read_metrics(Path(folder) / METRICS)}
    return [[by_step[step][each.name] for each in reversed(directions(config.pair))] for step in steps]


def _value(config: Config, key: str) -> Any:
    """Return what a configuration has under a dotted key."""
    value: Any = config.model_dump()
    for part in key.split("."):
        value = value[int(part)] if isinstance(value, list | tuple) else value[part]
    return value

"""What a tuning has come to so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ntcir.config import Config
from ntcir.system.plain_json import is_finite_number


@dataclass(frozen=True)
class Measured:
    """What the trainings of one configuration came to, a training a seed.

    Attributes:
        mrr: validation MRR by direction, at the best step of each training, the mean over the seeds; 0 where one
            diverged.
        by_seed: the metric of each seed.
        best_steps: of each training.
        seconds: of all of them.
        diverged: whether a loss or a vector was not finite.
    """

    mrr: dict[str, float]
    by_seed: list[float]
    best_steps: list[int]
    seconds: float
    diverged: bool = False

    @classmethod
    def of(cls, tree: Any) -> Measured:
        """Return what was written down.

        Raises:
            ValueError, TypeError: if it is something else.
        """
        if not isinstance(tree, dict):
            raise ValueError("a trial's figures are not keys and values")
        found = cls(**tree)
        figures = [*found.mrr.values(), *found.by_seed, found.seconds]
        if not found.by_seed or not all(map(is_finite_number, [*figures, *found.best_steps])):
            raise ValueError("a trial's figures are not numbers")
        return found

    @property
    def value(self) -> float:
        """The metric, the mean over the seeds."""
        return sum(self.by_seed) / len(self.by_seed)


@dataclass(frozen=True)
class Trial:
    """One configuration that was tried.

    Attributes:
        stage: from 1.
        number: within the stage, from 1.
        values: of the stage's keys.
        changes: all that differs from the base, values of earlier stages included.
        found: what it came to.
        again: whether the same configuration had been measured before, so that it was not trained again.
    """

    stage: int
    number: int
    values: dict[str, Any]
    changes: dict[str, Any]
    found: Measured
    again: bool = False

    @property
    def value(self) -> float:
        """The metric."""
        return self.found.value


@dataclass(frozen=True)
class Stage:
    """A stage: keys that are varied together.

    Attributes:
        keys: dotted.
        trials: in order.
        importances: key -> share of what mattered, summing to 1; none before there are a few trials.
        of: trials that were asked for.
    """

    keys: list[str]
    trials: list[Trial]
    importances: dict[str, float]
    of: int


@dataclass(frozen=True)
class Tuned:
    """All that there is to tell.

    Attributes:
        name: of the tuning.
        corpus: its name.
        pairs: in the validation split.
        metric: ``mean``, or a direction's name.
        directions: by name.
        seeds: of the trainings.
        stages: those that have begun.
        base: the configuration that is changed.
        folder: where everything lies.
        path: of the file that describes it.
    """

    name: str
    corpus: str
    pairs: int
    metric: str
    directions: Sequence[str]
    seeds: Sequence[int]
    stages: list[Stage]
    base: Config
    folder: Path
    path: Path

    @property
    def trials(self) -> list[Trial]:
        """Those of all stages, in order."""
        return [trial for stage in self.stages for trial in stage.trials]

    @property
    def best(self) -> Trial:
        """The best of all; the first of equals."""
        return best_of(self.trials)

    def config(self, changes: Mapping[str, Any]) -> Config:
        """Return the base with some keys changed."""
        return self.base.changed(changes)


def best_of(trials: Sequence[Trial]) -> Trial:
    """Return the best trial, the first of equals."""
    return max(trials, key=lambda trial: trial.value)

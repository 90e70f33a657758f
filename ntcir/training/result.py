"""What a training came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ntcir.model.metrics import METRICS, read_metrics
from ntcir.training.measured import told


@dataclass(frozen=True)
class TrainingResult:
    """What a training run came to.

    Attributes:
        folder: where the model lies.
        steps: steps done in all.
        best_step: the step whose weights the model has.
        validation: the validation MRR at that step by direction, empty where there was no validation split.
        solved: what was solved instead of trained, from what, in what time; None where there was a training.
        epoch: steps that show as many pairs as there are in the training split, in a training.
        errors: the standard errors of ``validation``, by direction, where there are any.
        smoothing: over how many validations the mean was the best at that step; 0 where fewer were made, so that the
            last step's model was kept.
        seconds: that solving took, without reading features; 0 where there was a training, whose log has them.
    """

    folder: Path
    steps: int
    best_step: int
    validation: dict[str, float]
    solved: str | None = None
    seconds: float = 0.0
    epoch: float = 1.0
    errors: Mapping[str, float] = field(default_factory=dict)
    smoothing: int = 1

    def clock(self) -> float:
        """Return the seconds that it took; of a training that was resumed those of all its parts."""
        logged = (row["seconds"] for row in reversed(read_metrics(self.folder / METRICS)) if "seconds" in row)
        return next(logged, self.seconds)

    def sentence(self) -> str:
        """Return the result in one sentence."""
        measured = told(self.validation, self.errors)
        if self.solved is not None:
            return f"{self.folder}: {self.solved}{f'; validation MRR {measured}' if measured else ''}."
        if not self.steps:
            return f"{self.folder}: no steps; the model is saved as it began (training.iters is 0)."
        if not self.validation:
            return f"{self.folder}: {self.steps} steps (there is no validation split; the last weights are kept)."
        return f"{self.folder}: {self.steps} steps; {self._kept()}, has validation MRR {measured}."

    def _kept(self) -> str:
        """Return which step's model was kept, and why it was."""
        if self.smoothing == 0:
            return f"the last, step {self.best_step} (there were fewer validations than training.smoothing)"
        by = f" by the mean of {self.smoothing} validations" if self.smoothing > 1 else ""
        return f"the best{by}, step {self.best_step}"

"""What a training came to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ntcir.model.metrics import METRICS, read_metrics


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
        seconds: that solving took, without reading features; 0 where there was a training, whose log has them.
    """

    folder: Path
    steps: int
    best_step: int
    validation: dict[str, float]
    solved: str | None = None
    seconds: float = 0.0
    epoch: float = 1.0

    def clock(self) -> float:
        """Return the seconds that it took; of a training that was resumed those of all its parts."""
        logged = (row["seconds"] for row in reversed(read_metrics(self.folder / METRICS)) if "seconds" in row)
        return next(logged, self.seconds)

    def sentence(self) -> str:
        """Return the result in one sentence."""
        measured = ", ".join(f"{direction} {mrr:.4f}" for direction, mrr in self.validation.items())
        if self.solved is not None:
            return f"{self.folder}: {self.solved}{f'; validation MRR {measured}' if measured else ''}."
        if not self.steps:
            return f"{self.folder}: no steps; the model is saved as it began (training.iters is 0)."
        if not self.validation:
            return f"{self.folder}: {self.steps} steps (there is no validation split; the last weights are kept)."
        return f"{self.folder}: {self.steps} steps; the best, step {self.best_step}, has validation MRR {measured}."

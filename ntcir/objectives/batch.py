"""What an objective is computed from."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain, count

import torch


@dataclass(frozen=True)
class Batch:
    """The embeddings of a training step, and what is known about them.

    Attributes:
        left: float32 [m, dim], unit rows with gradient.
        right: float32 [n, dim], unit rows with gradient.
        positives: bool [m, n]; None where the positives are the diagonal of a square matrix.
        ignored: bool [m, n], cells that are neither positive nor negative; None where there are none. A positive cell
            is never ignored.
        instances: int64 [m] and int64 [n], what each item on the left and on the right shows, numbered from 0 over the
            training split. Partners have the same number, and so have equal items (``ntcir.sampling.relations``).
        categories: float32 [m, concepts] and [n, concepts], 0 or 1: the concepts of each item; None where the corpus
            has none.
        features: of the left and of the right items, the same vectors as ``left`` and ``right`` before they were
            brought to unit length; None where an objective is called on unit rows only.
        step: of the training, from 0.
        seed: of what an objective draws in this step; the same in all processes, and after an interruption.
        figures: what objectives note about a step besides their loss, for the log: name -> a value of the left and one
            of the right items, such as a classification error; see ``note``.
    """

    left: torch.Tensor
    right: torch.Tensor
    positives: torch.Tensor | None
    ignored: torch.Tensor | None
    instances: tuple[torch.Tensor, torch.Tensor]
    categories: tuple[torch.Tensor, torch.Tensor] | None = None
    features: tuple[torch.Tensor, torch.Tensor] | None = None
    step: int = 0
    seed: int = 0
    figures: dict[str, tuple[float, float]] = field(default_factory=dict)

    def note(self, name: str, left: float, right: float) -> None:
        """Note a figure of both sides; the second objective that notes one of a name has ``NAME_2``, and so on."""
        names = chain([name], (f"{name}_{number}" for number in count(2)))
        self.figures[next(each for each in names if each not in self.figures)] = left, right

    def cells(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return which left and right items are positives of each other and which are negatives, both bool [m, n]."""
        positives = self.positives
        if positives is None:
            positives = torch.eye(len(self.left), dtype=torch.bool, device=self.left.device)
        negatives = ~positives if self.ignored is None else ~(positives | self.ignored)
        return positives, negatives

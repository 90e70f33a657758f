"""What each training instance looks like, for objectives that prepare themselves with that before the first step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import nn

from ntcir.config import Objective
from ntcir.model.model import Model
from ntcir.system.parallel import by_first
from ntcir.towers.tower import Tower
from ntcir.training.paired_rows import BLOCK
from ntcir.training.preparation import Preparation


@dataclass(frozen=True)
class InstanceRows:
    """Computes the mean row of each instance: of its pictures, or of its left items where neither side is pictured.

    All members of an ensemble get the same ones, of what they see together.

    Attributes:
        tower: of that side.
        rows: of its items, float32 [pairs, columns].
        instances: what each pair shows, int64 [pairs].
    """

    tower: Tower
    rows: np.ndarray
    instances: np.ndarray

    @classmethod
    def of(cls, model: Model, prepared: Preparation, instances: np.ndarray) -> InstanceRows:
        """Take the rows of the training pairs; nothing is computed yet."""
        name = model.config.pair[prepared.pictures or 0]
        return cls(model.tower(name), prepared.loaded[name], instances)

    def __call__(self) -> np.ndarray:
        """Return float32 [instances, width], as the tower's stem makes rows; the mean over what gives several."""
        count = int(self.instances.max()) + 1
        summed: torch.Tensor | None = None
        training = self.tower.training
        self.tower.eval()
        with torch.inference_mode():
            for start in range(0, len(self.rows), BLOCK):
                made = self.tower.stemmed(torch.from_numpy(self.rows[start : start + BLOCK])).double()
                if summed is None:
                    summed = made.new_zeros(count, made.shape[1])
                summed.index_add_(0, torch.from_numpy(self.instances[start : start + BLOCK]), made)
        self.tower.train(training)
        if summed is None:
            raise ValueError("there are no training pairs")
        means = summed / torch.from_numpy(np.bincount(self.instances))[:, None]
        return np.asarray(means.float().numpy())


def prepare_objectives(model: Model, rows: InstanceRows) -> None:
    """Let the objectives of a model fill their buffers before the first step; see ``Objective.prepare``."""
    for member in range(model.config.towers.members):
        for objective, learnt in zip(model.config.losses, model.learnt_of(member), strict=True):
            buffers = dict(learnt.named_buffers())
            if not buffers:
                continue
            found = by_first(partial(_filled, objective, learnt, rows, model.config.seed))
            for name, value in found.items():
                buffers[name].copy_(torch.from_numpy(value))


def _filled(objective: Objective, learnt: nn.Module, rows: InstanceRows, seed: int) -> dict[str, np.ndarray]:
    """Let an objective fill its buffers; return them as what processes can exchange."""
    objective.prepare(learnt, rows, seed)
    return {name: buffer.numpy() for name, buffer in learnt.named_buffers()}

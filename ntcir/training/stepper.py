"""One step of a training: from a batch of pairs to other weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn.functional import normalize

from ntcir.config import Config
from ntcir.model.model import Model
from ntcir.objectives.batch import Batch
from ntcir.training.data import TrainingData
from ntcir.training.data_parallel import embed, sum_over_parts
from ntcir.training.optimizers import optimizer_of, set_rates
from ntcir.training.sources import Source


class Stepper:
    """Takes the steps of an optimizer.

    Args:
        config: resolved.
        model: whose weights are learnt.
        sources: of the left and the right items' rows; their parameters are learnt too.

    Attributes:
        optimizer: of all that is learnt, in groups; see ``optimizer_of``.
    """

    def __init__(self, config: Config, model: Model, sources: Sequence[Source]) -> None:
        self._config, self._model = config, model
        self.optimizer = optimizer_of(config, model, sources)

    @property
    def learnt(self) -> list[nn.Parameter]:
        """All that is learnt, in an order that is the same in all processes."""
        return [parameter for group in self.optimizer.param_groups for parameter in group["params"]]

    def __call__(self, data: TrainingData, step: int) -> tuple[float, dict[str, float]]:
        """Take step ``step`` (from 0); return the loss before it, and what objectives have noted, by modality."""
        set_rates(self.optimizer, self._config.training, step)
        # Dropout must not depend on where a run was interrupted.
        # torch.manual_seed would also record each call, with its traceback, for a GPU that is not initialised.
        torch.default_generator.manual_seed((self._config.seed * 1_000_003 + step) % 2**63)
        shown = data.composer(data.sampler(step), step)
        self._model.towers.train()
        left_tower, right_tower = (self._model.tower(name) for name in data.pair)
        left_source, right_source = data.sources
        left, left_backward = embed(left_tower, left_source, shown.left, shown.left_views, step)
        right, right_backward = embed(right_tower, right_source, shown.right, shown.right_views, step)
        of_left, of_right = (torch.from_numpy(data.instances[rows]) for rows in (shown.left, shown.right))
        categories = None
        if data.categories is not None:
            pairs = zip(data.categories, (shown.left, shown.right), strict=True)
            of_concepts = [torch.from_numpy(concepts[rows]) for concepts, rows in pairs]
            categories = of_concepts[0], of_concepts[1]
        instances = (of_left, of_right)
        self.optimizer.zero_grad()
        count = self._config.towers.members
        sides = [Apart(vectors, count) for vectors in (left, right)]
        losses: list[float] = []
        notes: list[dict[str, tuple[float, float]]] = []
        for member in range(count):
            vectors = sides[0].members[member], sides[1].members[member]
            batch = Batch(
                normalize(vectors[0], dim=-1), normalize(vectors[1], dim=-1), shown.positives, shown.ignored, instances,
                categories, vectors, step, _seed(self._config.seed, step, member),
            )  # fmt: skip
            loss = self._model.loss(batch, member)
            loss.backward()  # type: ignore[no-untyped-call]
            losses.append(float(loss.detach()))
            notes.append(batch.figures)
        for side in sides:
            side.backward()
        left_backward()
        right_backward()
        sum_over_parts(self.learnt, self._model.learnt.parameters())
        self.optimizer.step()
        return sum(losses) / count, {
            f"{name}_{figure}": sum(noted[figure][side] for noted in notes) / count
            for figure in notes[0]
            for side, name in enumerate(data.pair)
        }


def _seed(seed: int, step: int, member: int) -> int:
    """Return the seed of what a member's objectives draw in a step."""
    # Not what dropout is seeded with: negatives must not go along with masks.
    key = [seed, 5, step, member] if member else [seed, 5, step]
    return int(np.random.default_rng(key).integers(2**63))


class Apart:
    """The vectors of one side of a batch, member by member.

    Each member's loss is computed and sent back alone, so that the matrices of one member are in memory at a time.

    Args:
        vectors: of all members side by side, float32 [n, members * dim].
        members: how many there are.

    Attributes:
        members: float32 [n, dim] of each, leaves that collect the gradient of its loss.
    """

    def __init__(self, vectors: torch.Tensor, members: int) -> None:
        self._vectors = vectors
        self.members = [part.detach().requires_grad_() for part in vectors.chunk(members, dim=1)]

    def backward(self) -> None:
        """Send the gradients on, to what the vectors were made of; where no loss depends on them, nothing happens."""
        if not self._vectors.requires_grad or all(part.grad is None for part in self.members):
            return
        gradients = [torch.zeros_like(part) if part.grad is None else part.grad for part in self.members]
        self._vectors.backward(torch.cat(gradients, dim=1))  # type: ignore[no-untyped-call]

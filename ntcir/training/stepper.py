"""One step of a training: from a batch of pairs to other weights."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import nn

from ntcir.config import Config
from ntcir.model.model import Model
from ntcir.objectives.batch import Batch
from ntcir.training.data import TrainingData
from ntcir.training.data_parallel import embed, sum_over_parts
from ntcir.training.losses import backward, by_modality
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
        batch_of = partial(
            Batch, positives=shown.positives, ignored=shown.ignored, instances=(of_left, of_right),
            categories=categories, step=step,
        )  # fmt: skip
        self.optimizer.zero_grad()
        loss, figures = backward(self._model, left, right, batch_of, step)
        left_backward()
        right_backward()
        sum_over_parts(self.learnt, self._model.learnt.parameters())
        self.optimizer.step()
        return loss, by_modality(figures, data.pair)

"""A toy objective: each cell of a batch is a question of its own, partners or not (Zhai et al. 2023, SigLIP)."""

from typing import Literal

import torch
from pydantic import Field
from torch import nn

from ntcir.config import Objective


class Sigmoid(Objective):
    kind: Literal["sigmoid"] = "sigmoid"
    scale: float = Field(10.0, gt=0)

    def learnt(self, dim, instances):
        module = nn.Module()
        module.scale, module.bias = nn.Parameter(torch.tensor(self.scale)), nn.Parameter(torch.tensor(-5.0))
        return module

    def __call__(self, batch, learnt):
        positives, negatives = batch.cells()
        logits = learnt.scale * batch.left @ batch.right.T + learnt.bias
        log_odds = nn.functional.logsigmoid(torch.where(positives, logits, -logits))
        return -log_odds[positives | negatives].sum() / len(batch.left)


class OfCategories(Sigmoid):
    kind: Literal["of_categories"] = "of_categories"
    needs = frozenset({"categories"})

    def __call__(self, batch, learnt):
        left, right = batch.categories
        return super().__call__(batch, learnt) - 0.1 * ((left @ right.T > 0) * (batch.left @ batch.right.T)).mean()

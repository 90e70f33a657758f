"""A toy objective with a classifier over instances, which both sides share, and which later trainings go on with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import pytest
import torch
from torch import nn

from ntcir.config import Objective
from ntcir.config.registry import OBJECTIVES
from ntcir.objectives.batch import Batch


class Classes(Objective):
    """Softmax cross-entropy of both sides over all instances of the training split."""

    carried: ClassVar[bool] = True
    needs: ClassVar[frozenset[str]] = frozenset({"instances"})

    kind: Literal["classes"] = "classes"
    bias: bool = False

    def learnt(self, dim: int, instances: int) -> nn.Module:
        return nn.Linear(dim, instances, bias=self.bias)

    def __call__(self, batch: Batch, learnt: nn.Module) -> torch.Tensor:
        sides = zip((batch.left, batch.right), batch.instances, strict=True)
        losses = [nn.functional.cross_entropy(learnt(4 * rows), classes) for rows, classes in sides]
        return losses[0] + losses[1]


def register() -> None:
    OBJECTIVES["classes"] = "toy_classes:Classes"


@pytest.fixture(scope="module")
def classes() -> Iterator[None]:
    """Add the objective to the registry, for a module."""
    register()
    yield
    del OBJECTIVES["classes"]

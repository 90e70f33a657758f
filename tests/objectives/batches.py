"""Batches for tests of objectives, and their losses written out as plain loops, one cell at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import normalize

from ntcir.config import Objective
from ntcir.objectives.batch import Batch

Loss = Callable[[Batch], torch.Tensor]
PRECISIONS = [pytest.param(torch.float32, 2e-5, id="float32"), pytest.param(torch.float64, 1e-10, id="float64")]
LEFT, RIGHT, DIM, CONCEPTS = 7, 9, 5, 4


def cells(seed: int, share: float, shape: tuple[int, int] = (LEFT, RIGHT)) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < share


def some_positives() -> torch.Tensor:
    """Return who is a positive of whom: some have several, one row and one column have none."""
    positives = cells(1, 0.2)
    positives[2], positives[:, 4] = False, False
    assert (positives.sum(dim=1) > 1).any()
    return positives


# The matrices of a batch: positives, ignored cells, and how many items there are on the right.
KINDS: dict[str, tuple[torch.Tensor | None, torch.Tensor | None, int]] = {
    "diagonal": (None, None, LEFT),
    "diagonal, ignored": (None, cells(3, 0.3, (LEFT, LEFT)), LEFT),
    "several": (some_positives(), None, RIGHT),
    "several, ignored": (some_positives(), cells(2, 0.3), RIGHT),
    "one": (torch.eye(LEFT, RIGHT).bool() & (torch.arange(LEFT) == 3)[:, None], None, RIGHT),
    "one, no negative": (torch.ones(1, 1, dtype=torch.bool), None, 1),
    "no positive": (torch.zeros(LEFT, RIGHT, dtype=torch.bool), None, RIGHT),
    "no negative": (some_positives(), torch.ones(LEFT, RIGHT, dtype=torch.bool), RIGHT),
}  # fmt: skip


@dataclass(frozen=True)
class Drawn(Batch):
    """A batch that knows what its unit rows were made from."""

    leaves: tuple[torch.Tensor, ...] = ()


def batch_of(kind: str, dtype: torch.dtype = torch.float64, **facts: Any) -> Drawn:
    """Return a batch of random embeddings; see ``KINDS``.

    The first item on either side has no category, others may share some or all; two in a row are of one instance.
    """
    positives, ignored, right = KINDS[kind]
    left = LEFT if positives is None else len(positives)
    if ignored is not None:  # as composers have it
        ignored = ignored & ~(torch.eye(left).bool() if positives is None else positives)
    draw = torch.Generator().manual_seed(0)
    raw = [torch.randn(rows, DIM, generator=draw, dtype=torch.float64).to(dtype) for rows in (left, right)]
    concepts = [(torch.rand(rows, CONCEPTS, generator=draw) < 0.4).float() for rows in (left, right)]
    for side in concepts:
        side[0] = 0
    numbers = torch.arange(left) // 2, torch.arange(right) // 2
    leaves = tuple(each.requires_grad_() for each in raw)
    units = [normalize(each, dim=1) for each in leaves]
    return Drawn(units[0], units[1], positives, ignored, numbers, (concepts[0], concepts[1]), leaves=leaves, **facts)


def as_drawn(batch: Batch) -> tuple[list[list[bool]], list[list[bool]]]:
    """Return which cells are positive and which negative, from the definition of a batch."""
    rows, columns = range(len(batch.left)), range(len(batch.right))
    given, skipped = batch.positives, batch.ignored
    positive = [[i == j if given is None else bool(given[i, j]) for j in columns] for i in rows]
    negative = [[not positive[i][j] and (skipped is None or not bool(skipped[i, j])) for j in columns] for i in rows]
    return positive, negative


def distance(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Return |one - other|^2."""
    return ((one - other) ** 2).sum()


def cosine(one: torch.Tensor, other: torch.Tensor) -> float:
    """Return the cosine of two category vectors, 0 where one is zero."""
    inner, lengths = float(one @ other), float(one @ one) * float(other @ other)
    return inner / lengths**0.5 if lengths else 0.0


def gradients(loss: torch.Tensor, batch: Drawn) -> tuple[torch.Tensor, ...]:
    """Return the gradients at what the unit rows were made from, 0 where a loss does not depend on them."""
    return torch.autograd.grad(loss, batch.leaves, retain_graph=True, allow_unused=True, materialize_grads=True)


def held_to(loops: Loss, objective: Objective, batch: Drawn, close: float) -> float:
    """Check that an objective has the value and the gradient of loops; return the value."""
    found, expected = objective(batch, nn.Module()), loops(batch)
    assert found.dtype == batch.left.dtype
    assert found.shape == ()
    assert found.item() == pytest.approx(expected.item(), abs=close)
    for one, other in zip(gradients(found, batch), gradients(expected, batch), strict=True):
        assert torch.isfinite(one).all()
        assert torch.allclose(one, other, atol=close, rtol=0)
    return found.item()

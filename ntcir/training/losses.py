"""The losses of a step, one for each member of the model, and their gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch.nn.functional import normalize

from ntcir.model.model import Model
from ntcir.objectives.batch import Batch


def backward(
    model: Model, left: torch.Tensor, right: torch.Tensor, batch_of: Callable[..., Batch], step: int
) -> tuple[float, dict[str, tuple[float, float]]]:
    """Add the gradient of the sum of the members' losses to what they depend on, and so train each as if alone.

    Each member's loss is computed and sent back by itself, so that the matrices of one are in memory at a time.

    Args:
        model: of one member or several.
        left: vectors of the left items before unit length, those of the members side by side: float32 [m, members *
            dim].
        right: those of the right items, [n, members * dim].
        batch_of: makes a batch of ``left``, ``right``, ``features`` and ``seed``.
        step: from 0.

    Returns:
        The mean loss, and the means of the figures that objectives have noted.
    """
    count = model.config.towers.members
    parts = [_apart(vectors, count) for vectors in (left, right)]
    losses, notes = [], []
    for member, features in enumerate(zip(*parts, strict=True)):
        units = [normalize(vectors, dim=-1) for vectors in features]
        batch = batch_of(units[0], units[1], features=features, seed=_seed(model.config.seed, step, member))
        loss = model.loss(batch, member)
        loss.backward()  # type: ignore[no-untyped-call]
        losses.append(float(loss.detach()))
        notes.append(batch.figures)
    for vectors, leaves in zip((left, right), parts, strict=True):
        _send_on(vectors, leaves)
    return sum(losses) / count, {name: _mean([noted[name] for noted in notes]) for name in notes[0]}


def by_modality(figures: Mapping[str, tuple[float, float]], pair: Sequence[str]) -> dict[str, float]:
    """Return figures of the left and of the right items as the log has them, such as ``image_top1_error``."""
    return {
        f"{name}_{figure}": value
        for figure, values in figures.items()
        for name, value in zip(pair, values, strict=True)
    }


def _apart(vectors: torch.Tensor, members: int) -> list[torch.Tensor]:
    """Return the vectors of each member, float32 [n, dim], as leaves that collect the gradient of its loss."""
    return [part.detach().requires_grad_() for part in vectors.chunk(members, dim=1)]


def _send_on(vectors: torch.Tensor, leaves: list[torch.Tensor]) -> None:
    """Send the gradients on to what the vectors were made of; where no loss depends on them there is none."""
    if not vectors.requires_grad or all(leaf.grad is None for leaf in leaves):
        return
    gradients = [torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves]
    vectors.backward(torch.cat(gradients, dim=1))  # type: ignore[no-untyped-call]


def _seed(seed: int, step: int, member: int) -> int:
    """Return the seed of what a member's objectives draw in a step."""
    # Not what dropout is seeded with: negatives must not go along with masks.
    key = [seed, 5, step, member] if member else [seed, 5, step]
    return int(np.random.default_rng(key).integers(2**63))


def _mean(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    left, right = (sum(values) / len(pairs) for values in zip(*pairs, strict=True))
    return left, right

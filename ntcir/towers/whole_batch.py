"""Random draws for a batch that may lie in several processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


class PartOfBatch(nn.Module):
    """A layer that draws at random for a whole batch, and uses what belongs to the rows that it is given.

    The random numbers, those that come afterwards too, then do not depend on how many processes share a batch. See
    ``of_whole``.
    """

    whole: int | None = None  # rows of the batch that the next input is a part of; None: it is all of it
    part: slice = slice(None)

    def shares(self, rows: int) -> torch.Tensor:
        """Return a random number for each of the rows that are given, uniform in [0, 1): float32 [rows]."""
        return torch.rand(rows if self.whole is None else self.whole)[self.part]


@contextmanager
def of_whole(module: nn.Module, rows: int, part: slice) -> Iterator[None]:
    """Let a module see its inputs as the rows ``part`` of a batch of so many rows."""
    layers = [layer for layer in module.modules() if isinstance(layer, PartOfBatch)]
    for layer in layers:
        layer.whole, layer.part = rows, part
    try:
        yield
    finally:
        for layer in layers:
            layer.whole, layer.part = None, slice(None)

"""Dropout of a batch that may lie in several processes."""

from __future__ import annotations

import torch
from torch import nn

from ntcir.towers.whole_batch import PartOfBatch


class BatchDropout(nn.Dropout, PartOfBatch):
    """``nn.Dropout``, but that a part of a batch can be given the masks that it would have within the whole.

    A mask is drawn for the whole batch, and only the part's rows are used; see ``of_whole``.

    Args:
        p: the share that is dropped.
        positions: of the longest sequence, where the inputs are sequences of which the ends may be cut off: a mask is
            drawn for all positions, as a part of a batch may be shorter than the whole.
    """

    def __init__(self, p: float, positions: int | None = None) -> None:
        super().__init__(p)
        self._positions = positions

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Return float32 [rows, dim] or [rows, length, dim], scaled as ``nn.Dropout`` scales it."""
        if not self.training or (self.whole is None and self._positions is None):
            return super().forward(input)
        rows = len(input) if self.whole is None else self.whole
        if self._positions is None:
            return input * super().forward(input.new_ones((rows, *input.shape[1:])))[self.part]
        mask = super().forward(input.new_ones((rows, self._positions, *input.shape[2:])))
        return input * mask[self.part, : input.shape[1]]


def dropouts(p: float, positions: int | None = None) -> list[nn.Module]:
    """Return the dropout that goes before or behind a layer, or nothing where nothing is dropped."""
    return [BatchDropout(p, positions)] if p else []

"""Dropout of a batch that may lie in several processes."""

from __future__ import annotations

import math

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

    Attributes:
        quick: whether 16 random bits decide over a number, which takes a sixth of the time of ``nn.Dropout``: a third
            of an ensemble's step. Single towers draw as they always did, or their trainings could not be repeated.
    """

    quick = False

    def __init__(self, p: float, positions: int | None = None) -> None:
        super().__init__(p)
        self._positions = positions

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Return float32 [rows, dim] or [rows, length, dim], scaled as ``nn.Dropout`` scales it."""
        if not self.training or not (self.quick or self.whole is not None or self._positions is not None):
            return super().forward(input)
        rows = len(input) if self.whole is None else self.whole
        if self._positions is None:
            return input * self._mask(input, (rows, *input.shape[1:]))[self.part]
        mask = self._mask(input, (rows, self._positions, *input.shape[2:]))
        return input * mask[self.part, : input.shape[1]]

    def _mask(self, like: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
        """Draw what inputs are multiplied by: 0 or 1 / (1 - p), p rounded to 2^-16 if it is quick."""
        if not self.quick:
            return super().forward(like.new_ones(shape))
        count = math.prod(shape)
        dropped = min(round(self.p * 2**16), 2**16 - 1)  # of 2**16
        drawn = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(2**63), None)  # 64 bits each
        kept = drawn.view(torch.int16)[:count] >= dropped - 2**15
        return kept.view(shape).to(like.dtype).div_(1 - dropped / 2**16)


def dropouts(p: float, positions: int | None = None) -> list[nn.Module]:
    """Return the dropout that goes before or behind a layer, or nothing where nothing is dropped."""
    return [BatchDropout(p, positions)] if p else []

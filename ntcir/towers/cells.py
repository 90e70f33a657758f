"""Features of a picture's cells, as a sequence."""

from __future__ import annotations

import torch
from torch import nn

from ntcir.towers.pooling import VectorSequence


class Cells(nn.Module):
    """Turns rows of features into the features of each cell, row by row of the picture's grid.

    A network's feature map [channels, height, width] lies in a row channel by channel. Several networks with the same
    grid, one behind the other, are therefore one map of all their channels.

    Args:
        cells: of a picture.
    """

    def __init__(self, cells: int) -> None:
        super().__init__()
        self._cells = cells

    def forward(self, rows: torch.Tensor) -> VectorSequence:
        """Return float32 [batch, cells, channels] of float32 [batch, channels * cells], all of which are there."""
        maps = rows.reshape(len(rows), rows.shape[1] // self._cells, self._cells)
        return VectorSequence(maps.transpose(1, 2), rows.new_ones(len(rows), self._cells, dtype=torch.bool))

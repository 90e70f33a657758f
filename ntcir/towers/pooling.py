"""From a sequence of vectors to one: what lets a head for single rows work on sequences."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from ntcir.towers.dropout import BatchDropout
from ntcir.towers.norms import BatchNorm


class VectorSequence(NamedTuple):
    """Vectors in order, such as those of a caption's words.

    Attributes:
        vectors: float32 [batch, length, width].
        there: bool [batch, length], where there are any: at least one in each row, and none behind a gap, unless a
            caption was moved to another start (``ntcir.towers.starts``), which a CNN alone is given.
    """

    vectors: torch.Tensor
    there: torch.Tensor

    def trimmed(self) -> VectorSequence:
        """Return it without the last positions, as far as no row has anything there."""
        vectors, there = self
        longest = int(there.sum(dim=1).max()) if len(there) else there.shape[1]
        return VectorSequence(vectors[:, :longest], there[:, :longest])


class MaxOverSequence(nn.Module):
    """Applies a head to each vector of a sequence; the greatest of what comes out, dimension by dimension, counts.

    Args:
        each: maps float32 [batch, length, width] to [batch, length, dim].
    """

    def __init__(self, each: nn.Module) -> None:
        super().__init__()
        self.each = each
        self._drops = any(isinstance(layer, BatchDropout) for layer in each.modules())
        self._normalises = any(isinstance(layer, BatchNorm) for layer in each.modules())

    def forward(self, sequence: VectorSequence) -> torch.Tensor:
        """Return float32 [batch, dim]."""
        if not (self.training and self._drops):  # where parts of a batch draw masks, all must have the same length
            sequence = sequence.trimmed()
        vectors, there = sequence
        if self.training and self._normalises:  # what is not there must not count in the batch's statistics
            some = self.each(vectors[there])
            found = some.new_zeros(*there.shape, some.shape[1]).masked_scatter(there[..., None], some)
        else:
            found = self.each(vectors)
        return found.masked_fill(~there[..., None], -torch.inf).amax(dim=1)

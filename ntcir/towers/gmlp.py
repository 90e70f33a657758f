"""Heads with gating (gMLP): over the positions of a sequence, or over the channels of single vectors.

Liu, Dai, So and Le (2021), "Pay Attention to MLPs", section 2. Of the vectors X of an item, [positions, dim], a block
makes::

    Z = GELU(norm(X) U)              [positions, hidden]
    (Z1, Z2) = the two halves of Z   [positions, hidden / 2] each
    s(Z) = Z1 * (W norm(Z2) + b)     the gate: W [positions, positions], near zero at first; b [positions], ones
    Y = X + s(Z) V

U and V have biases. A gate that begins as about 1 leaves each position to itself until training finds what others say
of it.

A single vector has one position, which has nothing to learn from others. There, and this is this project's choice, the
gate is over channels: s(Z) = Z1 * (W norm(Z2) + b) with W [hidden / 2, hidden / 2] and b [hidden / 2].
"""

from __future__ import annotations

import torch
from torch import nn

from ntcir.config import Tower
from ntcir.towers.dropout import BatchDropout, dropouts
from ntcir.towers.pooling import VectorSequence

_NEAR_ZERO = 1e-3  # what the sum of a row of W comes to at most, when training begins
_AT_ONCE = 1 << 24  # numbers of a hidden layer where nothing is learnt: 64 MiB


class ChannelGate(nn.Module):
    """The gate of single vectors.

    Args:
        width: channels of each half.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.project = _nearly_one(width)

    def forward(self, passed: torch.Tensor, gating: torch.Tensor) -> torch.Tensor:
        """Return the half that passes, times what the other half opens the gate by: float32 [batch, width]."""
        result: torch.Tensor = passed * self.project(self.norm(gating))
        return result


class SpatialGate(nn.Module):
    """The gate of sequences.

    Args:
        width: channels of each half.
        positions: of the longest sequence.
    """

    def __init__(self, width: int, positions: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.project = _nearly_one(positions)

    def forward(self, passed: torch.Tensor, gating: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        """Return the half that passes, times what the other half opens the gate by.

        Args:
            passed: float32 [batch, length, width]; the length is at most the number of positions.
            gating: the same.
            there: bool [batch, length]; the other positions give nothing to these.
        """
        given = self.norm(gating).masked_fill(~there[..., None], 0)
        length = there.shape[1]
        weight, bias = self.project.weight[:length, :length], self.project.bias[:length]
        return passed * torch.baddbmm(bias[:, None], weight.expand(len(given), -1, -1), given)


class GatedBlock(nn.Module):
    """One block; it begins as the identity.

    Args:
        dim: of the vectors that come in and go out.
        hidden: width inside, before it is split in halves.
        gate: multiplies the halves.
        dropout: of what has passed the gate.
        positions: of the longest sequence; None for single vectors.
    """

    def __init__(self, dim: int, hidden: int, gate: nn.Module, dropout: float, positions: int | None = None) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.into = nn.Linear(dim, hidden)
        self.gate = gate
        self.dropout = BatchDropout(dropout, positions) if dropout else nn.Identity()
        self.back = nn.Linear(hidden // 2, dim)
        # A tower of such blocks then begins as the linear layer in front of them, and so can start from a linear map
        # that was computed or trained before (``training.start``).
        nn.init.zeros_(self.back.weight)
        nn.init.zeros_(self.back.bias)

    def forward(self, vectors: torch.Tensor, *there: torch.Tensor) -> torch.Tensor:
        """Return float32 [..., dim].

        Args:
            vectors: float32 [batch, dim], or [batch, length, dim] of sequences.
            there: of sequences, bool [batch, length].
        """
        passed, gating = nn.functional.gelu(self.into(self.norm(vectors))).chunk(2, dim=-1)
        result: torch.Tensor = vectors + self.back(self.dropout(self.gate(passed, gating, *there)))
        return result


class GatedSequence(nn.Module):
    """A linear layer for each vector of a sequence, blocks over all of them, and the mean of what comes out.

    Args:
        width: of the vectors that come in.
        dim: of the shared space.
        options: ``layers`` blocks, of ``hidden`` channels inside; ``dropout`` and ``input_dropout``.
        positions: of the longest sequence.
    """

    def __init__(self, width: int, dim: int, options: Tower, positions: int) -> None:
        super().__init__()
        self._hidden = options.hidden
        self.first = _first(width, dim, options, positions)
        self.blocks = nn.ModuleList(_block(dim, options, positions) for _ in range(options.layers))

    def forward(self, sequence: VectorSequence) -> torch.Tensor:
        """Return float32 [batch, dim]."""
        sequence = sequence.trimmed()
        if torch.is_grad_enabled() or self.training:
            return self._pooled(*sequence)
        rows = max(1, _AT_ONCE // (self._hidden * max(1, sequence.there.shape[1])))
        parts = zip(torch.split(sequence.vectors, rows), torch.split(sequence.there, rows), strict=True)
        return torch.cat([self._pooled(vectors, there) for vectors, there in parts])

    def _pooled(self, vectors: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        vectors = self.first(vectors)
        for block in self.blocks:
            vectors = block(vectors, there)
        return vectors.masked_fill(~there[..., None], 0).sum(dim=1) / there.sum(dim=1, keepdim=True)


def gmlp(width: int, dim: int, options: Tower, positions: int | None) -> nn.Module:
    """Make a linear layer to the shared space, and blocks in it.

    Args:
        width: of the vectors that come in.
        dim: of the shared space.
        options: ``layers`` blocks, of ``hidden`` channels inside; ``dropout`` within a block and ``input_dropout``
            before the first layer.
        positions: of the longest sequence; None for single vectors.
    """
    if positions is not None:
        return GatedSequence(width, dim, options, positions)
    blocks = [_block(dim, options, None) for _ in range(options.layers)]
    return nn.Sequential(*_first(width, dim, options), *blocks)


def _block(dim: int, options: Tower, positions: int | None) -> GatedBlock:
    half = options.hidden // 2
    gate = ChannelGate(half) if positions is None else SpatialGate(half, positions)
    return GatedBlock(dim, options.hidden, gate, options.dropout, positions)


def _first(width: int, dim: int, options: Tower, positions: int | None = None) -> nn.Sequential:
    return nn.Sequential(*dropouts(options.input_dropout, positions), nn.Linear(width, dim))


def _nearly_one(size: int) -> nn.Linear:
    """Return a linear layer that begins as about 1, whatever it is given."""
    layer = nn.Linear(size, size)
    nn.init.uniform_(layer.weight, -_NEAR_ZERO / size, _NEAR_ZERO / size)
    nn.init.ones_(layer.bias)
    return layer

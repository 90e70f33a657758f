"""Normalisation behind a layer: over the batch, or over the channels of each item."""

from __future__ import annotations

import torch
from torch import nn

from ntcir.config.towers import Norm
from ntcir.system.errors import UserError

_GROUPS, _CHANNELS = 32, 16  # groups at most, and channels of a group at least


class BatchNorm(nn.BatchNorm1d):
    """Normalises each channel over all items of a batch, and over all positions of sequences (Ioffe and Szegedy 2015).

    In training an item then depends on the others of its batch; later, on the running means of training alone.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        _begin(self.bias)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Return float32 [batch, channels] or [batch, length, channels].

        Raises:
            UserError: if a training batch is a single vector, which has no variance.
        """
        rows = input.reshape(-1, input.shape[-1])
        if self.training and len(rows) < 2:
            raise UserError(
                f"norm: batch needs two items in each batch, and this training has a batch of {len(rows)}: give it "
                "more training pairs, or set towers.MODALITY.norm=group."
            )
        return super().forward(rows).view(input.shape)


class GroupNorm(nn.GroupNorm):
    """Normalises groups of channels of each item (Wu and He 2018).

    There are 32 groups, or as many fewer as leave each 16 channels (this project's choice between the two defaults of
    the paper): the most that divide the channels equally.

    Args:
        channels: of the vectors that come in.
        across: whether the positions of a sequence are normalised together; else each is for itself.
    """

    def __init__(self, channels: int, *, across: bool = False) -> None:
        super().__init__(groups_of(channels), channels)
        self._across = across
        _begin(self.bias)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Return float32 [batch, channels] or [batch, length, channels]; no item depends on another."""
        if input.dim() == 2 or not self._across:
            return super().forward(input.reshape(-1, input.shape[-1])).view(input.shape)
        # As a map in the memory format "channels last", which torch normalises without copying it.
        normed = super().forward(input.transpose(1, 2).unsqueeze(-1))
        return normed.squeeze(-1).transpose(1, 2)


def groups_of(channels: int) -> int:
    """Return how many groups ``GroupNorm`` has."""
    most = max(1, min(_GROUPS, channels // _CHANNELS))
    return next(number for number in range(most, 0, -1) if channels % number == 0)


def norms(kind: Norm, channels: int, *, across: bool = False) -> list[nn.Module]:
    """Return the normalisation that goes behind a layer, or nothing where there is none.

    Args:
        kind: of the normalisation.
        channels: of the layer's vectors.
        across: of ``group``, whether the positions of a sequence are normalised together.
    """
    if kind == "none":
        return []
    return [BatchNorm(channels) if kind == "batch" else GroupNorm(channels, across=across)]


def normed(layer: nn.Linear, kind: Norm, *, across: bool = False) -> list[nn.Module]:
    """Return a linear layer and its normalisation. The layer then has no bias, as the normalisation has one."""
    if kind != "none":
        layer.register_parameter("bias", None)
    return [layer, *norms(kind, layer.out_features, across=across)]


def _begin(bias: nn.Parameter) -> None:
    """Give a norm the small random bias of a linear layer: what is zeros, as a caption without words, has a direction.

    Where a vector of zeros is brought to unit length, its gradient is unbounded.
    """
    bound = len(bias) ** -0.5
    nn.init.uniform_(bias, -bound, bound)

"""The sensor head: a two-layer MLP on normalised readings (YMX2L poster, experimental setup)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from ntcir.config import Towers
from ntcir.encoders.readings import UNKNOWN
from ntcir.towers.dropout import BatchDropout
from ntcir.towers.tower import Tower


class EmbedCodes(nn.Module):
    """Replaces the last columns of encoded readings, which are category codes, by learnt vectors.

    Args:
        continuous: how many columns in front are numbers.
        sizes: how many codes each column behind them has.
        width: the length of a learnt vector.
    """

    def __init__(self, continuous: int, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        self.continuous = continuous
        self.tables = nn.ModuleList([nn.Embedding(size, width) for size in sizes])
        self.dim = continuous + width * len(sizes)
        with torch.no_grad():
            # What training never shows keeps its first vector: let it say nothing rather than anything.
            for weight in self.tables.parameters():
                weight[: UNKNOWN + 1] = 0

    def forward(self, readings: torch.Tensor) -> torch.Tensor:
        """Return float32 [batch, continuous + width * columns of codes]."""
        codes = readings[:, self.continuous :].long()
        embedded = [table(codes[:, column]) for column, table in enumerate(self.tables)]
        return torch.cat([readings[:, : self.continuous], *embedded], dim=1)


def sensor_tower(continuous: int, vocabulary_sizes: Sequence[int], embedding_dim: int, options: Towers) -> Tower:
    """Make the tower for readings of ``continuous`` numbers followed by category codes."""
    layers: list[nn.Module] = []
    width = continuous
    if vocabulary_sizes:
        embed = EmbedCodes(continuous, vocabulary_sizes, embedding_dim)
        layers.append(embed)
        width = embed.dim
    for _ in range(options.sensor_layers - 1):
        layers += [nn.Linear(width, options.sensor_hidden), nn.ReLU()]
        if options.sensor_dropout:
            layers.append(BatchDropout(options.sensor_dropout))
        width = options.sensor_hidden
    return Tower(nn.Sequential(*layers, nn.Linear(width, options.dim)))

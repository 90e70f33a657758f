"""The image head: a linear layer on frozen features (YMX2L poster, experimental setup)."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from ntcir.config import Towers
from ntcir.towers.dropout import BatchDropout
from ntcir.towers.tower import Tower


class Standardise(nn.Module):
    """Subtract the mean and divide by the standard deviation of the training split, feature by feature."""

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))

    def fit(self, features: np.ndarray) -> None:
        """Take the statistics of float32 [items, dim]; a feature without variance becomes 0."""
        # In blocks: the squares of a large matrix would need as much memory again.
        total, squares = np.zeros(features.shape[1]), np.zeros(features.shape[1])
        for start in range(0, len(features), 1024):
            block = features[start : start + 1024].astype(np.float64)
            total += block.sum(axis=0)
            squares += np.square(block).sum(axis=0)
        mean = total / len(features)
        deviation = np.sqrt(np.maximum(squares / len(features) - mean**2, 0))
        flat = deviation <= 1e-6 * np.maximum(1e-6, np.abs(mean))
        self.mean.copy_(torch.from_numpy(mean))
        self.scale.copy_(torch.from_numpy(np.divide(1.0, deviation, out=np.zeros_like(deviation), where=~flat)))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return float32 [batch, dim]."""
        return (features - self.mean).mul_(self.scale)


def image_tower(dim: int, options: Towers) -> Tower:
    """Make the tower for image features of length ``dim``."""
    layers: list[nn.Module] = [Standardise(dim)] if options.standardise else []
    if options.image_dropout:
        layers.append(BatchDropout(options.image_dropout))
    return Tower(nn.Sequential(*layers, nn.Linear(dim, options.dim)))

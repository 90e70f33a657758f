"""A tower: feature -> head -> unit vector."""

from __future__ import annotations

import torch
from torch import nn


class Tower(nn.Module):
    """Encodes the features of one modality as unit vectors of the shared space.

    Args:
        head: maps float32 [batch, features] to [batch, dim].
    """

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return float32 [batch, dim], each row of length 1."""
        return nn.functional.normalize(self.head(features), dim=-1)

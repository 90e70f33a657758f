"""Where a tower begins: layers that know what the columns of an encoder's rows mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import nn

from ntcir.features.moments import moments_of


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
        self.fit_to([features])

    def fit_to(self, blocks: Iterable[np.ndarray]) -> None:
        """Take the statistics of features that come in blocks; see ``ntcir.features.moments.moments_of``."""
        mean, deviation = moments_of(blocks)
        scale = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > 0)
        self.mean.copy_(torch.from_numpy(mean))
        self.scale.copy_(torch.from_numpy(scale))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return float32 [batch, dim]."""
        return (features - self.mean).mul_(self.scale)


class Select(nn.Module):
    """Takes some of the columns, such as those of one facet of an encoder (``ntcir.encoders.encoder.Facet``).

    Args:
        columns: int64 [width], ascending.
    """

    _columns: torch.Tensor | None

    def __init__(self, columns: np.ndarray) -> None:
        super().__init__()
        first, last = int(columns[0]), int(columns[-1])
        self._stretch = slice(first, last + 1)
        neighbours = len(columns) == last + 1 - first  # which need not be copied
        self.register_buffer("_columns", None if neighbours else torch.from_numpy(columns), persistent=False)

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Return float32 [items, width] of float32 [items, columns]."""
        return rows[:, self._stretch if self._columns is None else self._columns.numpy()]

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return float32 [batch, width]."""
        return rows[:, self._stretch] if self._columns is None else rows.index_select(1, self._columns)


class Power(nn.Module):
    """Raise each feature to a power and keep its sign: sign(x) |x|^p.

    Below 1 it evens out features of which few are large and most are near 0, such as those of a network that ends in
    ReLU; with p = 0.5 it is the power normalisation of Perronnin et al. (2010, section 3.1), without the unit length.

    Args:
        power: p, above 0.
    """

    def __init__(self, power: float) -> None:
        super().__init__()
        self.power = power

    def of(self, features: np.ndarray) -> np.ndarray:
        """Return what becomes of float32 [items, dim]."""
        raised: np.ndarray = np.copysign(np.abs(features) ** np.float32(self.power), features)
        return raised

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return float32 [batch, dim]."""
        if not features.requires_grad:
            return features.abs().pow_(self.power).copysign_(features)
        # A root has no slope at 0, where most features of ReLU lie: theirs counts as 0 and not as infinity.
        size = features.abs().clamp(min=torch.finfo(features.dtype).tiny)
        return features.sign() * size.pow(self.power)


class EmbedCodes(nn.Module):
    """Replaces the last columns of encoded readings, which are category codes, by learnt vectors.

    Args:
        continuous: how many columns in front are numbers.
        sizes: how many codes each column behind them has.
        width: the length of a learnt vector.
        silent: the first codes of each column, of which training may show nothing: their vectors begin as zeros.
    """

    def __init__(self, continuous: int, sizes: Sequence[int], width: int, silent: int = 0) -> None:
        super().__init__()
        self.continuous = continuous
        self.tables = nn.ModuleList([nn.Embedding(size, width) for size in sizes])
        self.dim = continuous + width * len(sizes)
        with torch.no_grad():
            # What training never shows keeps its first vector: let it say nothing rather than anything.
            for weight in self.tables.parameters():
                weight[:silent] = 0

    def forward(self, readings: torch.Tensor) -> torch.Tensor:
        """Return float32 [batch, continuous + width * columns of codes]."""
        codes = readings[:, self.continuous :].long()
        embedded = [table(codes[:, column]) for column, table in enumerate(self.tables)]
        return torch.cat([readings[:, : self.continuous], *embedded], dim=1)

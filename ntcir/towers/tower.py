"""A tower: rows of an encoder -> stem -> head -> unit vectors."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import nn

from ntcir.config.towers import Rectify
from ntcir.towers.pooling import VectorSequence
from ntcir.towers.stems import Power, Select, Standardise
from ntcir.towers.views import Views
from ntcir.towers.word_stems import Bag


class Tower(nn.Module):
    """Encodes the rows of one modality as unit vectors of the shared space.

    Args:
        stem: knows the rows: maps [batch, columns] to float32 [batch, width].
        head: maps float32 [batch, width] to [batch, dim].
        views: of an item, where there are several; the stem then gets rows of one view each.
        rectify: whether what lies below 0 counts as 0, for objectives or also when something is asked.
    """

    def __init__(
        self,
        stem: nn.Module,
        head: nn.Module,
        views: Views | None = None,
        rectify: Rectify = "never",
    ) -> None:
        super().__init__()
        self.stem, self.head, self.views = stem, head, views
        self._rectify = rectify

    def fit(self, rows: np.ndarray) -> None:
        """Take the statistics of the training split's rows, float32 [items, columns], where the stem has any."""
        self.fit_to([rows])

    def fit_to(self, blocks: Iterable[np.ndarray]) -> None:
        """Take the statistics of rows that come in blocks; see ``ntcir.features.moments.moments_of``."""
        if self.views is not None:
            blocks = map(self.views.apart, blocks)
        for part in self.stem.modules():  # in order
            if isinstance(part, Power | Select):
                blocks = map(part.of, blocks)
            if isinstance(part, Standardise):
                part.fit_to(blocks)

    def begin_as(self, other: Tower) -> None:
        """Take the weights of a tower of the same layers, however much either drops between them.

        Raises:
            RuntimeError, ValueError: if they do not fit.
        """
        self.stem.load_state_dict(other.stem.state_dict())
        if type(self.head) is not type(other.head):
            raise ValueError("one head is for sequences, and one is not")
        # Layers are numbered through, those that drop too: what has weights is told by its place among such.
        given = other.head.state_dict().values()
        self.head.load_state_dict(dict(zip(self.head.state_dict(), given, strict=True)))

    def grow_from(self, linear: Tower) -> None:
        """Become the same function as a tower whose head is one linear layer, with blocks behind that layer.

        Args:
            linear: has the same stem; this tower's head has such a layer too, and then blocks as new as they were made.

        Raises:
            RuntimeError: if stem or layer do not fit.
        """
        self.stem.load_state_dict(linear.stem.state_dict())
        ours, theirs = (
            next(part for part in head.modules() if isinstance(part, nn.Linear)) for head in (self.head, linear.head)
        )
        ours.load_state_dict(theirs.state_dict())

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return float32 [batch, dim], each row of length 1."""
        return nn.functional.normalize(self.features(rows), dim=-1)

    def features(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the vectors before they are brought to unit length, float32 [batch, dim].

        In training they are those of one view of each item; else the sums over all of its views.
        """
        if self.views is None:
            return self._rectified(rows)
        if self.training:
            return self._rectified(self.views.drawn(rows))
        totals, _ = self.views.summed(rows, self._rectified)
        return totals

    def stemmed(self, rows: torch.Tensor) -> torch.Tensor:
        """Return what the stem makes of each item, float32 [batch, width].

        Of an item that has several views it is their mean, and of a sequence the mean of its vectors.
        """
        if self.views is None:
            return self._stemmed(rows)
        totals, counts = self.views.summed(rows, self._stemmed)
        return totals / counts

    def _stemmed(self, rows: torch.Tensor) -> torch.Tensor:
        made = self.stem(rows)
        if not isinstance(made, VectorSequence):
            return made  # type: ignore[no-any-return]
        return (made.vectors * made.there[..., None]).sum(dim=1) / made.there.sum(dim=1)[:, None]

    def _rectified(self, rows: torch.Tensor) -> torch.Tensor:
        return self._clamped(self._shared(rows))

    def _clamped(self, shared: torch.Tensor) -> torch.Tensor:
        rectified = self._rectify == "always" or (self._rectify == "training" and self.training)
        return shared.clamp(min=0) if rectified else shared

    def _shared(self, rows: torch.Tensor) -> torch.Tensor:
        """Return what the head makes of the stem's output, float32 [batch, dim]."""
        return through(self.stem, self.head, rows)


def through(stem: nn.Module, head: nn.Module, rows: torch.Tensor) -> torch.Tensor:
    """Return what a head makes of a stem's output, float32 [batch, dim]."""
    if isinstance(stem, Bag) and isinstance(head, nn.Sequential):
        first = next(iter(head), None)
        if isinstance(first, nn.Linear):  # which takes the words as they are
            return head[1:](stem.into(first, rows))  # type: ignore[no-any-return]
    return head(stem(rows))  # type: ignore[no-any-return]

"""Several towers of one modality that are trained together, each as if alone, and asked as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from ntcir.config.towers import Rectify
from ntcir.towers.dropout import BatchDropout
from ntcir.towers.tower import Tower, through
from ntcir.towers.views import Views
from ntcir.towers.word_stems import Bag

_SHORT = 1e-12  # of a vector that is not brought to length


class Ensemble(Tower):
    """Encodes rows as the unit vectors of K members side by side, divided by sqrt(K).

    That is a unit vector of K * dim dimensions, and a cosine of two such is the mean of the members' cosines. Members
    with the same stem, the very module, share what it makes of a batch: only what learns nothing can be shared.

    The members are a loop, not one product of stacked matrices: on a processor the time goes into the products, which
    are as many either way.

    Args:
        stems: of each member; see ``Tower``.
        heads: of each member, all to the same dim.
        views: of an item, where there are several: in training all members see the same one.
        rectify: see ``Tower``.
    """

    def __init__(
        self, stems: Sequence[nn.Module], heads: Sequence[nn.Module], views: Views | None, rectify: Rectify
    ) -> None:
        own = list(dict.fromkeys(stems))
        super().__init__(nn.ModuleList(own), nn.ModuleList(heads), views, rectify)
        for layer in self.head.modules():
            if isinstance(layer, BatchDropout):
                layer.quick = True
        self._stem_of = [own.index(stem) for stem in stems]

    @property
    def members(self) -> list[Tower]:
        """The members as towers, without views; their layers are these."""
        return [Tower(self._stems[number], head) for number, head in zip(self._stem_of, self._heads, strict=True)]

    def fit_to(self, blocks: Iterable[np.ndarray]) -> None:
        """Take the statistics of rows that come in blocks, which are in memory together."""
        several = list(blocks if self.views is None else map(self.views.apart, blocks))
        for stem in self._stems:
            Tower(stem, nn.Identity()).fit_to(several)

    def begin_as(self, other: Tower) -> None:
        """Take the weights of an ensemble of as many members, each of the same layers; see ``Tower.begin_as``."""
        for ours, theirs in self._beside(other):
            ours.begin_as(theirs)

    def grow_from(self, linear: Tower) -> None:
        """Become the same function as an ensemble of linear layers; see ``Tower.grow_from``."""
        for ours, theirs in self._beside(linear):
            ours.grow_from(theirs)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return float32 [batch, K * dim], each row of length 1."""
        count = len(self._heads)
        # Where it can be, each member's vectors are brought to length while they are in the processor's cache.
        apart = self._apart(rows) if self.views is None else self.features(rows).chunk(count, dim=1)
        return torch.cat([_of_length(self._clamped(part), count**-0.5) for part in apart], dim=1)

    @property
    def _stems(self) -> Sequence[nn.Module]:
        return list(self.stem.children())

    @property
    def _heads(self) -> Sequence[nn.Module]:
        return list(self.head.children())

    def _beside(self, other: Tower) -> Iterable[tuple[Tower, Tower]]:
        if not isinstance(other, Ensemble):
            raise ValueError("one tower has several members, and one has not")
        return zip(self.members, other.members, strict=True)

    def _stemmed(self, rows: torch.Tensor) -> torch.Tensor:
        """Return what the stems make of rows side by side, each as often as it is there."""
        return torch.cat([Tower(stem, nn.Identity()).stemmed(rows) for stem in self._stems], dim=1)

    def _shared(self, rows: torch.Tensor) -> torch.Tensor:
        """Return what the heads make of the stems' outputs side by side, float32 [batch, K * dim]."""
        return torch.cat(list(self._apart(rows)), dim=1)

    def _apart(self, rows: torch.Tensor) -> Iterator[torch.Tensor]:
        """Yield what the head of each member makes of its stem's output, float32 [batch, dim]."""
        stems = self._stems
        # A bag of words is left to the first layer of each head, which takes it by itself.
        made: list[Any] = [None if isinstance(stem, Bag) else stem(rows) for stem in stems]
        for stem, head in zip(self._stem_of, self._heads, strict=True):
            yield through(stems[stem], head, rows) if made[stem] is None else head(made[stem])


def _of_length(vectors: torch.Tensor, length: float) -> torch.Tensor:
    """Bring vectors to a length, as ``nn.functional.normalize`` brings them to 1, in as few passes."""
    norms: torch.Tensor = torch.linalg.vector_norm(vectors, dim=1, keepdim=True)
    return vectors / (norms.clamp(min=_SHORT) / length)

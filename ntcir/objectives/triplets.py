"""What triplet losses have in common: an anchor, its partner, and a negative from the same batch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ntcir.config import Objective
from ntcir.objectives.similarity import categories_of, cosines, squared_distances

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ntcir.objectives.batch import Batch


class InBatchTriplets(Objective):
    """A loss of triplets in both directions: left items ask for right ones, and right items for left ones.

    Each positive cell of the batch is an anchor pair, in either direction: a picture with five captions is the anchor
    of five. An anchor has one negative a step, the same for all its partners. It is never an ignored cell, and an
    anchor without any negative counts for nothing. The loss is the sum over both directions of the mean over anchor
    pairs; the equations have sums, by which the learning rate would depend on the batch.

    Attributes:
        margin: by how much the squared distance to the negative is to exceed that to the partner.
        negatives: ``random``: any, drawn anew at each step; ``hardest``: the nearest one, the first of equals.
    """

    margin: float = Field(0.2, gt=0, le=4)  # squared distances of unit vectors reach 4
    negatives: Literal["random", "hardest"] = "hardest"

    @abstractmethod
    def violations(self, gaps: torch.Tensor, similarity: torch.Tensor) -> torch.Tensor:
        """Return what each pair of an anchor costs, float [m, n].

        Args:
            gaps: squared distance of anchor and candidate minus that of anchor and negative, float [m, n].
            similarity: of the categories of anchor and negative, float [m, 1]; 0 where ``needs`` does not ask for them.
        """

    def __call__(self, batch: Batch, learnt: nn.Module) -> torch.Tensor:
        """Return the loss, a scalar with gradient."""
        import torch

        distances = squared_distances(batch.left, batch.right)
        positives, negatives = batch.cells()
        asks = "categories" in self.needs
        similarity = cosines(*categories_of(batch)) if asks else torch.zeros_like(distances)
        draw = torch.Generator().manual_seed(batch.seed)
        return self._one_way(distances, positives, negatives, similarity, draw) + self._one_way(
            distances.T, positives.T, negatives.T, similarity.T, draw
        )

    def _one_way(
        self,
        distances: torch.Tensor,
        positives: torch.Tensor,
        negatives: torch.Tensor,
        similarity: torch.Tensor,
        draw: torch.Generator,
    ) -> torch.Tensor:
        """Return the mean over the anchor pairs of one direction, whose anchors are the rows; all are [m, n]."""
        chosen = hardest(distances, negatives) if self.negatives == "hardest" else any_of(negatives, draw)
        cost = self.violations(gaps(distances, chosen), similarity.gather(1, chosen))
        return mean_over_anchors(cost, positives, negatives)

    def remedies_at_zero(self) -> Mapping[str, str]:
        """Return the setting that asks for more."""
        return {"margin": "raise"}


def hardest(distances: torch.Tensor, negatives: torch.Tensor) -> torch.Tensor:
    """Return the nearest negative of each row, the first of equals: int64 [m, 1]; any column where there is none."""
    import torch

    return distances.detach().masked_fill(~negatives, torch.inf).argmin(dim=1, keepdim=True)


def any_of(negatives: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    """Return a negative of each row, each as likely as the others: int64 [m, 1]; any column where there is none."""
    import torch

    # Drawn where the generator is; what is drawn does not depend on which cells are negatives.
    lots = torch.rand(negatives.shape, generator=draw).to(negatives.device)
    return lots.masked_fill(~negatives, -1.0).argmax(dim=1, keepdim=True)


def gaps(distances: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Return by how much each candidate is further away than its row's chosen negative, float [m, n]."""
    return distances - distances.gather(1, chosen)


def mean_over_anchors(cost: torch.Tensor, positives: torch.Tensor, negatives: torch.Tensor) -> torch.Tensor:
    """Return the mean of a cost over the positive cells of rows that have a negative; 0 where there is none.

    Args:
        cost: float [m, n].
        positives: bool [m, n].
        negatives: bool [m, n].
    """
    counted = positives & negatives.any(dim=1, keepdim=True)
    return cost[counted].sum() / counted.sum().clamp(min=1)

"""The hinge over the hardest negative, as in VSE++."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ntcir.config import Objective
from ntcir.objectives.triplets import gaps, hardest, mean_over_anchors

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ntcir.objectives.batch import Batch


class Ranking(Objective):
    """Wants each partner to score higher than the highest negative of the batch (VSE++: Faghri et al. 2018).

    With cosines of embeddings as scores, an anchor x with its partner z costs::

        max over its negatives z- of max(0, c - x.z + x.z-)

    and the same in the other direction. In the first ``warm_up`` steps the sum over the negatives takes the place of
    the maximum, as in VSE: at the beginning the hardest negatives are hard by chance, and to run from them alone
    draws everything into one point. Each positive cell of the batch is an anchor pair; ignored cells are no negatives;
    an anchor without any negative counts for nothing. The loss is the sum over both directions of the mean over anchor
    pairs.

    It needs nothing but pairs, and few false negatives among them: mask them, or let them be positives. ``Triplet`` is
    the same in squared distances, of which a margin is twice that of cosines, without a warm-up; ``InfoNCE`` weighs
    all negatives, the harder the more.

    Attributes:
        margin: c, in cosines.
        warm_up: steps with the sum over all violations. It takes memory for positive cells x candidates.
    """

    label: ClassVar[str | None] = "hinge"

    kind: Literal["ranking"] = "ranking"
    margin: float = Field(0.2, gt=0, le=2)  # cosines differ by 2 at most
    warm_up: int = Field(100, ge=0)

    def __call__(self, batch: Batch, learnt: nn.Module) -> torch.Tensor:
        """Return the loss, a scalar with gradient."""
        scores = batch.left @ batch.right.T
        positives, negatives = batch.cells()
        one_way = self._over_all if batch.step < self.warm_up else self._over_hardest
        return one_way(scores, positives, negatives) + one_way(scores.T, positives.T, negatives.T)

    def _over_hardest(self, scores: torch.Tensor, positives: torch.Tensor, negatives: torch.Tensor) -> torch.Tensor:
        """Return the mean over the anchor pairs of one direction, whose anchors are the rows; all are [m, n]."""
        cost = (self.margin + gaps(-scores, hardest(-scores, negatives))).clamp(min=0)
        return mean_over_anchors(cost, positives, negatives)

    def _over_all(self, scores: torch.Tensor, positives: torch.Tensor, negatives: torch.Tensor) -> torch.Tensor:
        """Return the same with the sum over all negatives of an anchor."""
        anchors, partners = positives.nonzero(as_tuple=True)
        cost = (self.margin - scores[anchors, partners][:, None] + scores[anchors]).clamp(min=0)
        counted = negatives.any(dim=1)[anchors].sum().clamp(min=1)
        return (cost * negatives[anchors]).sum() / counted

    def remedies_at_zero(self) -> Mapping[str, str]:
        """Return the setting that asks for more."""
        return {"margin": "raise"}

    def remarks(self, iters: int, *, alone: bool) -> Iterator[str]:
        """Yield that the maximum never takes the place of the sum, where that is so."""
        if 0 < iters <= self.warm_up:
            yield (
                f"warm_up = {self.warm_up} is not less than training.iters = {iters}: the hardest negatives are never "
                "used; lower it"
            )

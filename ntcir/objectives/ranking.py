"""The hinge over the hardest negative, as in VSE++, or over a random one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ntcir.config import Objective
from ntcir.objectives.triplets import any_of, gaps, hardest, mean_over_anchors

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
    draws everything into one point. With ``negatives: random``, an anchor has one negative a step, any of its own with
    equal chances, and there is no warm-up: nothing is hard by choice.

    Each positive cell of the batch is an anchor pair; ignored cells are no negatives; an anchor without any negative
    counts for nothing. The loss is the sum over both directions of the mean over anchor pairs.

    It needs nothing but pairs, and few false negatives among them: mask them, or let them be positives. ``Triplet`` is
    the same in squared distances, of which a margin is twice that of cosines, without a warm-up; ``InfoNCE`` weighs
    all negatives, the harder the more.

    Attributes:
        margin: c, in cosines.
        negatives: ``hardest``: the one that scores highest; ``random``: any, drawn anew at each step.
        warm_up: steps of ``hardest`` with the sum over all violations. It takes memory for positive cells x candidates.
    """

    label: ClassVar[str | None] = "hinge"

    kind: Literal["ranking"] = "ranking"
    margin: float = Field(0.2, gt=0, le=2)  # cosines differ by 2 at most
    negatives: Literal["hardest", "random"] = "hardest"
    warm_up: int = Field(100, ge=0)

    def __call__(self, batch: Batch, learnt: nn.Module) -> torch.Tensor:
        """Return the loss, a scalar with gradient."""
        import torch

        scores = batch.left @ batch.right.T
        positives, negatives = batch.cells()
        draw = torch.Generator().manual_seed(batch.seed)
        ways = (scores, positives, negatives), (scores.T, positives.T, negatives.T)
        if self.negatives == "hardest" and batch.step < self.warm_up:
            return self._over_all(*ways[0]) + self._over_all(*ways[1])
        return self._over_one(*ways[0], draw) + self._over_one(*ways[1], draw)

    def _over_one(
        self, scores: torch.Tensor, positives: torch.Tensor, negatives: torch.Tensor, draw: torch.Generator
    ) -> torch.Tensor:
        """Return the mean over the anchor pairs of one direction, whose anchors are the rows; all are [m, n]."""
        chosen = hardest(-scores, negatives) if self.negatives == "hardest" else any_of(negatives, draw)
        cost = (self.margin + gaps(-scores, chosen)).clamp(min=0)
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
        """Yield that the maximum never takes the place of the sum, or the sum has no place, where that is so."""
        if self.negatives == "random":
            if self.warm_up not in {0, Ranking.model_fields["warm_up"].default}:
                yield f"warm_up = {self.warm_up} is set but not used: negatives are random"
        elif 0 < iters <= self.warm_up:
            yield (
                f"warm_up = {self.warm_up} is not less than training.iters = {iters}: the hardest negatives are never "
                "used; lower it"
            )

"""The pairwise loss: items of similar categories are drawn together, others are kept apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from ntcir.config import Objective
from ntcir.objectives.similarity import categories_of, cosines, squared_distances

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ntcir.objectives.batch import Batch

_SLACK = 1e-6  # by which weights that sum to 1 may miss it


class Pairwise(Objective):
    """Looks at each left item with each right item, partners or not (Chrysakis et al. 2021, eq. 3, 4, 6 and 7).

    With s the cosine of two items' categories (eq. 4) and d the squared distance of their embeddings, a pair of items
    costs (eq. 6; with a1 = 1 it is eq. 3)::

        a1 s d + a2 [s = 0] max(0, c - d)

    and the loss is (eq. 7; with the betas 1, 0, 0 it is eq. 6)::

        b1 (mean over left x right) + b2 (mean over left x left) + b3 (mean over right x right)

    The equations have sums where means are taken here, so that the learning rate does not depend on the batch; in the
    intra-modal terms an item also meets itself, as all pairs do in the equation, at no cost. Partners count as similar
    (s = 1) where neither has a category, for which eq. 4 has no value; so do items of one instance in the intra-modal
    terms. Cells that are ignored are neither drawn together nor kept apart.

    It needs categories. Use it where several items are good answers because they show the same things. With a1 = 1
    alone everything may collapse into one point. ``Triplet`` looks at partners instead of categories,
    ``SoftWeighted`` and ``SoftMargin`` at both.

    Attributes:
        similarity: a1, the weight of what draws together.
        dissimilarity: a2, the weight of what keeps apart; None stands for 1 - a1, and it can be nothing else.
        margin: c, the squared distance that is enough for items without a common category.
        betas: b1, b2, b3, of left x right, left x left and right x right; they sum to 1. b1 alone stands for
            b2 = b3 = (1 - b1) / 2, the only one that the greedy strategy of section 3.3 varies.
    """

    label: ClassVar[str | None] = "pairwise"
    needs: ClassVar[frozenset[str]] = frozenset({"categories"})

    kind: Literal["pairwise"] = "pairwise"
    similarity: float = Field(0.5, ge=0, le=1)
    dissimilarity: float | None = Field(None, ge=0, le=1)
    margin: float = Field(1.0, gt=0, le=4)  # squared distances of unit vectors reach 4
    betas: tuple[float, float, float] = (1.0, 0.0, 0.0)

    @field_validator("dissimilarity")
    @classmethod
    def _sum_to_one(cls, value: float | None, info: ValidationInfo) -> float | None:
        similarity = info.data.get("similarity")
        if value is not None and similarity is not None and abs(similarity + value - 1) > _SLACK:
            raise ValueError(
                f"similarity and dissimilarity must sum to 1, not {similarity + value:.6g}: leave dissimilarity out, "
                f"or give {1 - similarity:.6g}"
            )
        return value

    @field_validator("betas", mode="before")
    @classmethod
    def _of_one(cls, value: Any) -> Any:
        """Return what one number, the first beta, stands for."""
        if not isinstance(value, int | float) or isinstance(value, bool):
            return value
        if not 0 <= value <= 1:
            raise ValueError("give the first of the betas, from 0 to 1, or all three")
        return value, (1 - value) / 2, (1 - value) / 2

    @field_validator("betas")
    @classmethod
    def _of_three(cls, value: tuple[float, float, float]) -> tuple[float, float, float]:
        if min(value) < 0:
            raise ValueError("no beta may be below 0")
        if abs(sum(value) - 1) > _SLACK:
            raise ValueError(f"the betas must sum to 1, not {sum(value):.6g}")
        return value

    def __call__(self, batch: Batch, learnt: nn.Module) -> torch.Tensor:
        """Return the loss, a scalar with gradient."""
        left, right = categories_of(batch)
        of_left, of_right = batch.instances
        across, within_left, within_right = self.betas
        loss = batch.left.new_zeros(())
        if across:
            positives, _ = batch.cells()
            loss = loss + across * self._mean(
                squared_distances(batch.left, batch.right), cosines(left, right), positives, batch.ignored
            )
        for beta, rows, concepts, numbers in (
            (within_left, batch.left, left, of_left),
            (within_right, batch.right, right, of_right),
        ):
            if beta:
                same = numbers[:, None] == numbers[None, :]
                loss = loss + beta * self._mean(squared_distances(rows, rows), cosines(concepts, concepts), same)
        return loss

    def _mean(
        self,
        distances: torch.Tensor,
        similarity: torch.Tensor,
        partners: torch.Tensor,
        ignored: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return the mean of eq. 6 over all cells that are not ignored.

        Args:
            distances: squared, float [m, n].
            similarity: of categories, float [m, n].
            partners: bool [m, n]; similar whatever their categories.
            ignored: bool [m, n]; a partner is never ignored.
        """
        similarity = similarity.masked_fill((similarity == 0) & partners, 1.0)
        draw = self.similarity * similarity * distances
        push = (1 - self.similarity) * (self.margin - distances).clamp(min=0) * (similarity == 0)
        cost = draw + push
        if ignored is None:
            return cost.mean()
        counted = partners | ~ignored
        return (cost * counted).sum() / counted.sum().clamp(min=1)

    def remedies_at_zero(self) -> Mapping[str, str]:
        """Return the setting that keeps dissimilar items further apart."""
        return {"margin": "raise"}

    def remarks(self, iters: int, *, alone: bool) -> Iterator[str]:
        """Yield that nothing keeps anything apart, if nothing does."""
        if alone and self.similarity == 1:
            yield (
                "similarity = 1 keeps nothing apart, so that everything may end in one point (eq. 3): lower it, or "
                "add another objective"
            )

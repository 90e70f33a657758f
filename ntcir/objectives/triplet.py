"""The triplet loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from ntcir.objectives.triplets import InBatchTriplets

if TYPE_CHECKING:
    import torch


class Triplet(InBatchTriplets):
    """Wants each partner nearer than a negative by a margin (Chrysakis et al. 2021, eq. 8 and 9; section 4.3).

    With d the squared distance of embeddings, an anchor x with its partner z and a negative z- costs::

        max(0, d(x, z) - d(x, z-) + c)

    and the same in the other direction. ``negatives: random`` is eq. 9, ``hardest`` is section 4.3; what else
    counts and what is averaged is told at ``InBatchTriplets``.

    It needs nothing but pairs. Random negatives soon violate nothing, and teach nothing then; the hardest of a batch
    may draw everything into one point at the beginning, which ``Ranking`` prevents by a warm-up. ``InfoNCE`` weighs
    all negatives of a batch at once, ``SoftWeighted`` and ``SoftMargin`` know categories.

    Attributes:
        margin: c.
    """

    label: ClassVar[str | None] = "triplet"

    kind: Literal["triplet"] = "triplet"
    negatives: Literal["random", "hardest"] = "random"

    def violations(self, gaps: torch.Tensor, similarity: torch.Tensor) -> torch.Tensor:
        """Return what each pair of an anchor costs, float [m, n]."""
        return (gaps + self.margin).clamp(min=0)

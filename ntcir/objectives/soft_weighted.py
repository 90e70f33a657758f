"""The soft-weighted triplet loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from ntcir.objectives.triplets import InBatchTriplets

if TYPE_CHECKING:
    import torch


class SoftWeighted(InBatchTriplets):
    """Weighs each triplet by how similar anchor and negative are by their categories (Chrysakis et al. 2021, eq. 10).

    With d the squared distance of embeddings and s the cosine of categories (eq. 4), an anchor x with its partner z and
    a negative z- costs::

        s(x, z-) max(0, d(x, z) - d(x, z-) + c)

    and the same in the other direction; what else counts and what is averaged is told at ``InBatchTriplets``.

    It needs categories. A negative that has no category in common with its anchor weighs nothing, so this is about
    telling apart what is alike; beside another objective (a list of two) it sharpens, by itself it may leave unlike
    items where they are. ``Triplet`` weighs all alike, ``SoftMargin`` varies the margin instead.

    Attributes:
        margin: c.
    """

    label: ClassVar[str | None] = "soft-weighted triplet"
    needs: ClassVar[frozenset[str]] = frozenset({"categories"})

    kind: Literal["soft_weighted"] = "soft_weighted"

    def violations(self, gaps: torch.Tensor, similarity: torch.Tensor) -> torch.Tensor:
        """Return what each pair of an anchor costs, float [m, n]."""
        return similarity * (gaps + self.margin).clamp(min=0)

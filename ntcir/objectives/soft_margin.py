"""The soft-margin triplet loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from ntcir.objectives.triplets import InBatchTriplets

if TYPE_CHECKING:
    import torch


class SoftMargin(InBatchTriplets):
    """Gives each triplet a margin by how similar anchor and negative are (Chrysakis et al. 2021, eq. 11).

    With d the squared distance of embeddings and s the cosine of categories (eq. 4), an anchor x with its partner z and
    a negative z- costs::

        max(0, d(x, z) - d(x, z-) + c0 ln(1 + s(x, z-)))

    and the same in the other direction; what else counts and what is averaged is told at ``InBatchTriplets``.

    It needs categories. The margin grows with the similarity, from 0 to 0.69 c0: a negative without a common category
    need only be no nearer than the partner. ``Triplet`` has one margin for all, ``SoftWeighted`` varies the weight
    instead.

    Attributes:
        margin: c0.
    """

    label: ClassVar[str | None] = "soft-margin triplet"
    needs: ClassVar[frozenset[str]] = frozenset({"categories"})

    kind: Literal["soft_margin"] = "soft_margin"

    def violations(self, gaps: torch.Tensor, similarity: torch.Tensor) -> torch.Tensor:
        """Return what each pair of an anchor costs, float [m, n]."""
        return (gaps + self.margin * similarity.log1p()).clamp(min=0)

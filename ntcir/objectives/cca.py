"""Canonical correlation analysis: the directions in which the two sides agree most, without training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ntcir.objectives.strengths import RegularisedMaps, Strengths

if TYPE_CHECKING:
    from ntcir.objectives.linear_maps import LinearMaps
    from ntcir.objectives.second_moments import PairMoments


class Cca(RegularisedMaps):
    """Regularised canonical correlation analysis (Hotelling 1936; regularised and for retrieval: Hardoon et al. 2004).

    With C_xx, C_yy and C_xy the means of x x', y y' and x y', and m_x, m_y the mean eigenvalues of the first two,
    the first directions a, b are those of the largest correlation ::

        a' C_xy b    where    a' (C_xx + r_x m_x I) a = 1    and    b' (C_yy + r_y m_y I) b = 1

    and the next ones those of the largest among all that are uncorrelated with the ones before. With
    L_x L_x' = C_xx + r_x m_x I, and L_y likewise, they come from the singular vectors of T = L_x^-1 C_xy L_y'^-1, whose
    singular values are the correlations. Items are compared by the cosine of their coordinates in the first towers.dim
    directions, on both sides multiplied by the correlation to the power p (Gong et al. 2014). Directions without any
    correlation are left out.

    That all pairs count, and that p = 1/2, are this project's choices.

    Attributes:
        power: p: with 0 all directions count the same; with 1/2 a direction's share of the inner product is multiplied
            by its correlation, with 1 by the square of that.
    """

    kind: Literal["cca"] = "cca"
    pairs: Literal["means", "all"] = "all"
    power: float = Field(0.5, ge=0, le=10)

    @property
    def regularised(self) -> tuple[bool, bool]:
        """Both sides."""
        return True, True

    def solved_with(self, moments: PairMoments, dim: int, strengths: Strengths) -> LinearMaps:
        """Return the maps, with the largest correlations among the facts."""
        from ntcir.objectives.decompositions import Regularised, singular_axes
        from ntcir.objectives.linear_maps import LinearMaps

        if len(moments.left) < len(moments.right):
            return self.solved_with(moments.mirrored, dim, (strengths[1], strengths[0])).mirrored
        wide, narrow = Regularised(moments.left, strengths[0]), Regularised(moments.right, strengths[1])
        predicted = wide.solve(moments.across)  # L_x'^-1 L_x^-1 C_xy: the large side is decomposed only once
        gram = narrow.whitened(narrow.whitened(moments.across.T @ predicted).T)  # T' T
        correlations, axes = singular_axes(gram, dim)
        of_right = narrow.unwhitened(axes)
        of_left = predicted @ of_right / correlations
        weights = (correlations**self.power)[:, None]
        facts = {"correlations": [round(float(each), 4) for each in correlations[:_SHOWN]]}
        return LinearMaps(weights * of_left.T, weights * of_right.T, facts)


_SHOWN = 10  # correlations in the model's card

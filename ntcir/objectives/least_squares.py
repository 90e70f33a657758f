"""The linear map that predicts one side from the other, by ridge regression, without training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import model_validator

from ntcir.objectives.strengths import RegularisedMaps, Strengths

if TYPE_CHECKING:
    from ntcir.objectives.linear_maps import LinearMaps
    from ntcir.objectives.second_moments import PairMoments


class LeastSquares(RegularisedMaps):
    """Ridge regression of one side on the other (Hoerl and Kennard 1970; least squares for retrieval: Choi et al. 2023,
    of which only the abstract is public to us: the rest is this project's choice).

    With C_xx, C_yy and C_xy the means of x x', y y' and x y', and m_x the mean eigenvalue of C_xx, the W that
    minimises the mean of ||W x - y||^2 + r_x m_x ||W||^2 is::

        W = C_xy' (C_xx + r_x m_x I)^-1

    A left item's W x is compared with a right item's y (``maps: left``), or, the other way round, x with V y of the
    right items, V = C_xy (C_yy + r_y m_y I)^-1 (``maps: right``). Of the side that is predicted, only the first
    principal axes are looked at where towers.dim is less than its columns.

    ``maps: both`` adds up the two inner products, (W x)' y and x' V y, in each of which both factors are scaled to a
    mean square of 1. That sum is x' K y, with a matrix K whose singular value decomposition is U S Z': compared are
    S^1/2 U' x and S^1/2 Z' y, in at most as many dimensions as the narrower side has.

    Attributes:
        maps: the side that is mapped into the other's space, ``left`` or ``right``, or ``both``.
    """

    kind: Literal["least_squares"] = "least_squares"
    maps: Literal["left", "right", "both"] = "both"

    @model_validator(mode="after")
    def _of_one_side(self) -> LeastSquares:
        if self.maps != "both" and isinstance(self.regularisation, tuple):
            raise ValueError(f"maps = {self.maps} regularises one side alone: give one number as regularisation")
        return self

    @property
    def regularised(self) -> tuple[bool, bool]:
        """The sides from which the other one is predicted."""
        return self.maps != "right", self.maps != "left"

    def solved_with(self, moments: PairMoments, dim: int, strengths: Strengths) -> LinearMaps:
        """Return the maps."""
        if self.maps == "left":
            return _regression(moments, dim, strengths[0])
        if self.maps == "right":
            return _regression(moments.mirrored, dim, strengths[1]).mirrored
        return _sum_of_both(moments, dim, strengths)


def _regression(moments: PairMoments, dim: int, strength: float) -> LinearMaps:
    """Return W, and what takes y to the axes on which it is predicted."""
    from ntcir.objectives.decompositions import Regularised, principal_axes
    from ntcir.objectives.linear_maps import LinearMaps

    weights = Regularised(moments.left, strength).solve(moments.across).T
    width = len(moments.right)
    if dim >= width:
        return LinearMaps(weights, np.eye(width))
    axes = principal_axes(moments.right, dim)
    return LinearMaps(axes @ weights, axes)


def _sum_of_both(moments: PairMoments, dim: int, strengths: Strengths) -> LinearMaps:
    """Return the maps whose inner products are the sum of both regressions'."""
    from ntcir.objectives.decompositions import singular_axes
    from ntcir.objectives.linear_maps import LinearMaps

    if len(moments.left) < len(moments.right):
        return _sum_of_both(moments.mirrored, dim, (strengths[1], strengths[0])).mirrored
    between = _scaled(moments, strengths[0]).T + _scaled(moments.mirrored, strengths[1])
    values, axes = singular_axes(between.T @ between, dim)
    roots = np.sqrt(values)[:, None]
    return LinearMaps(axes.T @ between.T / roots, roots * axes.T)


def _scaled(moments: PairMoments, strength: float) -> np.ndarray:
    """Return W in units in which both W x and y have a mean square of 1."""
    from ntcir.objectives.decompositions import Regularised

    ridge = Regularised(moments.left, strength)
    weights = ridge.solve(moments.across).T
    # The trace of W C_xx W', because W (C_xx + r m I) = C_xy'.
    predicted = np.sum(weights * moments.across.T) - ridge.added * np.sum(weights**2)
    scaled: np.ndarray = weights / np.sqrt(predicted * np.trace(moments.right))
    return scaled

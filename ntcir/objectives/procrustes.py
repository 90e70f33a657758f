"""The orthogonal map that brings the two spaces together, without training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from ntcir.config import Solved

if TYPE_CHECKING:
    from ntcir.objectives.linear_maps import LinearMaps, Problem


class Procrustes(Solved):
    """The orthogonal Procrustes problem (Schönemann 1966; for retrieval Choi et al. 2023, of which only the abstract
    is public to us: centring, unit length, PCA and the number of dimensions are this project's choices).

    The orthogonal R that minimises the mean of ||R x - y||^2 is U V', where U S V' is the SVD of the mean of y x'.
    Where one space is wider than the other, its rows are first projected on as many of their principal axes as the
    other has dimensions.

    A singular value says how far the sides agree in its direction. Where ``towers.dim`` is less than the narrower
    space has, or the pairs determine fewer directions, those of the largest singular values are kept: x goes to the
    first rows of V' x and y to those of U' y. With all of them, cosines are the same as those of R x and y.
    """

    kind: Literal["procrustes"] = "procrustes"

    def solve(self, problem: Problem) -> LinearMaps:
        """Return the maps: the wider side is turned onto the narrower one."""
        from ntcir.objectives.decompositions import principal_axes
        from ntcir.objectives.linear_maps import LinearMaps

        moments = problem.moments
        if len(moments.left) < len(moments.right):
            return self.solve(problem.mirrored).mirrored
        narrow = len(moments.right)
        axes = principal_axes(moments.left, narrow)
        u, sizes, v = np.linalg.svd(moments.across.T @ axes.T)
        dim = min(problem.dim, _rank(sizes), moments.count - 1)
        if dim == narrow:
            return LinearMaps(u @ v @ axes, np.eye(narrow))
        return LinearMaps(v[:dim] @ axes, u[:, :dim].T)


def _rank(sizes: np.ndarray) -> int:
    """Return how many singular values, the largest first, are more than the rounding of rows, which are float32."""
    return int((sizes > sizes[0] * np.finfo(np.float32).eps).sum())

"""The orthogonal map that brings the two spaces together, without training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from ntcir.config import Solved

if TYPE_CHECKING:
    from ntcir.objectives.linear_maps import LinearMaps, Problem


class Procrustes(Solved):
    """The orthogonal Procrustes problem (Schönemann 1966; for retrieval Choi et al. 2023, of which only the abstract
    is public to us: centring, unit length and PCA are this project's choices).

    Sought is the orthogonal R that makes the mean of ||R x - y||^2 least: with the SVD of the mean of y x', U S V', it
    is U V'. Where one space is wider than the other, its rows are first projected on as many of their principal axes as
    the other has dimensions; where towers.dim is less than both widths, those of both sides.
    """

    kind: Literal["procrustes"] = "procrustes"

    def solve(self, problem: Problem) -> LinearMaps:
        """Return the maps: the wider side is turned onto the narrower one."""
        from ntcir.objectives.linear_maps import LinearMaps

        moments = problem.moments
        if len(moments.left) < len(moments.right):
            return self.solve(type(problem)(moments.mirrored, problem.dim)).mirrored
        dim = min(problem.dim, len(moments.right))
        wide, narrow = _axes(moments.left, dim), _axes(moments.right, dim)
        u, _, v = np.linalg.svd(narrow @ moments.across.T @ wide.T)
        return LinearMaps(u @ v @ wide, narrow)


def _axes(covariance: np.ndarray, dim: int) -> np.ndarray:
    """Return the first principal axes as rows, float64 [dim, columns]; the identity where all are asked for."""
    if dim == len(covariance):
        return np.eye(dim)
    _, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors[:, ::-1][:, :dim].T)

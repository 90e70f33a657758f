"""Regularised canonical correlation analysis, the linear method that cross-modal retrieval is measured against.

Rows of both sides are centred and brought to unit length. Sought are directions a, b of the largest correlation
a' C_xy b, where a' (C_xx + r_x m_x I) a = 1 and b' (C_yy + r_y m_y I) b = 1, m being the mean eigenvalue of a side's
covariance. Items are compared by the cosine of their projections, each weighed by its canonical correlation (Hardoon et
al., 2004; the weights as in Gong et al., 2014, with the power 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_SHORT = 1e-12  # of a row that is not brought to unit length


@dataclass(frozen=True)
class Projection:
    """What leads from the rows of one side to the shared space.

    Attributes:
        mean: of the training rows, float64 [columns].
        offset: the mean of the training rows once they are centred and of unit length, float64 [columns].
        weights: float64 [columns, k].
    """

    mean: np.ndarray
    offset: np.ndarray
    weights: np.ndarray

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Return unit vectors, float32 [items, k], of rows, float [items, columns]."""
        return unit((unit(rows - self.mean) - self.offset) @ self.weights).astype(np.float32)


@dataclass(frozen=True)
class Cca:
    """A solution.

    Attributes:
        left, right: the projections.
        correlations: canonical correlations, descending, float64 [k].
    """

    left: Projection
    right: Projection
    correlations: np.ndarray


class Side:
    """One side's training rows, and the eigenvectors of their covariance.

    Args:
        rows: float [pairs, columns].
    """

    def __init__(self, rows: np.ndarray) -> None:
        rows = rows.astype(np.float64)
        self.mean = rows.mean(axis=0)
        rows = unit(rows - self.mean)
        self.offset = rows.mean(axis=0)
        self.rows = rows - self.offset
        values, self.vectors = np.linalg.eigh(self.rows.T @ self.rows / len(rows))
        self.values = values.clip(min=0)

    def scales(self, regularisation: float) -> np.ndarray:
        """Return what whitens each eigenvector, float64 [columns]."""
        scales: np.ndarray = (self.values + regularisation * self.values.mean()) ** -0.5
        return scales

    def projection(self, weights: np.ndarray) -> Projection:
        """Return the projection whose weights are given in terms of the eigenvectors."""
        return Projection(self.mean, self.offset, self.vectors @ weights)


class Problem:
    """Pairs, decomposed once for all regularisations.

    Args:
        left, right: rows of the pairs' items, float [pairs, columns].
    """

    def __init__(self, left: np.ndarray, right: np.ndarray) -> None:
        self._left, self._right = Side(left), Side(right)
        # The covariance of both sides, between their eigenvectors.
        self._between = self._left.vectors.T @ (self._left.rows.T @ self._right.rows / len(left)) @ self._right.vectors

    def solve(self, left: float, right: float, k: int) -> Cca:
        """Return the first ``k`` directions, or as many as there are, for the regularisation r of each side."""
        scales = self._left.scales(left), self._right.scales(right)
        u, correlations, v = _singular(scales[0][:, None] * self._between * scales[1], k)
        return Cca(
            self._left.projection(scales[0][:, None] * u * correlations),
            self._right.projection(scales[1][:, None] * v * correlations),
            correlations,
        )


def unit(rows: np.ndarray) -> np.ndarray:
    """Return rows of unit length; those of nearly none stay as they are."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: np.ndarray = rows / np.where(length > _SHORT, length, 1)
    return scaled


def _singular(matrix: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return left vectors [rows, k], values [k] and right vectors [columns, k], of the smaller side's Gram matrix.

    It takes a tenth of the time of a whole decomposition where one side is several times as wide.
    """
    if matrix.shape[0] > matrix.shape[1]:
        v, values, u = _singular(matrix.T, k)
        return u, values, v
    squares, u = np.linalg.eigh(matrix @ matrix.T)
    kept = [place for place in np.argsort(-squares)[:k] if squares[place] > _SHORT]
    values, u = np.sqrt(squares[kept]), u[:, kept]
    return u, values, matrix.T @ u / values

"""Decompositions of second moments: eigenvalues, principal axes, and Cholesky factors where they are regularised.

For thousands of columns numpy is the faster one with eigenvectors, torch with eigenvalues alone, so either is used for
what it is good at. A Cholesky factor takes a fraction of their time: what can be solved by one is (``Regularised``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

_SQUARE = 1e-12  # of a singular value that is zero up to rounding, of the largest one's square
_PIVOT = 1e-13  # of a matrix that is singular up to rounding, in mean eigenvalues


def eigenvalues(moments: np.ndarray) -> np.ndarray:
    """Return the eigenvalues of second moments, ascending, float64 [p]; none is below 0, as rounding might have it.

    Args:
        moments: float64 [p, p], positive semidefinite.
    """
    import torch

    matrix = torch.from_numpy(np.ascontiguousarray(moments))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # they wait for each other at each column: four times as long where a core is busy
    try:
        values: np.ndarray = torch.linalg.eigvalsh(matrix).clamp_(min=0).numpy()
    finally:
        torch.set_num_threads(threads)
    return values


def principal_axes(moments: np.ndarray, dim: int) -> np.ndarray:
    """Return the first principal axes as rows, orthonormal, float64 [dim, p]; the identity where all are asked for.

    Args:
        moments: float64 [p, p], symmetric.
        dim: at most p.
    """
    if dim == len(moments):
        return np.eye(dim)
    _, vectors = np.linalg.eigh(moments)
    return np.ascontiguousarray(vectors[:, ::-1][:, :dim].T)


def singular_axes(gram: np.ndarray, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the singular values of a matrix and its right singular vectors, float64 [k] and [q, k], descending.

    Args:
        gram: T' T of the matrix T, float64 [q, q].
        dim: how many at most; values that are zero up to rounding are left out, so that there may be fewer.
    """
    squares, vectors = np.linalg.eigh((gram + gram.T) / 2)
    squares, vectors = squares[::-1][:dim], vectors[:, ::-1][:, :dim]
    kept = squares > _SQUARE * max(float(squares[0]), 0)
    return np.sqrt(squares[kept]), vectors[:, kept]


class Regularised:
    """The Cholesky factor of C + r m I: C are second moments of a side, m is their mean eigenvalue.

    In units of m a strength r means the same whatever the scale and the width of the rows: with 1, as much is added as
    there is of variance.

    Args:
        moments: C, float64 [p, p], positive semidefinite.
        strength: r, 0 or more.

    Attributes:
        added: r m.
        singular: whether C + r m I is, up to rounding; then nothing can be solved.
    """

    def __init__(self, moments: np.ndarray, strength: float) -> None:
        import torch

        mean = float(np.trace(moments)) / len(moments)
        self.added = strength * mean
        matrix = torch.from_numpy(np.array(moments, dtype=np.float64))
        matrix.diagonal().add_(self.added)
        self._factor, failed = torch.linalg.cholesky_ex(matrix)
        self.singular = bool(failed) or float(self._factor.diagonal().min()) ** 2 < _PIVOT * mean

    def solve(self, columns: np.ndarray) -> np.ndarray:
        """Return (C + r m I)^-1 B for B = ``columns``, float64 [p, n]."""
        import torch

        found: np.ndarray = torch.cholesky_solve(_tensor(columns), self._factor).numpy()
        return found

    def whitened(self, columns: np.ndarray) -> np.ndarray:
        """Return L^-1 B for B = ``columns``, float64 [p, n], where L L' = C + r m I."""
        import torch

        found: np.ndarray = torch.linalg.solve_triangular(self._factor, _tensor(columns), upper=False).numpy()
        return found

    def unwhitened(self, columns: np.ndarray) -> np.ndarray:
        """Return L'^-1 B for B = ``columns``, float64 [p, n], where L L' = C + r m I."""
        import torch

        found: np.ndarray = torch.linalg.solve_triangular(self._factor.mT, _tensor(columns), upper=True).numpy()
        return found


def _tensor(columns: np.ndarray) -> torch.Tensor:
    import torch

    return torch.from_numpy(np.ascontiguousarray(columns, dtype=np.float64))

"""Eigenvalues and axes of second moments.

Timed for 4,096 columns on one core: all eigenvectors by numpy take 10 s, by torch 18 (8 in single precision, with which
the last of 768 axes are a few hundredths off), and all eigenvalues without vectors 5 and 3. So vectors come from numpy
and values from torch, and what needs no eigenvectors does without (``ntcir.objectives.factors``: 1 s).
"""

from __future__ import annotations

import numpy as np

_SQUARE = 1e-12  # of a singular value that is zero up to rounding, of the largest one's square


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

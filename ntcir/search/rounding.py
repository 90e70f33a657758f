"""How far products of vectors may be wrong: what rounding their numbers, adding up and very small numbers can do."""

from __future__ import annotations

import numpy as np
import torch

HALF, SINGLE, DOUBLE = 2.0**-8, 2.0**-24, 2.0**-53  # what rounding to nearest may change, as a share of a number
SMALLEST = 2.0**-126  # normal number of single precision and of bf16; kernels may take lesser ones for 0


def norms(rows: torch.Tensor) -> np.ndarray:
    """Return no less than the length of each row, float64, worked out in single precision."""
    dim = rows.shape[1]
    found = torch.linalg.vector_norm(rows, dim=1).double().numpy()
    # Squares may be rounded, and those of small numbers vanish.
    return np.asarray(found * (1 + adding(dim, SINGLE)) + np.sqrt(dim * SMALLEST))


def long_norms(rows: torch.Tensor) -> np.ndarray:
    """Return no less than the length of each row, float64, however small or great its numbers are."""
    found = np.sqrt(np.einsum("nd,nd->n", rows.numpy(), rows.numpy(), dtype=np.float64))
    return np.asarray(found * (1 + adding(rows.shape[1], DOUBLE)))


def adding(dim: int, unit: float) -> float:
    """Return the most that adding up ``dim`` products is off, as a share of both lengths.

    Twice the usual bound, n u / (1 - n u) (Higham 2002, eq. 3.5), for the kernels that round on the way.
    """
    return 2 * (dim + 8) * unit


def vanishing(dim: int, sizes: np.ndarray, most: float) -> np.ndarray:
    """Return the most that is lost where numbers below the smallest normal one, of inputs or sums, count as 0."""
    return np.asarray(4 * dim * SMALLEST * (1 + sizes + most))


def whole(error: np.ndarray) -> np.ndarray:
    """Return an error as it is, or infinity where numbers were too great to tell."""
    return np.where(np.isnan(error), np.inf, error)

"""Mean and standard deviation of each column of a matrix of features."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

_BLOCK = 1024  # rows in double precision at once: the squares of a large matrix would need as much memory again


def moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each column, float64 [columns]; see ``moments_of``.

    Args:
        features: float32 [rows, columns], with one row or more.
    """
    return moments_of([features])


def moments_of(blocks: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each column of a matrix that comes in blocks, float64 [columns].

    Args:
        blocks: float32 [rows, columns] each, with one row or more in all. Where all but the last have a multiple of
            1,024 rows, what is returned has the same bits as for the whole matrix.

    Returns:
        the means, and the deviations, 0 where a column varies by no more than rounding makes it.
    """
    count = 0
    total = squares = np.zeros(1)
    for block in blocks:
        for start in range(0, len(block), _BLOCK):
            part = block[start : start + _BLOCK].astype(np.float64)
            total = total + part.sum(axis=0)
            squares = squares + np.square(part).sum(axis=0)
        count += len(block)
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
    flat = deviation <= 1e-6 * np.maximum(1e-6, np.abs(mean))
    return mean, np.where(flat, 0.0, deviation)

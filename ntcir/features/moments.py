"""Mean and standard deviation of each column of a matrix of features."""

from __future__ import annotations

import numpy as np

_BLOCK = 1024  # rows in double precision at once: the squares of a large matrix would need as much memory again


def moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each column, float64 [columns].

    Args:
        features: float32 [rows, columns], with one row or more.

    Returns:
        the means, and the deviations, 0 where a column varies by no more than rounding makes it.
    """
    total, squares = np.zeros(features.shape[1]), np.zeros(features.shape[1])
    for start in range(0, len(features), _BLOCK):
        block = features[start : start + _BLOCK].astype(np.float64)
        total += block.sum(axis=0)
        squares += np.square(block).sum(axis=0)
    mean = total / len(features)
    deviation = np.sqrt(np.maximum(squares / len(features) - mean**2, 0))
    flat = deviation <= 1e-6 * np.maximum(1e-6, np.abs(mean))
    return mean, np.where(flat, 0.0, deviation)

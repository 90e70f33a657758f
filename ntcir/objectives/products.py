"""Sums of products of rows, added up in place: what second moments are made of.

They are summed in double precision. Single precision would take half the time, but its rounding would hide what is told
by moments that are zero or equal: that a column depends on others, and that there are fewer pairs than columns.
"""

from __future__ import annotations

import numpy as np

_PANEL = 512  # rows of a sum that are computed at once
_SHORT = 1e-12  # of a row that is not brought to unit length


def centred(rows: np.ndarray, mean: np.ndarray, *, unit: bool) -> np.ndarray:
    """Return rows without their mean, float64 [n, columns], of unit length if so asked; one that is the mean stays.

    Args:
        rows: float [n, columns].
        mean: float64 [columns].
        unit: whether rows are brought to unit length.
    """
    import torch

    away = torch.from_numpy(np.array(rows, dtype=np.float64)).sub_(torch.from_numpy(mean))
    if unit:
        length = torch.linalg.vector_norm(away, dim=1, keepdim=True)
        away.div_(torch.where(length > _SHORT, length, 1.0))
    found: np.ndarray = away.numpy()
    return found


def add_products(total: np.ndarray, left: np.ndarray, right: np.ndarray) -> None:
    """Add X' Y to a sum, for rows X and Y.

    Args:
        total: float64 [p, q], changed in place.
        left: X, float64 [n, p].
        right: Y, float64 [n, q].
    """
    import torch

    torch.from_numpy(total).addmm_(torch.from_numpy(left).T, torch.from_numpy(right))


def add_squares(total: np.ndarray, rows: np.ndarray) -> None:
    """Add the upper triangle of X' X to a sum, for rows X; what is added below the diagonal is for ``mirror``.

    Args:
        total: float64 [p, p], changed in place.
        rows: X, float64 [n, p].
    """
    for start in range(0, len(total), _PANEL):
        panel = slice(start, start + _PANEL)
        add_products(total[panel, start:], rows[:, panel], rows[:, start:])


def mirror(total: np.ndarray) -> None:
    """Make a sum of ``add_squares`` symmetric: what is below the diagonal becomes what is above it."""
    for start in range(0, len(total), _PANEL):
        end = start + _PANEL
        corner = total[start:end, start:end]
        corner[:] = np.triu(corner) + np.triu(corner, 1).T
        total[end:, start:end] = total[start:end, end:].T

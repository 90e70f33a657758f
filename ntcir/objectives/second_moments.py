"""Second moments of paired rows, added up in place, a block at a time.

They are summed in double precision. Single precision would take half the time, but its rounding would hide what is told
by moments that are zero or equal: that a column depends on others, and that there are fewer pairs than columns.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

_PANEL = 512  # rows of a sum that are computed at once
_SHORT = 1e-12  # of a row that is not brought to unit length


@dataclass(frozen=True)
class PairMoments:
    """The moments of paired rows, once these are centred (and of unit length, where that is asked for).

    Attributes:
        count: pairs.
        left_mean: of the left rows as they were, float64 [p].
        right_mean: of the right rows as they were, float64 [q].
        left: mean of x x', float64 [p, p].
        right: mean of y y', float64 [q, q].
        across: mean of x y', float64 [p, q].
    """

    count: int
    left_mean: np.ndarray
    right_mean: np.ndarray
    left: np.ndarray
    right: np.ndarray
    across: np.ndarray

    @property
    def mirrored(self) -> PairMoments:
        """The same with left and right exchanged."""
        return PairMoments(self.count, self.right_mean, self.left_mean, self.right, self.left, self.across.T)


def sums_of(blocks: Iterable[tuple[np.ndarray, np.ndarray]]) -> tuple[int, np.ndarray, np.ndarray]:
    """Return how many pairs there are, and the sums of the left and of the right rows, float64.

    Args:
        blocks: paired rows, float32 [n, p] and [n, q]; at least one block.
    """
    count = 0
    left = right = np.zeros(1)
    for of_left, of_right in blocks:
        count += len(of_left)
        left = left + of_left.sum(axis=0, dtype=np.float64)
        right = right + of_right.sum(axis=0, dtype=np.float64)
    return count, left, right


def products_of(
    blocks: Iterable[tuple[np.ndarray, np.ndarray]], means: tuple[np.ndarray, np.ndarray], *, unit: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the sums of x x', y y' and x y' over paired rows, float64 [p, p], [q, q] and [p, q].

    Args:
        blocks: paired rows, float32 [n, p] and [n, q].
        means: what is subtracted from the rows of each side, float64.
        unit: whether rows are then brought to unit length.
    """
    widths = [len(mean) for mean in means]
    left, right = (np.zeros((width, width)) for width in widths)
    across = np.zeros((widths[0], widths[1]))
    for of_left, of_right in blocks:
        x, y = (centred(rows, mean, unit=unit) for rows, mean in zip((of_left, of_right), means, strict=True))
        add_squares(left, x)
        add_squares(right, y)
        add_products(across, x, y)
    mirror(left)
    mirror(right)
    return left, right, across


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

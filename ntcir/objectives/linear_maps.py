"""What an objective is solved from, second moments of the training pairs, and what it gives, a linear map a side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ntcir.objectives.products import add_products, add_squares, centred, mirror


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


@dataclass(frozen=True)
class LinearMaps:
    """Where rows go: x to the unit vector of A (x - mean of the left rows), y likewise by B.

    Attributes:
        left: A, float64 [k, p].
        right: B, float64 [k, q].
        facts: what was chosen or found, by name, for people and the model's card; plain values.
    """

    left: np.ndarray
    right: np.ndarray
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def mirrored(self) -> LinearMaps:
        """The same with left and right exchanged."""
        return LinearMaps(self.right, self.left, self.facts)


@dataclass(frozen=True)
class Problem:
    """What an objective solves.

    Attributes:
        moments: of all training pairs.
        dim: dimensions of the shared space that are asked for; maps may have fewer, where there are no more.
        judge: measures maps on the validation split, the mean MRR of both directions; None where there is none.
        means: returns the moments of the instances' means, which are independent of each other; None where those of
            the pairs are the same.
    """

    moments: PairMoments
    dim: int
    judge: Callable[[LinearMaps], float] | None = None
    means: Callable[[], PairMoments] | None = None

    @property
    def mirrored(self) -> Problem:
        """The same with left and right exchanged."""
        judge, means = self.judge, self.means
        return Problem(
            self.moments.mirrored,
            self.dim,
            None if judge is None else (lambda maps: judge(maps.mirrored)),
            None if means is None else (lambda: means().mirrored),
        )


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

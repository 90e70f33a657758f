"""Paired rows for tests of objectives that are solved, and their moments."""

from __future__ import annotations

import numpy as np

from ntcir.objectives.linear_maps import LinearMaps
from ntcir.objectives.second_moments import PairMoments, centred, products_of, sums_of


def rows(pairs: int = 60, left: int = 7, right: int = 5, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of two sides that have three things in common, float32, of columns of different scale."""
    draw = np.random.default_rng(3)
    common = draw.normal(size=(pairs, 3)) * (3.0, 2.0, 1.0)
    sides = [
        (common @ draw.normal(size=(3, width)) + noise * draw.normal(size=(pairs, width))) * np.linspace(1, 2, width)
        for width in (left, right)
    ]
    return sides[0].astype(np.float32) + 4, sides[1].astype(np.float32) - 2


def moments_of(x: np.ndarray, y: np.ndarray, *, unit: bool = False) -> PairMoments:
    count, *sums = sums_of([(x, y)])
    means = sums[0] / count, sums[1] / count
    left, right, across = products_of([(x, y)], means, unit=unit)
    return PairMoments(count, *means, left / count, right / count, across / count)


def away(x: np.ndarray, y: np.ndarray, *, unit: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return both sides' rows without their means, float64."""
    return centred(x, x.mean(axis=0, dtype=np.float64), unit=unit), centred(
        y, y.mean(axis=0, dtype=np.float64), unit=unit
    )


def products(maps: LinearMaps, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the inner products of all left with all right items in the shared space, before unit length."""
    found: np.ndarray = (x @ maps.left.T) @ (y @ maps.right.T).T
    return found

"""Generalised cross-validation: how strongly a ridge regression is to be regularised, from moments alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ntcir.objectives.decompositions import Regularised, eigenvalues
from ntcir.objectives.second_moments import PairMoments

LEAST, GREATEST = 1e-3, 1e3  # of the strengths that are tried
_MOST = 12  # quarters of a decade from 1 to either
_COARSE, _FINE = 2, 1
_SPENT = 1e-6  # of the pairs that degrees of freedom leave, so that nothing is left to judge by


def generalised_error(moments: PairMoments, strength: float, values: np.ndarray | None = None) -> float:
    """Return the generalised cross-validation error of a ridge regression (Golub, Heath and Wahba 1979).

    With n pairs and the W of ``LeastSquares``, it is the mean of ||W x - y||^2 over the training pairs, divided by
    (1 - d / n)^2. The degrees of freedom d are the trace of C_xx (C_xx + r m I)^-1, and one for the mean that was
    taken from the rows: without that one, no regularisation at all would look best where pairs are fewer than columns.
    The error for new pairs is estimated so, if pairs are independent of each other. It is infinite where d reaches n.

    Args:
        moments: of the side that predicts (left) and of the one that is predicted (right).
        strength: r, above 0.
        values: eigenvalues of C_xx, float64 [p], if they are known.
    """
    ridge = Regularised(moments.left, strength)
    values = eigenvalues(moments.left) if values is None else values
    degrees = float(np.sum(values / (values + ridge.added)))
    free = 1 - (1 + degrees) / moments.count
    if free < _SPENT:
        return float("inf")
    weights = ridge.solve(moments.across)  # W'
    # The mean of ||W x - y||^2, because W (C_xx + r m I) = C_xy'.
    error = np.trace(moments.right) - np.sum(weights * moments.across) - ridge.added * np.sum(weights**2)
    return float(error) / free**2


def best_strength(moments: PairMoments) -> float:
    """Return the strength with the least ``generalised_error``, from ``LEAST`` to ``GREATEST``, to three digits.

    It is sought downhill from 1, in steps of half a decade and then of a quarter.

    Args:
        moments: of the side that predicts (left) and of the one that is predicted (right).
    """
    values = eigenvalues(moments.left)
    errors: dict[int, float] = {}

    def error(quarters: int) -> float:
        if quarters not in errors:
            errors[quarters] = generalised_error(moments, _strength(quarters), values)
        return errors[quarters]

    return _strength(_downhill(error, _downhill(error, 0, _COARSE), _FINE))


def three_digits(strength: float) -> float:
    """Return a strength as it is shown, so that whoever copies it gets the same maps."""
    return float(f"{strength:.3g}")


def _strength(quarters: int) -> float:
    """Return 10^(quarters / 4)."""
    return three_digits(10 ** (quarters / 4))


def _downhill(error: Callable[[int], float], place: int, step: int) -> int:
    """Return the place from which no step leads to a lower error; the first place if all errors are infinite."""
    while True:
        near = [place, *(each for each in (place + step, place - step) if abs(each) <= _MOST)]
        best = min(near, key=error)
        if best == place:
            return place
        place = best

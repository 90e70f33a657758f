"""One validation of a training: the MRR of each direction and how uncertain it is, as the metrics log has them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ntcir.measures.reciprocal import Figures
from ntcir.model.metrics import error_key


def logged(measured: Mapping[str, Figures]) -> dict[str, float]:
    """Return what the metrics log is told of a validation: by direction the MRR, then the standard errors there are."""
    errors = {error_key(name): figures.standard_error() for name, figures in measured.items()}
    return {name: figures.mean() for name, figures in measured.items()} | {
        key: error for key, error in errors.items() if error is not None
    }


def means_of(row: Mapping[str, Any], directions: Iterable[str]) -> dict[str, float]:
    """Return the MRR of each direction that a row of the log has; none where nothing was measured at that step."""
    return {name: row[name] for name in directions if name in row}


def errors_of(row: Mapping[str, Any], directions: Iterable[str]) -> dict[str, float]:
    """Return the standard errors of these, by direction, as far as there are any."""
    return {name: row[error_key(name)] for name in directions if error_key(name) in row}


@dataclass(frozen=True)
class Smoothed:
    """A point of a smoothed curve: the mean over directions and validations, and how many ``validations`` it is of."""

    mean: float
    validations: int


def smoothed(rows: Iterable[Mapping[str, Any]], directions: Sequence[str], over: int) -> Smoothed:
    """Return the last point of the curve that is the mean of ``over`` validations, or as many as there are.

    Sums over validations are exact before they are rounded: the same values in another order have the same mean.

    Args:
        rows: of the log, at least one of them with a validation.
        directions: of which each validation's mean is taken.
        over: how many validations.
    """
    measured = [found for row in rows if (found := means_of(row, directions))]
    curve = [sum(found.values()) / len(found) for found in measured[-over:]]
    return Smoothed(math.fsum(curve) / len(curve), len(curve))


def told(means: Mapping[str, float], errors: Mapping[str, float]) -> str:
    """Return MRR and standard errors in words: ``img2sen 0.2412 ± 0.0120, ...``; empty where nothing was measured."""
    return ", ".join(
        f"{name} {mean:.4f}" + (f" ± {errors[name]:.4f}" if name in errors else "") for name, mean in means.items()
    )

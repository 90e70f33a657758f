"""What becomes of a standardised number besides the number itself: sines and cosines, or bumps around fixed values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

# Of sines and cosines, in radians a standard deviation: the slower one tells most readings from all others.
FREQUENCIES = (np.pi / 4, np.pi / 2)
CENTRES = np.linspace(-2, 2, 8)  # of the bumps, in standard deviations
BUMP = 4 / 7  # their width; as far as from one centre to the next


@dataclass(frozen=True)
class NumberEncoding:
    """What is made of standardised numbers.

    Attributes:
        functions: each gives float64 [rows, columns] for standardised numbers of this shape.
    """

    functions: tuple[Callable[[np.ndarray], np.ndarray], ...]

    def __call__(self, standard: np.ndarray) -> np.ndarray:
        """Return the first function of all columns, then the second, float64 [rows, functions * columns]."""
        blocks = [function(standard) for function in self.functions]
        return np.concatenate(blocks, axis=1) if blocks else np.empty((len(standard), 0))


def _wave(function: np.ufunc, frequency: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda standard: np.asarray(function(frequency * standard))


def _bump(centre: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda standard: np.asarray(np.exp(-0.5 * np.square((standard - centre) / BUMP)))


# By the names in ``sensors.numbers``.
NUMBER_ENCODINGS = {
    "raw": NumberEncoding(()),
    "periodic": NumberEncoding(tuple(_wave(wave, each) for each in FREQUENCIES for wave in (np.sin, np.cos))),
    "rbf": NumberEncoding(tuple(_bump(centre) for centre in CENTRES.tolist())),
}


def encoded_numbers(standard: np.ndarray, names: Sequence[str]) -> list[np.ndarray]:
    """Return standardised numbers and, one behind the other, what encodings make of them.

    Args:
        standard: float64 [rows, columns], without NaN.
        names: of the encodings.

    Returns:
        float64 arrays [rows, ...], the numbers themselves first.
    """
    return [standard, *(NUMBER_ENCODINGS[name](standard) for name in names)]


def blocks_of(names: Sequence[str]) -> int:
    """Return how many columns a number has, itself included."""
    return 1 + sum(len(NUMBER_ENCODINGS[name].functions) for name in names)


def facet_columns(names: Sequence[str], numbers: int, dim: int) -> list[np.ndarray]:
    """Return which columns of an encoded reading belong to each encoding of numbers, int64, ascending.

    The numbers themselves, and all that does not come from them, belong to each.

    Args:
        names: of the encodings, in order.
        numbers: how many standardised numbers there are.
        dim: of a whole row.
    """
    place, found = numbers, []
    shared = np.arange(numbers * blocks_of(names), dim)
    for name in names:
        width = numbers * len(NUMBER_ENCODINGS[name].functions)
        found.append(np.concatenate([np.arange(numbers), np.arange(place, place + width), shared]))
        place += width
    return found

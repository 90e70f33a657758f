"""Principal components of rows that come in blocks, by whichever way their number and width make the shortest.

- Columns are few: eigenvectors of their covariance.
- Rows are fewer: eigenvectors of the products of rows with each other (the Gram matrix), which give the same axes.
- Both are many: block subspace iteration (Halko, Martinsson and Tropp, Finding Structure with Randomness, SIAM Review
  53(2), 2011, algorithm 4.4) from a fixed seed, until what the components keep of the variance changes no more.

All is computed in double precision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

EXACT = 4096  # rows or columns whose products with each other are decomposed: 128 MiB, and some ten seconds at most
_FLAT = 1e-12  # of the largest variance: what varies less is rounding
_SPARE = 32  # axes that are iterated besides those asked for, which makes these settle sooner
_ROUNDS, _SETTLED = 40, 1e-8  # of iteration at most; and the relative change of the variance kept at which it ends

Way = Literal["columns", "rows", "iteration"]


@dataclass(frozen=True)
class Sample:
    """Rows in blocks, each as often as it is asked for.

    Attributes:
        blocks: how many.
        load: number of a block -> its rows, float32 [n, width], the same each time; and how often each of them counts,
            float64 [n].
        rows: of all blocks together.
        width: columns.
    """

    blocks: int
    load: Callable[[int], tuple[np.ndarray, np.ndarray]]
    rows: int
    width: int


@dataclass(frozen=True)
class Components:
    """Principal components.

    Attributes:
        mean: of the rows, float64 [width].
        axes: as columns, orthonormal, float64 [width, kept]; the largest number of each is positive.
        variances: along the axes, descending, float64 [kept].
        total: variance of all columns together.
    """

    mean: np.ndarray
    axes: np.ndarray
    variances: np.ndarray
    total: float

    @property
    def rank(self) -> int:
        """How many of the axes have variance; along the others rows do not differ."""
        return int((self.variances > _FLAT * max(self.variances[0], 0)).sum())


def principal_components(sample: Sample, kept: int, way: Way | None = None) -> Components:
    """Return the first principal components, in the order of their variances.

    Args:
        sample: of two rows or more.
        kept: how many; at most the smaller of its rows and its width.
        way: how; left open, what is shortest.
    """
    centred = _Centred.of(sample)
    ways = {"columns": _by_columns, "rows": _by_rows, "iteration": _by_iteration}
    variances, axes = ways[way or _shortest(sample)](centred, kept)
    largest = np.abs(axes).argmax(axis=0)
    axes = axes * np.where(axes[largest, np.arange(kept)] < 0, -1.0, 1.0)
    return Components(centred.mean, axes, np.maximum(variances, 0), centred.total)


def _shortest(sample: Sample) -> Way:
    if min(sample.width, sample.rows) > EXACT:
        return "iteration"
    return "columns" if sample.width <= sample.rows else "rows"


@dataclass(frozen=True)
class _Centred:
    """Rows without their mean, such that the sum of their squares is the variance."""

    sample: Sample
    mean: np.ndarray
    total: float
    _counted: float

    @classmethod
    def of(cls, sample: Sample) -> _Centred:
        counted, sums, squares = 0.0, np.zeros(sample.width), 0.0
        for number in range(sample.blocks):
            rows, counts = sample.load(number)
            counted += counts.sum()
            sums += counts @ rows
        mean = sums / counted
        for number in range(sample.blocks):
            rows, counts = sample.load(number)
            squares += counts @ np.square(rows - mean).sum(axis=1)
        return cls(sample, mean, squares / counted, counted)

    def __getitem__(self, number: int) -> np.ndarray:
        """Return a block, float64 [n, width]."""
        rows, counts = self.sample.load(number)
        centred: np.ndarray = rows - self.mean
        centred *= np.sqrt(counts / self._counted)[:, None]
        return centred

    def __len__(self) -> int:
        return self.sample.blocks


def _by_columns(centred: _Centred, kept: int) -> tuple[np.ndarray, np.ndarray]:
    covariance = np.zeros((centred.sample.width, centred.sample.width))
    for number in range(len(centred)):
        rows = centred[number]
        covariance += rows.T @ rows
    return _largest(covariance, kept)


def _by_rows(centred: _Centred, kept: int) -> tuple[np.ndarray, np.ndarray]:
    products = np.zeros((centred.sample.rows, centred.sample.rows))
    ends = np.cumsum([0, *(len(centred.sample.load(number)[1]) for number in range(len(centred)))])
    places = [slice(*ends[number : number + 2]) for number in range(len(centred))]
    for one, here in enumerate(places):
        rows = centred[one]
        for other in range(one + 1):
            product = rows @ (rows if other == one else centred[other]).T
            products[here, places[other]] = product
            products[places[other], here] = product.T
    variances, vectors = _largest(products, kept)
    axes = np.zeros((centred.sample.width, kept))
    for number, here in enumerate(places):
        axes += centred[number].T @ vectors[here]
    lengths = np.linalg.norm(axes, axis=0)
    return variances, axes / np.where(lengths > 0, lengths, 1)


def _by_iteration(centred: _Centred, kept: int) -> tuple[np.ndarray, np.ndarray]:
    width = min(kept + _SPARE, centred.sample.width, centred.sample.rows)
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(centred.sample.width, width)))[0]
    before = 0.0
    for _ in range(_ROUNDS):
        products, turned = np.zeros((width, width)), np.zeros_like(basis)
        for number in range(len(centred)):
            rows = centred[number]
            seen = rows @ basis
            products += seen.T @ seen
            turned += rows.T @ seen
        variances, vectors = _largest(products, kept)
        axes = basis @ vectors
        found = float(variances.sum())
        if found - before <= _SETTLED * found:
            break
        before = found
        basis = np.linalg.qr(turned)[0]
    return variances, axes


def _largest(symmetric: np.ndarray, kept: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest eigenvalues, descending, float64 [kept], and their vectors as columns."""
    values, vectors = np.linalg.eigh(symmetric)
    return values[::-1][:kept], vectors[:, ::-1][:, :kept]

"""Rows of an encoder -> principal components of each of their facets, the same bits whatever else is in a block.

Different items with equal rows must stay equal, and a query must get the bits that it has as a document. Products in
floating point depend on how many rows there are at a time and on the threads, as their sums are rounded in another
order. Here they are exact: centred rows and axes are rounded to so few binary digits that double precision holds each
sum without rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ntcir.encoders.principal import Components, Sample, principal_components
from ntcir.system.errors import UserError, counted

if TYPE_CHECKING:
    import torch

_DIGITS = 52  # of a sum, in double precision
_ROW_DIGITS = 22  # of a number, below the largest one of its row; axes have what is left
_FITTED, _PROJECTED = 1 << 24, 1 << 22  # numbers of a block in double precision: 128 and 32 MiB

Load = Callable[[Sequence[str]], np.ndarray]  # ids -> float32 [ids, columns]


class Projection:
    """Principal components of each facet's columns, not whitened; their mean square is 1 over the training rows.

    Where rows have several views of an item, one behind the other, each is projected by itself.

    Args:
        widths: columns of the facets of one view.
        kept: components of each facet.
        power: to which columns are raised first, keeping their sign.

    Attributes:
        dim: columns of one view, projected.
    """

    def __init__(self, widths: Sequence[int], kept: int, power: float) -> None:
        self.widths, self.kept, self.power = list(widths), kept, power
        self.dim = kept * len(self.widths)
        self._parts: list[_Part] = []

    def fit(self, load: Load, ids: Sequence[str]) -> list[float]:
        """Take the components of training items, each as often as it trains.

        Args:
            load: gives rows as the encoder makes them.
            ids: of the items, also repeatedly.

        Returns:
            which share of each facet's variance the components have.

        Raises:
            UserError: if the items differ in fewer directions than that; the phrase goes on from the key.
        """
        items, counts = np.unique(np.asarray(ids, dtype=object).astype(str), return_counts=True)
        views = load([str(items[0])]).shape[1] // sum(self.widths)
        step = max(1, _FITTED // (views * sum(self.widths)))
        shares, parts = [], []
        for number, width in enumerate(self.widths):

            def block(place: int, number: int = number) -> tuple[np.ndarray, np.ndarray]:
                part = slice(place * step, (place + 1) * step)
                rows = load([str(item) for item in items[part]])
                return self._facet(rows, number), np.repeat(counts[part].astype(np.float64), views)

            sample = Sample(math.ceil(len(items) / step), block, views * len(items), width)
            most = min(sample.rows - 1, width)
            found = principal_components(sample, self.kept) if self.kept <= most else None
            if found is None or found.rank < self.kept:
                there = most if found is None else found.rank
                of = f" of facet {number + 1}" if len(self.widths) > 1 else ""
                raise UserError(
                    f"is more than the {there:,} principal components that {counted(len(items), 'item', 'items')} of "
                    f"the training split can have in the {width:,} columns{of}: lower it"
                )
            shares.append(float(found.variances.sum() / found.total))
            parts.append(_Part.of(found))
        self._parts = parts
        return shares

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Return float32 [n, views * dim] of rows as the encoder makes them, float [n, views * width]."""
        views = rows.shape[1] // sum(self.widths)
        step = max(1, _PROJECTED // max(1, rows.shape[1]))
        projected = np.empty((len(rows), views * self.dim), dtype=np.float32)
        for start in range(0, len(rows), step):
            block = rows[start : start + step]
            made = [part(self._facet(block, number)) for number, part in enumerate(self._parts)]
            projected[start : start + step] = np.concatenate(made, axis=1).reshape(len(block), -1)
        return projected

    def of_items(self, load: Load, ids: Sequence[str]) -> np.ndarray:
        """Return float32 [ids, views * dim]; the rows of which they are made are in memory a block at a time."""
        if not ids:
            return self(load(ids))
        views = load(ids[:1]).shape[1] // sum(self.widths)
        step = max(1, _FITTED // (views * sum(self.widths)))
        projected = np.empty((len(ids), views * self.dim), dtype=np.float32)
        for start in range(0, len(ids), step):
            projected[start : start + step] = self(load(ids[start : start + step]))
        return projected

    def _facet(self, rows: np.ndarray, number: int) -> np.ndarray:
        """Return a facet's columns of all views, view by view of each item, float32 [views * n, width]."""
        start = sum(self.widths[:number])
        of_views = rows.reshape(-1, sum(self.widths))[:, start : start + self.widths[number]]
        if self.power == 1:
            return of_views
        from ntcir.towers.stems import Power

        return Power(self.power).of(of_views)

    def weights(self) -> dict[str, torch.Tensor]:
        """Return each facet's mean, float32 [width], and axes, float32 [width, kept], by name."""
        return {
            f"{number}.{name}": value for number, part in enumerate(self._parts) for name, value in part.weights.items()
        }

    def restore(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Take what ``weights`` returned.

        Raises:
            ValueError, KeyError: if it does not fit.
        """
        parts = []
        for number, width in enumerate(self.widths):
            mean, axes = (weights[f"{number}.{name}"] for name in ("mean", "axes"))
            if (*mean.shape, *axes.shape) != (width, width, self.kept):
                raise ValueError(f"the principal components of facet {number + 1} have other shapes than its columns")
            parts.append(_Part(mean, axes))
        if len(weights) != 2 * len(parts):
            raise ValueError("there are principal components of facets that it does not have")
        self._parts = parts

    def to_json(self) -> dict[str, Any]:
        """Return the settings."""
        return {"kept": self.kept, "power": self.power}

    @classmethod
    def from_json(cls, tree: object, widths: Sequence[int]) -> Projection:
        """Make one that is yet to be restored.

        Raises:
            ValueError, KeyError: if the description is damaged.
        """
        if not isinstance(tree, dict):
            raise ValueError("its pca is not keys and values")
        kept, power = tree["kept"], tree["power"]
        if type(kept) is not int or kept < 1 or type(power) is not float or not 0 < power <= 1:
            raise ValueError("its pca is not a number of components and a power")
        return cls(widths, kept, power)


class _Part:
    """The components of one facet.

    Args:
        mean: float32 [width].
        axes: float32 [width, kept], scaled.
    """

    def __init__(self, mean: torch.Tensor, axes: torch.Tensor) -> None:
        import torch

        self.weights = {"mean": mean, "axes": axes}
        self._mean = mean.double()
        self._digits = _DIGITS - _ROW_DIGITS - math.ceil(math.log2(max(2, len(axes))))
        _, exponents = torch.frexp(axes.double().abs().amax(dim=0))
        self._sizes = torch.ldexp(torch.ones(len(exponents), dtype=torch.float64), exponents.double() - self._digits)
        self._whole = (axes.double() / self._sizes).round_()

    @classmethod
    def of(cls, found: Components) -> _Part:
        """Scale components to a mean square of 1."""
        import torch

        scale = 1 / math.sqrt(float(found.variances.mean()))
        return cls(torch.from_numpy(found.mean).float(), torch.from_numpy(found.axes * scale).float())

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Return float32 [n, kept] of float32 [n, width]."""
        import torch

        centred = torch.from_numpy(np.array(rows, dtype=np.float64)).sub_(self._mean)
        _, exponents = torch.frexp(centred.abs().amax(dim=1, keepdim=True))
        sizes = torch.ldexp(torch.ones_like(centred[:, :1]), exponents.double() - _ROW_DIGITS)
        exact = centred.div_(sizes).round_() @ self._whole
        made: np.ndarray = exact.mul_(sizes).mul_(self._sizes).float().numpy()
        return made

"""Products of a block of documents with queries, fast or fine, and how far each may be wrong.

A product proposes: what it says of a score, and the most that it can be off, tells which documents cannot be among the
best. Each has an order on its cells; bounds hold for the inner product of the numbers as they are given.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch

from ntcir.search.rounding import DOUBLE, HALF, SINGLE, SMALLEST, adding, long_norms, norms, vanishing, whole
from ntcir.system.machine import has_fast_bf16

_MEASURED = 256  # queries from which on measuring how documents are rounded takes much less time than their products
_ROWS = 4096  # documents whose rounding is measured at once
_COLUMNS = 256  # that are in double precision at once


class Product(Protocol):
    """A product of documents and queries, and how far it may be wrong.

    Attributes:
        width: bytes of a cell.
    """

    width: int

    def load(self, documents: torch.Tensor, queries: int) -> None:
        """Take a block of documents, float32 [documents, dim], for so many queries."""

    def cells(self, queries: torch.Tensor) -> tuple[torch.Tensor, np.ndarray]:
        """Return cells [documents, queries], which hold until the next call, and the error of each query's.

        Args:
            queries: float32 [queries, dim].
        """

    def floors(self, needed: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what the cells of documents that score at least ``needed`` hold at least; and where that is sure.

        Where it is not sure, such documents may be anywhere. Both arguments are float64 [queries].
        """

    def worth(self, cells: np.ndarray, error: np.ndarray) -> np.ndarray:
        """Return what documents with such cells score at least, float64: one cell and one error a query."""


class HalfProduct:
    """In bf16, where the processor has it: several times as fast as single precision.

    Cells are the bits of the products, as int16: positive ones are in order, and integers compare faster. Nothing is
    sure about negative ones.
    """

    width = 2

    def __init__(self) -> None:
        self._rounded, self._out = _Memory(torch.bfloat16), _Memory(torch.bfloat16)
        self._documents = torch.empty(0)
        self._most = self._most_off = 0.0

    def load(self, documents: torch.Tensor, queries: int) -> None:
        """Round a block of documents; what that does to them is measured where enough is asked to be worth it."""
        self._documents = self._rounded.shaped(*documents.shape).copy_(documents)
        self._most = float(norms(documents).max())
        self._most_off = HALF * self._most
        if queries >= _MEASURED:
            parts = [slice(start, start + _ROWS) for start in range(0, len(documents), _ROWS)]
            offs = (norms(self._documents[part].float().sub_(documents[part])) for part in parts)
            self._most_off = max(float(off.max()) for off in offs)

    def cells(self, queries: torch.Tensor) -> tuple[torch.Tensor, np.ndarray]:
        """Return the bits of bf16 products, int16, and their errors before they were rounded to bf16."""
        half = queries.bfloat16()
        out = self._out.shaped(len(self._documents), len(half))
        torch.mm(self._documents, half.T, out=out)
        sizes, offs = norms(queries), norms(half.float().sub_(queries))
        # Cauchy-Schwarz for what rounding the inputs does; adding up is in single precision.
        rounding = offs * (self._most + self._most_off) + sizes * self._most_off
        summing = 1.01 * adding(queries.shape[1], SINGLE) * sizes * self._most  # the rounded ones may be longer
        return out.view(torch.int16), whole(rounding + summing + vanishing(queries.shape[1], sizes, self._most))

    def floors(self, needed: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Allow for the error and for rounding the result; sure where that leaves a positive number."""
        least = needed - error
        sure = least > SMALLEST
        # Rounding keeps the order: what was no less than this before is no less than this, rounded, after.
        rounded = torch.from_numpy(np.where(sure, least, 1).astype(np.float32)).bfloat16()
        return np.asarray(rounded.view(torch.int16).numpy()), sure

    def worth(self, cells: np.ndarray, error: np.ndarray) -> np.ndarray:
        """Take off what rounding the result may have added, and the error; nothing is known of negative cells."""
        value = (cells.astype(np.int32) << 16).view(np.float32).astype(np.float64)
        known = (cells > 0) & np.isfinite(value) & np.isfinite(error)
        return np.where(known, np.where(known, value, 0) * (1 - HALF) - np.where(known, error, 0), -np.inf)


class SingleProduct:
    """In single precision; cells are the products."""

    width = 4

    def __init__(self) -> None:
        self._documents, self._out = torch.empty(0), _Memory(torch.float32)
        self._most = 0.0

    def load(self, documents: torch.Tensor, queries: int) -> None:
        """Take a block of documents as it is."""
        self._documents = documents
        self._most = float(norms(documents).max())

    def cells(self, queries: torch.Tensor) -> tuple[torch.Tensor, np.ndarray]:
        """Return products, float32, and their errors: the rounding of sums."""
        out = self._out.shaped(len(self._documents), len(queries))
        torch.mm(self._documents, queries.T, out=out)
        sizes, dim = norms(queries), queries.shape[1]
        error = adding(dim, SINGLE) * sizes * self._most
        return out, whole(error + vanishing(dim, sizes, self._most))

    def floors(self, needed: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Allow for the error; sure where there is any bound."""
        least = needed - error
        with np.errstate(over="ignore"):
            return least.astype(np.float32), least > -np.finfo(np.float32).max

    def worth(self, cells: np.ndarray, error: np.ndarray) -> np.ndarray:
        """Take off the error."""
        known = np.isfinite(cells) & np.isfinite(error)
        return np.where(known, np.where(known, cells, 0) - np.where(known, error, 0), -np.inf)


class DoubleProduct:
    """In double precision; cells are the products. It is as fine as scores are, so it is sure of all there is."""

    width = 8

    def __init__(self) -> None:
        self._documents, self._out = torch.empty(0), _Memory(torch.float64)
        self._most = 0.0

    def load(self, documents: torch.Tensor, queries: int) -> None:
        """Take a block of documents as it is."""
        self._documents = documents
        self._most = float(long_norms(documents).max())

    def cells(self, queries: torch.Tensor) -> tuple[torch.Tensor, np.ndarray]:
        """Return products, float64, and their errors: twice, as scores are sums in double precision as well."""
        out = self._out.shaped(len(self._documents), len(queries)).zero_()
        for start in range(0, queries.shape[1], _COLUMNS):
            part = slice(start, start + _COLUMNS)
            out.addmm_(self._documents[:, part].double(), queries[:, part].double().T)
        return out, 2 * adding(queries.shape[1], DOUBLE) * long_norms(queries) * self._most

    def floors(self, needed: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Allow for the error; always sure."""
        return needed - error, np.ones(len(needed), dtype=bool)

    def worth(self, cells: np.ndarray, error: np.ndarray) -> np.ndarray:
        """Take off the error."""
        return np.asarray(cells - error)


def products() -> list[Product]:
    """Return the products that are worth trying on this machine, the fastest first; the last one is always sure."""
    found: list[Product] = [HalfProduct()] if has_fast_bf16() else []
    # Whoever asks torch for less than single precision gets it on a processor as well, and the bound would be wrong.
    if torch.get_float32_matmul_precision() == "highest":
        found.append(SingleProduct())
    return [*found, DoubleProduct()]


def single_error(left: np.ndarray, right: np.ndarray) -> float:
    """Return the most by which products of rows in single precision may be wrong, and their scores differ from them.

    Args:
        left: float32 [m, dim].
        right: float32 [n, dim]; rows that are not finite do not count.
    """
    dim = left.shape[1]
    sizes = (norms(torch.from_numpy(np.ascontiguousarray(rows))) for rows in (left, right))
    one, other = (float(each[np.isfinite(each)].max(initial=0.0)) for each in sizes)
    # A score is rounded to single precision once more.
    return float((adding(dim, SINGLE) + SINGLE) * one * other + vanishing(dim, np.array(one), other))


class _Memory:
    """Memory that is reused: allocating it for each block takes time."""

    def __init__(self, dtype: torch.dtype) -> None:
        self._numbers = torch.empty(0, dtype=dtype)

    def shaped(self, rows: int, columns: int) -> torch.Tensor:
        """Return a matrix that holds anything, until the next one."""
        if len(self._numbers) < rows * columns:
            self._numbers = torch.empty(rows * columns, dtype=self._numbers.dtype)
        return self._numbers[: rows * columns].view(rows, columns)

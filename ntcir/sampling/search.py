"""Exact search for the most similar rows, in blocks: a fast product proposes, double precision decides.

The score of a query and a document is their inner product in double precision, rounded to single; among equal scores
the lower row comes first. So the answer depends neither on the size of blocks nor on threads, as that of a matrix
product in single precision would: it may round equal rows differently, depending on where they stand.
"""

from __future__ import annotations

import warnings
from typing import Protocol

import numpy as np
import torch

from ntcir.sampling.keys import best, best_of_ragged, read_keys, sort_keys
from ntcir.sampling.positives import group_equal_rows

_CELLS = 1 << 25  # of the similarity matrix, at once: 64 MB in bf16, 128 MB in single precision
_PART = 512  # columns that are in double precision at once
_FOLD = 32  # cells of which the greatest is looked at first
_HALF, _SINGLE = 2.0**-8, 2.0**-24  # what rounding to nearest may add to or take from a number, as a share of it


class Product(Protocol):
    """A fast product of queries and documents, and how far it may be wrong."""

    def cells(self, rows: np.ndarray) -> np.ndarray:
        """Return [rows, documents], numbers in the order of the similarities; negative ones may be out of order.

        What is returned holds until the next call.
        """

    def least(self, rows: np.ndarray, kth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what the cells of the k best hold at least, given the k-th best cell; and where that is sure."""


class HalfProduct:
    """In bf16, where the processor has it: several times as fast as single precision.

    Cells are the bits of the similarities, as integers: positive ones are in order, and integers compare faster.
    """

    def __init__(self, queries: np.ndarray, documents: np.ndarray) -> None:
        left, right = torch.from_numpy(queries), torch.from_numpy(documents)
        self._out = torch.empty(0, dtype=torch.bfloat16)
        self._queries, self._documents = left.bfloat16(), right.bfloat16()
        size, most = _norms(queries), _norms(documents).max()
        off, most_off = _norms((left - self._queries).numpy()), _norms((right - self._documents).numpy()).max()
        # Cauchy-Schwarz for what rounding the inputs does; adding up is in single precision.
        self._error = 1.01 * (off * most + size * most_off) + _adding(queries.shape[1]) * size * most

    def cells(self, rows: np.ndarray) -> np.ndarray:
        """Return the bits of bf16 similarities, int16 [rows, documents]."""
        if len(self._out) < len(rows):  # the memory is used again: to get it anew for each block takes time
            self._out = torch.empty(len(rows), len(self._documents), dtype=torch.bfloat16)
        out = self._out[: len(rows)]
        torch.mm(self._queries[torch.from_numpy(rows)], self._documents.T, out=out)
        return np.asarray(out.view(torch.int16).numpy())

    def least(self, rows: np.ndarray, kth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Allow for the rounding of the inputs and of the result; sure where that leaves a positive number."""
        value = (kth.astype(np.int32) << 16).view(np.float32).astype(np.float64)
        # Before it was rounded, the k-th best was so much less at most. Rounding keeps the order: what was no less than
        # this before is no less than this, rounded, after.
        least = value - _HALF * np.abs(value) - 2 * self._error[rows]
        bits = torch.from_numpy(np.maximum(least, 0).astype(np.float32)).bfloat16().view(torch.int16).numpy()
        return bits, least > 0


class SingleProduct:
    """In single precision."""

    def __init__(self, queries: np.ndarray, documents: np.ndarray) -> None:
        # Torch's products throughout: numpy's have threads of their own, which go on spinning and slow torch's down.
        self._queries, self._documents = torch.from_numpy(queries), torch.from_numpy(documents)
        self._out = torch.empty((0, len(documents)))
        self._error = _adding(queries.shape[1]) * _norms(queries) * _norms(documents).max()

    def cells(self, rows: np.ndarray) -> np.ndarray:
        """Return similarities, float32 [rows, documents]."""
        if len(self._out) < len(rows):
            self._out = torch.empty((len(rows), len(self._documents)))
        out = self._out[: len(rows)]
        return np.asarray(torch.mm(self._queries[torch.from_numpy(rows)], self._documents.T, out=out).numpy())

    def least(self, rows: np.ndarray, kth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Allow for the rounding of sums."""
        return (kth - 2 * self._error[rows]).astype(np.float32), np.ones(len(rows), dtype=bool)


def nearest(
    queries: np.ndarray, documents: np.ndarray, k: int, *, cells: int = _CELLS
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ``k`` documents most similar to each query, and how similar they are.

    Candidates are all documents whose fast similarity is within its error of the k-th best; they are scored in double
    precision. Queries with too many candidates are searched in a finer precision, at last in the double one.

    Args:
        queries: float32 [m, dim], finite.
        documents: float32 [n, dim], finite.
        k: how many; all if there are fewer.
        cells: of the similarity matrix at once; what is returned does not depend on it.

    Returns:
        Rows of documents, int64 [m, min(k, n)], best first, and their scores, float32 of the same shape.
    """
    queries, documents = np.ascontiguousarray(queries), np.ascontiguousarray(documents)
    k = min(k, len(documents))
    keys = np.empty((len(queries), k), dtype=np.int64)
    left = np.arange(len(queries))
    limit = 4 * k + 64  # candidates of a query
    if limit < len(documents) and len(queries):
        for kind in (HalfProduct, SingleProduct) if has_fast_bf16() else (SingleProduct,):
            left = _settle(kind(queries[left], documents), queries, documents, left, limit, cells, keys)
            if not len(left):
                break
    block = max(1, cells // 4 // max(len(documents), 1))
    for start in range(0, len(left), block):
        rows = left[start : start + block]
        product = torch.zeros((len(rows), len(documents)), dtype=torch.float64)
        for part in range(0, queries.shape[1], _PART):
            columns = slice(part, part + _PART)
            left_part, right_part = queries[rows, columns].astype(np.float64), documents[:, columns].astype(np.float64)
            product.addmm_(torch.from_numpy(left_part), torch.from_numpy(right_part).T)
        keys[rows] = best(sort_keys(product.numpy().astype(np.float32), np.arange(len(documents))), k)
    return read_keys(keys)


def nearest_others(
    queries: np.ndarray, documents: np.ndarray, asked: np.ndarray, k: int, *, cells: int = _CELLS
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ``k`` documents most similar to each query, other than its own; ties go to the lower row.

    Equal documents are searched once, so that they tie exactly and fill no list of candidates.

    Args:
        queries: float32 [pairs, dim].
        documents: float32 [pairs, dim]; the own one of a query has the same row.
        asked: int64 [m], the queries.
        k: how many.
        cells: see ``nearest``.

    Returns:
        int64 [m, min(k, pairs - 1)] and their scores, float32.
    """
    wide = min(k + 1, len(documents))
    codes = group_equal_rows(documents)  # numbered in the order of their first rows
    first = np.unique(codes, return_index=True)[1]
    rows, scores = nearest(queries[asked], documents[first], wide, cells=cells)
    if len(first) < len(documents):
        rows, scores = _with_twins(rows, scores, codes, wide)
    mine = rows == asked[:, None]
    order = np.argsort(mine, axis=1, kind="stable")[:, : wide - 1]
    return np.take_along_axis(rows, order, axis=1), np.take_along_axis(scores, order, axis=1)


def _with_twins(rows: np.ndarray, scores: np.ndarray, codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Put all equal documents in the place of each distinct one, and keep the ``k`` best.

    Args:
        rows: numbers of distinct documents, int64 [m, any], best first.
        scores: float32 of the same shape.
        codes: the number of each document, int64 [documents].
        k: at most as many as there are documents.
    """
    members = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    starts = np.cumsum(sizes) - sizes
    keys = []
    for start in range(0, len(rows), 1024):
        numbers, values = rows[start : start + 1024], scores[start : start + 1024]
        counts = np.minimum(sizes[numbers], k)
        # How many score better: distinct documents that tie share a place, since their members mix.
        before = np.cumsum(counts, axis=1) - counts
        new = np.concatenate([np.ones((len(values), 1), bool), values[:, 1:] != values[:, :-1]], axis=1)
        better = np.maximum.accumulate(np.where(new, before, 0), axis=1)
        counts = np.where(better < k, counts, 0)
        flat = counts.ravel()
        offsets = np.arange(flat.sum()) - np.repeat(np.cumsum(flat) - flat, flat)
        documents = members[np.repeat(starts[numbers].ravel(), flat) + offsets]
        found = sort_keys(np.repeat(values.ravel(), flat), documents)
        keys.append(best_of_ragged(found, counts.sum(axis=1), k))
    return read_keys(np.concatenate(keys) if keys else np.empty((0, k), dtype=np.int64))


def _settle(
    product: Product,
    queries: np.ndarray,
    documents: np.ndarray,
    asked: np.ndarray,
    limit: int,
    cells: int,
    keys: np.ndarray,
) -> np.ndarray:
    """Write the keys of the queries ``asked`` that have at most ``limit`` candidates; return the other queries.

    Args:
        product: of the queries ``asked`` with the documents.
        queries: float32 [m, dim].
        documents: float32 [n, dim].
        asked: int64, which of the queries.
        limit: most candidates of a query.
        cells: at once.
        keys: int64 [m, k], written to.
    """
    counts = np.zeros(len(asked), dtype=np.int64)
    found = []
    block = max(1, cells // len(documents))
    for start in range(0, len(asked), block):
        rows = np.arange(start, min(start + block, len(asked)))
        at, columns = _candidates(product, rows, keys.shape[1], limit)
        counts[rows] = np.bincount(at, minlength=len(rows))
        fits = counts[rows] <= limit
        counts[rows[~fits]] = 0
        found.append(columns[fits[at]].astype(np.int32))  # half the memory, until all are there
    starts = np.concatenate([[0], np.cumsum(counts)])
    columns = np.concatenate(found).astype(np.int64)
    scored = sort_keys(dots(queries[asked], documents, starts, columns), columns)
    done = counts > 0
    keys[asked[done]] = best_of_ragged(scored, counts[done], keys.shape[1])
    return asked[~done]


def _candidates(product: Product, rows: np.ndarray, k: int, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Return positions in ``rows`` and columns of all that may be among the k best; none of rows with too many."""
    cells = product.cells(rows)
    # The k-th best of the greatest of some cells each is no better than the k-th best cell, and little worse.
    fold = max(1, min(_FOLD, cells.shape[1] // (4 * k)))
    width = cells.shape[1] // fold
    folded = cells[:, : fold * width].reshape(len(rows), fold, width).max(axis=1)
    folded = np.concatenate([folded, cells[:, fold * width :]], axis=1)
    kth = np.partition(folded, folded.shape[1] - k, axis=1)[:, -k]
    least, sure = product.least(rows, kth)
    sure &= (folded >= least[:, None]).sum(axis=1) <= limit
    if not sure.all():
        rows_left = np.flatnonzero(sure)
        flat = np.flatnonzero(cells[rows_left] >= least[rows_left, None])
        return rows_left[flat // cells.shape[1]], flat % cells.shape[1]
    flat = np.flatnonzero(cells >= least[:, None])
    return flat // cells.shape[1], flat % cells.shape[1]


def dots(queries: np.ndarray, documents: np.ndarray, starts: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the scores of chosen cells, as the module defines them; float32 [cells].

    Args:
        queries: float32 [m, dim].
        documents: float32 [n, dim].
        starts: int64 [m + 1]: the cells of query i are starts[i] to starts[i + 1].
        columns: int64 [cells]: their documents.
    """
    scores = torch.zeros(len(columns), dtype=torch.float64)
    block = 2048
    for part in range(0, queries.shape[1], _PART):
        here = slice(part, part + _PART)
        right = torch.from_numpy(np.ascontiguousarray(documents[:, here], dtype=np.float64)).T
        for start in range(0, len(queries), block):
            stop = min(start + block, len(queries))
            cells = slice(starts[start], starts[stop])
            left = torch.from_numpy(np.ascontiguousarray(queries[start:stop, here], dtype=np.float64))
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=".*[Ss]parse")  # torch calls its sparse matrices beta
                wanted = torch.sparse_csr_tensor(
                    torch.from_numpy(starts[start : stop + 1] - starts[start]),
                    torch.from_numpy(columns[cells]),
                    scores[cells],
                    size=(stop - start, len(documents)),
                    check_invariants=False,
                )
                # Each cell is a dot product of its own, so that its value does not depend on its neighbours.
                scores[cells] = torch.sparse.sampled_addmm(wanted, left, right).values()
    return np.asarray(scores.float().numpy())


def has_fast_bf16() -> bool:
    """Return whether this processor multiplies bf16 by itself; others would be slower than in single precision."""
    if not hasattr(torch.cpu, "get_capabilities"):  # older torch does not tell
        return False
    can = torch.cpu.get_capabilities()
    return bool(can.get("avx512_bf16") or can.get("amx_bf16"))


def _norms(rows: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(np.einsum("nd,nd->n", rows, rows, dtype=np.float64)))


def _adding(dim: int) -> float:
    """Return the most that adding up ``dim`` products in single precision is off, as a share of both lengths.

    Twice the usual bound, n u / (1 - n u) (Higham 2002, eq. 3.5), for the kernels that round on the way; and what
    rounding scores to single precision takes.
    """
    return 2 * dim * _SINGLE + 2.0**-20

"""Exact search in blocks of documents: a fast product proposes, double precision decides.

The score of a query and a document is their inner product in double precision, rounded to single; among equal scores
the lower row comes first. So the answer depends neither on the size of blocks nor on threads, as that of a matrix
product in single precision would: it may round equal rows differently, depending on where they stand.

Documents are read once, block by block. Of a block, those can be among the best whose product, give or take its error,
reaches the k-th best score so far, or the k-th best of the block. They are scored at once, so that the k-th best score
is an exact one. Queries of which a block has too many such documents get a finer product of that block.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from ntcir.search.dots import dots
from ntcir.search.keys import Best, sort_keys
from ntcir.search.products import Product, products

_NUMBERS = 1 << 24  # of documents at once: 32 MB in bf16
_CELLS = 3 << 22  # of the similarity matrix at once: 24 MB in bf16
_DOCUMENTS, _QUERIES = 1 << 16, 1 << 11  # at once, at most
_SCORED = 1 << 19  # cells that are enough to be scored
_FOLD = 32  # cells of which the greatest is looked at first
_SPARSE = 1 / 256  # share of cells to look at, up to which they are picked out; otherwise all are


def nearest(
    queries: np.ndarray, documents: np.ndarray, k: int, *, block: int | None = None, chunk: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ``k`` documents most similar to each query, and how similar they are.

    Beside the arguments and what is returned, it takes less than 200 MB, however many there are.

    Args:
        queries: float32 [m, dim], finite; their inner products with documents must not overflow in single precision.
        documents: float32 [n, dim], finite, n < 2^31; may be memory-mapped.
        k: how many; all if there are fewer.
        block: documents at once; what is returned does not depend on it.
        chunk: queries at once; likewise.

    Returns:
        Rows of documents, int64 [m, min(k, n)], best first, and their scores, float32 of the same shape.
    """
    best = Best(len(queries), min(k, len(documents)))
    if len(queries) and best.k:
        search = _Search(queries, best)
        size = min(block or max(1, min(_DOCUMENTS, _NUMBERS // documents.shape[1])), len(documents))
        size = -(-len(documents) // -(-len(documents) // size))  # blocks of about the same size
        together = min(chunk or max(1, min(_QUERIES, _CELLS // size)), len(queries))
        for start in range(0, len(documents), size):
            search.go_through(np.ascontiguousarray(documents[start : start + size]), start, together)
    return best.read()


class _Search:
    """A search on its way.

    Args:
        queries: float32 [m, dim].
        best: what has been found so far.
    """

    def __init__(self, queries: np.ndarray, best: Best) -> None:
        self._queries, self._best = queries, best
        self._products = products()

    def go_through(self, documents: np.ndarray, first: int, chunk: int) -> None:
        """Add what a block of documents has; ``first`` is the row of its first one."""
        limit = min(4 * self._best.k + 64, len(documents))
        waiting = np.arange(len(self._queries))
        if limit < len(documents) or np.isfinite(self._best.kth()).any():
            for product in self._products:
                waiting = self._settle(product, waiting, documents, first, chunk, limit)
                if not len(waiting):
                    return
        # So many documents tie with the k-th best of the block that nothing can be left out. Once some are scored, the
        # others are known to come after them.
        self._score_all(waiting, documents[:limit], first)
        if limit < len(documents):
            few = max(1, min(chunk, _CELLS // 8 // len(documents)))
            rest = documents[limit:]
            self._settle(self._products[-1], waiting, rest, first + limit, few, len(rest))

    def _settle(
        self, product: Product, waiting: np.ndarray, documents: np.ndarray, first: int, chunk: int, limit: int
    ) -> np.ndarray:
        """Add what a block has for the queries ``waiting``; return those that have more candidates than the limit."""
        needed = _least_to_beat(self._best.kth())
        product.load(_tensor(documents), len(waiting))
        found, late = [], []
        for rows in _pieces(waiting, max(1, chunk * 2 // product.width)):
            chosen = candidates(product, _tensor(self._queries[rows]), needed[rows], self._best.k, limit)
            found.append(_Wanted(rows[chosen.settled], chosen.counts[chosen.settled], chosen.columns))
            late.append(rows[~chosen.settled])
            if sum(len(each.columns) for each in found) >= _SCORED:
                self._score(found, documents, first)
                found = []
        self._score(found, documents, first)
        return np.concatenate(late)

    def _score_all(self, asked: np.ndarray, documents: np.ndarray, first: int) -> None:
        """Score all documents for some queries."""
        everything = np.arange(len(documents), dtype=np.int32)
        for rows in _pieces(asked, max(1, _SCORED // len(documents))):
            counts = np.full(len(rows), len(documents))
            self._score([_Wanted(rows, counts, np.tile(everything, len(rows)))], documents, first)

    def _score(self, found: list[_Wanted], documents: np.ndarray, first: int) -> None:
        """Score cells and keep the best."""
        if not found:
            return
        rows, counts, columns = (np.concatenate(parts) for parts in zip(*found, strict=True))
        ends = np.cumsum(counts)
        # Of about so many cells each, or of one query if that has more.
        cuts = np.flatnonzero(np.diff(ends // (2 * _SCORED))) + 1
        for part in np.split(np.arange(len(rows)), cuts):
            some = part[counts[part] > 0]
            if not len(some):
                continue
            starts = np.concatenate([[0], np.cumsum(counts[some])])
            cells = columns[ends[some[0]] - counts[some[0]] : ends[some[-1]]].astype(np.int64)
            scores = dots(self._queries[rows[some]], documents, starts, cells)
            self._best.add(rows[some], counts[some], sort_keys(scores, cells + first))


class _Wanted(NamedTuple):
    """Cells to be scored: queries, how many of each, and their documents (int32), one query after the other."""

    rows: np.ndarray
    counts: np.ndarray
    columns: np.ndarray


class Candidates(NamedTuple):
    """Documents of a block that may be among the best of queries.

    Attributes:
        settled: bool [queries]: the others have too many candidates, or nothing is sure.
        counts: int64 [queries], how many each has; 0 where it is not settled.
        columns: int32, the documents of one query after those of the other, ascending.
    """

    settled: np.ndarray
    counts: np.ndarray
    columns: np.ndarray


def candidates(product: Product, queries: torch.Tensor, needed: np.ndarray, k: int, limit: int) -> Candidates:
    """Return which of a block's documents may score at least ``needed`` and be among the k best of the block.

    Args:
        product: has the block.
        queries: float32 [m, dim].
        needed: float64 [m], minus infinity where anything may do.
        k: how many are looked for.
        limit: the most candidates of a query.
    """
    cells, error = product.cells(queries)
    folded = _fold(cells, k)
    floors, sure = product.floors(needed, error)
    reaching = (folded >= floors).sum(axis=0)
    crowded = np.flatnonzero(~sure | ~np.isfinite(needed) | (reaching > min(limit, 2 * k + 64)))
    if len(crowded) and len(folded) >= k:
        # The k-th best of the greatest of some cells each is no better than the k-th best cell, and little worse.
        kth = np.partition(np.ascontiguousarray(folded[:, crowded].T), len(folded) - k, axis=1)[:, -k]
        raised = needed.copy()
        raised[crowded] = np.maximum(needed[crowded], _least_to_equal(product.worth(kth, error[crowded])))
        floors, sure = product.floors(raised, error)
    settled = sure & ((folded >= floors).sum(axis=0) <= limit)
    found = _at_least(cells.numpy(), folded, floors, np.flatnonzero(settled), k)
    at = found // len(cells)
    counts = np.bincount(at, minlength=len(queries))
    columns = (found - at * len(cells)).astype(np.int32)
    if (counts > limit).any():
        settled &= counts <= limit
        columns, counts = columns[settled[at]], np.where(settled, counts, 0)
    return Candidates(settled, counts, columns)


def _fold(cells: torch.Tensor, k: int) -> np.ndarray:
    """Return the greatest of each so many cells of a query, [fewer, queries]; at least ``k`` if there are as many.

    Cells of one fold are far apart, as documents that are alike often are neighbours. Those of the last rows, which
    make no whole fold, are appended as they are.
    """
    fold, width = _folds(len(cells), k)
    folded = cells[: fold * width].view(fold, width, -1).amax(dim=0)
    return np.asarray(torch.cat([folded, cells[fold * width :]]).numpy())


def _folds(documents: int, k: int) -> tuple[int, int]:
    """Return how many cells make a fold, and how many folds there are."""
    fold = max(1, min(_FOLD, documents // (4 * k)))
    return fold, documents // fold


def _at_least(cells: np.ndarray, folded: np.ndarray, floors: np.ndarray, asked: np.ndarray, k: int) -> np.ndarray:
    """Return which cells of the queries ``asked`` reach the floors, as query * documents + document, ascending.

    Args:
        cells: [documents, queries].
        folded: the greatest of them.
        floors: [queries].
        asked: int64, ascending.
        k: how many are looked for.
    """
    fold, width = _folds(len(cells), k)
    everyone = len(asked) == len(floors)
    hits = np.flatnonzero(folded >= floors if everyone else folded[:, asked] >= floors[asked])
    if len(hits) * fold > _SPARSE * len(cells) * len(asked):
        reached = np.flatnonzero(cells >= floors if everyone else cells[:, asked] >= floors[asked])
        rows, at = np.divmod(reached, len(asked))
        return np.sort(asked[at] * len(cells) + rows)
    rows, at = np.divmod(hits, max(len(asked), 1))
    whole, at = rows < width, asked[at]
    rows = np.concatenate([(rows[whole, None] + width * np.arange(fold)).ravel(), rows[~whole] + (fold - 1) * width])
    at = np.concatenate([np.repeat(at[whole], fold), at[~whole]])
    kept = cells[rows, at] >= floors[at]
    return np.sort(at[kept] * len(cells) + rows[kept])


def _least_to_beat(scores: np.ndarray) -> np.ndarray:
    """Return what must be reached in double precision to be rounded to more than ``scores``, float32 [any]."""
    return np.asarray((scores.astype(np.float64) + np.nextafter(scores, np.float32(np.inf))) / 2)


def _least_to_equal(values: np.ndarray) -> np.ndarray:
    """Return what must be reached in double precision to be rounded to no less than ``values``, float64 [any], are."""
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float32)
    return np.asarray((rounded.astype(np.float64) + np.nextafter(rounded, np.float32(-np.inf))) / 2)


def _tensor(rows: np.ndarray) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not writable")  # and nothing writes to it
        return torch.from_numpy(np.ascontiguousarray(rows))


def _pieces(rows: np.ndarray, size: int) -> Iterator[np.ndarray]:
    return (rows[start : start + size] for start in range(0, len(rows), size))

"""Search among documents of which many are the same: each distinct one is searched once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ntcir.search.keys import best_of_ragged, read_keys, sort_keys
from ntcir.search.nearest import nearest

Search = Callable[[np.ndarray, np.ndarray, int], tuple[np.ndarray, np.ndarray]]
_CELLS = 1 << 20  # documents that are put in the place of distinct ones at once


def nearest_with_twins(
    queries: np.ndarray, documents: np.ndarray, twins: np.ndarray, k: int, search: Search = nearest
) -> tuple[np.ndarray, np.ndarray]:
    """Return what ``nearest`` does, where some documents are known to be the same.

    Twins have the very same score, that of the first of them, whatever rounding has made of the others.

    Args:
        queries: float32 [m, dim].
        documents: float32 [n, dim].
        twins: int64 [n], equal numbers for documents that are the same.
        k: how many; all if there are fewer.
        search: among distinct documents; ``nearest`` or what gives the same.

    Returns:
        Rows, int64 [m, min(k, n)], best first and among equals the lower one, and scores, float32 of the same shape.
    """
    k = min(k, len(documents))
    _, first, codes = np.unique(twins, return_index=True, return_inverse=True)
    if len(first) == len(documents):
        return search(queries, documents, k)
    # Numbered in the order of their first rows, so that of distinct ones that tie the lower comes first.
    order = np.argsort(first)
    place = np.empty(len(first), dtype=np.int64)
    place[order] = np.arange(len(first))
    rows, scores = search(queries, documents[first[order]], k)
    return _in_full(rows, scores, place[codes.reshape(-1)], k)


def _in_full(rows: np.ndarray, scores: np.ndarray, codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Put all equal documents in the place of each distinct one, and keep the ``k`` best.

    Args:
        rows: numbers of distinct documents, int64 [m, any], best first.
        scores: float32 of the same shape.
        codes: the number of each document, int64 [documents].
        k: at most as many as there are documents.
    """
    block = max(1, _CELLS // max(rows.shape[1], 1))
    members = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    starts = np.cumsum(sizes) - sizes
    keys = []
    for start in range(0, len(rows), block):
        numbers, values = rows[start : start + block], scores[start : start + block]
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

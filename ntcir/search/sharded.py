"""Search over documents of which each process of a job has a part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ntcir.search.keys import best, read_keys, sort_keys
from ntcir.search.nearest import nearest
from ntcir.system.parallel import ranks

_KEYS = 1 << 21  # that are compared at once


def merge(parts: Sequence[tuple[np.ndarray, np.ndarray]], k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the best of what searches in parts of the documents have found, as a search in all of them would.

    Args:
        parts: rows among all documents, int64 [m, any], and scores, float32 of the same shape; each document is in one
            part at most.
        k: how many; all if there are fewer.

    Returns:
        Rows, int64 [m, at most k], best first and among equals the lower one, and scores, float32 of the same shape.

    Raises:
        ValueError: if there is no part.
    """
    k = min(k, sum(rows.shape[1] for rows, _ in parts))
    queries = len(parts[0][0]) if parts else 0
    if not parts or any(len(rows) != queries for rows, _ in parts):
        raise ValueError("There must be at least one part, and each must answer the same queries.")
    keys = np.empty((queries, k), dtype=np.int64)
    block = max(1, _KEYS // max(sum(rows.shape[1] for rows, _ in parts), 1))
    for start in range(0, queries, block):
        here = slice(start, start + block)
        keys[here] = best(np.concatenate([sort_keys(scores[here], rows[here]) for rows, scores in parts], axis=1), k)
    return read_keys(keys)


def nearest_sharded(
    queries: np.ndarray, documents: np.ndarray, k: int, gather: Callable[[Any], list[Any]] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return what ``nearest`` does among the documents of all processes; each of them calls this, and gets all of it.

    Args:
        queries: float32 [m, dim], the same in each process.
        documents: float32 [n, dim], those of this process, perhaps none. All documents are those of the first process,
            then those of the second and so on.
        k: how many; all if there are fewer.
        gather: returns what each process gave it, in their order; ``ntcir.system.parallel.gather_objects`` if None.

    Returns:
        Rows among all documents, int64 [m, min(k, all)], best first, and scores, float32 of the same shape.
    """
    if gather is None:
        from ntcir.system.parallel import gather_objects

        gather = gather_objects
    rows, scores = nearest(queries, documents, k)
    # Rows fit into 32 bits: what is sent is a third less so.
    found = gather((len(documents), rows.astype(np.int32), scores))
    firsts = np.cumsum([0] + [count for count, _, _ in found])
    parts = [(rows + first, scores) for first, (_, rows, scores) in zip(firsts[:-1], found, strict=True)]
    return merge(parts, k)


def nearest_together(queries: np.ndarray, documents: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what ``nearest`` does; several processes, all of which have all documents, each search a part of them."""
    own = ranks()
    if own.count == 1:
        return nearest(queries, documents, k)
    return nearest_sharded(queries, documents[own.part(len(documents))], k)

"""Scores of chosen queries and documents, each by itself."""

from __future__ import annotations

import warnings

import numpy as np
import torch

_COLUMNS = 128  # that are in double precision at once: part of what a score is, as sums are rounded
_QUERIES = 2048  # at once
_ROWS = 4096  # documents that are copied at once


def dots(queries: np.ndarray, documents: np.ndarray, starts: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the inner products of chosen cells in double precision, rounded to single.

    What a cell has depends on its two rows alone, not on where they stand or what else is asked for.

    Args:
        queries: float32 [m, dim].
        documents: float32 [n, dim].
        starts: int64 [m + 1]: the cells of query i are starts[i] to starts[i + 1].
        columns: int64 [cells]: their documents, in any order; no query may have the same document twice.

    Returns:
        float32 [cells].

    Raises:
        RuntimeError: from torch, if a query has the same document twice.
    """
    place = np.zeros(len(documents), dtype=np.int64)
    place[columns] = 1
    used = np.flatnonzero(place)
    place[used] = np.arange(len(used))
    columns = place[columns]
    scores = torch.zeros(len(columns), dtype=torch.float64)
    for first in range(0, queries.shape[1], _COLUMNS):
        here = slice(first, first + _COLUMNS)
        right = torch.from_numpy(_in_double(documents, used, here)).T
        for start in range(0, len(queries), _QUERIES):
            stop = min(start + _QUERIES, len(queries))
            cells = slice(starts[start], starts[stop])
            left = torch.from_numpy(queries[start:stop, here].astype(np.float64))
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=".*[Ss]parse")  # torch calls its sparse matrices beta
                wanted = torch.sparse_csr_tensor(
                    torch.from_numpy(starts[start : stop + 1] - starts[start]),
                    torch.from_numpy(columns[cells]),
                    scores[cells],
                    size=(stop - start, len(used)),
                    check_invariants=False,
                )
                scores[cells] = torch.sparse.sampled_addmm(wanted, left, right).values()
    return np.asarray(scores.float().numpy())


def _in_double(documents: np.ndarray, rows: np.ndarray, columns: slice) -> np.ndarray:
    """Return some rows and columns in double precision, without a copy of all in single."""
    result = np.empty((len(rows), documents[:0, columns].shape[1]))
    for start in range(0, len(rows), _ROWS):
        part = slice(start, start + _ROWS)
        result[part] = documents[rows[part], columns]
    return result

"""The documents most similar to each query, other than its own."""

from __future__ import annotations

import numpy as np

from ntcir.sampling.relations import group_equal_rows
from ntcir.search.twins import nearest_with_twins


def nearest_others(
    queries: np.ndarray, documents: np.ndarray, asked: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ``k`` documents most similar to each query, other than its own; ties go to the lower row.

    Equal documents are searched once, so that they tie exactly and fill no list of candidates.

    Args:
        queries: float32 [pairs, dim].
        documents: float32 [pairs, dim]; the own one of a query has the same row.
        asked: int64 [m], the queries.
        k: how many.

    Returns:
        int64 [m, min(k, pairs - 1)] and their scores, float32.
    """
    wide = min(k + 1, len(documents))
    rows, scores = nearest_with_twins(queries[asked], documents, group_equal_rows(documents), wide)
    mine = rows == asked[:, None]
    order = np.argsort(mine, axis=1, kind="stable")[:, : wide - 1]
    return np.take_along_axis(rows, order, axis=1), np.take_along_axis(scores, order, axis=1)

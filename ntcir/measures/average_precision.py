"""Average precision over whole rankings, exact also where scores tie.

The average precision of a query is the mean, over its relevant candidates, of the precision at the rank of each. The
order of equal scores tells nothing, so a query has what it would have on average over all of their orders (McSherry and
Najork, Computing information retrieval performance measures efficiently in the presence of tied scores, ECIR 2008).
Without ties that is scikit-learn's ``average_precision_score``, which gives all of a tie its last rank.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ntcir.formats.columns import Floats, Ints


def average_precisions(scores: NDArray[np.float32], relevant: NDArray[np.bool_]) -> Floats:
    """Return the average precision of each query.

    Args:
        scores: float32 [queries, candidates]; a score that is not a number never helps.
        relevant: bool [queries, candidates].

    Returns:
        float64 [queries], NaN where no candidate is relevant.
    """
    queries, size = scores.shape
    keys = _keys(scores, relevant)
    keys.sort(axis=1)
    hits = (keys & 1).astype(bool)
    found = hits.cumsum(axis=1, dtype=np.int64)  # down to each rank
    equals_next = np.zeros(hits.shape, dtype=bool)
    equals_next[:, :-1] = keys[:, 1:] >> 1 == keys[:, :-1] >> 1
    tied = equals_next.copy()
    tied[:, 1:] |= equals_next[:, :-1]
    alone, in_ties = np.flatnonzero(hits & ~tied), np.flatnonzero(tied)
    cells = np.concatenate([alone, in_ties])
    seen = np.concatenate([found.flat[alone], _seen_in_ties(hits, found, equals_next, in_ties)])
    sums = np.bincount(cells // size, seen / (cells % size + 1), queries)
    with np.errstate(invalid="ignore"):
        return np.asarray(sums / found[:, -1], dtype=np.float64)


def _keys(scores: NDArray[np.float32], relevant: NDArray[np.bool_]) -> Ints:
    """Return int64 that sort as scores do, the best first, with "is relevant" in the last bit: one sort instead of two.

    Integers sort several times as fast as positions by their scores.
    """
    if np.isnan(scores).any():
        scores = np.where(np.isnan(scores), np.where(relevant, -np.inf, np.inf), scores).astype(np.float32)
    bits = (-scores + np.float32(0)).view(np.int32).astype(np.int64)  # adding 0 turns -0 into 0
    bits = np.where(bits < 0, bits ^ 0x7FFFFFFF, bits)  # negative floats grow towards 0, as integers away from it
    return np.asarray(bits << 1 | relevant)


def _seen_in_ties(hits: NDArray[np.bool_], found: Ints, equals_next: NDArray[np.bool_], cells: Ints) -> Floats:
    """Return what is expected of the hits down to a rank, 0 where no hit is at it, over all orders within its tie.

    Of r hits among n equal scores, below b better hits, the i-th score is of a hit with probability r / n; down to it
    there are then 1 + b + (i - 1) (r - 1) / (n - 1) hits on average.

    Args:
        hits: bool [queries, ranks].
        found: hits down to each rank, int64 [queries, ranks].
        equals_next: whether the score of a rank equals the next one's, bool [queries, ranks].
        cells: the positions, as if the matrix were flat, of all ranks in ties, ascending.
    """
    if not len(cells):
        return np.empty(0)
    last = np.flatnonzero(~equals_next.flat[cells])  # of each tie, its place in ``cells``
    first = np.concatenate([[0], last[:-1] + 1])
    n = last - first + 1
    above = found.flat[cells[first]] - hits.flat[cells[first]]
    r = found.flat[cells[last]] - above
    tie = np.repeat(np.arange(len(n)), n)
    beside = (np.arange(len(cells)) - first[tie]) * ((r - 1) / (n - 1))[tie]
    return np.asarray((r / n)[tie] * (1 + above[tie] + beside), dtype=np.float64)


def random_average_precisions(relevant: Ints, size: int) -> Floats:
    """Return the expected average precision of random orders of ``size`` candidates.

    Args:
        relevant: how many of them are relevant for each query, int64 [queries].
        size: of all candidates.

    Returns:
        float64 [queries], NaN where none is relevant.
    """
    harmonic = float((1 / np.arange(1, size + 1)).sum())
    beside = (relevant - 1) / max(size - 1, 1)
    expected = (harmonic + beside * (size - harmonic)) / max(size, 1)
    return np.where(relevant > 0, expected, np.nan)

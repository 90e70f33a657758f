"""Scores to ranks: exact, ties kept, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ntcir.search.sharded import nearest_together
from ntcir.search.twins import nearest_with_twins

_KEYS = 1 << 20  # documents that are ranked at once, for all queries together


def average_ranks(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the rank of each row's target; equal scores share the average of their ranks, as NTCIR's evaluation does.

    Args:
        scores: float [queries, candidates].
        targets: int [queries], the column of the relevant candidate.

    Returns:
        float64 [queries], 1 is best: 1 + better + (equal - 1) / 2, the target itself among the equal.
    """
    own = scores[np.arange(len(scores)), targets][:, None]
    better = (~(scores <= own)).sum(axis=1)  # so that a NaN, wherever it is, never helps
    equal = (scores == own).sum(axis=1)
    return np.asarray(better + (equal + 1) / 2, dtype=np.float64)


def score_candidates(query: np.ndarray, candidates: np.ndarray, twins: np.ndarray) -> np.ndarray:
    """Return the cosine of each query with each candidate; candidates that are the same get the very same score.

    A matrix product may round equal rows differently, depending on where they stand; a tie that the data make must not
    be lost so, hence one score for each distinct candidate.

    Args:
        query: float32 [dim], a unit vector, or [queries, dim].
        candidates: float32 [candidates, dim], unit vectors.
        twins: int [candidates]: equal numbers for candidates with the same input.

    Returns:
        float32 [candidates], or [queries, candidates].
    """
    return distinct_scores(candidates, twins)(query)


def distinct_scores(candidates: np.ndarray, twins: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return what ``score_candidates`` does for some candidates, to be called for one block of queries after another.

    Args:
        candidates: float32 [candidates, dim], unit vectors.
        twins: int [candidates]: equal numbers for candidates with the same input.
    """
    _, first, back = np.unique(twins, return_index=True, return_inverse=True)
    chosen, columns = candidates[first].T, back.reshape(-1)
    return lambda query: np.asarray((query @ chosen)[..., columns], dtype=np.float32)


def top_k(scores: np.ndarray, ids: np.ndarray, k: int) -> np.ndarray:
    """Return the positions of the ``k`` best candidates, best first; among equals the greater id first.

    That is the order in which trec_eval sorts a run.

    Args:
        scores: float [candidates].
        ids: str [candidates].
        k: how many; all if there are fewer.
    """
    if k < len(scores):
        # Keep every candidate that ties with the k-th, so that the ids decide and not the partition.
        threshold = np.partition(scores, len(scores) - k)[len(scores) - k]
        kept = np.flatnonzero(scores >= threshold)
    else:
        kept = np.arange(len(scores))
    by_id = kept[np.argsort(ids[kept], kind="stable")[::-1]]
    return np.asarray(by_id[np.argsort(-scores[by_id], kind="stable")][:k])


def rank_all(
    queries: np.ndarray, candidates: np.ndarray, twins: np.ndarray, ids: np.ndarray, k: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield for each query what ``score_candidates`` and ``top_k`` find, without scoring every candidate in full.

    Scores are worked out in double precision, so they do not depend on what else is asked or how deep. Several
    processes that are together share the search.

    Args:
        queries: float32 [queries, dim], unit vectors.
        candidates: float32 [candidates, dim], unit vectors.
        twins: int64 [candidates]: equal numbers for candidates with the same input.
        ids: str [candidates].
        k: how many; all if there are fewer.

    Yields:
        Positions of the best candidates, int64 [min(k, candidates)], best first and among equals the greater id first;
        and their scores, float32.
    """
    order = np.argsort(ids, kind="stable")[::-1]  # the search puts the lower row first
    candidates, twins = candidates[order], twins[order]
    block = max(1, _KEYS // max(min(k, len(ids)), 1))
    for start in range(0, len(queries), block):
        rows, scores = nearest_with_twins(queries[start : start + block], candidates, twins, k, nearest_together)
        yield from zip(order[rows], scores, strict=True)

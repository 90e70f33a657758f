"""Vectors of what is asked put together, and moved by what was marked right and wrong.

A vector here is float64 [dim + 1]: a unit vector, and how much a bias against hubs counts for it. That bias
(``ntcir.model.hubness``) was learnt for queries of the other modality: what asks in it has 1, an item of the modality
that is found has 0. It takes part in sums as the vector itself does, so that the score of a sum is the sum of the
scores of its parts, in the same proportions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ntcir.system.errors import UserError

RIGHT, WRONG = 0.75, 0.25  # beta and gamma of Manning et al. 2008, p. 183; alpha is 1
_NOTHING = 1e-6  # length of a sum that is but rounding


def together(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Return the sum of vectors, at unit length; one vector alone stays to the bit as it is.

    Raises:
        UserError: if they cancel each other out.
    """
    return parts[0] if len(parts) == 1 else _at_length(np.sum(parts, axis=0))


def moved(query: np.ndarray | None, right: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """Return a query moved towards what is right and away from what is wrong, at unit length.

    q' = q + beta mean(right) - gamma mean(wrong), after Rocchio (Manning, Raghavan and Schuetze, Introduction to
    Information Retrieval, 2008, eq. 9.3), on unit vectors.

    Args:
        query: as it is asked, or None where nothing is.
        right: [any, dim + 1].
        wrong: [any, dim + 1].

    Raises:
        UserError: if nothing is left of the query.
    """
    if query is not None and not len(right) and not len(wrong):
        return query
    found = np.zeros(right.shape[1]) if query is None else query.copy()
    if len(right):
        found += RIGHT * right.mean(axis=0)
    if len(wrong):
        found -= WRONG * wrong.mean(axis=0)
    return _at_length(found)


def _at_length(found: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(found[:-1])
    if length < _NOTHING:
        raise UserError("What is asked cancels itself out: take a part of it, or a mark, back.")
    return np.asarray(found / length)

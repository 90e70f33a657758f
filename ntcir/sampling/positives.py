"""Which cells of a batch's similarity matrix are neither positive nor negative."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import torch


def group_equal_rows(rows: np.ndarray, seen: dict[bytes, int] | None = None) -> np.ndarray:
    """Return a number for each row of a matrix, the same for equal rows; int64 [rows].

    Args:
        rows: float [rows, columns] without NaN.
        seen: what earlier blocks of the same matrix had; added to.
    """
    numbers = {} if seen is None else seen
    # Adding 0 turns -0 into 0. A digest, because rows may be long and many.
    keys = (blake2b((row + 0).tobytes(), digest_size=16).digest() for row in rows)
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


class FalseNegatives:
    """Knows which pairs of a split must not be contrasted with each other.

    A cell (image of pair i, reading of pair j), i != j, is ignored where i and j share the image or the reading (by
    id), were taken at most ``near_seconds`` apart, or have the same encoded reading.

    Args:
        images: image ids of the pairs.
        sensors: sensor ids of the pairs.
        seconds: their times in seconds.
        readings: encoded readings [pairs, dim], or None not to compare them.
        near_seconds: 0 turns the window off.
    """

    def __init__(
        self,
        images: Sequence[str] | np.ndarray,
        sensors: Sequence[str] | np.ndarray,
        seconds: np.ndarray,
        readings: np.ndarray | None,
        near_seconds: float,
    ) -> None:
        keys = [np.unique(np.asarray(ids, dtype=str), return_inverse=True)[1] for ids in (images, sensors)]
        if readings is not None:
            keys.append(group_equal_rows(readings))
        self._keys = [torch.from_numpy(np.asarray(key, dtype=np.int64)) for key in keys]
        self._seconds = torch.from_numpy(np.array(seconds, dtype=np.float64))
        self._near = near_seconds

    def ignored(self, rows: torch.Tensor) -> torch.Tensor:
        """Return bool [batch, batch] for the pairs ``rows`` (int64 [batch]); the diagonal is never ignored."""
        result = torch.zeros(len(rows), len(rows), dtype=torch.bool)
        for key in self._keys:
            chosen = key[rows]
            result |= chosen[:, None] == chosen[None, :]
        if self._near > 0:
            times = self._seconds[rows]
            result |= (times[:, None] - times[None, :]).abs() <= self._near
        result.fill_diagonal_(False)
        return result

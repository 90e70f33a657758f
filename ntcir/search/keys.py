"""Scores and rows in one integer, so that the best of many are found fast and ties have an order."""

from __future__ import annotations

import numpy as np

_LOWEST = np.iinfo(np.int64).min
_PADDED = 1 << 20  # keys that are compared at once


def sort_keys(scores: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return int64 that sort as scores do, and among equal scores the lower row is the greater.

    Args:
        scores: float32, finite.
        rows: int64 below 2^31, broadcast against the scores.
    """
    bits = (scores + 0.0).view(np.int32).astype(np.int64)  # adding 0 turns -0 into 0
    bits = np.where(bits < 0, bits ^ 0x7FFFFFFF, bits)  # negative floats grow towards 0, as integers away from it
    return np.asarray((bits << 32) | (0x7FFFFFFF - rows))


def read_keys(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and scores of keys: int64, -1 where there is none, and float32, there minus infinity."""
    bits = keys >> 32
    bits = np.where(bits < 0, bits ^ 0x7FFFFFFF, bits).astype(np.int32)
    none = keys == _LOWEST
    rows = np.where(none, -1, 0x7FFFFFFF - (keys & 0xFFFFFFFF))
    return rows, np.where(none, np.float32(-np.inf), bits.view(np.float32))


def best(keys: np.ndarray, k: int) -> np.ndarray:
    """Return the ``k`` greatest of each row, greatest first; int64 [rows, k], filled up with the lowest number."""
    if keys.shape[1] > k:
        keys = np.partition(keys, keys.shape[1] - k, axis=1)[:, keys.shape[1] - k :]
    result = np.full((len(keys), k), _LOWEST, dtype=np.int64)
    result[:, : keys.shape[1]] = np.sort(keys, axis=1)[:, ::-1]
    return result


def best_of_ragged(keys: np.ndarray, counts: np.ndarray, k: int) -> np.ndarray:
    """Return ``best`` of rows of different lengths.

    Args:
        keys: int64, the rows one after the other.
        counts: int64 [rows], how long they are.
        k: how many of each.
    """
    result = np.empty((len(counts), k), dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(counts)])
    for start in range(0, len(counts), 2048):
        stop = min(start + 2048, len(counts))
        lengths = counts[start:stop]
        padded = np.full((stop - start, lengths.max(initial=0)), _LOWEST, dtype=np.int64)
        padded[np.arange(padded.shape[1]) < lengths[:, None]] = keys[starts[start] : starts[stop]]
        result[start:stop] = best(padded, k)
    return result


class Best:
    """The best of each row so far, while more come.

    Args:
        rows: how many.
        k: how many of each are kept, at least 1 unless there is nothing to keep.

    Attributes:
        k: as given.
    """

    def __init__(self, rows: int, k: int) -> None:
        self.k = k
        self._keys = np.full((rows, k), _LOWEST, dtype=np.int64)  # the least of each row comes first

    def kth(self) -> np.ndarray:
        """Return the score of the k-th best so far, float32 [rows]; minus infinity where there are fewer."""
        return read_keys(self._keys[:, 0])[1]

    def add(self, rows: np.ndarray, counts: np.ndarray, keys: np.ndarray) -> None:
        """Take more keys.

        Args:
            rows: int64, each once.
            counts: int64, how many keys each of these has.
            keys: int64, those of one row after those of the other.
        """
        ends = np.cumsum(counts)
        block = max(1, _PADDED // (self.k + int(counts.max(initial=0))))
        for start in range(0, len(rows), block):
            here, lengths = rows[start : start + block], counts[start : start + block]
            padded = np.full((len(here), self.k + lengths.max()), _LOWEST, dtype=np.int64)
            padded[:, : self.k] = self._keys[here]
            new = padded[:, self.k :]
            new[np.arange(new.shape[1]) < lengths[:, None]] = keys[
                ends[start] - counts[start] : ends[start] + lengths[1:].sum()
            ]
            rest = padded.shape[1] - self.k
            self._keys[here] = np.partition(padded, rest, axis=1)[:, rest:]

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows and scores of the best, best first: int64 and float32 [rows, k]."""
        return read_keys(np.sort(self._keys, axis=1)[:, ::-1])

"""Batches of pairs that depend on the seed and the step alone, so that a resumed run draws the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np


class BatchSampler:
    """Draws the pairs of a training step.

    ``all``: the training split is shuffled once an epoch and cut into batches; a last, shorter piece is left to the
    next shuffle, so each pair is seen at most once an epoch. ``day``: a group is drawn in proportion to its size, and
    its pairs without replacement, at most ``batch``.

    Args:
        groups: the group (day, session) of each pair.
        batch: the number of pairs in a batch; with fewer pairs, all of them.
        mode: ``day`` or ``all``.
        seed: fixes all batches.
    """

    def __init__(self, groups: Sequence[str] | np.ndarray, batch: int, mode: Literal["day", "all"], seed: int) -> None:
        self._pairs = len(groups)
        self._batch = min(batch, self._pairs)
        self._seed = seed
        self._mode = mode
        _, codes = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
        # A group of one pair has no negatives to offer.
        self._groups = [
            rows for rows in (np.flatnonzero(codes == code) for code in range(codes.max() + 1)) if len(rows) > 1
        ]
        if not self._groups:
            self._groups = [np.arange(self._pairs)]
        sizes = np.array([len(rows) for rows in self._groups], dtype=float)
        self._shares = sizes / sizes.sum()
        self._epoch = -1
        self._order = np.empty(0, dtype=np.int64)

    def __call__(self, step: int) -> np.ndarray:
        """Return the rows of step ``step`` (from 0), int64 [at most batch]."""
        if self._mode == "day":
            generator = np.random.default_rng([self._seed, 1, step])
            rows = self._groups[generator.choice(len(self._groups), p=self._shares)]
            return generator.choice(rows, size=min(self._batch, len(rows)), replace=False)
        epoch, place = divmod(step, max(1, self._pairs // self._batch))
        if epoch != self._epoch:
            self._order = np.random.default_rng([self._seed, 0, epoch]).permutation(self._pairs)
            self._epoch = epoch
        return self._order[place * self._batch : (place + 1) * self._batch]

"""A mean over topics with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ntcir.formats.columns import Floats, Ints
from ntcir.significance.resampling import block_sums, bootstrap


@dataclass(frozen=True)
class Estimate:
    """A mean over topics with its 95% percentile bootstrap interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Floats, blocks: Ints | None = None, *, rows: Ints | None = None, seed: int = 0) -> Estimate:
        """Return the mean and its interval.

        Args:
            values: of the topics, (topics,); sums over their rows, if ``rows`` is given.
            blocks: of topics that are drawn together, (topics,), such as those of a picture's captions; if None, each
                topic is drawn by itself.
            rows: of each topic, (topics,), where the mean is over rows.
            seed: of the bootstrap.
        """
        counts = np.ones(len(values), dtype=np.int64) if rows is None else rows
        sums, numbers = block_sums(values, counts, blocks)
        return cls(float(values.sum() / counts.sum()), *bootstrap(sums, seed=seed, rows=numbers))

    @property
    def is_real(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0

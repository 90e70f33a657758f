"""The percentile bootstrap of a mean over topics, or over blocks of them."""

from __future__ import annotations

import numpy as np

from ntcir.formats.columns import Floats, Ints

_RESAMPLES = 2000
_DRAWS_AT_ONCE = 1 << 21  # random topics drawn in one go: bounds the memory whatever the number of topics
_SEED = 0


def bootstrap(
    values: Floats, resamples: int = _RESAMPLES, seed: int = _SEED, *, rows: Ints | None = None
) -> tuple[float, float]:
    """Return the 95% percentile bootstrap interval of the mean of ``values``, (topics,), redrawn with replacement.

    With ``rows``, (topics,), ``values`` are sums over so many rows a topic, and the mean is that over all rows. Topics
    that are not independent are summed over their blocks first (``block_sums``), which are then what is drawn.
    """
    generator = np.random.default_rng(seed)
    at_once = max(1, _DRAWS_AT_ONCE // len(values))
    single = rows is None or (rows == 1).all()
    means = []
    for done in range(0, resamples, at_once):
        drawn = generator.integers(len(values), size=(min(at_once, resamples - done), len(values)))
        number = len(values) if single or rows is None else rows[drawn].sum(axis=1)
        means.append(values[drawn].sum(axis=1) / number)
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return float(low), float(high)


def block_sums(values: Floats, rows: Ints, blocks: Ints | None) -> tuple[Floats, Ints]:
    """Return the sums of ``values`` and ``rows``, (topics,) both, over each block, in the order of the blocks' numbers.

    Args:
        values: sums over the rows of each topic.
        rows: how many these are.
        blocks: the block of each topic, (topics,); None where each topic is its own, and all stays as it is.
    """
    if blocks is None:
        return values, rows
    codes = np.unique(blocks, return_inverse=True)[1].reshape(-1)
    sums = np.asarray(np.bincount(codes, values), dtype=np.float64)
    return sums, np.bincount(codes, rows).astype(np.int64)

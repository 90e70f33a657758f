"""Blocks of neighbours in time, which are one observation rather than many: consecutive frames look alike."""

from __future__ import annotations

import numpy as np
import pandas as pd

BLOCK = 20  # queries; the error of frames of one drive stops growing there (docs/results.md, Noise of validation)


def time_blocks(pairs: pd.DataFrame, length: int = BLOCK) -> np.ndarray | None:
    """Return the block of each pair: of a group's pairs in the order of time, about ``length`` in a row are one.

    The blocks of a group are as equal as they can be, and a group of less than one and a half lengths is one block.

    Args:
        pairs: with the columns ``group`` and ``timestamp``, in any order.
        length: pairs a block.

    Returns:
        numbers of blocks, int64 [pairs]; None where no pair has a time.
    """
    times = pairs["timestamp"]
    if not times.notna().any():
        return None
    blocks = np.empty(len(pairs), dtype=np.int64)
    group = pairs["group"].factorize(use_na_sentinel=False)[0]
    moment = times.rank(method="first", na_option="bottom").to_numpy()
    before = 0
    for number in range(int(group.max(initial=-1)) + 1):
        rows = np.flatnonzero(group == number)
        rows = rows[np.argsort(moment[rows], kind="stable")]
        count = max(1, int(len(rows) / length + 0.5))
        blocks[rows] = before + np.arange(len(rows)) * count // len(rows)
        before += count
    return blocks

"""Columns of raw readings as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ntcir.corpora.cells import number


def floats(column: pd.Series) -> np.ndarray:
    """Return a column as float64, NaN where it is missing, infinite or no number; a text may spell one."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "fiu":
        values = column.to_numpy(dtype=np.float64)
    else:
        values = np.array([as_float(value) for value in column.astype(object)], dtype=np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def as_float(value: Any) -> float:
    """Return a cell as a number, NaN where it is none; a text may spell one."""
    if isinstance(value, str):
        found = number(value)
        return np.nan if found is None else found
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return np.nan

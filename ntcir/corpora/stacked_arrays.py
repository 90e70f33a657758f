"""Vectors that came with a corpus in several arrays of one file, such as one for training and one for testing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Part:
    """One of the arrays, whose rows follow the lines of a list.

    Attributes:
        array: its name in the file.
        listed: the name of the list, for messages.
        lines: how many lines the list has, and so how many rows the array must have.
        kept: the rows that belong to items of the corpus, in their order; int64 [items of the part].
    """

    array: str
    listed: str
    lines: int
    kept: np.ndarray


@dataclass(frozen=True)
class StackedArrays:
    """Arrays of one file that stand one below the other: together, row i belongs to item i of the corpus's table.

    Attributes:
        path: of the file.
        parts: the arrays, from the top.
    """

    path: Path
    parts: Sequence[Part]

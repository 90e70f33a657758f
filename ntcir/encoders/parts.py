"""An item taken apart: its words, columns or cells, and its rows without each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

WORD, COLUMN, CELL = "word", "column", "cell"  # kinds of parts
NOT_KNOWN, LEFT_OUT = "not known", "left out"  # what is noted of words that do not count


@dataclass(frozen=True)
class Part:
    """A part of an item.

    Attributes:
        name: the word as it is written, the raw column, or ``row,column`` of a cell, from 1.
        note: why the encoder passes it over; None where it counts.
    """

    name: str
    note: str | None = None


@dataclass(frozen=True)
class Parts:
    """What an item consists of as its encoder sees it.

    Attributes:
        kind: what one part is: ``WORD``, ``COLUMN`` or ``CELL``.
        parts: in the item's order; cells row by row, from the top left.
        whole: float32 [1, dim], the row of the whole item, made in the same way as those that follow.
        without: float32 [parts that count, dim], the item's rows without each of them.
        area: of a picture, what its cells divide: left, top, right and bottom in shares of its width and height.
    """

    kind: str
    parts: Sequence[Part]
    whole: np.ndarray
    without: np.ndarray
    area: tuple[float, float, float, float] | None = None


def sentences_without(words: Sequence[str], places: Sequence[int]) -> list[str]:
    """Return the sentence of all words but one, for each of some places."""
    return [" ".join([*words[:place], *words[place + 1 :]]) for place in places]

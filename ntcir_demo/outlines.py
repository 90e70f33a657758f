"""Outlines that many pictures share, kept once they are made: circles and letters."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Point = tuple[float, float]


@lru_cache(maxsize=8)
def circle(n: int) -> tuple[Point, ...]:
    """Return so many corners of a circle of radius 1."""
    return tuple((math.cos(2 * math.pi * i / n), math.sin(2 * math.pi * i / n)) for i in range(n))


@lru_cache(maxsize=512)
def letters(words: str) -> tuple[tuple[tuple[int, int, int], ...], int, int]:
    """Return words as horizontal runs (row, first column, last column), with the number of columns and rows."""
    font = ImageFont.load_default()
    _, _, right, bottom = (round(edge) for edge in font.getbbox(words))
    picture = Image.new("1", (right + 3, bottom + 3))
    ImageDraw.Draw(picture).text((0, 0), words, fill=1, font=font)
    ink = np.asarray(picture)
    across, down = np.flatnonzero(ink.any(axis=0)), np.flatnonzero(ink.any(axis=1))
    if not len(down):
        return (), 1, 1
    ink = ink[down[0] : down[-1] + 1, across[0] : across[-1] + 1]
    runs = []
    for row, line in enumerate(ink):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], line.astype(np.int8), [0]))))
        runs += [(row, int(first), int(last)) for first, last in zip(edges[::2], edges[1::2], strict=True)]
    return tuple(runs), ink.shape[1], ink.shape[0]

"""Colours as triples of 0 to 255, and the few things that a painter does with them."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

RGB = tuple[int, int, int]
T = TypeVar("T")

WHITE: RGB = (244, 243, 238)
BLACK: RGB = (28, 28, 32)
WOOD: RGB = (166, 118, 76)
METAL: RGB = (150, 156, 164)

SKINS: tuple[RGB, ...] = ((241, 204, 177), (226, 178, 143), (198, 144, 108), (146, 98, 70), (104, 68, 48))
HAIRS: tuple[RGB, ...] = ((44, 34, 30), (92, 60, 38), (150, 102, 54), (206, 168, 98), (170, 168, 166), (122, 48, 32))
CLOTHES: tuple[RGB, ...] = (
    (196, 66, 62), (222, 152, 58), (84, 142, 98), (62, 108, 168), (120, 86, 150), (216, 206, 190), (62, 66, 78),
    (150, 60, 92), (70, 150, 156), (232, 196, 92),
)  # fmt: skip
TROUSERS: tuple[RGB, ...] = ((52, 62, 88), (44, 44, 50), (112, 98, 82), (74, 88, 118), (92, 74, 66))


def mix(a: RGB, b: RGB, t: float) -> RGB:
    """Return the colour a share ``t`` (0 to 1) of the way from ``a`` to ``b``."""
    return (round(a[0] + (b[0] - a[0]) * t), round(a[1] + (b[1] - a[1]) * t), round(a[2] + (b[2] - a[2]) * t))


def shade(colour: RGB, k: float) -> RGB:
    """Return the colour ``k`` times as bright, clipped to white."""
    return (min(255, round(colour[0] * k)), min(255, round(colour[1] * k)), min(255, round(colour[2] * k)))


def hsv(hue: float, saturation: float, value: float) -> RGB:
    """Return the colour of a hue (0 to 1, round and round), saturation and value (0 to 1, clipped)."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, min(max(saturation, 0.0), 1.0), min(max(value, 0.0), 1.0))
    return (round(red * 255), round(green * 255), round(blue * 255))


def pick(rng: np.random.Generator, items: Sequence[T]) -> T:
    """Return one item of a sequence (``Generator.choice`` would turn tuples into arrays)."""
    return items[int(rng.integers(len(items)))]

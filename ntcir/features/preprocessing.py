"""What becomes of a photograph before a network sees it: a square of bytes, then standardised channels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from ntcir.config import Features

Resize = Literal["squash", "shorter"]
Interpolation = Literal["bilinear", "bicubic"]
Decode = Literal["full", "scaled"]
Channels = tuple[float, float, float]


class Statistics(NamedTuple):
    """Mean and standard deviation of each channel, of values from 0 to 1."""

    mean: Channels
    std: Channels

    @classmethod
    def of(cls, mean: float | Sequence[float], std: float | Sequence[float]) -> Statistics:
        """Return those that a library names: three numbers each, or one for all channels."""
        return cls(_three(mean), _three(std))


def _three(values: float | Sequence[float]) -> Channels:
    red, green, blue = (float(value) for value in (values if isinstance(values, Sequence) else [values] * 3))
    return red, green, blue


# Used by torchvision's classifiers and by Places365's alike.
IMAGENET = Statistics((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@dataclass(frozen=True)
class Square:
    """How a picture of any shape becomes uint8 [3, crop, crop]. Networks with equal ones share the picture.

    Attributes:
        resize: ``squash``: both sides become ``size``; ``shorter``: the shorter side does.
        size: pixels after resizing.
        crop: pixels of the centre that is cut out.
        decode: whether JPEGs may be decoded at a part of their size.
        interpolation: the filter, which widens with the reduction (antialiasing).
        reduced: whether blocks of pixels are averaged first where the picture is at least twice as large: faster, but
            not what the libraries' own transforms do.
    """

    resize: Resize = "squash"
    size: int = 224
    crop: int = 224
    decode: Decode = "full"
    interpolation: Interpolation = "bilinear"
    reduced: bool = True

    @classmethod
    def of(cls, options: Features) -> Square:
        """Return the square that the section ``features`` describes."""
        return cls(options.resize, options.size, options.crop, options.decode)


@dataclass(frozen=True)
class Preprocessing:
    """What a network is given: the square, and how its channels are standardised."""

    square: Square
    statistics: Statistics = IMAGENET

    def described(self) -> dict[str, Any]:
        """Return all of it as plain values, for a fingerprint."""
        return configured(self.square) | {
            "interpolation": self.square.interpolation,
            "reduced": self.square.reduced,
            "mean": list(self.statistics.mean),
            "std": list(self.statistics.std),
        }


def configured(square: Square) -> dict[str, Any]:
    """Return what of a square the section ``features`` says; all there was before networks named their own."""
    described = {key: getattr(square, key) for key in ("decode", "resize", "size", "crop")}
    return described | ({"resample": "torch"} if square.decode == "scaled" else {})


def distinct(preprocessings: Iterable[Preprocessing]) -> list[Square]:
    """Return the squares that several networks are given, each once, in order."""
    return list(dict.fromkeys(each.square for each in preprocessings))

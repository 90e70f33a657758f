"""The camera that a scene is seen with, and the boxes of what it sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Box(NamedTuple):
    """A thing in a picture: its class and its visible extent in pixels (origin at the upper left, ``y`` down)."""

    label: str
    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True)
class Camera:
    """Where the wearer's camera is (metres) and where it looks (degrees; pitch up, yaw and roll to the right)."""

    x: float = 0.0
    y: float = 1.35
    z: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    focal: float = 620.0  # pixels: about 79 degrees wide, as worn cameras are

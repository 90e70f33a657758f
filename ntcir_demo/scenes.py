"""All scenes by name, and the one function that turns a moment into a photograph with its boxes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from ntcir_demo.camera import Box
from ntcir_demo.canvas import HEIGHT, WIDTH
from ntcir_demo.eating_out import cafe, restaurant
from ntcir_demo.errands import shop, treadmill, weights
from ntcir_demo.home import bedroom, evening, visit
from ntcir_demo.kitchen import breakfast, cooking
from ntcir_demo.light import develop, lens_cover
from ntcir_demo.office import coffee, desk, meeting
from ntcir_demo.outside import bus_ride, drive, park, ride, walk
from ntcir_demo.stage import Moment, Stage
from ntcir_demo.travel import airport, flight

SCENES: dict[str, Callable[[Stage], None]] = {
    painter.__name__: painter
    for painter in (
        bedroom, breakfast, cooking, evening, visit, desk, meeting, coffee, cafe, restaurant, treadmill, weights, shop,
        airport, flight, walk, ride, drive, bus_ride, park,
    )
}  # fmt: skip

# The classes that boxes may have. Where COCO has a class for it, the name is COCO's.
CLASSES: tuple[str, ...] = (
    "person", "bicycle", "car", "bus", "traffic light", "bench", "dog", "suitcase", "bottle", "wine glass", "cup",
    "bowl", "chair", "couch", "potted plant", "bed", "tv", "laptop", "cell phone", "book", "clock", "plate", "tree",
)  # fmt: skip

_COARSE = 16
_DARKEST = 12.0  # mean brightness (of 255) below which nothing in a box can be told apart


def render_scene(moment: Moment) -> tuple[Image.Image, list[Box]]:
    """Draw a photograph.

    Returns:
        an RGB picture of 1024x768 pixels, and the boxes of the things in it: of `CLASSES`, in pixels, clipped to the
        picture, of what can be seen of each thing.
    """
    stage = Stage(moment)
    SCENES[moment.scene](stage)
    veil = lens_cover(moment.cover, stage.rng) if moment.cover > 0 else None
    picture = develop(stage.canvas, stage.ambient, stage.rng, stage.blur, veil)
    boxes = stage.canvas.boxes()
    if veil is not None:
        boxes = [box for box in boxes if _mean(veil, box) < 0.5]
    small = np.asarray(picture.reduce(_COARSE)).mean(axis=2)
    return picture, [box for box in boxes if _mean(small, box) >= _DARKEST]


def _mean(grid: np.ndarray, box: Box) -> float:
    """Return the mean inside a box over a grid that covers the whole picture."""
    rows, columns = grid.shape
    down, across = rows / HEIGHT, columns / WIDTH
    return float(
        grid[int(box.y1 * down) : int(box.y2 * down) + 1, int(box.x1 * across) : int(box.x2 * across) + 1].mean()
    )

"""From an image file to what a detector sees: the whole picture, scaled and padded, and the way back for its boxes."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ExifTags

from ntcir.features.decode import load_image
from ntcir.features.pictures import open_file, open_picture

GREY = 114  # of the padding: what YOLO networks were trained with
_ON_THEIR_SIDE = {5, 6, 7, 8}  # the EXIF orientations that exchange width and height


class Frame(NamedTuple):
    """How a picture is given to a detector.

    Attributes:
        height: pixels that the network takes.
        width: the same, across.
        stride: where the network also takes smaller pictures whose sides are multiples of this, they are padded no
            further than that; 0 where it takes only ``height`` x ``width``.
    """

    height: int
    width: int
    stride: int


class Letterboxed(NamedTuple):
    """A picture as a detector sees it.

    Attributes:
        pixels: uint8 [3, height, width], red first.
        left: columns of padding on the left.
        top: rows of padding above.
        size: width and height of what is not padding.
        original: width and height of the upright picture in its file.
    """

    pixels: np.ndarray
    left: int
    top: int
    size: tuple[int, int]
    original: tuple[int, int]

    def restored(self, boxes: np.ndarray) -> np.ndarray:
        """Return boxes float32 [n, 4] (x1, y1, x2, y2) in pixels of the upright original, cut at its borders."""
        scale = np.divide(self.original, self.size, dtype=np.float64)
        moved = (boxes.reshape(-1, 2, 2) - (self.left, self.top)) * scale
        return np.clip(moved, 0, self.original).reshape(-1, 4).astype(np.float32)


def letterbox(path: str | Path, frame: Frame) -> Letterboxed:
    """Read a picture upright, scale it into the frame and pad it, the picture in the middle.

    Scaled as Ultralytics does (bilinear, by OpenCV), except that a large JPEG is first decoded at a half, a quarter or
    an eighth of its size, as long as that is not smaller than what is needed.

    Raises:
        UnreadableImage: if the file cannot be decoded.
    """
    import cv2

    original = _upright_size_of_jpeg(path)
    needed = None if original is None else min(_fitted(original, frame))
    picture = load_image(path, at_least=needed)
    width, height = original or picture.size
    across, down = _fitted((width, height), frame)
    pixels = np.asarray(picture)
    if picture.size != (across, down):
        pixels = cv2.resize(pixels, (across, down), interpolation=cv2.INTER_LINEAR)
    spare = (frame.width - across, frame.height - down)
    if frame.stride:
        spare = (spare[0] % frame.stride, spare[1] % frame.stride)
    left, top = spare[0] // 2, spare[1] // 2
    padded = np.full((3, down + spare[1], across + spare[0]), GREY, dtype=np.uint8)
    for plane, colour in zip(padded, cv2.split(pixels), strict=True):
        plane[top : top + down, left : left + across] = colour
    return Letterboxed(padded, left, top, (across, down), (width, height))


def _fitted(size: tuple[int, int], frame: Frame) -> tuple[int, int]:
    """Return width and height of the largest picture of these proportions in the frame, at least a pixel each."""
    scale = min(frame.width / size[0], frame.height / size[1])
    return max(round(size[0] * scale), 1), max(round(size[1] * scale), 1)


def _upright_size_of_jpeg(path: str | Path) -> tuple[int, int] | None:
    """Return the full width and height of a JPEG from its header; None of other files, which are decoded in full."""
    # What is wrong is reported when it is decoded.
    with contextlib.suppress(Exception), open_file(path) as file, open_picture(file) as header:
        if header.format in {"JPEG", "MPO"}:
            turned = False
            with contextlib.suppress(Exception):  # a broken tag must not cost the picture
                turned = header.getexif().get(ExifTags.Base.Orientation, 1) in _ON_THEIR_SIDE
            return (header.height, header.width) if turned else (header.width, header.height)
    return None

"""Draws pictures for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def draw_picture(path: Path, size: tuple[int, int] = (48, 36)) -> None:
    """Write a picture of coloured blocks, another one for each file name."""
    draw = np.random.default_rng(list(path.name.encode()))
    blocks = Image.fromarray(draw.integers(0, 256, (3, 4, 3), dtype=np.uint8))
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks.resize(size, Image.Resampling.BICUBIC).save(path, quality=90)

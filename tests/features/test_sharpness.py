"""Which photographs are blurred or dark."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from ntcir.features.sharpness import BLURRED, DARK, edge_density, look_of


@pytest.fixture(scope="module")
def photograph(shared) -> Image.Image:
    return Image.open(shared / "data/photos/000000000139.jpg").convert("RGB")


def moved(picture: Image.Image, length: int, down: bool) -> Image.Image:
    """What a camera that moves by so many pixels takes."""
    pixels, axis = np.asarray(picture, dtype=float), 0 if down else 1
    mean = np.mean([np.roll(pixels, step, axis=axis) for step in range(length)], axis=0)
    return Image.fromarray(mean.astype(np.uint8))


def test_a_photograph_is_neither_blurred_nor_dark(photograph):
    look = look_of(photograph)
    assert look.edges > 2 * BLURRED
    assert look.light > 2 * DARK


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda picture: picture.filter(ImageFilter.GaussianBlur(5)),
        lambda picture: moved(picture, 20, down=False),
        lambda picture: moved(picture, 20, down=True),
    ],
    ids=["focus", "across", "down"],
)
def test_one_out_of_focus_or_moved_in_either_direction_is_blurred(photograph, spoilt):
    assert look_of(spoilt(photograph)).edges < BLURRED


def test_a_dim_one_is_dark_and_yet_sharp(photograph):
    look = look_of(ImageEnhance.Brightness(photograph).enhance(0.15))
    assert look.light < DARK
    assert look.edges > BLURRED


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1"])
def test_any_kind_of_picture_and_any_size_is_judged(mode):
    for size in ((1, 1), (2, 900), (900, 2), (40, 30), (700, 500)):
        look = look_of(Image.new(mode, size))
        assert look.light == 0
        assert look.edges in {0, 1}


def test_an_edge_of_one_direction_alone_is_what_motion_leaves():
    stripes = np.tile(np.where(np.arange(60) % 6 < 3, 0, 255), (50, 1)).astype(np.float32)
    assert edge_density(stripes) == edge_density(stripes.T) == 0
    chequers = np.where((np.indices((50, 60)) // 3).sum(0) % 2, 0, 255).astype(np.float32)
    assert edge_density(chequers) > 0.3

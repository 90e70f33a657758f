"""Pictures to test with: an asymmetric one, turned and saved in any way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

# What brings an upright picture into the state that an orientation tag undoes.
TURNED = {
    1: lambda image: image,
    2: ImageOps.mirror,
    3: lambda image: image.transpose(Image.Transpose.ROTATE_180),
    4: ImageOps.flip,
    5: lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    6: lambda image: image.transpose(Image.Transpose.ROTATE_90),
    7: lambda image: image.transpose(Image.Transpose.TRANSVERSE),
    8: lambda image: image.transpose(Image.Transpose.ROTATE_270),
}


def ramp(width: int = 96, height: int = 64) -> np.ndarray:
    """An asymmetric RGB picture, uint8 [height, width, 3]: red grows to the right, green downwards."""
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return np.stack([across, down, (across + down) / 4], axis=2).astype(np.uint8)


def saved(path: Path, image: Image.Image | np.ndarray, **options) -> Path:
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(path, **options)
    return path


def blocks(width: int, height: int, seed: int = 2) -> Image.Image:
    """A smooth picture without symmetries: random colours, a 32nd of its size, enlarged."""
    small = np.random.default_rng(seed).integers(0, 256, (-(-height // 32) + 1, -(-width // 32) + 1, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def turned_jpeg(path: Path, upright: Image.Image, orientation: int, **options) -> Path:
    """Save a picture the way a camera that was held otherwise does: turned, with the tag that says so."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(path, TURNED[orientation](upright), format="JPEG", exif=exif, quality=92, **options)


def kinds_of(folder: Path, upright: Image.Image) -> dict[str, Path]:
    """Save a picture in every kind that a decoder may trip over."""
    grey = np.asarray(upright.convert("L"))
    palette = upright.quantize(64)
    return {
        "plain": saved(folder / "plain.jpg", upright, quality=92),
        "whole colours": saved(folder / "444.jpg", upright, quality=92, subsampling=0),
        "halved colours": saved(folder / "422.jpg", upright, quality=92, subsampling=1),
        "progressive": saved(folder / "progressive.jpg", upright, quality=92, progressive=True),
        "restarts": saved(folder / "restarts.jpg", upright, quality=92, restart_marker_rows=1),
        "grey": saved(folder / "grey.jpg", grey, quality=92),
        "cmyk": saved(folder / "cmyk.jpg", upright.convert("CMYK"), quality=92),
        "rgb within": saved(folder / "rgb.jpg", upright, quality=92, keep_rgb=True),
        "palette": saved(folder / "palette.gif", palette),
        "png": saved(folder / "colours.png", upright),
        "deep": saved(folder / "deep.png", grey.astype(np.uint16) * 257),
        "webp": saved(folder / "colours.webp", upright, lossless=True),
        "misnamed": saved(folder / "misnamed.jpg", upright, format="PNG"),
    }

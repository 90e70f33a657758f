"""From an image file to the square of bytes that a network is given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ntcir.config import Features


class UnreadableImage(Exception):
    """The file holds no picture that can be decoded; the message says why."""


def load_image(path: str | Path, at_least: int | None = None) -> Image.Image:
    """Read a picture as upright RGB.

    Grey, CMYK, palette and transparent pictures become RGB; 16 bits a channel become 8; EXIF orientation is applied.

    Args:
        path: any format that Pillow reads.
        at_least: if given, a JPEG may be decoded at a half, a quarter or an eighth of its size (which is faster), as
            long as both sides keep at least this many pixels.

    Raises:
        UnreadableImage: if there is no picture, or only a part of one.
    """
    try:
        with Image.open(path) as opened:
            if at_least is not None:
                opened.draft(opened.mode, (at_least, at_least))
            opened.load()
            return ImageOps.exif_transpose(_eight_bits(opened)).convert("RGB")
    except Exception as error:  # decoders raise nearly anything on broken files; none of it may end a long run
        raise UnreadableImage(
            " ".join(str(error).split()).replace(str(path), "the file") or type(error).__name__
        ) from error


def to_square(image: Image.Image, options: Features) -> np.ndarray:
    """Resize and crop an RGB picture as configured; return uint8 [3, crop, crop]."""
    if options.resize == "squash":
        size = (options.size, options.size)
    else:
        scale = options.size / min(image.size)
        size = (max(options.size, round(image.width * scale)), max(options.size, round(image.height * scale)))
    # Pillow's bilinear filter widens with the reduction (antialiasing), as torchvision's ImageNet preprocessing does.
    resized = image.resize(size, Image.Resampling.BILINEAR)
    left, top = (resized.width - options.crop) // 2, (resized.height - options.crop) // 2
    cropped = resized.crop((left, top, left + options.crop, top + options.crop))
    return np.ascontiguousarray(np.asarray(cropped, dtype=np.uint8).transpose(2, 0, 1))


def decode(path: str | Path, options: Features) -> np.ndarray:
    """Read, resize and crop; return uint8 [3, crop, crop].

    Raises:
        UnreadableImage: if the file cannot be decoded.
    """
    return to_square(load_image(path, at_least=options.size), options)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Bring 16-bit and 32-bit grey to 8 bits; Pillow's own conversion would clip instead of scaling."""
    if image.mode not in {"I", "F"} and not image.mode.startswith("I;16"):
        return image
    values = np.asarray(image, dtype=np.float32)
    if image.mode == "F":
        top = max(float(values.max()), 1e-12)
        scaled = values / top * 255 if top <= 1 else np.clip(values, 0, 255)
    else:
        scaled = values / 257 if values.max() > 255 or image.mode != "I" else values
    result = Image.fromarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8))
    result.info = image.info
    if exif := image.getexif():
        result.info["exif"] = exif.tobytes()
    return result

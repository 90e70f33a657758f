"""From an image file to the square of bytes that a network is given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from ntcir.config import Features

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


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
        # Opened here and not by Pillow, which maps uncompressed TIFF files into memory and then turns them wrongly.
        with Path(path).open("rb") as file, Image.open(file) as opened:
            if at_least is not None:
                opened.draft(opened.mode, (at_least, at_least))
            opened.load()
            picture, turn = _eight_bits(opened).convert("RGB"), _turn(opened)
            return picture if turn is None else picture.transpose(turn)
    except UnidentifiedImageError as error:
        raise UnreadableImage("the file is no picture of a known format") from error
    except Exception as error:  # decoders raise nearly anything on broken files; none of it may end a long run
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnreadableImage(" ".join(reason.split()).lower() or type(error).__name__) from error


def to_square(image: Image.Image, options: Features) -> np.ndarray:
    """Resize and crop an RGB picture as configured; return uint8 [3, crop, crop]."""
    if options.resize == "squash":
        size = (options.size, options.size)
    else:
        image = _middle(image)
        # Rounded down, and the crop's corner rounded as there: torchvision's way.
        width, height = (options.size * side // min(image.size) for side in image.size)
        size = (width, height)
    # Pillow's bilinear filter widens with the reduction (antialiasing), as torchvision's ImageNet preprocessing does.
    resized = image.resize(size, Image.Resampling.BILINEAR)
    left, top = (round((side - options.crop) / 2) for side in resized.size)
    cropped = resized.crop((left, top, left + options.crop, top + options.crop))
    return np.ascontiguousarray(np.asarray(cropped, dtype=np.uint8).transpose(2, 0, 1))


def decode(path: str | Path, options: Features) -> np.ndarray:
    """Read, reduce, resize and crop; return uint8 [3, crop, crop].

    Raises:
        UnreadableImage: if the file cannot be decoded.
    """
    picture = load_image(path, at_least=options.size if options.decode == "scaled" else None)
    return to_square(reduce(picture, options.size), options)


def square_of_planes(planes: np.ndarray, options: Features) -> np.ndarray:
    """Return what ``decode`` makes of a file with these pixels, uint8 [3, crop, crop].

    With ``decode: full`` it is the very same; with ``decode: scaled`` nearly so, because there the JPEG's own blocks
    are reduced instead of its pixels.

    Args:
        planes: an upright picture, uint8 [3, height, width].
        options: the preprocessing.
    """
    picture = Image.merge("RGB", [Image.fromarray(plane) for plane in planes])
    return to_square(reduce(picture, options.size), options)


def reduce(image: Image.Image, at_least: int) -> Image.Image:
    """Average blocks of 2 x 2, 4 x 4 or 8 x 8 pixels, as long as both sides keep at least so many.

    What a scaled JPEG decoder does to a JPEG, for pictures of any origin: what is left is resized faster.
    """
    factor = next((factor for factor in (8, 4, 2) if min(image.size) >= factor * at_least), 1)
    return image if factor == 1 else image.reduce(factor)


def _middle(image: Image.Image, longest: int = 16) -> Image.Image:
    """Cut a picture that is very much longer than wide to its middle, the rest of which would be cropped away."""
    short = min(image.size)
    if max(image.size) <= longest * short:
        return image
    width, height = (min(side, longest * short) for side in image.size)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _turn(image: Image.Image) -> Image.Transpose | None:
    """Return what brings a picture upright, by its EXIF orientation; a broken tag must not cost the picture."""
    try:
        return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # as with decoders
        return None


def _eight_bits(image: Image.Image) -> Image.Image:
    """Bring 16-bit and 32-bit grey to 8 bits; Pillow's own conversion would clip instead of scaling."""
    if image.mode not in {"I", "F"} and not image.mode.startswith("I;16"):
        return image
    values = np.asarray(image, dtype=np.float32)
    if image.mode == "F":
        scaled = np.nan_to_num(values) * np.float32(255 if np.nanmax(values, initial=0) <= 1 else 1)
    else:
        scaled = values / 257 if values.max() > 255 or image.mode != "I" else values
    return Image.fromarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8))

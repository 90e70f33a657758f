"""From an image file to the square of bytes that a network is given."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from ntcir.features import pictures
from ntcir.features.preprocessing import Square

Squares = dict[Square, np.ndarray]  # of one picture, each uint8 [3, crop, crop]

LONGEST = 16  # times the shorter side: what is longer is cut before it is resized
_LASTING = (FileNotFoundError, NotADirectoryError, IsADirectoryError)  # until there is a file, which is another then
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
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
    """The file holds no picture that can be decoded, or cannot be read; the message says why.

    Attributes:
        passing: whether it may succeed the next time, though the file is the same: no memory, no permission, a
            disk that does not answer.
    """

    def __init__(self, reason: str, passing: bool = False) -> None:
        super().__init__(reason)
        self.passing = passing


def read_file(path: str | Path) -> bytes:
    """Read a regular file whole, whatever is in it.

    Raises:
        UnreadableImage: if it cannot be read.
    """
    try:
        return pictures.read_file(path)
    except (OSError, ValueError) as error:
        raise _unreadable(error) from error


def load_image(source: str | Path | bytes, at_least: int | None = None) -> Image.Image:
    """Read a picture as upright RGB.

    Grey, CMYK, palette and transparent pictures become RGB; 16 bits a channel become 8; EXIF orientation is applied.

    Args:
        source: a path, or what is in the file; ``pictures.FORMATS`` has the formats.
        at_least: if given, a JPEG may be decoded at a half, a quarter or an eighth of its size (which is faster), as
            long as both sides keep at least this many pixels.

    Raises:
        UnreadableImage: if there is no picture, or only a part of one.
    """
    try:
        # Opened here and not by Pillow, which maps uncompressed TIFF files into memory and then turns them wrongly.
        with _opened(source) as file, pictures.open_picture(file) as opened:
            if at_least is not None:
                opened.draft(opened.mode, (at_least, at_least))
            opened.load()
            picture = _eight_bits(opened)
            if (opened.format, picture.mode) != ("JPEG", "RGB"):  # from RGB to RGB is a copy, which takes its time
                picture = picture.convert("RGB")
            turn = turn_of(opened)
            return picture if turn is None else picture.transpose(turn)
    except UnidentifiedImageError as error:
        raise UnreadableImage("the file is not an image in a known format") from error
    except Exception as error:  # decoders raise nearly anything on broken files; none of it may end a long run
        raise _unreadable(error) from error


def _opened(source: str | Path | bytes) -> BinaryIO:
    return BytesIO(source) if isinstance(source, bytes) else pictures.open_file(source)


def _unreadable(error: Exception) -> UnreadableImage:
    if isinstance(error, pictures.NotAPicture):
        return UnreadableImage(str(error))
    system = isinstance(error, OSError) and error.errno is not None  # decoders' own errors have no number
    reason = str(error.strerror) if isinstance(error, OSError) and error.strerror else str(error)
    passing = isinstance(error, MemoryError) or (system and not isinstance(error, _LASTING))
    return UnreadableImage(" ".join(reason.split()).lower() or type(error).__name__, passing)


def to_square(image: Image.Image, square: Square) -> np.ndarray:
    """Resize and crop an RGB picture; return uint8 [3, crop, crop].

    The filter widens with the reduction (antialiasing), as in the preprocessing of torchvision, timm and open_clip: by
    Pillow with ``decode: full``, by torch with ``decode: scaled``. The two are at most one grey level apart.
    """
    if square.resize == "shorter":
        image = _middle(image)
    size, corner = geometry(image.size, square)
    if square.decode == "scaled":
        resized = _interpolated(image, size, square.interpolation)
    else:
        resized = np.asarray(image.resize(size, _FILTERS[square.interpolation])).transpose(2, 0, 1)
    return np.ascontiguousarray(resized[:, corner[1] :, corner[0] :][:, : square.crop, : square.crop])


def geometry(size: tuple[int, int], square: Square) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the (width, height) that a picture of (width, height) is resized to, and its crop's (left, top)."""
    if square.resize == "squash":
        width, height = square.size, square.size
    else:
        # Rounded down, and the crop's corner rounded as there: torchvision's way.
        width, height = (square.size * side // min(size) for side in size)
    return (width, height), (round((width - square.crop) / 2), round((height - square.crop) / 2))


def _interpolated(image: Image.Image, size: tuple[int, int], mode: str) -> np.ndarray:
    """Resize to (width, height) as Pillow's filter of that name does; return uint8 [3, height, width].

    Four times as fast: torch's kernel for bytes (of x86 processors with AVX2) runs in the calling thread alone, with
    the interpreter's lock released. It takes pixels, as they are here, in half the time that it takes planes, and gives
    the same.
    """
    import torch  # here: most that read pictures for people, and not for networks, do without

    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)
    shape = (size[1], size[0])
    resized = torch.nn.functional.interpolate(pixels[None], shape, mode=mode, antialias=True)
    planes: np.ndarray = resized[0].numpy()
    return planes


def decode(source: str | Path | bytes, square: Square) -> np.ndarray:
    """Read, reduce, resize and crop; return uint8 [3, crop, crop].

    Raises:
        UnreadableImage: if the file cannot be decoded.
    """
    return decode_squares(source, [square])[square]


def decode_squares(source: str | Path | bytes, squares: Iterable[Square]) -> Squares:
    """Return several squares of one picture, each the same as ``decode`` alone makes.

    With ``decode: full`` the file is decoded once; with ``decode: scaled`` once for each size asked for.

    Raises:
        UnreadableImage: if the file cannot be decoded.
    """
    decoded: dict[int | None, Image.Image] = {}
    found: Squares = {}
    for square in squares:
        at_least = square.size if square.decode == "scaled" else None
        if at_least not in decoded:
            decoded[at_least] = load_image(source, at_least)
        found[square] = to_square(_reduced(decoded[at_least], square), square)
    return found


def squares_of_planes(planes: np.ndarray, squares: Iterable[Square]) -> Squares:
    """Return what ``decode_squares`` makes of a file with these pixels.

    With ``decode: full`` it is the very same; with ``decode: scaled`` too, but for JPEGs of at least twice the size
    asked for: nearly so, because there the JPEG's own blocks are reduced instead of its pixels.

    Args:
        planes: an upright picture, uint8 [3, height, width].
        squares: what is wanted of it.
    """
    picture = Image.merge("RGB", [Image.fromarray(plane) for plane in planes])
    return {square: to_square(_reduced(picture, square), square) for square in squares}


def _reduced(image: Image.Image, square: Square) -> Image.Image:
    return reduce(image, square.size) if square.reduced else image


def reduce(image: Image.Image, at_least: int) -> Image.Image:
    """Average blocks of 2 x 2, 4 x 4 or 8 x 8 pixels, as long as both sides keep at least so many.

    What a scaled JPEG decoder does to a JPEG, for pictures of any origin: what is left is resized faster.
    """
    factor = factor_of(image.size, at_least)
    return image if factor == 1 else image.reduce(factor)


def factor_of(size: tuple[int, int], at_least: int) -> int:
    """Return by what a picture of (width, height) may be reduced before it is resized: 8, 4, 2 or 1."""
    return next((factor for factor in (8, 4, 2) if min(size) >= factor * at_least), 1)


def _middle(image: Image.Image) -> Image.Image:
    """Cut a picture that is very much longer than wide to its middle, the rest of which would be cropped away."""
    short = min(image.size)
    if max(image.size) <= LONGEST * short:
        return image
    width, height = (min(side, LONGEST * short) for side in image.size)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def turn_of(image: Image.Image) -> Image.Transpose | None:
    """Return what turns a picture upright, by its EXIF orientation; a broken tag must not lose the picture."""
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

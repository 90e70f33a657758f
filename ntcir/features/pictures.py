"""Opening photographs that anybody may have put there: regular files only, formats of pictures only, bounded sizes.

A corpus is other people's data. A named pipe in it would wait for ever, a device may have no end, and some of the
formats that Pillow knows are programs: it has Ghostscript run an EPS file.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from ntcir.system.regular import Irregular, open_regular, read_all

# What cameras and picture editors write, decoded by Pillow itself or by a codec library. Left out is what it hands to
# another program (EPS), vector drawings (WMF), and formats that are not used for photographs.
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "JPEG2000", "AVIF", "PPM", "QOI")
MOST_BYTES = 1 << 29  # of a file: a picture of 100 million pixels without compression has 300 MB


class NotAPicture(ValueError):
    """The file is of a kind or size that no picture has; the message says which."""


def open_file(path: str | Path) -> BinaryIO:
    """Open a regular file of at most ``MOST_BYTES``; a link to one is one.

    Raises:
        NotAPicture: if it is something else, or larger.
        OSError: if it cannot be opened.
    """
    try:
        return open_regular(path, MOST_BYTES)
    except IsADirectoryError as error:
        raise NotAPicture("it is a folder, not a file") from error
    except Irregular as error:
        raise NotAPicture(error.strerror) from error


def read_file(path: str | Path) -> bytes:
    """Return what is in a file; raises as ``open_file`` does."""
    with open_file(path) as file:
        try:
            return read_all(file, path, MOST_BYTES)
        except Irregular as error:  # it has grown, or the file system says nothing of sizes
            raise NotAPicture(error.strerror) from error


def open_picture(file: BinaryIO) -> Image.Image:
    """Open a picture, decoding nothing yet; raises as ``PIL.Image.open`` does, also for formats that are left out."""
    return Image.open(file, formats=_formats())


@cache
def _formats() -> tuple[str, ...]:
    """Return those of the formats that the installed Pillow knows."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)

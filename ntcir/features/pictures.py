"""Opening photographs that anybody may have put there: regular files only, formats of pictures only, bounded sizes.

A corpus is other people's data. A named pipe in it would wait for ever, a device may have no end, and some of the
formats that Pillow knows are programs: it has Ghostscript run an EPS file.
"""

from __future__ import annotations

import errno
import os
import stat
from functools import cache
from pathlib import Path
from typing import BinaryIO

from PIL import Image

# What cameras and picture editors write, decoded by Pillow itself or by a codec library. Left out is what it hands to
# another program (EPS), what describes a drawing (WMF), and what nobody keeps photographs in.
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "JPEG2000", "AVIF", "PPM", "QOI")
MOST_BYTES = 1 << 29  # of a file: a picture of 100 million pixels without compression has 300 MB
_KINDS = {
    stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}  # fmt: skip


class NotAPicture(ValueError):
    """The file is of a kind or size that no picture has; the message says which."""


def open_file(path: str | Path) -> BinaryIO:
    """Open a regular file of at most ``MOST_BYTES``; a link to one is one.

    Raises:
        NotAPicture: if it is something else, or larger.
        OSError: if it cannot be opened.
    """
    # Without waiting: opening a pipe would otherwise last until somebody writes into it.
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ENXIO:  # how the system says that a socket cannot be opened
            raise NotAPicture("it is a socket, not a file") from error
        raise
    try:
        state = os.fstat(handle)
        if not stat.S_ISREG(state.st_mode):
            raise NotAPicture(f"it is {_KINDS.get(stat.S_IFMT(state.st_mode), 'something else')}, not a file")
        if state.st_size > MOST_BYTES:
            raise NotAPicture(f"it has {state.st_size / 2**20:,.0f} MiB; at most {MOST_BYTES >> 20} are read")
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_file(path: str | Path) -> bytes:
    """Return what is in a file; raises as ``open_file`` does."""
    with open_file(path) as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:  # it has grown, or the file system says nothing of sizes
        raise NotAPicture(f"it has more than the {MOST_BYTES >> 20} MiB that are read at most")
    return data


def open_picture(file: BinaryIO) -> Image.Image:
    """Open a picture, decoding nothing yet; raises as ``PIL.Image.open`` does, also for formats that are left out."""
    return Image.open(file, formats=_formats())


@cache
def _formats() -> tuple[str, ...]:
    """Return those of the formats that the installed Pillow knows."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)

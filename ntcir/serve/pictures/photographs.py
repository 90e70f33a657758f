"""The files of photographs, by the rows of the catalogue and never by a path that somebody asks for."""

from __future__ import annotations

import os
import threading
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from ntcir.features.decode import UnreadableImage, load_image
from ntcir.serve.index.catalogue import Catalogue

_SAID = 20  # photographs that are named of those that cannot be shown


class Photographs(Protocol):
    """An index of photographs, as far as their files are concerned."""

    @property
    def folder(self) -> Path:
        """Return where files that are made of photographs are kept."""

    @property
    def root(self) -> Path:
        """Return the corpus's folder, from which relative paths go out."""

    @property
    def catalogue(self) -> Catalogue:
        """Return what is known of each photograph."""


class PictureGone(Exception):
    """A photograph's file is no longer there; the message says so."""


def path_of(index: Photographs, row: int) -> Path:
    """Return where a photograph lies, as the corpus says."""
    return index.root / index.catalogue.contents[row]


def state_of(path: Path) -> os.stat_result:
    """Return the state of a photograph's file, without opening it.

    Raises:
        PictureGone: if there is none.
        UnreadableImage: if that cannot be found out.
    """
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PictureGone("its file is gone") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnreadableImage(reason.lower(), passing=True) from error


def load(path: Path, at_least: int) -> Image.Image:
    """Read a photograph upright, as ``decode.load_image`` does.

    Raises:
        PictureGone: if it is no longer there.
        UnreadableImage: if it cannot be decoded.
    """
    state_of(path)
    return load_image(path, at_least)


def fitted(picture: Image.Image, most: int) -> Image.Image:
    """Return a picture whose longer side has at most so many pixels."""
    if max(picture.size) <= most:
        return picture
    width, height = (max(1, round(side * most / max(picture.size))) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0)


def jpeg_of(picture: Image.Image, quality: int) -> bytes:
    """Return an RGB picture as a JPEG of nothing but its pixels.

    Pillow copies comments, and it may copy XMP, from the file that a picture was read from: both can say where it was
    taken, as EXIF can.
    """
    bare, buffer = picture.copy(), BytesIO()
    bare.info = {}
    bare.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


class Unshown:
    """Which photographs could not be shown, and why."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reasons: dict[int, str] = {}

    def add(self, row: int, reason: str) -> None:
        """Count a photograph, once however often it is asked for."""
        with self._lock:
            self._reasons[row] = reason

    def take_back(self, row: int) -> None:
        """Count one no longer: it is there again."""
        if row in self._reasons:
            with self._lock:
                self._reasons.pop(row, None)

    def told(self, catalogue: Catalogue) -> dict[str, Any]:
        """Return how many there are, and the first with their reasons, as JSON can hold it."""
        with self._lock:
            first = list(self._reasons.items())[:_SAID]
            number = len(self._reasons)
        return {"count": number, "first": [{"id": catalogue.ids[row], "reason": reason} for row, reason in first]}

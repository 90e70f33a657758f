"""Pictures that were uploaded to ask with: checked, decoded and written anew, so that nothing else of them is kept."""

from __future__ import annotations

import hashlib
import os
import re
import threading
from contextlib import suppress
from io import BytesIO
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from ntcir.features.decode import UnreadableImage, load_image
from ntcir.features.pictures import open_picture
from ntcir.serve.pictures.photographs import fitted, jpeg_of
from ntcir.system.errors import UserError, reason_of, short
from ntcir.system.files import atomic_path

MOST_BYTES = 20_000_000  # of an upload
MOST_PIXELS = 50_000_000  # what a file of a few hundred bytes may claim to have
MOST_SIDE = 65_535  # that a JPEG can have; Pillow keeps an address for each row, of a picture of nothing but rows too
MOST_KEPT = 200  # pictures; of more, those go that were not used for longest

_SIDE, _QUALITY = 1600, 92
_DIGEST = re.compile("[0-9a-f]{32}")
# What browsers send; MPO is what phones write: a JPEG with a second one behind it.
_FORMATS = {"JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"}
_NAMES = "JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF"
_HEIC = re.compile(rb".{4}ftyp(heic|heix|heim|heis|hevc|mif1|msf1)", re.DOTALL)
_SVG = re.compile(rb"\s*(\xef\xbb\xbf)?\s*<(\?xml|!doctype svg|svg)", re.IGNORECASE)


class TooLarge(UserError):
    """An upload has more bytes than are read."""


class NotUploaded(UserError):
    """There is no uploaded picture of that name."""


class Uploads:
    """The last ``MOST_KEPT`` pictures that were uploaded, as JPEGs named after what is in them.

    Args:
        folder: the index's; they lie in ``uploads/`` below it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "uploads"
        self._lock = threading.Lock()

    def add(self, data: bytes) -> str:
        """Keep a picture, reduced to 1,600 pixels, upright and without EXIF; of an animation, the first picture.

        Args:
            data: what is in the file.

        Returns:
            Its digest, 32 hexadecimal digits: the same picture has the same.

        Raises:
            TooLarge: if it has more than ``MOST_BYTES``.
            UserError: if it is no picture, one in another format, or one with too many pixels.
        """
        if len(data) > MOST_BYTES:
            raise too_large()
        _require_picture(data)
        try:
            with self._lock:  # one at a time: a picture takes hundreds of megabytes while it is decoded
                content = jpeg_of(fitted(load_image(data, _SIDE), _SIDE), _QUALITY)
        except UnreadableImage as error:
            raise UserError(f"The picture cannot be read: {error}.") from error
        digest = hashlib.sha256(content).hexdigest()[:32]
        place = self._folder / f"{digest}.jpg"
        with self._lock:
            if place.is_file():
                _touch(place)
            else:
                with atomic_path(place) as part:
                    part.write_bytes(content)
                self._drop_oldest(place)
        return digest

    def path(self, digest: str) -> Path:
        """Return where an uploaded picture lies, which counts as using it.

        Raises:
            NotUploaded: if it is not there, or if this is no digest.
        """
        if not _DIGEST.fullmatch(digest):
            raise NotUploaded(f"'{short(digest)}' is not the name of an uploaded picture.")
        place = self._folder / f"{digest}.jpg"
        if not place.is_file():
            raise NotUploaded(f"The uploaded picture {digest} is no longer kept: upload it again.")
        _touch(place)
        return place

    def _drop_oldest(self, new: Path) -> None:
        """Remove what was not used for longest, as long as there are too many."""
        times: dict[Path, int] = {}
        for path in self._folder.glob("*.jpg"):
            with suppress(OSError):  # another process may have removed it
                times[path] = path.stat().st_mtime_ns
        others = sorted((path for path in times if path != new), key=lambda path: (times[path], path.name))
        for path in others[: max(0, len(times) - MOST_KEPT)]:
            with suppress(OSError):
                path.unlink()


def too_large() -> TooLarge:
    """Return the refusal of an upload with too many bytes."""
    return TooLarge(f"The picture has more than {MOST_BYTES // 1_000_000} megabytes: upload a smaller one.")


def _require_picture(data: bytes) -> None:
    """Check by its header alone that a file is a picture of a known format and a sensible size.

    Raises:
        UserError: if it is not.
    """
    if not data:
        raise UserError("The upload is empty: choose a picture.")
    try:
        with open_picture(BytesIO(data)) as opened:
            kind, size = opened.format, opened.size
    except Image.DecompressionBombError as error:
        raise UserError(_too_many("far more")) from error
    except UnidentifiedImageError as error:
        raise UserError(_not_a_picture(data)) from error
    except Exception as error:  # decoders raise nearly anything on broken files
        raise UserError(f"The picture cannot be read: {reason_of(error)}.") from error
    if kind not in _FORMATS:
        raise UserError(f"The upload is a {kind} file: a picture must be {_NAMES}.")
    if max(size) > MOST_SIDE:
        raise UserError(f"The picture has {size[0]:,} x {size[1]:,} pixels: no side may have more than {MOST_SIDE:,}.")
    if size[0] * size[1] > MOST_PIXELS:
        raise UserError(_too_many(f"{size[0]:,} x {size[1]:,} pixels, more"))


def _too_many(found: str) -> str:
    return f"The picture has {found} than the {MOST_PIXELS // 1_000_000} million pixels that are read: reduce it first."


def _not_a_picture(data: bytes) -> str:
    if _HEIC.match(data):
        return "The upload is a HEIC file, which cannot be read: convert it to JPEG first."
    if _SVG.match(data):
        return f"The upload is a drawing (SVG) or XML: a picture must be {_NAMES}."
    return f"The upload is not a picture in a known format: it must be {_NAMES}."


def _touch(place: Path) -> None:
    with suppress(OSError):  # a folder that cannot be written to: nothing is removed from it either
        os.utime(place)

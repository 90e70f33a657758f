"""Photographs as the page shows them: small ones, made once and kept on disk, and large ones; neither says where."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ntcir.features.decode import UnreadableImage
from ntcir.serve.pictures.photographs import Photographs, PictureGone, Unshown, fitted, jpeg_of, load, path_of, state_of
from ntcir.system.errors import reason_of
from ntcir.system.progress import say

SMALL, LARGE = 320, 1600  # pixels of the longer side, at most
_SMALL_QUALITY, _LARGE_QUALITY = 80, 88
_AT_ONCE = 2  # photographs that are decoded: whoever scrolls must not take the processor from whoever asks
_STRIPES = 64
_WHOLE = (b"\xff\xd8", b"\xff\xd9")  # how a JPEG begins and ends


class Thumbnails:
    """JPEGs of an index's photographs: upright, reduced, without EXIF, comments or any other text.

    A small one takes some 10 kB on disk, below ``thumbnails/`` in the index's folder, and is made when it is first
    asked for. It is named after the photograph's id and the size and time of its file, so that one whose file has
    changed is made again. Large ones are not kept.

    Args:
        index: whose photographs.
    """

    def __init__(self, index: Photographs) -> None:
        self._index = index
        self._folder = index.folder / "thumbnails"
        self._decoders = threading.BoundedSemaphore(_AT_ONCE)
        self._locks = [threading.Lock() for _ in range(_STRIPES)]
        self._unshown = Unshown()
        self._said = False

    def tag(self, row: int) -> str:
        """Return what changes when a photograph does, 32 hexadecimal digits, without opening it.

        Raises:
            PictureGone: if the photograph's file is no longer there.
            UnreadableImage: if its state cannot be found out.
        """
        with self._counted(row):
            state = state_of(path_of(self._index, row))
        name = self._index.catalogue.ids[row]
        facts = f"{SMALL} {_SMALL_QUALITY} {state.st_size} {state.st_mtime_ns} {name}"
        return hashlib.sha256(facts.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def kept(self, row: int) -> bytes | None:
        """Return a small JPEG if there is one on disk already; raises as ``tag`` does."""
        return _whole(self._place(self.tag(row)))

    def small(self, row: int) -> bytes:
        """Return a JPEG whose longer side has at most ``SMALL`` pixels.

        Raises:
            PictureGone: if the photograph's file is no longer there.
            UnreadableImage: if it cannot be decoded.
        """
        tag = self.tag(row)
        place = self._place(tag)
        # One at a time of the same photograph, so that it is made once; others have another lock, most of them.
        with self._locks[int(tag[-2:], 16) % _STRIPES]:
            found = _whole(place)
            if found is None:
                found = self._made(row, SMALL, _SMALL_QUALITY)
                self._keep(place, found)
        return found

    def large(self, row: int) -> bytes:
        """Return a JPEG whose longer side has at most ``LARGE`` pixels; raises as ``small`` does."""
        return self._made(row, LARGE, _LARGE_QUALITY)

    def gone(self) -> dict[str, Any]:
        """Return how many photographs could not be shown, and the first of them with reasons, for JSON."""
        return self._unshown.told(self._index.catalogue)

    def _made(self, row: int, most: int, quality: int) -> bytes:
        with self._counted(row), self._decoders:
            made = jpeg_of(fitted(load(path_of(self._index, row), most), most), quality)
        self._unshown.take_back(row)
        return made

    @contextmanager
    def _counted(self, row: int) -> Iterator[None]:
        """Count a photograph that cannot be shown."""
        try:
            yield
        except (PictureGone, UnreadableImage) as error:
            self._unshown.add(row, str(error))
            raise

    def _place(self, tag: str) -> Path:
        return self._folder / tag[:2] / f"{tag}.jpg"

    def _keep(self, place: Path, content: bytes) -> None:
        """Write a file whole or not at all; without, the photograph is only decoded again the next time.

        Not by ``files.atomic_path``: that waits until the disk has the file, and looks through the folder for what
        killed processes have left, which is too slow for thousands of files that can be made again.
        """
        part = place.with_name(f"{place.stem}.{os.getpid()}.part")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(content)
            part.replace(place)
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            if not self._said:
                self._said = True
                say(f"Thumbnails cannot be kept in {self._folder} and are made each time: {reason_of(error)}.")


def _whole(path: Path) -> bytes | None:
    """Return what is in a kept file, or None if it is not there or, after a crash of the machine, truncated."""
    try:
        found = path.read_bytes()
    except OSError:
        return None
    return found if found.startswith(_WHOLE[0]) and found.endswith(_WHOLE[1]) else None

"""Which photographs are blurred or dark: worked out once, in the background, while nobody asks for anything."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from ntcir.features.decode import UnreadableImage
from ntcir.features.sharpness import BLURRED, DARK, SIDE, look_of
from ntcir.serve.pictures.photographs import Photographs, PictureGone, load, path_of
from ntcir.system.errors import UserError
from ntcir.system.files import atomic_path
from ntcir.system.progress import say

# What stands in a row: the edges and the light of a photograph, NaN while they are not known, or one of these.
UNREADABLE = -1.0  # there is a file, but no picture in it
GONE = -2.0  # there is no file, or it cannot be read just now: tried again the next time the page is started

_ROW = np.dtype([("id", "<u8"), ("edges", "<f4"), ("light", "<f4")])
_EVERY = 60.0  # seconds between two writes of the file, which is small: 12 MB for 725,000 photographs
_REST = 0.5  # of the time that a photograph took
_PATIENCE = 1.0  # seconds that the work waits for requests to end: a page that is always busy must not stop it
_QUIET = 0.2  # seconds after a request in which another is likely
_NICE = 15
_CHUNK = 4096  # ids that are hashed before others have their turn


class Quality:
    """How sharp and how bright each photograph of an index is, as far as it has been judged.

    What is known is kept in ``quality.npy`` in the index's folder, with the id of each photograph (hashed), so that an
    index that is made again, with more photographs or others, takes it over. A photograph that is not judged yet, or
    cannot be, is neither blurred nor dark: nothing is hidden for want of knowledge.

    Args:
        index: whose photographs.

    Attributes:
        edges: float32 [n], edge density (``features.sharpness``); negative where there is no picture, NaN where it is
            not known yet.
        light: float32 [n], mean luma, 0 to 1; likewise.
    """

    def __init__(self, index: Photographs) -> None:
        self._index = index
        self._place = index.folder / "quality.npy"
        self._rows = np.zeros(len(index.catalogue), dtype=_ROW)
        self.edges, self.light = self._rows["edges"], self._rows["light"]
        self.edges[:] = self.light[:] = np.nan
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._idle = threading.Condition()
        self._requests = 0
        self._last = -_QUIET
        self._said = False

    @property
    def judged(self) -> int:
        """How many photographs are judged, those that cannot be read among them."""
        return int(np.count_nonzero(~np.isnan(self.edges)))

    def blurred(self) -> np.ndarray:
        """Return which photographs are blurred, bool [n]."""
        return (self.edges >= 0) & (self.edges < BLURRED)

    def dark(self) -> np.ndarray:
        """Return which photographs are dark, bool [n]."""
        return (self.light >= 0) & (self.light < DARK)

    def counts(self) -> dict[str, int]:
        """Return how many photographs there are, and how many are judged, blurred, dark and unreadable."""
        return {
            "total": len(self._rows),
            "judged": self.judged,
            "blurred": int(np.count_nonzero(self.blurred())),
            "dark": int(np.count_nonzero(self.dark())),
            "unreadable": int(np.count_nonzero(self.edges < 0)),
        }

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Hold the work while a request is answered."""
        with self._idle:
            self._requests += 1
        try:
            yield
        finally:
            with self._idle:
                self._requests -= 1
                self._last = time.monotonic()
                self._idle.notify_all()

    def start(self) -> None:
        """Begin, or go on, in a thread that gives way to everything else; at once if it runs already."""
        if self._thread is None or not self._thread.is_alive():
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name="quality", daemon=True)
            self._thread.start()

    def stop(self, patience: float = 2.0) -> None:
        """End the work, within ``patience`` seconds whatever the disk does, and keep what is known."""
        self._stop.set()
        with self._idle:
            self._idle.notify_all()
        if self._thread is not None:
            self._thread.join(patience)

    def wait(self, patience: float) -> bool:
        """Wait until all is judged, or so many seconds; return whether it is."""
        if self._thread is not None:
            self._thread.join(patience)
        return self._thread is None or not self._thread.is_alive()

    def _run(self) -> None:
        if sys.platform == "linux":  # where threads have priorities of their own; elsewhere it would be a process's
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        if not self._take_over():
            return
        written, unwritten = time.monotonic(), 0
        for row in np.flatnonzero(np.isnan(self.edges)):
            if not self._may_go_on():
                break
            began = time.monotonic()
            self.light[row], self.edges[row] = self._judged(int(row))
            unwritten += 1
            if time.monotonic() - written > _EVERY:
                self._write()
                written, unwritten = time.monotonic(), 0
            self._stop.wait(_REST * (time.monotonic() - began))
        if unwritten:
            self._write()

    def _may_go_on(self) -> bool:
        """Wait while requests are answered, but not for ever; return whether the work is to go on."""
        until = time.monotonic() + _PATIENCE
        with self._idle:
            while not self._stop.is_set():
                now = time.monotonic()
                quiet = self._last + _QUIET - now
                if now >= until or (not self._requests and quiet <= 0):
                    return True
                self._idle.wait(until - now if self._requests else min(until - now, quiet))
        return False

    def _judged(self, row: int) -> tuple[float, float]:
        """Return the light and the edges of a photograph."""
        try:
            look = look_of(load(path_of(self._index, row), SIDE))
        except PictureGone:
            return GONE, GONE
        except UnreadableImage as error:
            return (GONE, GONE) if error.passing else (UNREADABLE, UNREADABLE)
        return look.light, look.edges

    def _take_over(self) -> bool:
        """Take what is known from the file, photograph by photograph; return whether the work is to go on."""
        ids = self._index.catalogue.ids
        for start in range(0, len(self._rows), _CHUNK):
            if not self._may_go_on():
                return False
            end = min(start + _CHUNK, len(self._rows))
            self._rows["id"][start:end] = [_hashed(ids[row]) for row in range(start, end)]
        former = _read(self._place)
        if not len(former):
            return True
        former = former[np.argsort(former["id"], kind="stable")]
        places = np.minimum(np.searchsorted(former["id"], self._rows["id"]), len(former) - 1)
        found = (former["id"][places] == self._rows["id"]) & np.isnan(self.edges)
        for mine, column in ((self.light, "light"), (self.edges, "edges")):
            values = former[column][places[found]]
            mine[found] = np.where(values == GONE, np.nan, values)
        return True

    def _write(self) -> None:
        """Keep what is known; where that cannot be, it is worked out again the next time."""
        try:
            with atomic_path(self._place) as part, part.open("wb") as file:
                np.save(file, self._rows, allow_pickle=False)
        except (OSError, UserError) as error:
            if not self._said:
                self._said = True
                say(f"Which photographs are blurred or dark cannot be kept. {error}")


def _read(place: Path) -> np.ndarray:
    """Return the rows of a file; none where there is no file, or a damaged one, which is only a waste of time."""
    none = np.zeros(0, dtype=_ROW)
    try:
        rows = np.load(place, allow_pickle=False)
    except FileNotFoundError:
        return none
    except Exception as error:  # numpy raises nearly anything on broken files
        say(f"{place} is damaged, so photographs are judged again: {type(error).__name__}.")
        return none
    return rows if isinstance(rows, np.ndarray) and rows.dtype == _ROW and rows.ndim == 1 else none


def _hashed(text: str) -> int:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")

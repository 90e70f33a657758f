"""Texts by row on disk: one blob, where each text begins, and digests by which a text is found."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np

from ntcir.system.errors import UserError, short
from ntcir.system.files import atomic_path

_BLOB, _STARTS, _DIGESTS, _ROWS = ".txt", ".starts.npy", ".digests.npy", ".rows.npy"


class WordFile:
    """Texts by row of which only those that are asked for are in memory.

    Args:
        folder: where ``write_words`` has written them.
        name: theirs.

    Raises:
        UserError: if the files do not fit each other.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / f"{name}{_BLOB}"
        self._starts, self._digests, self._rows = (
            load_array(folder / f"{name}{ending}") for ending in (_STARTS, _DIGESTS, _ROWS)
        )
        if {array.ndim for array in (self._starts, self._digests, self._rows)} != {1} or not len(self._starts):
            raise damaged(self._path, "what tells where its texts begin is not a list")
        with self._path.open("rb") as file:
            size = file.seek(0, 2)
            self._blob: mmap.mmap | bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
        if size != int(self._starts[-1]) or not len(self) == len(self._digests) == len(self._rows):
            raise damaged(self._path, f"it has {size:,} bytes, not {int(self._starts[-1]):,}")

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, row: int) -> str:
        if not 0 <= row < len(self):
            raise IndexError(row)
        try:
            return self._bytes(row).decode()
        except UnicodeDecodeError as error:
            raise damaged(self._path, f"text {row} is not UTF-8") from error

    def _bytes(self, row: int) -> bytes:
        return bytes(self._blob[int(self._starts[row]) : int(self._starts[row + 1])])

    def find(self, text: str) -> int | None:
        """Return the first row that has this very text, or None."""
        try:
            sought = text.encode()
        except UnicodeEncodeError:  # halves of characters, which no row has
            return None
        digest = np.uint64(_digest(sought))  # a plain number would be compared as float64
        place = int(np.searchsorted(self._digests, digest))
        while place < len(self._digests) and self._digests[place] == digest:  # texts may share a digest
            if self._bytes(int(self._rows[place])) == sought:
                return int(self._rows[place])
            place += 1
        return None


def write_words(folder: Path, name: str, texts: Iterable[str]) -> list[str]:
    """Write texts for ``WordFile``; return the names of the files.

    Raises:
        UserError: if there is no room or no permission.
    """
    pieces: Sequence[bytes] = [text.encode(errors="replace") for text in texts]
    starts = np.zeros(len(pieces) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, pieces), np.int64, len(pieces)), out=starts[1:])
    digests = np.fromiter(map(_digest, pieces), np.uint64, len(pieces))
    order = np.argsort(digests, kind="stable")
    with atomic_path(folder / f"{name}{_BLOB}") as temporary, temporary.open("wb") as file:
        file.writelines(pieces)
    arrays: dict[str, np.ndarray] = {_STARTS: starts, _DIGESTS: digests[order], _ROWS: order.astype(np.int32)}
    return [f"{name}{_BLOB}", *(save_array(folder, name + ending, array) for ending, array in arrays.items())]


def save_array(folder: Path, name: str, array: np.ndarray) -> str:
    """Write an array, whole or not at all; return its name."""
    with atomic_path(folder / name) as temporary, temporary.open("wb") as file:
        np.save(file, array, allow_pickle=False)
    return name


def load_array(path: Path) -> np.ndarray:
    """Map an array into memory.

    Raises:
        UserError: if it is truncated or not an array.
    """
    try:
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise damaged(path, "it is missing") from error
    except Exception as error:  # numpy raises nearly anything on an invalid header
        raise damaged(path, "it is truncated or not an array") from error
    return array


def damaged(path: Path, why: str) -> UserError:
    """Return the sentence about a file of an index that is not as it was written."""
    return UserError(
        f"{path.parent / short(path.name)} is damaged ({why}): remove the folder {path.parent}, and it is made again."
    )


def _digest(text: bytes) -> int:
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "little")

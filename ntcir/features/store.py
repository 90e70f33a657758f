"""What networks say of photographs, on disk: shards that appear whole or not at all, memory-mapped when read.

A store is a folder for one network and one preprocessing::

    meta.json            what made the rows: fingerprint, network, dimensions
    shard-*.npy          float32 [rows, width]
    shard-*.json         the ids and file signatures of its items; written last, so a shard without it does not count
    failed.csv           id, signature, reason: pictures that could not be decoded

The signature is the file's size and time of change: a changed file is encoded again, an unreadable one tried again
only when it has changed. An item has one row in a feature store, any number in a detection store.
"""

from __future__ import annotations

import csv
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ntcir.errors import UserError
from ntcir.files import atomic_path, atomic_write

STORE_VERSION = 1
DETECTION_COLUMNS = 6  # class number, confidence, x1, y1, x2, y2


def signature(path: str) -> str:
    """Return what changes when a file does: its size and time of change (ns); empty if it is not there."""
    try:
        stat = os.stat(path)  # noqa: PTH116 (called for hundreds of thousands of files)
    except OSError:
        return ""
    return f"{stat.st_size}-{stat.st_mtime_ns}"


def stored_meta(folder: Path, what: str = "features") -> dict[str, Any] | None:
    """Return what made the store in ``folder``, or None if there is no store.

    Raises:
        UserError: if the file that says so is damaged.
    """
    path = folder / "meta.json"
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is not readable; remove the folder to compute its {what} again.") from error
    if not isinstance(found, dict):
        raise UserError(f"{path} is not readable; remove the folder to compute its {what} again.")
    return found


class ShardStore:
    """Rows of numbers by image id, in shards; the base of the two kinds of store.

    Args:
        folder: made if it is not there.
        meta: what made the rows; must have ``fingerprint`` (str).
        width: columns of a row.

    Raises:
        UserError: if the folder holds a store of another version or fingerprint.
    """

    what = "features"  # as sentences call the rows

    def __init__(self, folder: Path, meta: dict[str, Any], width: int) -> None:
        self.folder = folder
        self._width = width
        self._places: dict[str, tuple[int, int, int]] = {}  # id -> shard number, first row, rows
        self._signatures: dict[str, str] = {}
        self._shards: list[Path] = []
        self.failed: dict[str, tuple[str, str]] = {}  # id -> signature, reason
        self._open({**meta, "version": STORE_VERSION})

    def _open(self, meta: dict[str, Any]) -> None:
        found = stored_meta(self.folder, self.what)
        if found is None:
            atomic_write(self.folder / "meta.json", json.dumps(meta, indent=1) + "\n")
        elif (found.get("version"), found.get("fingerprint")) != (meta["version"], meta["fingerprint"]):
            raise UserError(
                f"{self.folder} holds {self.what} of another version; move or remove it to compute them again."
            )
        for path in sorted(self.folder.glob("shard-*.json")):
            shard = path.with_suffix(".npy")
            try:
                index = json.loads(path.read_text(encoding="utf-8"))
                lengths = _lengths(index)
                whole = np.load(shard, mmap_mode="r").shape == (sum(lengths), self._width)
                whole = whole and len(lengths) == len(index["ids"]) == len(index["signatures"])
            except (OSError, EOFError, ValueError, LookupError, TypeError):  # a copy of a store may be damaged
                continue
            if whole:
                self._add(shard, index)
        failed = self.folder / "failed.csv"
        if failed.exists():
            with failed.open(encoding="utf-8", newline="") as file:
                self.failed = {row["id"]: (row["signature"], row["reason"]) for row in csv.DictReader(file)}

    def _add(self, shard: Path, index: dict[str, list[Any]]) -> None:
        number, start = len(self._shards), 0
        self._shards.append(shard)
        for item, sign, rows in zip(index["ids"], index["signatures"], _lengths(index), strict=True):
            self._places[item] = (number, start, rows)  # a later shard has the newer rows
            self._signatures[item] = sign
            start += rows

    def __len__(self) -> int:
        return len(self._places)

    def needs(self, item: str, sign: str) -> bool:
        """Return whether an item has yet to be encoded: neither stored nor known as unreadable in this state."""
        return self._signatures.get(item) != sign and (item not in self.failed or self.failed[item][0] != sign)

    def has(self, item: str, sign: str) -> bool:
        """Return whether an item's features are stored for this state of its file."""
        return self._signatures.get(item) == sign

    def _append(self, rows: np.ndarray, index: dict[str, list[Any]]) -> None:
        """Write a shard: ``rows`` float32 [rows, width], with ``ids`` and ``signatures`` of its items."""
        shard = self.folder / f"shard-{time.time_ns():020d}-{os.getpid()}.npy"
        with atomic_path(shard) as temporary, temporary.open("wb") as file:
            np.save(file, np.ascontiguousarray(rows, dtype=np.float32))
        try:
            atomic_write(shard.with_suffix(".json"), json.dumps(index))
        except BaseException:
            shard.unlink(missing_ok=True)  # without its index it would only take room
            raise
        self._add(shard, index)
        mended = self.failed.keys() & set(index["ids"])
        if mended:
            self.failed = {item: why for item, why in self.failed.items() if item not in mended}
            self._write_failed()

    def note_failed(self, failures: dict[str, tuple[str, str]]) -> None:
        """Add unreadable items (id -> signature, reason) to ``failed.csv``."""
        if not failures:
            return
        self.failed |= failures
        self._write_failed()

    def _write_failed(self) -> None:
        with (
            atomic_path(self.folder / "failed.csv") as temporary,
            temporary.open("w", encoding="utf-8", newline="") as file,
        ):
            writer = csv.writer(file)
            writer.writerow(["id", "signature", "reason"])
            writer.writerows((item, sign, reason) for item, (sign, reason) in sorted(self.failed.items()))


class FeatureStore(ShardStore):
    """The stored features of one network, by image id: one row an item.

    Args:
        folder: made if it is not there.
        meta: what made the features; must have ``fingerprint`` (str) and ``dim`` (int).

    Raises:
        UserError: if the folder holds a store of another version or fingerprint.
    """

    def __init__(self, folder: Path, meta: dict[str, Any]) -> None:
        self.dim = int(meta["dim"])
        super().__init__(folder, meta, self.dim)

    def append(self, ids: Sequence[str], signatures: Sequence[str], features: np.ndarray) -> None:
        """Write a shard: ``features`` float32 [len(ids), dim].

        Raises:
            UserError: if there is no room; nothing that was stored before is lost.
        """
        self._append(features, {"ids": list(ids), "signatures": list(signatures)})

    def load(self, ids: Sequence[str], out: np.ndarray) -> None:
        """Copy the features of ``ids`` (all stored) into ``out`` float32 [len(ids), dim]."""
        places = np.array([self._places[item][:2] for item in ids], dtype=np.int64).reshape(-1, 2)
        for number in np.unique(places[:, 0]):
            here = np.flatnonzero(places[:, 0] == number)
            shard = np.load(self._shards[number], mmap_mode="r")
            out[here] = shard[places[here, 1]]


class DetectionStore(ShardStore):
    """The stored detections of one detector, by image id: a row a detection, and none is an answer too.

    A row is class number, confidence, x1, y1, x2, y2; the index of a shard has, besides, how many ``rows`` each item
    has. Arguments and errors as for ``FeatureStore``, except that ``meta`` needs no ``dim``.
    """

    what = "detections"

    def __init__(self, folder: Path, meta: dict[str, Any]) -> None:
        super().__init__(folder, meta, DETECTION_COLUMNS)

    def append(self, ids: Sequence[str], signatures: Sequence[str], detections: Sequence[np.ndarray]) -> None:
        """Write a shard: of each item float32 [detections, 6].

        Raises:
            UserError: if there is no room; nothing that was stored before is lost.
        """
        rows = np.concatenate([np.empty((0, DETECTION_COLUMNS), dtype=np.float32), *detections])
        lengths = [len(each) for each in detections]
        self._append(rows, {"ids": list(ids), "signatures": list(signatures), "rows": lengths})

    def load(self, ids: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return the detections of ``ids``; those that are not stored have none.

        Returns:
            int64 [detections]: the position in ``ids`` that each belongs to, ascending;
            float32 [detections, 6]: the rows.
        """
        absent = (-1, 0, 0)
        places = np.array([self._places.get(item, absent) for item in ids], dtype=np.int64).reshape(-1, 3)
        lengths = places[:, 2]
        owners = np.repeat(np.arange(len(ids)), lengths)
        # Row by row: its item's first row in the shard, and how far it is from that.
        within = np.arange(len(owners)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        sources, numbers = places[owners, 1] + within, places[owners, 0]
        rows = np.empty((len(owners), DETECTION_COLUMNS), dtype=np.float32)
        for number in np.unique(numbers):
            here = np.flatnonzero(numbers == number)
            rows[here] = np.load(self._shards[number], mmap_mode="r")[sources[here]]
        return owners, rows


def _lengths(index: dict[str, list[Any]]) -> list[int]:
    """Return how many rows each item of a shard has."""
    return index["rows"] if "rows" in index else [1] * len(index["ids"])

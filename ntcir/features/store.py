"""Features on disk: shards that appear whole or not at all, memory-mapped when read.

A store is a folder for one network and one preprocessing::

    meta.json            what made the features: fingerprint, network, dimensions
    shard-*.npy          float32 [items, dim]
    shard-*.json         the ids and file signatures of its rows; written last, so a shard without it does not count
    failed.csv           id, signature, reason: pictures that could not be decoded

The signature is the file's size and time of change: a changed file is encoded again, an unreadable one tried again
only when it has changed.
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


def signature(path: str) -> str:
    """Return what changes when a file does: its size and time of change (ns); empty if it is not there."""
    try:
        stat = os.stat(path)  # noqa: PTH116 (called for hundreds of thousands of files)
    except OSError:
        return ""
    return f"{stat.st_size}-{stat.st_mtime_ns}"


class FeatureStore:
    """The stored features of one network, by image id.

    Args:
        folder: made if it is not there.
        meta: what made the features; must have ``fingerprint`` (str) and ``dim`` (int).

    Raises:
        UserError: if the folder holds a store of another version or fingerprint.
    """

    def __init__(self, folder: Path, meta: dict[str, Any]) -> None:
        self.folder = folder
        self.dim = int(meta["dim"])
        self._rows: dict[str, tuple[int, int]] = {}  # id -> shard number, row
        self._signatures: dict[str, str] = {}
        self._shards: list[Path] = []
        self.failed: dict[str, tuple[str, str]] = {}  # id -> signature, reason
        self._open({**meta, "version": STORE_VERSION})

    def _open(self, meta: dict[str, Any]) -> None:
        path = self.folder / "meta.json"
        if path.exists():
            try:
                found = json.loads(path.read_text(encoding="utf-8"))
                made = (found.get("version"), found.get("fingerprint"))
            except (OSError, ValueError, AttributeError) as error:
                raise UserError(f"{path} is not readable; remove the folder to compute its features again.") from error
            if made != (meta["version"], meta["fingerprint"]):
                raise UserError(
                    f"{self.folder} holds features of another version; move or remove it to compute them again."
                )
        else:
            atomic_write(path, json.dumps(meta, indent=1) + "\n")
        for path in sorted(self.folder.glob("shard-*.json")):
            shard = path.with_suffix(".npy")
            try:
                index = json.loads(path.read_text(encoding="utf-8"))
                whole = np.load(shard, mmap_mode="r").shape == (len(index["ids"]), self.dim)
            except (OSError, EOFError, ValueError, LookupError, TypeError):  # a copy of a store may be damaged
                continue
            if whole:
                self._add(shard, index)
        failed = self.folder / "failed.csv"
        if failed.exists():
            with failed.open(encoding="utf-8", newline="") as file:
                self.failed = {row["id"]: (row["signature"], row["reason"]) for row in csv.DictReader(file)}

    def _add(self, shard: Path, index: dict[str, list[str]]) -> None:
        number = len(self._shards)
        self._shards.append(shard)
        for row, item in enumerate(index["ids"]):
            self._rows[item] = (number, row)  # a later shard has the newer features
            self._signatures[item] = index["signatures"][row]

    def __len__(self) -> int:
        return len(self._rows)

    def needs(self, item: str, sign: str) -> bool:
        """Return whether an item has yet to be encoded: neither stored nor known as unreadable in this state."""
        return self._signatures.get(item) != sign and (item not in self.failed or self.failed[item][0] != sign)

    def has(self, item: str, sign: str) -> bool:
        """Return whether an item's features are stored for this state of its file."""
        return self._signatures.get(item) == sign

    def append(self, ids: Sequence[str], signatures: Sequence[str], features: np.ndarray) -> None:
        """Write a shard: ``features`` float32 [len(ids), dim].

        Raises:
            UserError: if there is no room; nothing that was stored before is lost.
        """
        shard = self.folder / f"shard-{time.time_ns():020d}-{os.getpid()}.npy"
        with atomic_path(shard) as temporary, temporary.open("wb") as file:
            np.save(file, np.ascontiguousarray(features, dtype=np.float32))
        index = {"ids": list(ids), "signatures": list(signatures)}
        try:
            atomic_write(shard.with_suffix(".json"), json.dumps(index))
        except BaseException:
            shard.unlink(missing_ok=True)  # without its index it would only take room
            raise
        self._add(shard, index)
        mended = self.failed.keys() & set(ids)
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

    def load(self, ids: Sequence[str], out: np.ndarray) -> None:
        """Copy the features of ``ids`` (all stored) into ``out`` float32 [len(ids), dim]."""
        places = np.array([self._rows[item] for item in ids], dtype=np.int64).reshape(-1, 2)
        for number in np.unique(places[:, 0]):
            here = np.flatnonzero(places[:, 0] == number)
            shard = np.load(self._shards[number], mmap_mode="r")
            out[here] = shard[places[here, 1]]

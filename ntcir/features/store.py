"""What networks say of photographs, on disk: shards that appear whole or not at all, memory-mapped when read.

A store is a folder for one network and one preprocessing::

    meta.json            what made the rows: fingerprint, network, dimensions
    shard-*.npy          float32 [rows, width]
    shard-*.json         the ids and file signatures of its items, and those that could not be decoded, with the reason;
                         written last, so a shard without it does not count. All of these together are the manifest.
    backends.json        which backends worked the features out, the latest last
    claims               empty; what processes lock while they work on a block of the corpus
    failed.csv           id, signature, reason: a list for people of the pictures that could not be decoded

A shard of features is named after its block of the corpus and its items: whoever writes it, and however often, writes
the same. The signature is the file's size and time of change: a changed file is encoded again, an unreadable one tried
again only when it has changed. An item has one row in a feature store, any number in a detection store.
"""

from __future__ import annotations

import csv
import io
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from sys import intern
from typing import Any

import numpy as np

from ntcir.errors import UserError
from ntcir.features.claims import alone
from ntcir.features.places import Places
from ntcir.files import atomic_path, atomic_write, disk_errors
from ntcir.progress import say

STORE_VERSION = 1
DETECTION_COLUMNS = 6  # class number, confidence, x1, y1, x2, y2


def signature(path: str) -> str:
    """Return what changes when a file does: its size and time of change (ns); empty if it is not there."""
    try:
        stat = os.stat(path)  # noqa: PTH116 (called for hundreds of thousands of files)
    except OSError:
        return ""
    return intern(f"{stat.st_size}-{stat.st_mtime_ns}")  # stores keep it too


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
        self._places = Places()
        self._failed: dict[tuple[str, str], str] = {}  # id, signature -> why there are no rows
        self._shards: list[Path] = []
        self._seen: set[str] = set()  # names of indices that were read
        self._open({**meta, "version": STORE_VERSION})

    def _open(self, meta: dict[str, Any]) -> None:
        found = stored_meta(self.folder, self.what)
        if found is None:
            self._renew("meta.json", json.dumps(meta, indent=1) + "\n")
        elif (found.get("version"), found.get("fingerprint")) != (meta["version"], meta["fingerprint"]):
            raise UserError(
                f"{self.folder} holds {self.what} of another version; move or remove it to compute them again."
            )
        self.refresh()
        failed = self.folder / "failed.csv"
        if failed.exists():  # older stores have failures nowhere else
            with failed.open(encoding="utf-8", errors="replace", newline="") as file:  # people edit it
                rows = [row for row in csv.DictReader(file) if {"id", "signature", "reason"} <= row.keys()]
                self._failed |= {(row["id"], row["signature"]): row["reason"] for row in rows}

    def refresh(self) -> None:
        """Read the shards that this or another process has written since."""
        names = sorted(set(filter(_is_index, os.listdir(self.folder))) - self._seen)  # noqa: PTH208 (called for each block)
        for name in names:
            path = self.folder / name
            shard = path.with_suffix(".npy")
            try:
                index = json.loads(path.read_text(encoding="utf-8"))
                lengths = _lengths(index)
                whole = np.load(shard, mmap_mode="r").shape == (sum(lengths), self._width)
                whole = whole and len(lengths) == len(index["ids"]) == len(index["signatures"])
                whole = whole and all(len(each) == 3 for each in index.get("failed", []))
            except (OSError, EOFError, ValueError, LookupError, TypeError):  # a copy of a store may be damaged
                continue
            if whole:
                self._add(shard, index)

    def _add(self, shard: Path, index: Mapping[str, list[Any]]) -> None:
        number, start = len(self._shards), 0
        self._shards.append(shard)
        self._seen.add(shard.with_suffix(".json").name)
        for item, sign, rows in zip(index["ids"], index["signatures"], _lengths(index), strict=True):
            self._places.add(item, sign, number, start, rows)
            start += rows
        self._failed |= {(item, sign): reason for item, sign, reason in index.get("failed", [])}

    def __len__(self) -> int:
        """Return how many items are stored, one whose file has changed as often as it was stored."""
        return len(self._places)

    def needs(self, item: str, sign: str) -> bool:
        """Return whether an item has yet to be encoded: neither stored nor known as unreadable in this state."""
        return not self._places.has(item, sign) and (item, sign) not in self._failed

    def has(self, item: str, sign: str) -> bool:
        """Return whether an item's rows are stored for this state of its file."""
        return self._places.has(item, sign)

    def failure(self, item: str, sign: str) -> str | None:
        """Return why an item could not be decoded in this state of its file, if it was tried and could not."""
        return self._failed.get((item, sign))

    def failed(self, signs: Mapping[str, str]) -> dict[str, tuple[str, str]]:
        """Return what could not be decoded, other than in a former state of its file.

        Args:
            signs: the states of the files, as far as they are known.

        Returns:
            id -> signature, reason.
        """
        return {item: (sign, why) for (item, sign), why in self._failed.items() if signs.get(item, sign) == sign}

    def _write(self, name: str, rows: np.ndarray, index: Mapping[str, list[Any]]) -> None:
        """Write a shard: ``rows`` float32 [rows, width], with ``ids`` and ``signatures`` of its items."""
        shard = self.folder / f"{name}.npy"
        with self._writing("shard-"):
            with atomic_path(shard) as temporary, temporary.open("wb") as file:
                np.save(file, np.ascontiguousarray(rows, dtype=np.float32).reshape(-1, self._width))
            try:
                atomic_write(shard.with_suffix(".json"), json.dumps(index))
            except BaseException:
                if not shard.with_suffix(".json").exists():  # without its index it would only take room
                    shard.unlink(missing_ok=True)
                raise
        self._add(shard, index)

    def list_failed(self, signs: Mapping[str, str]) -> Path:
        """Write ``failed.csv``: what could not be decoded, as ``failed`` has it; return its path."""
        path = self.folder / "failed.csv"
        rows = sorted((item, *why) for item, why in self.failed(signs).items())
        text = io.StringIO(newline="")
        csv.writer(text).writerows([("id", "signature", "reason"), *rows])
        there = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
        # What is there already is left alone, and a list for people ends nothing: others may own the store.
        if sorted(there) != sorted(text.getvalue().splitlines()) and (rows or there):
            try:
                self._renew(path.name, text.getvalue())
            except UserError as error:
                say(str(error))
        return path

    @contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        """Write files of a kind, one process at a time, after removing what a killed one has left of them."""
        with disk_errors(self.folder / name):
            self.folder.mkdir(parents=True, exist_ok=True)
        with alone(self.folder) as certain:
            for left in self.folder.glob(f".{name}*") if certain else ():
                left.unlink(missing_ok=True)
            yield

    def _renew(self, name: str, text: str) -> None:
        with self._writing(name), atomic_path(self.folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="")


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

    def write(
        self,
        block: int,
        ids: Sequence[str],
        signatures: Sequence[str],
        features: np.ndarray,
        failed: Iterable[tuple[str, str, str]] = (),
    ) -> None:
        """Write a shard: ``features`` float32 [len(ids), dim].

        Args:
            block: of the corpus, to which the items belong.
            ids: of the items.
            signatures: of their files.
            features: their rows.
            failed: id, signature and reason of items that could not be decoded.

        Raises:
            UserError: if there is no room; nothing that was stored before is lost.
        """
        listed = sorted([*each] for each in failed)
        index: dict[str, list[Any]] = {"ids": list(ids), "signatures": list(signatures), "failed": listed}
        digest = sha256(json.dumps(index).encode()).hexdigest()
        self._write(f"shard-{block:07d}-{digest[:12]}", features, index)

    def load(self, ids: Sequence[str], signatures: Sequence[str], out: np.ndarray) -> None:
        """Copy the features of ``ids``, all of them stored in this state, into ``out`` float32 [len(ids), dim]."""
        places = self._places.of(ids, signatures)
        if (places < 0).any():
            raise KeyError(ids[int(np.flatnonzero(places[:, 0] < 0)[0])])
        for number in np.unique(places[:, 0]):
            here = np.flatnonzero(places[:, 0] == number)
            shard = np.load(self._shards[number], mmap_mode="r")
            out[here] = shard[places[here, 1]]

    @property
    def backends(self) -> list[str]:
        """What worked the features out, such as ``eager bf16``, the latest last."""
        try:
            found = json.loads((self.folder / "backends.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        return [str(name) for name in found] if isinstance(found, list) else []

    def note_backend(self, name: str) -> None:
        """Note that ``name`` works features out from now on."""
        known = self.backends
        if known[-1:] != [name]:
            self._renew("backends.json", json.dumps([*(each for each in known if each != name), name]))


class DetectionStore(ShardStore):
    """The stored detections of one detector, by image id: a row a detection, and none is an answer too.

    A row is class number, confidence, x1, y1, x2, y2; the index of a shard has, besides, how many ``rows`` each item
    has. Arguments and errors as for ``FeatureStore``, except that ``meta`` needs no ``dim``.
    """

    what = "detections"

    def __init__(self, folder: Path, meta: dict[str, Any]) -> None:
        super().__init__(folder, meta, DETECTION_COLUMNS)

    def append(
        self,
        ids: Sequence[str],
        signatures: Sequence[str],
        detections: Sequence[np.ndarray],
        failed: Iterable[tuple[str, str, str]] = (),
    ) -> None:
        """Write a shard: of each item float32 [detections, 6]; ``failed`` as for ``FeatureStore.write``.

        Raises:
            UserError: if there is no room; nothing that was stored before is lost.
        """
        rows = np.concatenate([np.empty((0, DETECTION_COLUMNS), dtype=np.float32), *detections])
        index: dict[str, list[Any]] = {
            "ids": list(ids),
            "signatures": list(signatures),
            "rows": [len(each) for each in detections],
            "failed": [[*each] for each in failed],
        }
        self._write(f"shard-{time.time_ns():020d}-{os.getpid()}", rows, index)

    def load(self, ids: Sequence[str], signatures: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return the detections of ``ids``; those that are not stored in this state of their file have none.

        Returns:
            int64 [detections]: the position in ``ids`` that each belongs to, ascending;
            float32 [detections, 6]: the rows.
        """
        places = self._places.of(ids, signatures)
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


def _lengths(index: Mapping[str, list[Any]]) -> list[int]:
    """Return how many rows each item of a shard has."""
    return index["rows"] if "rows" in index else [1] * len(index["ids"])


def _is_index(name: str) -> bool:
    return name.startswith("shard-") and name.endswith(".json")

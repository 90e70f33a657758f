"""What networks say of photographs, on disk: shards that appear whole or not at all, memory-mapped when read.

A store is a folder for one network and one preprocessing::

    meta.json            what made the rows: fingerprint, network, dimensions
    shard-*.npy          float32 [rows, width]
    shard-*.json         the ids and file signatures of its items, those that could not be decoded, with the reason, and
                         the digest of its rows; written last, so a shard without it does not count. All of these
                         together are the manifest.
    backends.json        which backends worked the features out, the latest last
    claims               empty; what processes lock while they work on a block of the corpus
    failed.csv           id, signature, reason: a list for people of the pictures that could not be decoded; read only
                         beside shards from before they listed that themselves

A shard of features is named after its block of the corpus and its items: whoever writes it, and however often, writes
the same. The signature is the file's size and time of change: a changed file is encoded again, an unreadable one tried
again only when it has changed. An item has one row in a feature store, any number in a detection store. A damaged shard
is left out, and that is said: what it held is encoded again. Its size and index are looked at when a store is opened,
its rows' digest by ``check``, before they are read.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from sys import intern
from typing import Any

import numpy as np

from ntcir.features.failures import FAILURES, read_failures
from ntcir.features.shard_index import ShardIndex
from ntcir.features.shards import Contents, Damaged, check_rows, is_index, open_rows, read_index, write_shard
from ntcir.system.errors import UserError
from ntcir.system.files import atomic_path, disk_errors
from ntcir.system.locks import folder_locked
from ntcir.system.machine import cores
from ntcir.system.plain_json import parse_object
from ntcir.system.progress import say
from ntcir.system.regular import read_regular

STORE_VERSION = 1


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
        UserError: if its meta.json is damaged.
    """
    path = folder / "meta.json"
    if not path.exists():
        return None
    try:
        return parse_object(read_regular(path))
    except OSError as error:
        raise UserError(f"Cannot read {path}: {(error.strerror or str(error)).lower()}.") from error
    except ValueError as error:
        raise UserError(f"{path} is not readable; remove the folder to compute its {what} again.") from error


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
        self._index = ShardIndex()
        self._failed: dict[tuple[str, str], str] = {}  # id, signature -> why there are no rows
        self._shards: list[tuple[Path, Contents]] = []
        self._seen: set[str] = set()  # names of indices that were read
        self._damaged: set[str] = set()  # names of indices that do not count, which was reported
        self._refused: dict[str, str] = {}  # of shards whose rows were found damaged: index -> the state of the rows
        self._unchecked: set[int] = set()  # shards whose rows are not checked yet
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
        if not all(index.lists_failures for _, index in self._shards):
            self._failed |= read_failures(self.folder / FAILURES)

    def refresh(self) -> None:
        """Read the shards that this or another process has written since."""
        names = sorted(set(filter(is_index, os.listdir(self.folder))) - self._seen)  # noqa: PTH208 (called for each block)
        damaged: dict[str, str] = {}
        for name in names:
            path = self.folder / name
            rows = path.with_suffix(".npy")
            if self._refused.get(name) == signature(str(rows)):
                continue
            try:
                index = read_index(path, self._width)
            except Damaged as error:  # a copy of a store may be
                damaged[name] = str(error)
            else:
                self._unchecked.add(self._add(rows, index))
        self._tell(damaged)

    def check(self, ids: Sequence[str], signatures: Sequence[str]) -> None:
        """Compare the rows of these items, as far as they are stored, with the digests of their shards, once.

        What is damaged is said and left out: ``needs`` is then true of the items. That takes half a second a gigabyte.
        """
        numbers = np.unique(self._index.of(ids, signatures)[:, 0])
        todo = [number for number in numbers.tolist() if number in self._unchecked]
        if not todo:
            return
        with ThreadPoolExecutor(cores()) as threads:
            reasons = dict(zip(todo, threads.map(self._flaw, todo), strict=True))
        self._unchecked.difference_update(todo)
        damaged = {number: why for number, why in reasons.items() if why}
        for number in damaged:
            self._index.forget(number)
            path = self._shards[number][0]
            self._seen.discard(_index_name(path))
            self._refused[_index_name(path)] = signature(str(path))
        self._tell({_index_name(self._shards[number][0]): why for number, why in damaged.items()})

    def _flaw(self, number: int) -> str:
        """Return what is wrong with the rows of a shard; empty if nothing is."""
        path, index = self._shards[number]
        try:
            check_rows(path, sum(index.lengths), self._width, index.digest)
        except Damaged as error:
            return str(error)
        return ""

    def _tell(self, damaged: Mapping[str, str]) -> None:
        """Report which shards do not count, each once."""
        new = {name: why for name, why in damaged.items() if name not in self._damaged}
        self._damaged |= new.keys()
        if new:
            name, why = next(iter(new.items()))
            what = "1 damaged shard is" if len(new) == 1 else f"{len(new)} damaged shards are"
            say(f"{self.folder}: {what} left out, and what is missing is computed again; {name}: {why}.")

    def _add(self, shard: Path, index: Contents) -> int:
        number, start = len(self._shards), 0
        self._shards.append((shard, index))
        self._seen.add(_index_name(shard))
        for item, sign, rows in zip(index.ids, index.signatures, index.lengths, strict=True):
            self._index.add(item, sign, number, start, rows)
            start += rows
        self._failed |= {(item, sign): reason for item, sign, reason in index.failed}
        return number

    def _rows(self, number: int) -> np.ndarray:
        """Map the rows of a shard into memory.

        Raises:
            UserError: if they were taken away or changed since the store was opened.
        """
        path, index = self._shards[number]
        try:
            return open_rows(path, sum(index.lengths), self._width)
        except (OSError, Damaged) as error:
            reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
            raise UserError(f"Cannot read {path}: {reason}; start again to compute it anew.") from error

    def __len__(self) -> int:
        """Return how many items are stored, one whose file has changed as often as it was stored."""
        return len(self._index)

    def needs(self, item: str, sign: str) -> bool:
        """Return whether an item has yet to be encoded: neither stored nor known as unreadable in this state."""
        return not self._index.has(item, sign) and (item, sign) not in self._failed

    def has(self, item: str, sign: str) -> bool:
        """Return whether an item's rows are stored for this state of its file."""
        return self._index.has(item, sign)

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
            whole = np.ascontiguousarray(rows, dtype=np.float32).reshape(-1, self._width)
            written = write_shard(shard, whole, index)
        self._add(shard, written)

    def list_failed(self, signs: Mapping[str, str]) -> Path:
        """Write ``failed.csv``: what could not be decoded, as ``failed`` has it; return its path."""
        path = self.folder / FAILURES
        rows = sorted((item, *why) for item, why in self.failed(signs).items())
        text = io.StringIO(newline="")
        csv.writer(text).writerows([("id", "signature", "reason"), *rows])
        there: list[str] = []
        with suppress(OSError):
            there = read_regular(path).decode("utf-8", "replace").splitlines()
        # An existing list is left alone, and a list for people must not end the work: others may own the store.
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
        with folder_locked(self.folder) as certain:
            for left in self.folder.glob(f".{name}*") if certain else ():
                left.unlink(missing_ok=True)
            yield

    def _renew(self, name: str, text: str) -> None:
        place = self.folder / name
        if place.exists() and not place.is_file() and not place.is_dir():  # such as a pipe, which may never be read
            raise UserError(f"Cannot write {place}: what lies there is not a file; move it away.")
        with self._writing(name), atomic_path(self.folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="")


def _index_name(rows: Path) -> str:
    return rows.with_suffix(".json").name

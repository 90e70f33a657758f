"""The two kinds of store: features, a row an item, and detections, any number of rows an item.

``shard_store`` says how they lie on disk.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from ntcir.features.shard_store import STORE_VERSION, ShardStore, signature, stored_meta
from ntcir.system.errors import UserError
from ntcir.system.plain_json import parse_json
from ntcir.system.progress import say
from ntcir.system.regular import read_regular

__all__ = ["STORE_VERSION", "DetectionStore", "FeatureStore", "signature", "stored_meta"]

DETECTION_COLUMNS = 6  # class number, confidence, x1, y1, x2, y2


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
        places = self._index.of(ids, signatures)
        if (places < 0).any():
            raise KeyError(ids[int(np.flatnonzero(places[:, 0] < 0)[0])])
        for number in np.unique(places[:, 0]):
            here = np.flatnonzero(places[:, 0] == number)
            rows = self._rows(number)[places[here, 1]]
            with np.errstate(over="ignore", invalid="ignore"):
                total = rows.sum()
            if not np.isfinite(total) and not np.isfinite(rows).all():  # the sum is fast, and may overflow
                item = ids[here[int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])]]
                raise UserError(
                    f"The stored features of '{item}' in {self._shards[number][0]} are not finite (NaN or infinity): "
                    f"check the weights of the network, and remove {self.folder} to compute its features again."
                )
            out[here] = rows

    @property
    def backends(self) -> list[str]:
        """What computed the features, such as ``eager bf16``, the latest last."""
        try:
            found = parse_json(read_regular(self.folder / "backends.json"))
        except (OSError, ValueError):
            return []
        return [str(name) for name in found] if isinstance(found, list) else []

    def note_backend(self, name: str) -> None:
        """Note that ``name`` works features out from now on."""
        known = self.backends
        if known[-1:] != [name]:
            try:
                self._renew("backends.json", json.dumps([*(each for each in known if each != name), name]))
            except UserError as error:  # a note for people ends nothing: others may own the store
                say(str(error))


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
        places = self._index.of(ids, signatures)
        lengths = places[:, 2]
        owners = np.repeat(np.arange(len(ids)), lengths)
        # Row by row: its item's first row in the shard, and how far it is from that.
        within = np.arange(len(owners)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        sources, numbers = places[owners, 1] + within, places[owners, 0]
        rows = np.empty((len(owners), DETECTION_COLUMNS), dtype=np.float32)
        for number in np.unique(numbers):
            here = np.flatnonzero(numbers == number)
            rows[here] = self._rows(number)[sources[here]]
        return owners, rows

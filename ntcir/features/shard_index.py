"""Where items are in a store's shards, in little memory: a lifelog has 725,000 of them."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from sys import intern

import numpy as np

ABSENT = (-1, 0, 0)


class ShardIndex:
    """Shard, first row and rows of items by id and the state of their file.

    Ids and signatures are interned, so that all stores of a process share them; an item takes about 100 bytes besides.
    """

    def __init__(self) -> None:
        self._entries: dict[str, int] = {}  # id -> the entry of the state that came first
        self._others: dict[str, dict[str, int]] = {}  # id -> signature -> entry, of other states
        self._signatures: list[str] = []
        self._shards, self._firsts, self._rows = array("i"), array("q"), array("i")
        self._forgotten = 0  # entries that are nowhere now

    def __len__(self) -> int:
        """Return how many items there are, one whose file has changed as often as it came."""
        return len(self._shards) - self._forgotten

    def add(self, item: str, sign: str, shard: int, first: int, rows: int) -> None:
        """Note where an item is in this state of its file; what was noted before no longer counts."""
        item, sign = intern(item), intern(sign)
        entry = self._entry(item, sign)
        if entry >= 0:
            self._forgotten -= self._shards[entry] < 0
            self._shards[entry], self._firsts[entry], self._rows[entry] = shard, first, rows
            return
        entry = len(self._signatures)
        if item in self._entries:
            self._others.setdefault(item, {})[sign] = entry
        else:
            self._entries[item] = entry
        self._signatures.append(sign)
        self._shards.append(shard)
        self._firsts.append(first)
        self._rows.append(rows)

    def forget(self, shard: int) -> None:
        """Note that what a shard was said to hold is nowhere."""
        shards = np.frombuffer(self._shards, dtype=np.intc)  # a view: the array itself is changed
        here = shards == shard
        shards[here] = -1
        self._forgotten += int(here.sum())

    def has(self, item: str, sign: str) -> bool:
        """Return whether an item is there in this state of its file."""
        entry = self._entry(item, sign)
        return entry >= 0 and self._shards[entry] >= 0

    def of(self, ids: Sequence[str], signatures: Sequence[str]) -> np.ndarray:
        """Return shard, first row and rows of items, int64 [len(ids), 3]; ``ABSENT`` for those that are not there."""
        entries = np.array(list(map(self._entry, ids, signatures)), dtype=np.int64)
        columns = (self._shards, self._firsts, self._rows)
        places = np.full((len(entries), 3), ABSENT, dtype=np.int64)
        there = np.flatnonzero(entries >= 0)
        shards = np.array([self._shards[entry] for entry in entries[there].tolist()], dtype=np.int64)
        there = there[shards >= 0]
        for column, values in enumerate(columns):
            places[there, column] = [values[entry] for entry in entries[there].tolist()]
        return places

    def _entry(self, item: str, sign: str) -> int:
        entry = self._entries.get(item, -1)
        if entry < 0 or self._signatures[entry] == sign:
            return entry
        return self._others.get(item, {}).get(sign, -1)

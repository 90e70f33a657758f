"""Blocks: photographs whose results are written together, as one shard; and batches, which a network is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import pandas as pd

from ntcir.features.decode import UnreadableImage

SHARD_ITEMS = 512  # what a killed run loses at most; 4 MB of ResNet50 features
_DENSE = 128  # photographs asked for of each block; where they are fewer, what is asked for is cut into blocks itself
_SPARSE = 5_000_000  # the first number of such a block

P = TypeVar("P")  # what is decoded of a photograph
Rows = list[dict[str, np.ndarray]]  # of each output: item -> its rows


@dataclass
class Block:
    """A part of the work.

    Attributes:
        number: by which processes tell it.
        lacking: of each output, the items it lacks.
        items: that any output lacks.
        rows: of each output, item -> its rows.
        failed: item -> why it cannot be decoded.
        done: how many items were tried.
    """

    number: int
    lacking: list[set[str]]
    items: list[str]
    rows: Rows = field(default_factory=list)
    failed: dict[str, UnreadableImage] = field(default_factory=dict)
    done: int = 0

    def __post_init__(self) -> None:
        self.rows = [{} for _ in self.lacking]


@dataclass
class Batch(Generic[P]):
    """Some items of a block, and their pictures or why there are none."""

    block: Block
    items: list[str]
    pictures: list[P | UnreadableImage] = field(default_factory=list)

    @property
    def decoded(self) -> dict[str, P]:
        """Item -> its picture, of those that have one."""
        pairs = zip(self.items, self.pictures, strict=True)
        return {item: picture for item, picture in pairs if not isinstance(picture, UnreadableImage)}

    @property
    def failed(self) -> dict[str, UnreadableImage]:
        """Item -> why it has no picture, of the others."""
        pairs = zip(self.items, self.pictures, strict=True)
        return {item: picture for item, picture in pairs if isinstance(picture, UnreadableImage)}


def cut(index: pd.Index, ids: Sequence[str]) -> dict[int, list[str]]:
    """Cut distinct ``ids`` into blocks: the same for the same corpus and question, whatever of it is done already.

    Args:
        index: all ids of the corpus.
        ids: some of them.

    Returns:
        number -> ids of the block.
    """
    places = np.asarray(index.get_indexer(pd.Index(ids, dtype=object))) // SHARD_ITEMS
    if len(ids) < _DENSE * len(np.unique(places)):  # few of many blocks: their shards would be tiny
        places = _SPARSE + np.arange(len(ids)) // SHARD_ITEMS
    blocks: dict[int, list[str]] = {}
    for item, number in zip(ids, places.tolist(), strict=True):
        blocks.setdefault(number, []).append(item)
    return dict(sorted(blocks.items()))


def in_order(ids: Sequence[str]) -> Iterator[Block]:
    """Yield distinct ``ids`` in blocks of one output as they come, for a store that nobody else fills."""
    for number, start in enumerate(range(0, len(ids), SHARD_ITEMS)):
        items = list(ids[start : start + SHARD_ITEMS])
        yield Block(number, [set(items)], items)

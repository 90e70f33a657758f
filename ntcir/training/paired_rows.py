"""The rows of paired items, a block at a time, so that memory does not grow with the pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ntcir.sampling.relations import instances
from ntcir.system.parallel import ranks

BLOCK = 4096  # rows in memory at once, and fewer where they are wide
_NUMBERS = 1 << 25  # of a block at most: 128 MiB as float32

Load = Callable[[Sequence[str]], np.ndarray]  # ids -> float32 [ids, width]
Blocks = Iterator[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Side:
    """The items on one side of what is paired.

    Attributes:
        items: in the order of the pairs; where several make one row, these follow each other.
        ends: where the items of each pair end, int64 [pairs].
        load: gives their rows.
        width: of a row.
    """

    items: np.ndarray
    ends: np.ndarray
    load: Load
    width: int

    def rows(self, first: int, last: int, most: int) -> np.ndarray:
        """Return the rows of pairs ``first`` to ``last``, float32 [pairs, width]: of several items their mean.

        Args:
            first: a pair.
            last: the pair behind the last one.
            most: rows that are loaded at once.
        """
        ends = self.ends[first:last]
        start = int(self.ends[first - 1]) if first else 0
        counts = np.diff(ends, prepend=start)
        if last - first <= most and (counts == 1).all():
            return self.load(self.items[start : start + len(ends)].tolist())
        total = np.zeros((last - first, self.width))
        places = np.repeat(np.arange(last - first), counts)
        for begin in range(0, len(places), most):
            part = places[begin : begin + most]
            loaded = self.load(self.items[start + begin : start + begin + len(part)].tolist())
            heads = np.flatnonzero(np.diff(part, prepend=-1))
            total[part[heads]] += np.add.reduceat(loaded, heads, axis=0, dtype=np.float64)
        return np.asarray(total / counts[:, None], dtype=np.float32)


@dataclass(frozen=True)
class PairedRows:
    """Pairs of rows; several processes have a part of them each.

    Attributes:
        sides: left and right, with as many pairs.
    """

    sides: tuple[Side, Side]

    @classmethod
    def of(
        cls, pairs: pd.DataFrame, how: Literal["means", "all"], load: Mapping[str, Load], widths: Mapping[str, int]
    ) -> PairedRows:
        """Pair items.

        Args:
            pairs: with a column of ids a modality.
            how: ``all`` pairs as they are; or ``means``: of items that are linked by pairs, the mean of those on the
                left with the mean of those on the right, each item once.
            load: by modality, in the order of left and right.
            widths: of the rows, by modality.
        """
        left, right = load
        if how == "all":
            ends = np.arange(1, len(pairs) + 1)
            ordered = {name: (pairs[name].to_numpy(), ends) for name in load}
        else:
            shown = instances(pairs[left].to_numpy(), pairs[right].to_numpy())
            ordered = {name: _by_instance(pairs[name].to_numpy(), shown) for name in load}
        one, other = (Side(*ordered[name], load[name], widths[name]) for name in (left, right))
        return cls((one, other))

    @property
    def count(self) -> int:
        """Pairs of all processes together."""
        return len(self.sides[0].ends)

    @property
    def part(self) -> range:
        """The pairs of this process."""
        own = ranks().part(self.count)
        return range(own.start, own.stop)

    def blocks(self, advance: Callable[[int], None] = lambda pairs: None) -> Blocks:
        """Yield the rows of this process's pairs, float32 [n, p] and [n, q]; without any pair, one empty block.

        Args:
            advance: called with the number of pairs that are done.
        """
        part, most = self.part, self._most
        if not part:
            yield np.empty((0, self.sides[0].width), np.float32), np.empty((0, self.sides[1].width), np.float32)
        for first in range(part.start, part.stop, most):
            last = min(first + most, part.stop)
            left, right = (side.rows(first, last, most) for side in self.sides)
            yield left, right
            advance(last - first)

    @property
    def _most(self) -> int:
        return min(BLOCK, max(1, _NUMBERS // max(side.width for side in self.sides)))


def _by_instance(ids: np.ndarray, shown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct items of each instance one after the other, and where those of each instance end.

    Args:
        ids: of pairs.
        shown: the instance of each pair, from 0; an item is of one instance only.
    """
    items, first = np.unique(ids.astype(str), return_index=True)
    of_item = shown[first]
    order = np.lexsort((first, of_item))
    return items[order], np.cumsum(np.bincount(of_item))

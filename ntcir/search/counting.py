"""Ranks of partners among all items of the other side, both ways at once, by counting what scores better.

Whole splits are ranked so: a tile of the score matrix is worked out once and read along both of its axes, so that
each side asks the other for the price of one product, and no matrix is ever in memory as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from ntcir.search.dots import dots

_TILE = 2048  # rows and columns of scores in memory at once: 16 MB
_ROWS = 255  # of a tile that are counted at once: what a byte can count


class Side:
    """The items of one side, of which those that are the same are scored once.

    Args:
        vectors: float32 [items, dim].
        twins: int64 [items]: equal numbers for items that are the same; the first of them stands for all.

    Attributes:
        vectors: of distinct items, float32 [distinct, dim].
        place: the distinct item that stands for each, int64 [items].
        items: how many there are.
    """

    def __init__(self, vectors: np.ndarray, twins: np.ndarray) -> None:
        _, first, back, counts = np.unique(twins, return_index=True, return_inverse=True, return_counts=True)
        self.items = len(vectors)
        self.place = np.asarray(back.reshape(-1))
        self.vectors = vectors if len(first) == len(vectors) else vectors[first]
        if len(first) == len(vectors):  # so that nothing is copied
            self.place = np.arange(len(vectors))
        self._weights = None if len(first) == len(vectors) else counts

    def weights(self, part: slice) -> torch.Tensor | None:
        """Return how many items some distinct ones stand for, float32; None if each stands for itself."""
        return None if self._weights is None else torch.from_numpy(self._weights[part].astype(np.float32))


def ranks_both_ways(
    left: Side, right: Side, rows: np.ndarray, columns: np.ndarray, *, best: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ranks of partners: of the right item for the left one, and of the left item for the right one.

    Equal scores share the average of their ranks, as in ``average_ranks``; a score that is not finite never helps.
    Scores are single precision products; those of partners are worked out in double precision.

    Args:
        left: the items that are asked about by ``rows``.
        right: by ``columns``.
        rows: int64 [pairs], the left item of each pair.
        columns: int64 [pairs], the right one.
        best: whether only each item's best-ranked partner is looked for, which takes less time where there are several.

    Returns:
        float64 [pairs] each, 1 is best; infinite for what is not looked for.
    """
    cells, back = _distinct_cells(left.place[rows], right.place[columns], len(right.vectors))
    own = pair_scores(left.vectors, right.vectors, *cells)
    chosen = [_best(items, own[back]) if best else np.ones(len(items), dtype=bool) for items in (rows, columns)]
    asking = [
        _Asking(items, own, np.unique(back[some]), len(side.vectors))
        for items, some, side in zip(cells, chosen, (left, right), strict=True)
    ]
    for here, there, scores in _tiles(left.vectors, right.vectors, cells, own):
        for start in range(0, len(scores), _ROWS):
            part = scores[start : start + _ROWS]
            lines = slice(here.start + start, here.start + start + len(part))
            asking[0].count(part, lines, right.weights(there))
            asking[1].count(part.T, there, left.weights(lines))
    ranks = asking[0].ranks(right.items), asking[1].ranks(left.items)
    forth, back_again = (np.where(some, found[back], np.inf) for some, found in zip(chosen, ranks, strict=True))
    return forth, back_again


def _best(items: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return which of the pairs has the greatest score of its item's, one for each item; bool [pairs]."""
    order = np.lexsort((-scores, items))
    _, first = np.unique(items[order], return_index=True)
    found = np.zeros(len(items), dtype=bool)
    found[order[first]] = True
    return found


def pair_scores(left: np.ndarray, right: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the score of each pair by itself, float32 [pairs]; see ``dots``.

    Args:
        left: float32 [m, dim].
        right: float32 [n, dim].
        rows: int64 [pairs], positions in ``left``.
        columns: int64 [pairs], positions in ``right``.
    """
    order = np.argsort(rows, kind="stable")
    starts = np.searchsorted(rows[order], np.arange(len(left) + 1))
    found = np.empty(len(rows), dtype=np.float32)
    found[order] = dots(left, right, starts, columns[order])
    return found


def _distinct_cells(
    rows: np.ndarray, columns: np.ndarray, width: int
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Return each cell once, as rows and columns in ascending order, and which of them each of the given ones is."""
    cells, back = np.unique(rows * np.int64(width) + columns, return_inverse=True)
    return (cells // width, cells % width), back.reshape(-1)


def _tiles(
    left: np.ndarray, right: np.ndarray, cells: tuple[np.ndarray, np.ndarray], own: np.ndarray
) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """Yield the rows and columns of each tile, and its scores, in which each cell of a pair has just its own score.

    A product rounds a score in its own way: a pair's must be equal to itself.
    """
    rows, columns = cells
    across = -(-len(right) // _TILE)
    tile = rows // _TILE * across + columns // _TILE
    order = np.argsort(tile, kind="stable")
    ends = np.searchsorted(tile[order], np.arange(-(-len(left) // _TILE) * across + 1))
    memory = torch.empty(_TILE * _TILE)
    asked, ranked = (torch.from_numpy(np.ascontiguousarray(each)) for each in (left, right))
    for number in range(len(ends) - 1):
        first, second = number // across * _TILE, number % across * _TILE
        one, other = asked[first : first + _TILE], ranked[second : second + _TILE]
        scores = memory[: len(one) * len(other)].view(len(one), len(other))
        torch.mm(one, other.T, out=scores)
        inside = order[ends[number] : ends[number + 1]]
        found = np.asarray(scores.numpy())
        found[rows[inside] - first, columns[inside] - second] = own[inside]
        yield slice(first, first + len(one)), slice(second, second + len(other)), found


class _Asking:
    """Counts, for pairs of one side's items, what scores less than the partner or as much.

    Args:
        items: the item of each pair that asks, int64 [pairs].
        own: its partner's score, float32 [pairs].
        chosen: the pairs that are looked at, int64 [any].
        size: how many items the side has.
    """

    def __init__(self, items: np.ndarray, own: np.ndarray, chosen: np.ndarray, size: int) -> None:
        self._items, self._own = items, own
        # Most items have one partner: the first of each is compared for many items at once, further ones one by one.
        chosen = chosen[np.argsort(items[chosen], kind="stable")]
        asking, first = np.unique(items[chosen], return_index=True)
        self._pair = np.full(size, -1, dtype=np.int64)
        self._pair[asking] = chosen[first]
        self._least = np.full(size, np.float32(np.nan))
        self._least[asking] = own[chosen[first]]
        self._others = np.delete(chosen, first)
        self._no_better = np.zeros(len(items), dtype=np.int64)
        self._equal = np.zeros(len(items), dtype=np.int64)

    def count(self, scores: np.ndarray, here: slice, weights: torch.Tensor | None) -> None:
        """Add what some candidates score for some items.

        Args:
            scores: float32 [items, candidates], of which one axis is contiguous and not the other longer than a byte.
            here: which items.
            weights: how many candidates each of them stands for.
        """
        pairs = self._pair[here]
        asked = pairs >= 0
        self._add(pairs, asked, scores, self._least[here], weights)
        low, high = np.searchsorted(self._items[self._others], [here.start, here.stop])
        for start in range(low, high, _ROWS):
            more = self._others[start : min(start + _ROWS, high)]
            chosen = np.ascontiguousarray(scores[self._items[more] - here.start])
            self._add(more, np.ones(len(more), dtype=bool), chosen, self._own[more], weights)

    def _add(
        self, pairs: np.ndarray, asked: np.ndarray, scores: np.ndarray, own: np.ndarray, weights: torch.Tensor | None
    ) -> None:
        least = own[:, None]
        self._no_better[pairs[asked]] += _counted(scores <= least, weights)[asked]
        self._equal[pairs[asked]] += _counted(scores == least, weights)[asked]

    def ranks(self, candidates: int) -> np.ndarray:
        """Return the rank of each pair's partner among so many, float64 [pairs]; of pairs not looked at, anything."""
        return np.asarray(candidates - self._no_better + (self._equal + 1) / 2, dtype=np.float64)


def _counted(found: np.ndarray, weights: torch.Tensor | None) -> np.ndarray:
    """Return how many cells of each row are true, int64 [rows]; each counts as often as its column's weight says."""
    if weights is not None:
        return np.asarray((torch.from_numpy(found).float() @ weights).numpy().astype(np.int64))
    if found.flags.c_contiguous:  # these two ways are ten times as fast as to sum numbers of eight bytes
        return np.array([np.count_nonzero(row) for row in found], dtype=np.int64)
    return np.asarray(np.add.reduce(found.view(np.uint8), axis=1, dtype=np.uint8).astype(np.int64))

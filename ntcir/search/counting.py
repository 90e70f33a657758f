"""Ranks of partners among all items of the other side, both ways at once, by counting what scores better.

Whole splits are ranked so: a tile of the score matrix is worked out once and read along both of its axes, so that
each side asks the other for the price of one product, and no matrix is ever in memory as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from ntcir.search.dots import dots
from ntcir.search.products import single_error

_TILE = 2048  # rows and columns of scores in memory at once: 16 MB
_ROWS = 255  # of a tile that are counted at once: what a byte can count
_NEAR = 1 << 18  # cells that are scored again at once
_MOST_NEAR = 1 / 16  # share of cells to be scored again, up to which each is scored by itself


class Side:
    """The items of one side, of which those that are the same are scored once.

    Args:
        vectors: float32 [items, dim].
        twins: int64 [items]: equal numbers for items that are the same; the first of them stands for all.

    Attributes:
        vectors: of distinct items, float32 [distinct, dim].
        place: the distinct item that stands for each, int64 [items].
        counts: how many items each distinct one stands for, int64 [distinct].
        items: how many there are.
    """

    def __init__(self, vectors: np.ndarray, twins: np.ndarray) -> None:
        _, first, back, counts = np.unique(twins, return_index=True, return_inverse=True, return_counts=True)
        self.items = len(vectors)
        self.place = np.asarray(back.reshape(-1))
        self.vectors = vectors if len(first) == len(vectors) else vectors[first]
        if len(first) == len(vectors):  # so that nothing is copied
            self.place = np.arange(len(vectors))
        self.counts = counts if len(first) < len(vectors) else np.ones(len(vectors), dtype=np.int64)

    def weights(self, part: slice) -> torch.Tensor | None:
        """Return how many items some distinct ones stand for, float32; None if each stands for itself."""
        if self.items == len(self.vectors):
            return None
        return torch.from_numpy(self.counts[part].astype(np.float32))


def ranks_both_ways(
    left: Side, right: Side, rows: np.ndarray, columns: np.ndarray, *, best: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ranks of partners: of the right item for the left one, and of the left item for the right one.

    Scores are those of ``nearest``, inner products in double precision rounded to single, so that a run of the same
    items has the same ranks: where a product in single precision is too near the partner's score to tell, it is worked
    out again. Equal scores share the average of their ranks, as in ``average_ranks``; a score that is not finite never
    helps.

    Args:
        left: the items that are asked about by ``rows``.
        right: by ``columns``.
        rows: int64 [pairs], the left item of each pair.
        columns: int64 [pairs], the right one.
        best: whether only each item's best-ranked partner is looked for, which takes less time where there are several.

    Returns:
        float64 [pairs] each, 1 is best; infinite for what is not looked for.
    """
    forth, back = _ranks(left, right, rows, columns, best, ways=2)
    return forth, back


def ranks_one_way(left: Side, right: Side, rows: np.ndarray, columns: np.ndarray, *, best: bool = False) -> np.ndarray:
    """Return only the ranks of the right items for the left ones; see ``ranks_both_ways``.

    For vectors that an item has only where it asks, or only where it is ranked.
    """
    [forth] = _ranks(left, right, rows, columns, best, ways=1)
    return forth


def _ranks(left: Side, right: Side, rows: np.ndarray, columns: np.ndarray, best: bool, ways: int) -> list[np.ndarray]:
    cells, back = _distinct_cells(left.place[rows], right.place[columns], len(right.vectors))
    own = pair_scores(left.vectors, right.vectors, *cells)
    asked = (rows, columns)[:ways]
    chosen = [_best(items, own[back]) if best else np.ones(len(items), dtype=bool) for items in asked]
    error = single_error(left.vectors, right.vectors)
    sides = ((left, right, cells[0]), (right, left, cells[1]))[:ways]
    asking = [
        _Asking(side, other, items, own, np.unique(back[some]), error)
        for (side, other, items), some in zip(sides, chosen, strict=True)
    ]
    for here, there, scores in _tiles(left.vectors, right.vectors):
        for start in range(0, len(scores), _ROWS):
            part = scores[start : start + _ROWS]
            lines = slice(here.start + start, here.start + start + len(part))
            asking[0].count(part, lines, there)
            if ways > 1:
                asking[1].count(part.T, there, lines)
    return [np.where(some, each.ranks()[back], np.inf) for some, each in zip(chosen, asking, strict=True)]


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


def _tiles(left: np.ndarray, right: np.ndarray) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """Yield the rows and columns of each tile, and its scores in single precision."""
    memory = torch.empty(_TILE * _TILE)
    asked, ranked = (torch.from_numpy(np.ascontiguousarray(each)) for each in (left, right))
    for first in range(0, len(left), _TILE):
        one = asked[first : first + _TILE]
        for second in range(0, len(right), _TILE):
            other = ranked[second : second + _TILE]
            scores = memory[: len(one) * len(other)].view(len(one), len(other))
            torch.mm(one, other.T, out=scores)
            yield slice(first, first + len(one)), slice(second, second + len(other)), np.asarray(scores.numpy())


class _Asking:
    """Counts, for pairs of one side's items, what scores less than the partner or as much.

    Args:
        side: whose items ask.
        other: whose items are ranked.
        items: the distinct item of each pair that asks, int64 [pairs].
        own: its partner's score, float32 [pairs].
        chosen: the pairs that are looked at, int64 [any].
        error: by how much a score in single precision may be wrong.
    """

    def __init__(
        self, side: Side, other: Side, items: np.ndarray, own: np.ndarray, chosen: np.ndarray, error: float
    ) -> None:
        self._side, self._other = side, other
        self._items, self._own = items, own
        with np.errstate(over="ignore"):
            self._low, self._high = own - np.float32(error), own + np.float32(error)
        # Most items have one partner: the first of each is compared for many items at once, further ones one by one.
        chosen = chosen[np.argsort(items[chosen], kind="stable")]
        asking, first = np.unique(items[chosen], return_index=True)
        self._pair = np.full(len(side.vectors), -1, dtype=np.int64)
        self._pair[asking] = chosen[first]
        self._others = np.delete(chosen, first)
        self._no_better = np.zeros(len(items), dtype=np.int64)
        self._equal = np.zeros(len(items), dtype=np.int64)
        self._near: list[tuple[np.ndarray, np.ndarray]] = []  # pairs and candidates that are to be scored again

    def count(self, scores: np.ndarray, here: slice, there: slice) -> None:
        """Add what some candidates score for some items.

        Args:
            scores: float32 [items, candidates], of which one axis is contiguous and not the other longer than a byte.
            here: which items.
            there: which candidates.
        """
        pairs = self._pair[here]
        if (pairs >= 0).all():
            self._add(pairs, scores, there)
        elif (asked := np.flatnonzero(pairs >= 0)).size:
            self._add(pairs[asked], scores[asked] if scores.flags.c_contiguous else scores.T[:, asked].T, there)
        low, high = np.searchsorted(self._items[self._others], [here.start, here.stop])
        for start in range(low, high, _ROWS):
            more = self._others[start : min(start + _ROWS, high)]
            self._add(more, np.ascontiguousarray(scores[self._items[more] - here.start]), there)

    def _add(self, pairs: np.ndarray, scores: np.ndarray, there: slice) -> None:
        weights = self._other.weights(there)
        no_better = scores <= self._high[pairs][:, None]
        near = no_better & (scores >= self._low[pairs][:, None])
        if np.count_nonzero(near) > _MOST_NEAR * near.size:
            exact, own = self._in_double(pairs, there), self._own[pairs][:, None]
            self._no_better[pairs] += _counted(exact <= own, weights)
            self._equal[pairs] += _counted(exact == own, weights)
            return
        self._no_better[pairs] += _counted(no_better, weights)
        rows, columns = _cells_of(near)
        self._near.append((pairs[rows], columns + there.start))
        if sum(len(found) for found, _ in self._near) >= _NEAR:
            self._settle()

    def _in_double(self, pairs: np.ndarray, there: slice) -> np.ndarray:
        """Return what candidates score for the items of pairs, float32 [pairs, candidates], from one product.

        A model that has collapsed puts all items in nearly one place: to score each cell by itself would take minutes.
        One product rounds a cell in ten million otherwise, which tells no more of such a model.
        """
        asked, ranked = self._side.vectors[self._items[pairs]], self._other.vectors[there]
        scores = torch.from_numpy(asked).double() @ torch.from_numpy(ranked).double().T
        return np.asarray(scores.float().numpy())

    def _settle(self) -> None:
        """Score again what is near the partners' scores, and count it by that."""
        pairs, candidates = (np.concatenate(parts) for parts in zip(*self._near, strict=True))
        self._near = []
        scores = pair_scores(self._side.vectors, self._other.vectors, self._items[pairs], candidates)
        stands_for = self._other.counts[candidates]
        for found, counts, sign in (
            (scores > self._own[pairs], self._no_better, -1),
            (scores == self._own[pairs], self._equal, 1),
        ):
            np.add.at(counts, pairs[found], sign * stands_for[found])

    def ranks(self) -> np.ndarray:
        """Return the rank of each pair's partner, float64 [pairs]; of pairs not looked at, anything."""
        if self._near:
            self._settle()
        return np.asarray(self._other.items - self._no_better + (self._equal + 1) / 2, dtype=np.float64)


def _cells_of(found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns of the cells that are true, int64, in any order."""
    if not found.flags.c_contiguous:
        columns, rows = _cells_of(found.T)
        return rows, columns
    rows, columns = np.divmod(np.flatnonzero(found), found.shape[1])  # ten times as fast as np.nonzero of a matrix
    return rows, columns


def _counted(found: np.ndarray, weights: torch.Tensor | None) -> np.ndarray:
    """Return how many cells of each row are true, int64 [rows]; each counts as often as its column's weight says."""
    if weights is not None:
        return np.asarray((torch.from_numpy(found).float() @ weights).numpy().astype(np.int64))
    if found.flags.c_contiguous:  # these two ways are ten times as fast as to sum numbers of eight bytes
        return np.array([np.count_nonzero(row) for row in found], dtype=np.int64)
    return np.asarray(np.add.reduce(found.view(np.uint8), axis=1, dtype=np.uint8).astype(np.int64))

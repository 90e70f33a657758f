"""What a training step is shown: a batch of pairs, what is added to it, and who is a positive of whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TypeVar

import numpy as np
import torch

from ntcir.config import Config
from ntcir.sampling.negatives import HardNegatives
from ntcir.sampling.positives import FalseNegatives, ObjectPositives
from ntcir.sampling.relations import Relation

PSEUDO_POSITIVE = "pseudo-positive"  # why a pair may not be a hard negative of another, as reports call it
T = TypeVar("T")


class Side(IntEnum):
    """One of the two sides of a pair; an index of whatever holds something for each of both."""

    LEFT = 0
    RIGHT = 1

    @property
    def other(self) -> Side:
        """The side across."""
        return Side(1 - self)


@dataclass(frozen=True)
class Examples:
    """Items of a step, by the positions of their pairs in the training split.

    The first ``batch`` items on both sides are the batch's own pairs. After them come, on the side that has pictures,
    pseudo-positives and hard negatives, and on the other side hard negatives.

    Attributes:
        left: int64 [m].
        right: int64 [n].
        left_views: int64 [m]; 0 is the item as it is, from 1 on its altered views.
        right_views: int64 [n].
        positives: bool [m, n]; None where the positives are the diagonal of a square matrix.
        ignored: bool [m, n]; neither positive nor negative.
    """

    left: np.ndarray
    right: np.ndarray
    left_views: np.ndarray
    right_views: np.ndarray
    positives: torch.Tensor | None
    ignored: torch.Tensor


@dataclass(frozen=True)
class Shares:
    """How much a batch is given besides its pairs.

    Attributes:
        matched: pictures that show the same objects as one of the batch, as a share of the batch.
        altered: views of the batch's pictures, as a share of the batch.
        views: of each picture to choose from; 0: none.
        hard: hard negatives on each side, as a share of the batch.
    """

    matched: float = 0.25
    altered: float = 0.25
    views: int = 0
    hard: float = 0.25

    @classmethod
    def of(cls, config: Config) -> Shares:
        """Return the shares of a configuration."""
        return cls(config.positives.share, config.augment.share, config.augment.views, config.negatives.share)


@dataclass(frozen=True)
class Composer:
    """Adds pseudo-positives and hard negatives to batches; what it draws depends on the seed and the step alone.

    Attributes:
        false_negatives: which pairs are not contrasted with each other.
        seed: fixes what is drawn.
        shares: how much a batch is given.
        objects: matches pictures, where objects yield positives.
        shared: relates pairs that are positives of each other because they share an item; None where they are merely
            no negatives.
        side: which side's items have altered views and show objects.
        hard: kind of mining -> the hard negatives that it found.
    """

    false_negatives: FalseNegatives
    seed: int
    shares: Shares = field(default_factory=Shares)
    objects: ObjectPositives | None = None
    shared: Relation | None = None
    side: Side = Side.LEFT
    hard: Mapping[str, HardNegatives] = field(default_factory=dict)

    def with_hard(self, kind: str, found: HardNegatives) -> Composer:
        """Return a composer that shows these hard negatives in place of those of the same kind."""
        return replace(self, hard={**self.hard, kind: found})

    def forbidden(self) -> dict[str, Relation]:
        """Return why a pair may not be a hard negative of another: reason -> relation."""
        matching = {PSEUDO_POSITIVE: self.objects} if self.objects is not None else {}
        return {**self.false_negatives.relations, **matching}

    def __call__(self, rows: np.ndarray, step: int) -> Examples:
        """Return what step ``step`` (from 0) is shown, given its batch's pairs, int64 [batch]."""
        draw = np.random.default_rng([self.seed, 3, step])
        batch, shares = len(rows), self.shares
        matched = altered = np.empty(0, dtype=np.int64)
        if self.objects is not None:
            matched = _draw(self.objects.matches, rows, round(shares.matched * batch), draw)
        if shares.views:
            altered = rows[draw.permutation(batch)[: round(shares.altered * batch)]]
        most = round(shares.hard * batch)
        own_hard, other_hard = (self._draw_hard(side, rows, most, draw) for side in (self.side, self.side.other))
        own, other = np.concatenate([rows, matched, altered, own_hard]), np.concatenate([rows, other_hard])
        views = np.zeros_like(own)
        first = batch + len(matched)
        views[first : first + len(altered)] = draw.integers(1, max(shares.views, 1) + 1, len(altered))
        left, right = self._in_order(own, other)
        left_views, right_views = self._in_order(views, np.zeros_like(other))
        if self.objects is None and self.shared is None and len(own) == len(other) == batch:
            ignored = self.false_negatives(rows[:, None], rows[None, :])
            np.fill_diagonal(ignored, False)
            return Examples(left, right, left_views, right_views, None, torch.from_numpy(ignored))
        left_hard, right_hard = self._in_order(len(own) - len(own_hard), batch)
        positives, ignored = self._cells(left, right, left_hard, right_hard)
        return Examples(left, right, left_views, right_views, torch.from_numpy(positives), torch.from_numpy(ignored))

    def _in_order(self, own: T, other: T) -> tuple[T, T]:
        """Return what belongs to ``side`` and to the other one as left and right."""
        return (own, other) if self.side is Side.LEFT else (other, own)

    def _cells(
        self, left: np.ndarray, right: np.ndarray, left_hard: int, right_hard: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return which left items are positives of which right items, and which are neither positive nor negative.

        Args:
            left: int64 [m].
            right: int64 [n].
            left_hard: where the hard negatives begin among the left items.
            right_hard: the same among the right items.
        """
        rows, columns = left[:, None], right[None, :]
        positives = rows == columns
        ignored = self.false_negatives(rows, columns)
        if self.shared is not None:
            # What was added as a negative is nobody's partner: where it shares an item, it is ignored.
            sharing = self.shared(rows, columns)
            ignored |= sharing
            positives[:left_hard, :right_hard] |= sharing[:left_hard, :right_hard]
        if self.objects is not None:
            matching = self.objects(rows, columns)
            positives |= matching
            ignored |= matching
        # What is added across from the pictures is a negative of the batch's pictures, and nobody's positive.
        added = (slice(None), slice(right_hard, None)) if self.side is Side.LEFT else (slice(left_hard, None),)
        ignored[added] |= positives[added]
        positives[added] = False
        return positives, ignored & ~positives

    def _draw_hard(self, side: Side, rows: np.ndarray, most: int, draw: np.random.Generator) -> np.ndarray:
        """Return up to ``most`` negatives, evenly of all kinds; those in the batch anyway are not shown twice."""
        tables = [(found.left, found.right)[side] for found in self.hard.values()]
        drawn = [_draw(table, rows, most // len(tables), draw) for table in tables]
        return np.setdiff1d(np.concatenate(drawn), rows) if drawn else np.empty(0, dtype=np.int64)


def _draw(table: np.ndarray, rows: np.ndarray, most: int, draw: np.random.Generator) -> np.ndarray:
    """Return one entry each of up to ``most`` of the rows of a table of neighbours (-1: none); int64."""
    counts = (table[rows] >= 0).sum(axis=1)
    chosen = draw.permutation(np.flatnonzero(counts))[:most]
    return np.asarray(table[rows[chosen], draw.integers(0, counts[chosen])], dtype=np.int64)

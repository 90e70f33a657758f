"""What a training step is shown: a batch of pairs, what is added to it, and who is a positive of whom."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

from ntcir.config import Augment, Negatives, Positives
from ntcir.sampling.positives import FalseNegatives, ObjectPositives


@dataclass(frozen=True)
class Examples:
    """Photographs and readings of a step, by the positions of their pairs in the training split.

    The first ``batch`` photographs and readings are the batch's own pairs. After them come, among the photographs,
    pseudo-positives and hard negatives, and among the readings hard negatives.

    Attributes:
        images: int64 [m].
        views: int64 [m]; 0 is the photograph as it is, from 1 on its altered views.
        sensors: int64 [n].
        positives: bool [m, n]; None where there is nothing but the batch, whose positives are the diagonal.
        ignored: bool [m, n]; neither positive nor negative.
    """

    images: np.ndarray
    views: np.ndarray
    sensors: np.ndarray
    positives: torch.Tensor | None
    ignored: torch.Tensor


@dataclass
class Composer:
    """Adds pseudo-positives and hard negatives to batches; what it draws depends on the seed and the step alone.

    Attributes:
        false_negatives: which pairs are not contrasted with each other.
        seed: fixes what is drawn.
        objects: matches photographs, where objects yield positives.
        positives: how many matched photographs a batch is given.
        augment: how many altered views a batch is given.
        negatives: how many hard negatives a batch is given.
        hard_images: name of the kind -> int64 [pairs, any], the pairs whose photographs are hard negatives of each
            pair's reading, -1 where there are fewer.
        hard_sensors: the same of readings that are hard negatives of each pair's photograph.
    """

    false_negatives: FalseNegatives
    seed: int
    objects: ObjectPositives | None = None
    positives: Positives = field(default_factory=Positives)
    augment: Augment = field(default_factory=Augment)
    negatives: Negatives = field(default_factory=Negatives)
    hard_images: dict[str, np.ndarray] = field(default_factory=dict)
    hard_sensors: dict[str, np.ndarray] = field(default_factory=dict)

    def __call__(self, rows: np.ndarray, step: int) -> Examples:
        """Return what step ``step`` (from 0) is shown, given its batch's pairs, int64 [batch]."""
        draw = np.random.default_rng([self.seed, 3, step])
        batch = len(rows)
        matched = altered = np.empty(0, dtype=np.int64)
        if self.objects is not None:
            matched = _draw(self.objects.matches, rows, round(self.positives.share * batch), draw)
        if self.augment.views:
            altered = rows[draw.permutation(batch)[: round(self.augment.share * batch)]]
        most = round(self.negatives.share * batch)
        hard_images = self._hard(self.hard_images, rows, most, draw)
        images = np.concatenate([rows, matched, altered, hard_images])
        sensors = np.concatenate([rows, self._hard(self.hard_sensors, rows, most, draw)])
        views = np.zeros_like(images)
        first = batch + len(matched)
        views[first : first + len(altered)] = draw.integers(1, max(self.augment.views, 1) + 1, len(altered))
        if self.objects is None and len(images) == len(sensors) == batch:
            ignored = self.false_negatives(rows[:, None], rows[None, :])
            np.fill_diagonal(ignored, False)
            return Examples(images, views, sensors, None, torch.from_numpy(ignored))
        positives, ignored = self._cells(images, sensors, batch)
        return Examples(images, views, sensors, torch.from_numpy(positives), torch.from_numpy(ignored))

    def _cells(self, images: np.ndarray, sensors: np.ndarray, batch: int) -> tuple[np.ndarray, np.ndarray]:
        """Return which photographs are positives of which readings, and which are neither positive nor negative."""
        left, right = images[:, None], sensors[None, :]
        positives = left == right
        ignored = self.false_negatives(left, right)
        if self.objects is not None:
            matching = self.objects(left, right)
            positives |= matching
            ignored |= matching
        # The readings added are negatives of the batch's photographs, and nobody's positives.
        ignored[:, batch:] |= positives[:, batch:]
        positives[:, batch:] = False
        return positives, ignored & ~positives

    @staticmethod
    def _hard(kinds: dict[str, np.ndarray], rows: np.ndarray, most: int, draw: np.random.Generator) -> np.ndarray:
        """Return up to ``most`` negatives, evenly of all kinds; those in the batch anyway are not shown twice."""
        drawn = [_draw(table, rows, most // len(kinds), draw) for table in kinds.values()]
        return np.setdiff1d(np.concatenate(drawn), rows) if drawn else np.empty(0, dtype=np.int64)


def _draw(table: np.ndarray, rows: np.ndarray, most: int, draw: np.random.Generator) -> np.ndarray:
    """Return one entry each of up to ``most`` of the rows of a table of neighbours (-1: none); int64."""
    counts = (table[rows] >= 0).sum(axis=1)
    chosen = draw.permutation(np.flatnonzero(counts))[:most]
    return np.asarray(table[rows[chosen], draw.integers(0, counts[chosen])], dtype=np.int64)

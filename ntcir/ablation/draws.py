"""What the intervals of an ablation draw: topics, clusters of them, or blocks of neighbours, as in ``ntcir score``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ntcir.ablation.folds import Fold
from ntcir.formats.columns import Ints
from ntcir.formats.topic_table import seconds_of
from ntcir.significance.neighbours import neighbours


@dataclass(frozen=True)
class Draws:
    """What is drawn of the topics of all folds.

    Attributes:
        codes: by direction, the block of each topic, int64 (topics,): folds one after the other, topics in the order of
            their ids. Empty where each is drawn by itself.
        what: the plural noun for what is drawn.
        notes: sentences about blocks of neighbours.
    """

    codes: Mapping[str, Ints] = field(default_factory=dict)
    what: str = "topics"
    notes: tuple[str, ...] = ()


def draws_of(folds: Mapping[str, Fold]) -> Draws:
    """Return what intervals over the topics of folds draw.

    The blocks are those of ``ntcir score`` for all of these topics: what several folds ask about is in one block.
    """
    directions = list(next(iter(folds.values())).topics.by_direction())
    if all(name in fold.clusters for fold in folds.values() for name in directions):
        codes = {name: _joined([fold.clusters[name] for fold in folds.values()]) for name in directions}
        return Draws(codes, "clusters of topics, such as a picture's captions")
    times = {name: np.concatenate([_times(fold, name) for fold in folds.values()]) for name in directions}
    asked = np.repeat(np.arange(len(directions)), [len(times[name]) for name in directions])
    found = neighbours(np.concatenate(list(times.values())), asked)
    if found is None:
        return Draws()
    codes = {name: found.codes[asked == number] for number, name in enumerate(directions)}
    notes = f"Intervals draw {found.described('topic', 'topics')}.", *found.remarks()
    return Draws(codes, "blocks of neighbouring topics", notes)


def _times(fold: Fold, direction: str) -> np.ndarray:
    """Return the times of a direction's topics in the order of their ids, in seconds, NaN where unknown."""
    topics = sorted(fold.topics.by_direction()[direction], key=lambda topic: topic.topic_id)
    return np.array([seconds_of(topic.timestamp) for topic in topics], dtype=np.float64)


def _joined(clusters: list[np.ndarray]) -> Ints:
    """Return the clusters of all folds, one after the other, numbered without a gap."""
    numbers, before = [], 0
    for fold in clusters:
        codes = np.unique(fold, return_inverse=True)[1].reshape(-1)
        numbers.append(before + codes)
        before += int(codes.max()) + 1
    return np.concatenate(numbers)

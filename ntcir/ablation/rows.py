"""From reciprocal ranks to a table: means over topics, their intervals, and what is a difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ntcir.ablation.draws import Draws
from ntcir.ablation.folds import Fold
from ntcir.ablation.grid import Cell
from ntcir.ablation.results import Result
from ntcir.significance.estimate import Estimate

Results = Mapping[str, Sequence[Result]]  # fold -> a result a seed, in one order throughout

__all__ = ["Estimate", "Row", "Table", "make_row", "random_mrr", "topic_means"]


@dataclass(frozen=True)
class Row:
    """A cell of the grid, measured.

    Attributes:
        cell: which.
        topics: topics a direction, each of which counts once, whatever the number of seeds.
        mrr: by direction.
        difference: by direction, to the first method at the same iterations and weights, paired by topic; empty for
            that method itself.
        deviation: by direction, the standard deviation of MRR from seed to seed (0 with one seed).
        seconds: of a training.
        config: the file that repeats it, relative to the ablation's folder.
        by_direction: topics, where the directions have different numbers of them.
    """

    cell: Cell
    topics: int
    mrr: dict[str, Estimate]
    difference: dict[str, Estimate]
    deviation: dict[str, float]
    seconds: float
    config: str
    by_direction: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """The rows there are so far, and what a reader must know about all of them.

    Attributes:
        name: of the grid.
        corpus: its name.
        rows: in the order of the grid.
        weights, methods: in that order; the first method is what others are compared with.
        iterations: ascending.
        seeds: of the trainings.
        folds: names, none where there is but one.
        pool: candidates a topic.
        random: the MRR of random orders, by the directions that occur.
        of: rows that the whole grid has.
        whole: whether whole splits are ranked, and there are no pools.
        draws: what intervals draw.
        best: whether MRR is by each topic's best-ranked relevant document.
    """

    name: str
    corpus: str
    rows: list[Row]
    weights: list[str]
    methods: list[str]
    iterations: list[int]
    seeds: list[int]
    folds: list[str]
    pool: int
    random: dict[str, float]
    of: int
    folder: Path = field(default_factory=Path)
    whole: bool = False
    draws: Draws = field(default_factory=Draws)
    best: bool = False

    @property
    def directions(self) -> list[str]:
        """The directions that occur, by name."""
        return list(self.random)


def topic_means(results: Results, direction: str) -> np.ndarray:
    """Return the reciprocal rank of each topic, (topics,) float64, folds one after the other.

    A topic asked of several trainings is one topic, with their mean: asking more often makes no more topics.
    """
    means = []
    for trainings in results.values():
        topics = sorted(trainings[0].reciprocal[direction])
        values = [[training.reciprocal[direction][topic] for topic in topics] for training in trainings]
        means.append(np.mean(np.array(values, dtype=np.float64), axis=0))
    return np.concatenate(means)


def _by_seed(results: Results, direction: str) -> np.ndarray:
    """Return the MRR of each seed over the topics of all folds, (seeds,)."""
    seeds = len(next(iter(results.values())))
    return np.array(
        [topic_means({fold: [some[seed]] for fold, some in results.items()}, direction).mean() for seed in range(seeds)]
    )


def make_row(cell: Cell, results: Results, baseline: Results | None, config: str, draws: Draws | None = None) -> Row:
    """Work out a row.

    Args:
        cell: which.
        results: of the cell.
        baseline: of the first method at the same iterations and weights; None for that method itself.
        config: the file that repeats it.
        draws: which topics intervals draw together; if None, each is drawn by itself.
    """
    blocks = {} if draws is None else draws.codes
    mrr, difference, deviation, counts = {}, {}, {}, {}
    for direction in next(iter(results.values()))[0].reciprocal:
        values = topic_means(results, direction)
        counts[direction] = len(values)
        mrr[direction] = Estimate.of(values, blocks.get(direction))
        if baseline is not None:
            difference[direction] = Estimate.of(values - topic_means(baseline, direction), blocks.get(direction))
        by_seed = _by_seed(results, direction)
        deviation[direction] = float(by_seed.std(ddof=1)) if len(by_seed) > 1 else 0.0
    seconds = float(np.mean([result.seconds for trainings in results.values() for result in trainings]))
    differing = counts if len(set(counts.values())) > 1 else {}
    return Row(cell, max(counts.values()), mrr, difference, deviation, seconds, config, differing)


def random_mrr(folds: Sequence[Fold]) -> dict[str, float]:
    """Return the MRR that random orders of the candidates would have, by the directions that occur."""
    chances: dict[str, list[float]] = {}
    for fold in folds:
        for direction, found in fold.chances().items():
            chances.setdefault(direction, []).extend(found)
    return {direction: float(np.mean(values)) for direction, values in chances.items()}

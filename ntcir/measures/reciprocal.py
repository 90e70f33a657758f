"""Ranks of relevant rows, and two means of their reciprocals: the organisers', and by the best-ranked of each topic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ntcir.formats.columns import Floats, Ints
from ntcir.formats.runs import Pools, Qrels, Run
from ntcir.modalities import DEFAULT_PAIR, directions
from ntcir.significance.resampling import block_sums

Mrr = Literal["official", "best"]
MRRS: tuple[Mrr, ...] = ("official", "best")


@dataclass(frozen=True)
class Figures:
    """What the figures of topics are made of, each (topics,): sums over their relevant rows, and the number of these.

    Attributes:
        sums, rows: of rel/rank, and the number of rows that it is the sum of.
        ranks: of the best-ranked relevant documents, infinite where there is none.
        chances: the mean of a topic's rows that a random order would have, NaN where the pool is not known.
        clusters: of topics that are no draws of their own, as those of one picture's captions or of neighbouring frames
            are; None where each is.
    """

    sums: Floats
    rows: Ints
    ranks: Floats
    chances: Floats
    clusters: Ints | None = None

    def of(self, chosen: NDArray[np.bool_]) -> Figures:
        """Return those of some topics."""
        clusters = None if self.clusters is None else self.clusters[chosen]
        return Figures(self.sums[chosen], self.rows[chosen], self.ranks[chosen], self.chances[chosen], clusters)

    @classmethod
    def joined(cls, parts: Sequence[Figures]) -> Figures:
        """Return those of several groups of topics; clusters are of all of them or of none."""
        sums, rows, ranks, chances = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("sums", "rows", "ranks", "chances")
        )
        clusters = [part.clusters for part in parts if part.clusters is not None]
        return cls(sums, rows, ranks, chances, np.concatenate(clusters) if clusters else None)

    def draws(self) -> tuple[Floats, Ints]:
        """Return ``sums`` and ``rows`` of what a bootstrap draws: clusters, where there are any, else topics."""
        return block_sums(self.sums, self.rows, self.clusters)

    def mean(self) -> float:
        """Return the mean over all rows."""
        return float(self.sums.sum() / self.rows.sum())

    def standard_error(self) -> float | None:
        """Return the standard error of the mean, from how draws differ; None where there is but one draw.

        It is the linearised error of a ratio, sums over rows. Where each of G draws has one row, that is the standard
        deviation (with G - 1) divided by the root of G.
        """
        sums, rows = self.draws()
        number = len(sums)
        if number < 2:
            return None
        off = sums - sums.sum() / rows.sum() * rows
        return float(np.sqrt(number / (number - 1) * np.square(off).sum()) / rows.sum())


def usual_mean(asked: Sequence[str | None]) -> Mrr:
    """Return which mean is MRR for topics of these directions (None: unknown), where nobody says.

    The organisers' definition is about the topics that they ask. Of captions and pictures, of which one has several
    partners by design, the literature takes the best-ranked one.
    """
    theirs = {each.name for each in directions(DEFAULT_PAIR)}
    return "best" if asked and theirs.isdisjoint(asked) and None not in asked else "official"


def official(topic: Ints, grades: Ints, ranks: Floats, rows: Ints, sizes: Ints) -> Figures:
    """Return the figures by the organisers' definition, the mean of rel/rank over relevant rows.

    In a random order of n candidates each of them has an expected 1/rank of H(n)/n, whatever the number of relevant.
    """
    sums = np.asarray(np.bincount(topic, grades / ranks, len(rows)), dtype=np.float64)
    total = np.bincount(topic, grades, len(rows))
    chances = np.full(len(rows), np.nan)
    for i in np.flatnonzero((rows > 0) & (sizes > 0)):
        in_pool = min(1.0, sizes[i] / rows[i])  # of more relevant rows than candidates, some are no candidates
        chances[i] = total[i] / rows[i] * in_pool * random_reciprocal_rank(int(sizes[i]))
    return Figures(sums, rows, _best_ranks(topic, ranks, len(rows)), chances)


def by_best(topic: Ints, ranks: Floats, rows: Ints, sizes: Ints) -> Figures:
    """Return the figures by each topic's best-ranked relevant document."""
    best = _best_ranks(topic, ranks, len(rows))
    chances = np.full(len(rows), np.nan)
    for i in np.flatnonzero((rows > 0) & (sizes > 0)):
        chances[i] = random_reciprocal_rank(int(sizes[i]), int(rows[i]))
    return Figures(1 / best, np.ones_like(rows), best, chances)


def relevant_ranks(run: Run, qrels: Qrels) -> Floats:
    """Return the rank of each topic's best-ranked relevant document, (qrels.topics,) float64; infinite where none is.

    The rank is the number of better scored documents + (the number of equally scored ones, itself included, + 1) / 2:
    ties share their average rank. The run must have stood up to :func:`ntcir.formats.runs.validate_run`.
    """
    judged = np.flatnonzero(qrels.relevance > 0)
    return _best_ranks(qrels.topic[judged], row_ranks(run, qrels, judged), len(qrels.topics))


def _best_ranks(topic: Ints, ranks: Floats, topics: int) -> Floats:
    best = np.full(topics, np.inf)
    np.minimum.at(best, topic, ranks)
    return best


def row_ranks(run: Run, qrels: Qrels, judged: Ints) -> Floats:
    """Return the rank of each of the rows ``judged`` of the qrels, (judged,), infinite where the run lacks it."""
    rows = run.rows_of(qrels)[judged]
    there = rows >= 0
    ranks = np.full(len(judged), np.inf)
    ranks[there] = ranks_at(run.topic, run.score, rows[there])
    return ranks


def ranks_at(topic: Ints, score: Floats, rows: Ints) -> Floats:
    """Return the rank of each of some rows within its topic, (rows,); ties share their average rank.

    Args:
        topic: (all rows,) of each row, a number from 0 on.
        score: (all rows,) the higher, the better.
        rows: whose ranks are wanted.
    """
    topics = topic[rows]
    if np.bincount(topics, minlength=1).max() > 1:
        return _average_ranks(topic, score)[rows]
    # With one row a topic, as theirs mostly are, counting is several times faster than sorting.
    target = np.full(int(topic.max()) + 1, np.inf)
    target[topics] = score[rows]
    goal = target[topic]
    better = np.bincount(topic, score > goal, len(target))
    equal = np.bincount(topic, score == goal, len(target))
    return np.asarray((better + (equal + 1) / 2)[topics])


def _average_ranks(topic: Ints, score: Floats) -> Floats:
    """Return the rank of each row within its topic, (rows,); ties share their average rank."""
    order = np.lexsort((-score, topic))
    ranks = np.empty(len(order))
    ranks[order] = ranks_in_order(topic[order], score[order])
    return ranks


def ranks_in_order(topic: Ints, score: Floats) -> Floats:
    """Return the rank of each row within its topic, (rows,); ties share their average rank.

    Args:
        topic: (rows,) of each row, a number; the rows of a topic follow one another.
        score: (rows,) of each, the highest of a topic first.
    """
    new_topic = np.concatenate([[True], topic[1:] != topic[:-1]])
    first = np.flatnonzero(new_topic | np.concatenate([[True], score[1:] != score[:-1]]))  # of rows that tie
    size = np.diff(first, append=len(topic))
    before = first - np.flatnonzero(new_topic)[np.cumsum(new_topic)[first] - 1]
    return np.repeat(before + (size + 1) / 2, size)


def pool_sizes(run: Run, qrels: Qrels, pools: Pools | None) -> Ints:
    """Return the number of candidates of each topic, (qrels.topics,) int64, 0 where unknown.

    From the pools; else what the run ranks for the topic; for a topic that it lacks, the median of the others.
    """
    sizes = np.zeros(len(qrels.topics), dtype=np.int64)
    sizes[qrels.codes_of(run)] = np.bincount(run.topic)
    if sizes.any():
        sizes[sizes == 0] = int(np.median(sizes[sizes > 0]))
    if pools is not None:
        known = pools.codes_of(qrels)
        sizes[known >= 0] = np.bincount(pools.topic)[known[known >= 0]]
    return sizes


@cache
def random_reciprocal_rank(size: int, relevant: int = 1) -> float:
    """Return the expected reciprocal rank of the best of ``relevant`` documents in a random order of ``size``.

    With one relevant document it is H(n)/n, H being the harmonic number: 0.0294 for the task's n = 200. In general the
    best has rank k with probability C(n - k, r - 1) / C(n, r).
    """
    relevant = min(relevant, size)
    k = np.arange(1, size - relevant + 2)
    later = (size - k[:-1] - relevant + 1) / (size - k[:-1])  # P(best at k + 1) / P(best at k)
    probability = relevant / size * np.concatenate([[1.0], np.cumprod(later)])
    return float((probability / k).sum())

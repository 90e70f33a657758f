"""The weights of runs: as typed, or those with the best MRR on other topics than are fused."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ntcir.formats.columns import Floats, refuse
from ntcir.formats.matching import any_official, check_fit
from ntcir.formats.official import by_number
from ntcir.formats.runs import Qrels, Run, validate_run
from ntcir.fusion.alignment import Aligned, align
from ntcir.fusion.methods import Method, combined, contributions
from ntcir.measures.reciprocal import ranks_at
from ntcir.system.errors import UserError, counted, some

_CANDIDATES = 1000  # tried at most
_PARTS = (10, 5, 4, 3, 2, 1)  # tenths, if these are not too many


def parse_weights(text: str, runs: int) -> Floats:
    """Return weights as typed, such as ``2,1``, (runs,), the largest of them 1.

    Raises:
        UserError: if there are not as many as runs, one is not a finite number of at least 0, or all are 0.
    """
    try:
        weights = np.array([float(word) for word in text.split(",")])
    except ValueError:
        raise UserError(f"--weights {text!r} is not valid: give numbers with commas between them, as 2,1.") from None
    if len(weights) != runs:
        raise UserError(f"--weights {text!r} has {counted(len(weights), 'weight', 'weights')} for {runs} runs.")
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise UserError(f"--weights {text!r} is not valid: each weight must be a finite number of at least 0.")
    if not weights.any():
        raise UserError(f"--weights {text!r} is not valid: at least one weight must be above 0.")
    return np.asarray(weights / weights.max())


@dataclass(frozen=True)
class Tuned:
    """Weights and how they were found.

    Attributes:
        weights: (runs,), the largest of them 1.
        mrr: on the topics that they were tuned on, with ``equal`` weights, and of each run ``alone``.
        topics: how many these were.
        tried: how many sets of weights were.
    """

    weights: Floats
    mrr: float
    equal: float
    alone: list[float]
    topics: int
    tried: int

    def sentence(self) -> str:
        """Return the result in one sentence."""
        shares = ", ".join(f"{share:.3g}" for share in self.weights / self.weights.sum())
        alone = ", ".join(f"{mrr:.4f}" for mrr in self.alone)
        topics = counted(self.topics, "topic", "topics")
        return (
            f"Weights {shares} are the best of {self.tried} tried on {topics}: MRR {self.mrr:.4f} "
            f"(equal weights {self.equal:.4f}; each run alone {alone})."
        )


def tune(runs: Sequence[Run], qrels: Qrels, fused: Sequence[Run], method: Method, k: float) -> Tuned:
    """Return the weights with the best official MRR; of equally good ones, those nearest to equal weights.

    Args:
        runs: of the same systems as ``fused``, in the same order, over other topics.
        qrels: that judge them.
        fused: the runs that the weights are for.
        method: by which runs are fused.
        k: of reciprocal rank fusion.

    Raises:
        UserError: if there are not as many runs; if a topic of the qrels is among those that are fused; if a run does
            not fit the qrels.
    """
    if len(runs) != len(fused):
        given = counted(len(runs), "--tune-on was", "--tune-on were")
        raise UserError(f"{given} given for {len(fused)} runs: give one for each run, in the same order.")
    if both := [topic for topic in qrels.topics if any(topic in run.topics for run in fused)]:
        raise UserError(
            f"{qrels.path} judges {counted(len(both), 'topic', 'topics')} of the runs that are fused ({some(both)}): "
            "weights may only be tuned on other topics; give qrels of these alone."
        )
    aligned, judged = _judged(runs, qrels)
    values, ranked = contributions(aligned, method, k), aligned.ranked()
    relevant = np.flatnonzero(judged.relevance > 0)
    rows, grades = aligned.pairs.rows_of(judged)[relevant], judged.relevance[relevant]
    found = rows >= 0

    def mrr(weights: Floats) -> float:
        """Return the mean of rel/rank over the relevant rows, of which one that no run has counts 0."""
        score = combined(values, weights, ranked, method)
        return float((grades[found] / ranks_at(aligned.pairs.topic, score, rows[found])).sum() / len(rows))

    candidates = list(_candidates(len(runs)))
    measured = [mrr(weights) for weights in candidates]
    best = int(np.argmax(measured))  # the first of equally good ones
    alone = [mrr(weights) for weights in np.eye(len(runs))]
    topics = len(np.unique(judged.topic[relevant]))
    return Tuned(candidates[best], measured[best], measured[0], alone, topics, len(candidates))


def _judged(runs: Sequence[Run], qrels: Qrels) -> tuple[Aligned, Qrels]:
    """Return runs side by side, and the qrels, with ids that can be compared.

    Raises:
        UserError: if a run does not fit the qrels.
    """
    if any(any_official(run, qrels) for run in runs):
        for run in runs:
            check_fit(run, qrels, "give qrels with the same ids")
        runs, qrels = [by_number(run) for run in runs], by_number(qrels)
        refuse(qrels.path, [qrels.twice()])
    for run in runs:
        validate_run(run, qrels)
    return align(runs), qrels


def _candidates(runs: int) -> Iterator[Floats]:
    """Yield weights, the largest of them 1: equal ones, then all that are in tenths (or larger parts) of their sum.

    The parts are as small as leaves at most a thousand candidates; those nearer to equal weights come first.
    """
    yield np.ones(runs)
    parts = next(each for each in _PARTS if each == 1 or math.comb(each + runs - 1, runs - 1) <= _CANDIDATES)
    shares = [shared for shared in _shared(parts, runs) if len(set(shared)) > 1]
    for shared in sorted(shares, key=lambda each: sum(share**2 for share in each)):
        yield np.array(shared) / max(shared)


def _shared(parts: int, runs: int) -> Iterator[tuple[int, ...]]:
    """Yield all ways to share parts among runs."""
    for cuts in itertools.combinations(range(parts + runs - 1), runs - 1):
        edges = (-1, *cuts, parts + runs - 1)
        yield tuple(after - before - 1 for before, after in itertools.pairwise(edges))

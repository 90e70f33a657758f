"""Measures computed here: what ir_measures leaves to a Perl script, or to C code that cannot take the grades.

Each takes a topic's documents in trec_eval's order, by score, then by id, both descending.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from math import log2
from typing import Any

from ntcir.measures.library import MOST_GRADE, Grades, Scores

Compute = Callable[[Scores, Grades], dict[str, float]]

_GDEVAL_SCALE = 4  # the greatest grade that the TREC Web Track's gdeval takes, and by which its ERR is scaled


def own_measure(measure: Any, grades: Grades) -> Compute | None:
    """Return what computes a measure of each topic here; None for one that is ir_measures' to compute."""
    params, largest = measure.params, _largest(grades)
    topic_value: Callable[[Sequence[str], Mapping[str, int]], float]
    if measure.NAME == "IPrec":
        topic_value = partial(iprec, recall=params["recall"], rel=params.get("rel", 1))
    elif measure.NAME == "ERR":
        topic_value = partial(err, cutoff=params.get("cutoff"), scale=max(largest, _GDEVAL_SCALE))
    elif measure.NAME == "nDCG":
        gains = params.get("gains", {})
        greatest = max(largest, *gains.values()) if gains else largest
        exponential = params.get("dcg") == "exp-log2"
        if not exponential and greatest <= MOST_GRADE:
            return None
        gain = partial(_exponential, greatest=greatest) if exponential else float
        topic_value = partial(ndcg, cutoff=params.get("cutoff"), gain=lambda grade: gain(gains.get(grade, grade)))
    else:
        return None
    judged_only = params.get("judged_only", False)

    def compute(scores: Scores, grades: Grades) -> dict[str, float]:
        ranked = _topics(scores, grades, judged_only)
        return {topic: topic_value(documents, judged) for topic, documents, judged in ranked}

    return compute


def iprec(ranked: Sequence[str], judged: Mapping[str, int], recall: float, rel: int) -> float:
    """Return IPrec, the best precision at or beyond a level of recall, as trec_eval 10 defines it.

    The number of relevant documents that makes the level is rounded to the nearest. The trec_eval 9 within pytrec_eval
    adds 0.9 and cuts off instead, so that ir_measures would ask for 47 of 77 documents, not 46, at a recall of 0.6.
    """
    relevant = {document for document, grade in judged.items() if grade >= rel}
    ranks = [rank for rank, document in enumerate(ranked, 1) if document in relevant]
    precisions = [found / rank for found, rank in enumerate(ranks, 1)]
    needed = int(recall * len(relevant) + 0.5)
    return max(precisions[max(needed, 1) - 1 :], default=0.0)


def err(ranked: Sequence[str], judged: Mapping[str, int], cutoff: int | None, scale: int) -> float:
    """Return the expected reciprocal rank: sum over ranks r of 1/r * R_r * prod_{i<r} (1 - R_i), R = (2^g - 1)/2^scale.

    Chapelle et al., Expected reciprocal rank for graded relevance, CIKM 2009, algorithm 1. ``scale`` is the greatest
    grade that there can be: 4 as in gdeval, whose figures TREC's are, or that of the qrels if it is greater.
    """
    value, goes_on = 0.0, 1.0
    for rank, document in enumerate(ranked[:cutoff], 1):
        satisfied = _exponential(judged.get(document, 0), scale)
        value += goes_on * satisfied / rank
        goes_on *= 1 - satisfied
    return value


def ndcg(ranked: Sequence[str], judged: Mapping[str, int], cutoff: int | None, gain: Callable[[int], float]) -> float:
    """Return the normalised discounted cumulative gain: that of the ranking over that of the best one.

    DCG is the sum over ranks r of gain / log2(r + 1). With the gain 2^g - 1 (Burges et al., Learning to rank using
    gradient descent, ICML 2005) it is ``dcg='exp-log2'``; with the grade itself it is trec_eval's.
    """
    gains = {document: max(gain(grade), 0.0) for document, grade in judged.items()}
    best = _dcg(sorted(gains.values(), reverse=True)[:cutoff])
    return _dcg([gains.get(document, 0.0) for document in ranked[:cutoff]]) / best if best > 0 else 0.0


def _dcg(gains: Sequence[float]) -> float:
    return sum(gain / log2(rank + 1) for rank, gain in enumerate(gains, 1))


def _exponential(grade: int, greatest: int) -> float:
    """Return (2^grade - 1) / 2^greatest, which overflows nowhere; 0 for a grade that is not above 0."""
    return 2.0 ** max(grade - greatest, -1100) - 2.0 ** max(-greatest, -1100) if grade > 0 else 0.0


def _largest(grades: Grades) -> int:
    return max((grade for judged in grades.values() for grade in judged.values()), default=0)


def _topics(scores: Scores, grades: Grades, judged_only: bool) -> Iterator[tuple[str, list[str], dict[str, int]]]:
    """Yield each topic, its documents in trec_eval's order, and its judgements; a grade below 0 is none."""
    for topic, rows in grades.items():
        judged = {document: grade for document, grade in rows.items() if grade >= 0}
        shown = ((value, document) for document, value in scores.get(topic, {}).items())
        ranked = [document for _, document in sorted(shown, reverse=True)]
        yield topic, [document for document in ranked if document in judged or not judged_only], judged

"""Measures that ir_measures computes, from grades that its C code can take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from typing import Any, TypeVar

from ntcir.system.errors import UserError, some

Scores = dict[str, dict[str, float]]  # topic -> document -> score
Grades = dict[str, dict[str, int]]  # topic -> document -> grade

# trec_eval keeps a table of all grades up to the greatest, and goes through it in quadratic time.
MOST_GRADE = 1000
# -1 says that a document is in the pool but not judged; what is below has a meaning only within trec_eval, and ends it.
_UNJUDGED = -1

V = TypeVar("V")
Evaluator = Callable[[Any, Scores], dict[Any, V]]  # of ir_measures, and what it makes of scores: values by measure


def evaluate(measures: Sequence[Any], scores: Scores, grades: Grades) -> dict[Any, float]:
    """Compute measures over all topics of the qrels; see ``_evaluated``."""
    return _evaluated(measures, scores, grades, lambda evaluator, scores: dict(evaluator.calc_aggregate(scores)))


def evaluate_topics(measures: Sequence[Any], scores: Scores, grades: Grades) -> dict[Any, dict[str, float]]:
    """Compute measures of each topic of the qrels, by the topic's id; see ``_evaluated``."""
    return _evaluated(measures, scores, grades, _by_topic)


def _by_topic(evaluator: Any, scores: Scores) -> dict[Any, dict[str, float]]:
    values: dict[Any, dict[str, float]] = {}
    for metric in evaluator.iter_calc(scores):
        values.setdefault(metric.measure, {})[metric.query_id] = float(metric.value)
    return values


def _evaluated(measures: Sequence[Any], scores: Scores, grades: Grades, of: Evaluator[V]) -> dict[Any, V]:
    """Compute measures from grades that trec_eval's code can take.

    Args:
        measures: checked already; of nDCG only those whose gains are no greater than ``MOST_GRADE``.
        scores: of the run.
        grades: of the qrels.
        of: what is computed.

    Raises:
        UserError: if one cannot be computed with what is installed, or not of this run.
    """
    largest = max((grade for judged in grades.values() for grade in judged.values()), default=0)
    if any(grade < _UNJUDGED for judged in grades.values() for grade in judged.values()):
        grades = _changed(grades, lambda grade: max(grade, _UNJUDGED))
    if largest <= MOST_GRADE and all(_level(measure) <= MOST_GRADE for measure in measures):
        return _evaluate(measures, scores, grades, of)
    # All that counts is whether a grade reaches the level from which a document is relevant.
    values: dict[Any, V] = {}
    for level, group in groupby(sorted(measures, key=_level), _level):
        binary = _changed(grades, partial(_binary, level=level))
        asked = {measure(rel=1) if "rel" in measure.params else measure: measure for measure in group}
        values |= {asked[measure]: value for measure, value in _evaluate(list(asked), scores, binary, of).items()}
    return values


def _binary(grade: int, level: int) -> int:
    return 1 if grade >= level else min(grade, 0)


def _level(measure: Any) -> int:
    """Return the grade from which on a document is relevant to a measure."""
    level = measure.params.get("rel", 1)
    return int(level)


def _changed(grades: Grades, change: Callable[[int], int]) -> Grades:
    return {topic: {doc: change(grade) for doc, grade in judged.items()} for topic, judged in grades.items()}


def _evaluate(measures: Sequence[Any], scores: Scores, grades: Grades, of: Evaluator[V]) -> dict[Any, V]:
    import ir_measures

    try:
        return of(ir_measures.evaluator(measures, grades), scores)
    except Exception as error:  # whatever a provider stumbles over: division by zero, a missing program, ...
        reason = " ".join(str(error).split()) or type(error).__name__
        told = isinstance(error, ValueError | RuntimeError | OSError)  # ir_measures' own sentence, with names
        named = some(measures if told else _failing(measures, scores, grades))
        raise UserError(f"ir_measures cannot compute {named} here: {reason}") from error


def _failing(measures: Sequence[Any], scores: Scores, grades: Grades) -> Sequence[Any]:
    """Return the measures that cannot be computed by themselves; all of them if each can."""
    import ir_measures

    failing = []
    for measure in measures:
        try:
            ir_measures.evaluator([measure], grades).calc_aggregate(scores)
        except Exception:  # the first one's reason is reported
            failing.append(measure)
    return failing or measures

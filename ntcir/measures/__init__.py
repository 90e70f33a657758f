"""Measures beside the official one, by the names of ir_measures: checked first, then computed there or here.

Most are computed by ir_measures, through trec_eval's C code, which answers an odd cut-off or grade by ending the
process. Hence :mod:`~ntcir.measures.names` checks the parameters, :mod:`~ntcir.measures.library` the grades, and
:mod:`~ntcir.measures.own` computes what the library gets wrong or leaves to a program that may not be there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ntcir.formats.columns import Floats, Ints
from ntcir.formats.matching import read_matching
from ntcir.formats.reading import StrPath
from ntcir.formats.runs import Qrels, Run, validate_run
from ntcir.measures.library import Grades, Scores, evaluate, evaluate_topics
from ntcir.measures.names import parse_measures
from ntcir.measures.own import own_measure
from ntcir.system.errors import UserError

__all__ = ["measures", "measures_by_topic"]


def measures(run: StrPath | Run, qrels: StrPath | Qrels, names: str) -> dict[str, float]:
    """Evaluate measures of ir_measures over all topics in the qrels; topics that the run lacks count 0.

    Nothing there averages tied ranks: RR takes ties by descending document id, RR@10 by ascending id. A grade below 0
    says that a document is not judged.

    Args:
        run: a run of any format, checked as in :func:`ntcir.scoring.score`.
        qrels: qrels of either format.
        names: measures as ir_measures spells them, between spaces or commas: ``RR@10 nDCG@10 P(rel=2)@5``.

    Returns:
        The values by name, in the order asked for, all finite.

    Raises:
        UserError: if a measure is unknown, has a parameter that is out of range, or cannot be computed here; or as in
            :func:`ntcir.scoring.score`.
    """
    wanted = parse_measures(names)
    run, qrels, _ = read_matching(run, qrels, own_pools=False)
    validate_run(run, qrels)
    scores, grades = _nested(run, run.score), _nested(qrels, qrels.relevance)
    values, theirs = _own(wanted.values(), scores, grades)
    means = {measure: sum(of.values()) / len(of) for measure, of in values.items()}
    means |= evaluate(theirs, scores, grades) if theirs else {}
    for name, measure in wanted.items():
        if not math.isfinite(means[measure]):
            raise UserError(f"The measure {name} is undefined here: no topic of {qrels.path} has a value for it.")
    return {name: float(means[measure]) for name, measure in wanted.items()}


def measures_by_topic(run: Run, qrels: Qrels, names: str, topics: Sequence[str]) -> dict[str, Floats]:
    """Evaluate measures of single topics, as ``measures`` does; their mean is the value of ``measures``.

    Args:
        run: checked, with ids that can be compared with those of the qrels.
        qrels: the qrels.
        names: as for ``measures``.
        topics: the ids of some topics of the qrels.

    Returns:
        The values by name, float64 (topics,), all finite.

    Raises:
        UserError: as for ``measures``, or if the value over all topics is not the mean of theirs, as of ``NumRet``.
    """
    wanted = parse_measures(names)
    for name, measure in wanted.items():
        if type(measure.aggregator()).__name__ != "MeanAgg":
            raise UserError(f"The measure {name} is not a mean over topics, so that runs cannot be compared by it.")
    scores, grades = _nested(run, run.score), _nested(qrels, qrels.relevance)
    values, theirs = _own(wanted.values(), scores, grades)
    values |= evaluate_topics(theirs, scores, grades) if theirs else {}
    found = {name: np.array([values[measure][topic] for topic in topics]) for name, measure in wanted.items()}
    for name, each in found.items():
        if not np.isfinite(each).all():
            topic = topics[int(np.isfinite(each).argmin())]
            raise UserError(f"The measure {name} is undefined for the topic {topic} of {qrels.path}.")
    return found


def _own(wanted: Iterable[Any], scores: Scores, grades: Grades) -> tuple[dict[Any, dict[str, float]], list[Any]]:
    """Return the values by topic of the measures that are computed here, and the other measures."""
    values: dict[Any, dict[str, float]] = {}
    theirs = []
    for measure in wanted:
        compute = own_measure(measure, grades)
        if compute is None:
            theirs.append(measure)
        else:
            values[measure] = compute(scores, grades)
    return values, theirs


def _nested(pairs: Run | Qrels, values: Floats | Ints) -> dict[str, dict[str, Any]]:
    """Return the rows as topic -> document -> value, the form that pytrec_eval takes without another copy."""
    nested: dict[str, dict[str, Any]] = {topic: {} for topic in pairs.topics}
    by_code = list(nested.values())
    for code, document, value in zip(pairs.topic.tolist(), pairs.document.tolist(), values.tolist(), strict=True):
        by_code[code][document.decode()] = value
    return nested

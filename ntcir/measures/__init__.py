"""Measures beside the official one, by the names of ir_measures: checked first, then computed there or here.

Most are computed by ir_measures, through trec_eval's C code, which answers an odd cut-off or grade by ending the
process. Hence :mod:`~ntcir.measures.names` checks the parameters, :mod:`~ntcir.measures.library` the grades, and
:mod:`~ntcir.measures.own` computes what the library gets wrong or leaves to a program that may not be there.
"""

from __future__ import annotations

import math
from typing import Any

from ntcir.formats.columns import Floats, Ints
from ntcir.formats.matching import read_matching
from ntcir.formats.reading import StrPath
from ntcir.formats.runs import Qrels, Run, validate_run
from ntcir.measures.library import evaluate
from ntcir.measures.names import parse_measures
from ntcir.measures.own import own_measure
from ntcir.system.errors import UserError

__all__ = ["measures"]


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
    values: dict[Any, float] = {}
    theirs = []
    for measure in wanted.values():
        compute = own_measure(measure, grades)
        if compute is None:
            theirs.append(measure)
        else:
            values[measure] = compute(scores, grades)
    values |= evaluate(theirs, scores, grades) if theirs else {}
    for name, measure in wanted.items():
        if not math.isfinite(values[measure]):
            raise UserError(f"The measure {name} is undefined here: no topic of {qrels.path} has a value for it.")
    return {name: float(values[measure]) for name, measure in wanted.items()}


def _nested(pairs: Run | Qrels, values: Floats | Ints) -> dict[str, dict[str, Any]]:
    """Return the rows as topic -> document -> value, the form that pytrec_eval takes without another copy."""
    nested: dict[str, dict[str, Any]] = {topic: {} for topic in pairs.topics}
    by_code = list(nested.values())
    for code, document, value in zip(pairs.topic.tolist(), pairs.document.tolist(), values.tolist(), strict=True):
        by_code[code][document.decode()] = value
    return nested

"""What each run contributes to the score of a document, and how contributions become one score.

- ``rrf``, reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009): the sum of w / (k + rank). Ties share
  their average rank, as in the official measure, so that they stay ties. A run that lacks a document adds 0.
- ``combsum`` (Fox and Shaw, TREC-2, 1994): the sum of w times the score, standardised within the topic of its run: less
  the mean, divided by the standard deviation, then shifted so that the topic's lowest is 0. The shift changes no order,
  for it is the same for all documents of a topic. A run that lacks a document adds 0, as for its worst one: a document
  that was cut off scored no better. Where all scores of a topic are equal they are 0.
- ``combmnz`` (ibid.): that sum times the number of runs that rank the document. It is why scores are shifted: negative
  ones would be punished for being found by many.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from ntcir.formats.columns import Floats, Ints
from ntcir.fusion.alignment import Aligned
from ntcir.measures.reciprocal import ranks_at

Method = Literal["rrf", "combsum", "combmnz"]
METHODS: tuple[Method, ...] = get_args(Method)
K = 60  # of the paper


def contributions(aligned: Aligned, method: Method, k: float = K) -> Floats:
    """Return what each run says of each pair, before it is weighted: float64 (runs, pairs), 0 where it lacks one."""
    found = np.zeros((len(aligned.runs), len(aligned.pairs.topic)))
    for values, run, rows in zip(found, aligned.runs, aligned.rows, strict=True):
        if method == "rrf":
            values[rows] = 1 / (k + ranks_at(run.topic, run.score, np.arange(len(run.topic))))
        else:
            values[rows] = standardised(run.topic, run.score)
    return found


def standardised(topic: Ints, score: Floats) -> Floats:
    """Return scores in standard deviations of their topic, above its lowest; 0 where all of a topic are equal.

    Args:
        topic: (rows,) a number from 0 on.
        score: (rows,) finite.
    """
    half = score / 2  # the range of halves is finite whatever the scores
    low, high = np.full((2, int(topic.max()) + 1), [[np.inf], [-np.inf]])
    np.minimum.at(low, topic, half)
    np.maximum.at(high, topic, half)
    size = np.where(high > low, high - low, 1.0)
    unit = (half - low[topic]) / size[topic]
    number = np.maximum(np.bincount(topic), 1)
    mean = np.bincount(topic, unit) / number
    deviation = np.sqrt(np.bincount(topic, np.square(unit - mean[topic])) / number)
    return np.asarray(unit / np.where(deviation > 0, deviation, 1.0)[topic])


def combined(values: Floats, weights: Floats, ranked: np.ndarray, method: Method) -> Floats:
    """Return the score of each pair, (pairs,), in steps of single precision.

    Contributions are added from the smallest to the largest: documents with the same ones, be it of other runs, tie.
    In single precision, as all runs are written, because trec_eval reads no more: what ties there ties everywhere.

    Args:
        values: what :func:`contributions` returns.
        weights: (runs,), 0 or more; those of no run above 1.
        ranked: bool (runs, pairs), which run ranks which pair.
        method: of which only ``combmnz`` is not a sum.
    """
    total = np.zeros(values.shape[1])
    for part in np.sort(values * weights[:, None], axis=0):
        total += part
    if method == "combmnz":
        total *= ranked[weights > 0].sum(axis=0)
    return total.astype(np.float32).astype(np.float64)

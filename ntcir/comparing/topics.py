"""Which topics runs have in common, and runs that are the same."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ntcir.formats.runs import Run
from ntcir.measures.judged import Judged
from ntcir.system.errors import UserError, counted, some


def common_topics(judged: Mapping[str, Judged]) -> tuple[NDArray[np.bool_], list[str]]:
    """Return which of the topics all runs answer, bool (topics,), and sentences about what they lack.

    Args:
        judged: runs by name, against the same qrels.
    """
    topics = next(iter(judged.values())).names
    common = np.ones(len(topics), dtype=bool)
    notes = []
    for name, each in judged.items():
        answered = set(each.run.topics)
        there = np.array([topic in answered for topic in topics], dtype=bool)
        if lacking := [topic for topic, known in zip(topics, there, strict=True) if not known]:
            notes.append(f"{name} lacks {len(lacking)} of {counted(len(topics), 'topic', 'topics')}: {some(lacking)}.")
        common &= there
    if notes:
        number = int(common.sum())
        are = "The topic that all runs have is" if number == 1 else f"The {number:,} topics that all runs have are"
        notes.append(f"{are} compared; `ntcir score` counts a topic that a run lacks as 0.")
    return common, notes


def refuse_twins(runs: Mapping[str, Run]) -> None:
    """Refuse runs of which two have the same answers.

    Raises:
        UserError: naming them.
    """
    for (one, run), (other, second) in combinations(runs.items(), 2):
        if _same_answers(run, second):
            raise UserError(
                f"{run.path} and {second.path} have the same documents with the same scores, so that there is nothing "
                f"to compare: leave out {one if one == other else other}."
            )


def _same_answers(one: Run, other: Run) -> bool:
    if len(one.topic) != len(other.topic) or set(one.topics) != set(other.topics):
        return False
    rows = one.rows_of(other)
    return bool((rows >= 0).all() and (one.score[rows] == other.score).all())

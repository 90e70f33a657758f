"""What a person should know of runs that are fused: which lack what, and which are one and the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ntcir.formats.columns import Floats
from ntcir.formats.official import OfficialRun
from ntcir.formats.runs import Run
from ntcir.formats.spelling import differently_spelled
from ntcir.fusion.alignment import Aligned
from ntcir.fusion.methods import Method
from ntcir.system.errors import UserError, counted, some


def require_shared_topics(runs: Sequence[Run]) -> None:
    """Check that there is a topic that two runs answer.

    Raises:
        UserError: if there is none.
    """
    topics = [topic for run in runs for topic in run.topics]
    if len(runs) > 1 and len(set(topics)) == len(topics):
        here, there = (f"{run.path} has {some(run.topics, 2)}" for run in runs[:2])
        raise UserError(f"No topic is in two of the runs ({here}; {there}): give runs that answer the same topics.")


def remarks(aligned: Aligned, method: Method) -> Iterator[str]:
    """Yield a sentence for each thing that the fused run does not show by itself.

    Args:
        aligned: the runs.
        method: by which they are fused.
    """
    yield from _same(aligned)
    ranked, answered, topic = aligned.ranked(), aligned.answered(), aligned.pairs.topic
    counts = "count 0 in it" if method == "rrf" else "count as its worst"
    for run, has, answers in zip(aligned.runs, ranked, answered, strict=True):
        if absent := [aligned.pairs.topics[number] for number in np.flatnonzero(~answers)]:
            which = counted(len(absent), "topic, which is", "topics, which are")
            yield f"{run.path} lacks {which} fused from the other runs alone: {some(absent)}."
        lacking = answers[topic] & ~has
        if not lacking.any():
            continue
        several = [aligned.pairs.topics[number] for number in np.unique(topic[lacking])]
        where = f"{counted(len(several), 'topic', 'topics')} ({some(several)})"
        total = f"{lacking.sum():,} of the {answers[topic].sum():,} documents that the runs rank for its topics"
        yield f"{run.path} lacks {total}, in {where}; they {counts}."
    shared = ranked.sum(axis=0) > 1
    if len(aligned.runs) > 1 and not shared.any():
        example = " and ".join(f"'{run.document[0].decode()}' of {run.path}" for run in aligned.runs[:2])
        yield f"no document is in two of the runs: are ids such as {example} of the same collection?"


def spelled_apart(runs: Sequence[Run]) -> Iterator[str]:
    """Yield a sentence for a TREC run that has a document of the first one under the same number, spelled otherwise."""
    if any(isinstance(run, OfficialRun) for run in runs):
        return
    for run in runs[1:]:
        if pair := differently_spelled(runs[0], run):
            here, there = f"{pair[0]!r} of {runs[0].path}", f"{pair[1]!r} of {run.path}"
            yield f"{here} and {there} are two documents: TREC ids are compared as text."


def _same(aligned: Aligned) -> Iterator[str]:
    """Yield a sentence for each run that is one of those before it."""
    scores: list[Floats] = []
    for run, rows in zip(aligned.runs, aligned.rows, strict=True):
        mine = np.full(len(aligned.pairs.topic), np.nan)
        mine[rows] = run.score
        earlier = [number for number, other in enumerate(scores) if np.array_equal(mine, other, equal_nan=True)]
        if earlier:
            path, times = aligned.runs[earlier[0]].path, counted(len(earlier) + 1, "time", "times")
            if run.path == path:
                yield f"{path} is given {times}, and counts as often."
            else:
                yield f"{path} and {run.path} are the same run, which counts {times}."
        scores.append(mine)

"""The documents of several runs side by side: every (topic, document) pair that one of them ranks, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ntcir.formats.columns import Ints
from ntcir.formats.official import OfficialRun, by_number
from ntcir.formats.runs import Pairs, Run

FUSED = "the fused run"  # what messages call it


@dataclass(frozen=True, eq=False)
class Aligned:
    """Runs and the pairs that they rank.

    Attributes:
        runs: with ids that can be compared.
        pairs: all that one of them ranks.
        rows: of each run, the row in ``pairs`` of each of its rows.
    """

    runs: Sequence[Run]
    pairs: Pairs
    rows: Sequence[Ints]

    def ranked(self) -> np.ndarray:
        """Return which run ranks which of ``pairs``, bool (runs, pairs)."""
        found = np.zeros((len(self.runs), len(self.pairs.topic)), dtype=bool)
        for has, rows in zip(found, self.rows, strict=True):
            has[rows] = True
        return found

    def answered(self) -> np.ndarray:
        """Return which run has which of the topics of ``pairs``, bool (runs, topics)."""
        found = np.zeros((len(self.runs), len(self.pairs.topics)), dtype=bool)
        for has, rows in zip(found, self.rows, strict=True):
            has[self.pairs.topic[rows]] = True
        return found


def comparable(runs: Sequence[Run]) -> list[Run]:
    """Return runs with ids that can be compared: by number, where one of them is the organisers'."""
    return [by_number(run) for run in runs] if any(isinstance(run, OfficialRun) for run in runs) else list(runs)


def align(runs: Sequence[Run]) -> Aligned:
    """Bring runs side by side; topics and documents are in the order in which the runs first have them.

    Args:
        runs: with comparable ids, none with a document twice in a topic.
    """
    first = runs[0]
    pairs = Pairs(FUSED, first.line, first.topics, first.topic, first.document)
    rows: list[Ints] = [np.arange(len(first.topic))]
    for run in runs[1:]:
        found = pairs.rows_of(run)
        new = np.flatnonzero(found < 0)
        found[new] = len(pairs.topic) + np.arange(len(new))
        pairs = _with_rows(pairs, run, new)
        rows.append(found)
    return Aligned(runs, pairs, rows)


def _with_rows(pairs: Pairs, run: Run, new: Ints) -> Pairs:
    """Return pairs and behind them some rows of a run."""
    topics = list(dict.fromkeys([*pairs.topics, *run.topics]))
    code = {topic: number for number, topic in enumerate(topics)}
    codes = np.array([code[topic] for topic in run.topics], dtype=np.int64)
    topic = np.concatenate([pairs.topic, codes[run.topic[new]]])
    document = np.concatenate([pairs.document, run.document[new]])
    return Pairs(FUSED, np.arange(1, len(topic) + 1), topics, topic, document)

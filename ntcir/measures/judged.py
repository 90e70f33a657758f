"""A run against its qrels: the ranks of what is relevant, and what means over topics are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ntcir.formats.columns import Floats, Ints
from ntcir.formats.matching import read_matching
from ntcir.formats.reading import StrPath
from ntcir.formats.runs import Pools, Qrels, Run, validate_run
from ntcir.measures.reciprocal import Figures, Mrr, by_best, official, pool_sizes, row_ranks, usual_mean


@dataclass(frozen=True, eq=False)
class Judged:
    """A checked run with its ranks; topics are those of the qrels that have a relevant document, in their order.

    Attributes:
        run, qrels, pools: with ids that can be compared; the pools are None if unknown.
        names: the topics' ids.
        directions: of each topic, None if unknown.
        scored: which of the qrels' topics these are, bool (qrels.topics,).
        sizes: candidates of each topic, int64 (topics,), 0 if unknown.
        topic, grades, ranks: of each relevant row its index in the qrels' topics, its grade, and its rank in the run,
            infinite where the run lacks it.
        by_definition: what the figures of the topics are made of, by each of the two means.
        mrr: the mean that is meant.
    """

    run: Run
    qrels: Qrels
    pools: Pools | None
    names: list[str]
    directions: list[str | None]
    scored: NDArray[np.bool_]
    sizes: Ints
    topic: Ints
    grades: Ints
    ranks: Floats
    by_definition: Mapping[Mrr, Figures]
    mrr: Mrr

    @property
    def figures(self) -> Figures:
        """What the figures are made of, by the mean that is meant."""
        return self.by_definition[self.mrr]

    def several(self) -> int:
        """Return the number of topics with several relevant rows or grades above 1."""
        rows, grades = (np.bincount(self.topic, of, len(self.scored))[self.scored] for of in (None, self.grades))
        return int(((rows > 1) | (grades > rows)).sum())


def judge(
    run: StrPath | Run,
    qrels: StrPath | Qrels,
    told: Mapping[str, str],
    *,
    pools_path: StrPath | Pools | None = None,
    own_pools: bool = True,
    mrr: Mrr | None = None,
) -> Judged:
    """Check a run against qrels and rank what is relevant; the arguments are those of :func:`ntcir.scoring.score`.

    Args:
        run: a file, or what was read of it.
        qrels: likewise.
        told: topic id -> direction, of topics of which it is known.
        pools_path: the candidates, if not those of the organisers' qrels; likewise.
        own_pools: whether the organisers' qrels tell the candidates.
        mrr: which mean is MRR; the one that is usual for such topics if None.

    Raises:
        UserError: if a file cannot be read, or the run does not stand up to :func:`ntcir.formats.runs.validate_run`.
    """
    run, qrels, pools = read_matching(run, qrels, pools_path, own_pools=own_pools)
    validate_run(run, qrels, pools)
    judged = np.flatnonzero(qrels.relevance > 0)
    topic, grades = qrels.topic[judged], qrels.relevance[judged]
    ranks = row_ranks(run, qrels, judged)
    sizes = pool_sizes(run, qrels, pools)
    rows = np.bincount(topic, minlength=len(qrels.topics))
    scored = rows > 0
    by_definition: dict[Mrr, Figures] = {
        "official": official(topic, grades, ranks, rows, sizes).of(scored),
        "best": by_best(topic, ranks, rows, sizes).of(scored),
    }
    names = [name for name, known in zip(qrels.topics, scored, strict=True) if known]
    directions = [told.get(name) for name in names]
    return Judged(
        run, qrels, pools, names, directions, scored, sizes[scored], topic, grades, ranks, by_definition,
        mrr or usual_mean(directions),
    )  # fmt: skip

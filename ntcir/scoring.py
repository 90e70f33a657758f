"""The official measure, its companions, and remarks on a run that is scored.

The NTCIR Transfer-2 DMR subtask ranks the candidates of a topic by score, lets ties share their average rank, and takes
the mean of rel/rank over the relevant rows of all topics. Here a topic or relevant row that the run lacks counts 0
instead of dropping out. With one relevant row of grade 1 a topic that is the mean reciprocal rank as it is usually
understood; with several, ``mrr="best"`` is: the mean over topics of 1/rank of the best-ranked relevant document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ntcir.formats.columns import Ints
from ntcir.formats.matching import remarks, zeros_apart
from ntcir.formats.reading import StrPath, named
from ntcir.formats.runs import Qrels, Run
from ntcir.formats.topic_table import TopicTable
from ntcir.formats.topics import read_topic_table
from ntcir.measures import measures
from ntcir.measures.judged import Judged, judge
from ntcir.measures.reciprocal import (
    MRRS,
    Figures,
    Mrr,
    pool_sizes,
    random_reciprocal_rank,
    relevant_ranks,
)
from ntcir.modalities import both_ways
from ntcir.significance.resampling import bootstrap
from ntcir.significance.topic_blocks import topic_blocks
from ntcir.system.errors import some

__all__ = [
    "MRRS",
    "GroupScore",
    "Mrr",
    "Report",
    "TopicScore",
    "bootstrap",
    "group_score",
    "measures",
    "pool_sizes",
    "random_reciprocal_rank",
    "relevant_ranks",
    "score",
]


@dataclass(frozen=True)
class TopicScore:
    """How one topic came out.

    Attributes:
        topic: the topic's id.
        direction: such as ``img2sen``, or None if it is unknown.
        rank: the (average) rank of the best-ranked relevant document, None if the run does not rank one.
        reciprocal_rank: the mean of rel/rank over the topic's relevant rows, of which one that the run lacks has 0; by
            the best-ranked one 1 / rank, 0 without a rank.
        pool: the number of candidates, None if unknown.
        random: the reciprocal rank that a random order would have on average, None without ``pool``.
    """

    topic: str
    direction: str | None
    rank: float | None
    reciprocal_rank: float
    pool: int | None
    random: float | None


@dataclass(frozen=True)
class GroupScore:
    """The means over a group of topics; each is None if the group is empty, ``medr`` also if the median has no rank.

    Attributes:
        topics: the number of topics.
        mrr: mean reciprocal rank, the official measure, with ``interval``, its 95% percentile bootstrap over topics (or
            clusters of topics, see ``ntcir.measures.reciprocal.Figures``).
        mrr_10: the mean over topics of 1/rank of the best-ranked relevant document, ranks beyond 10 counting 0.
        recall: the share of topics whose best-ranked relevant document has a rank of at most k, for k = 1, 5, 10.
        medr: the median of these ranks.
        random_mrr: the ``mrr`` that random orders of the same pools would have.
    """

    topics: int
    mrr: float | None
    interval: tuple[float, float] | None
    mrr_10: float | None
    recall: dict[int, float | None]
    medr: float | None
    random_mrr: float | None

    def to_json(self) -> dict[str, Any]:
        """Return the group as ``ntcir score --json`` writes it."""
        return {
            "topics": self.topics,
            "MRR": self.mrr,
            "MRR_95": list(self.interval) if self.interval else None,
            "MRR@10": self.mrr_10,
            **{f"R@{k}": share for k, share in self.recall.items()},
            "MedR": self.medr,
            "random_MRR": self.random_mrr,
        }


@dataclass(frozen=True)
class Report:
    """A scored run.

    Attributes:
        groups: ``all``, and by its name each direction of which there may be topics, as ``modalities.both_ways`` says.
        topics: in the qrels' order.
        warnings: sentences.
    """

    groups: dict[str, GroupScore]
    topics: list[TopicScore]
    warnings: list[str]

    def to_json(self) -> dict[str, dict[str, Any]]:
        """Return the groups as ``ntcir score --json`` writes them: plain values, None where there is none."""
        return {name: group.to_json() for name, group in self.groups.items()}


def score(
    run: StrPath | Run,
    qrels: StrPath | Qrels,
    *,
    pools_path: StrPath | None = None,
    topics_path: StrPath | TopicTable | None = None,
    own_pools: bool = True,
    mrr: Mrr | None = None,
    blocks: str | None = None,
) -> Report:
    """Check a run and score it over all topics that have a relevant document in the qrels.

    Args:
        run: a run of any format; a file or what :func:`ntcir.formats.matching.read_run` made of it.
        qrels: qrels of either format, likewise. See :mod:`ntcir.formats.matching` for how their ids are compared.
        pools_path: the candidates (see :func:`ntcir.formats.runs.read_pools`), for the check and the random baseline.
            Without it they are those of the organisers' qrels; where these do not tell, what the run ranks for a topic.
        topics_path: a table of topics, for their directions and times; a file or what
            :func:`ntcir.formats.topics.read_topic_table` made of it. Those of topics that are not in it, or of all
            without it, are unknown: ids tell nothing.
        own_pools: whether the organisers' qrels tell the candidates.
        mrr: the organisers' mean of rel/rank over relevant rows, or that of 1/rank of each topic's best-ranked one. If
            None, theirs, but the best-ranked one where all topics are known to be of another pair than theirs. A
            warning says so where the two differ.
        blocks: what intervals draw, see :func:`ntcir.significance.topic_blocks.topic_blocks`; if None, blocks of
            neighbouring topics where their times are known, which a warning says, else single topics.

    Raises:
        UserError: if a file cannot be read, ``blocks`` does not fit the topics, or the run does not stand up to
            :func:`ntcir.formats.runs.validate_run`.
    """
    table = topics_path if isinstance(topics_path, TopicTable) else _table(topics_path, blocks)
    told = {} if table is None else table.directions
    judged = judge(run, qrels, told, pools_path=pools_path, own_pools=own_pools, mrr=mrr)
    drawn = topic_blocks(blocks, judged.names, judged.directions, table, judged.qrels)
    figures = replace(judged.figures, clusters=drawn.codes)
    topics = _topics(judged)
    asked = np.array(judged.directions, dtype=object)
    groups = {name: group_score(figures.of((asked == name) | (name == "all"))) for name in groups_of(judged.directions)}
    warnings = _warnings(judged, topics)
    if table is not None:
        warnings += _unknown_directions(topics, table.path)
    if judged.mrr == "official":
        warnings += _lacking_rows(judged, topics)
    warnings += [*_two_means(judged), *drawn.notes, *_single_blocks(judged, drawn.codes)]
    warnings += remarks(judged.run, judged.pools)
    found = not np.isinf(judged.ranks).any()
    return Report(groups, topics, warnings + ([] if found else zeros_apart(judged.run, judged.qrels)))


def _table(path: StrPath | None, blocks: str | None) -> TopicTable | None:
    return None if path is None else read_topic_table(path, blocks)


def _topics(judged: Judged) -> list[TopicScore]:
    """Return how each topic came out."""
    figures, sizes = judged.figures, judged.sizes.tolist()
    return [
        TopicScore(
            name, direction, rank if np.isfinite(rank) else None, total / count, size or None,
            None if size == 0 else chance,
        )
        for name, direction, rank, total, count, size, chance in zip(
            judged.names, judged.directions, figures.ranks.tolist(), figures.sums.tolist(), figures.rows.tolist(),
            sizes, figures.chances.tolist(), strict=True,
        )
    ]  # fmt: skip


def group_score(topics: Figures) -> GroupScore:
    """Return the means over topics, given what the figures of each are made of."""
    ranks = topics.ranks
    if not len(ranks):
        return GroupScore(0, None, None, None, dict.fromkeys((1, 5, 10)), None, None)
    median, known = float(np.median(ranks)), np.isfinite(topics.chances)
    chances, rows = topics.chances[known], topics.rows[known]
    drawn_sums, drawn_rows = topics.draws()
    return GroupScore(
        topics=len(ranks),
        mrr=topics.mean(),
        interval=bootstrap(drawn_sums, rows=drawn_rows),
        mrr_10=float(np.where(ranks <= 10, 1 / ranks, 0).mean()),
        recall={k: float((ranks <= k).mean()) for k in (1, 5, 10)},
        medr=median if np.isfinite(median) else None,
        random_mrr=float((chances * rows).sum() / rows.sum()) if len(chances) else None,
    )


def _warnings(judged: Judged, topics: Sequence[TopicScore]) -> list[str]:
    """Return a sentence for each thing that a reader of the figures should know."""
    run, unjudged = judged.run, int((~judged.scored).sum())
    ranked = set(run.topics)
    missing = [topic.topic for topic in topics if topic.topic not in ranked]
    unfound = [topic.topic for topic in topics if topic.topic in ranked and topic.rank is None]
    warnings = []
    if missing:
        warnings.append(f"{run.path} lacks {len(missing)} of {len(topics)} topics, which count 0: {some(missing)}.")
    if unfound:
        lacking = "1 topic, which counts 0" if len(unfound) == 1 else f"{len(unfound)} topics, which count 0"
        warnings.append(f"{run.path} lacks the relevant document of {lacking}: {some(unfound)}.")
    if unjudged:
        left_out = "1 topic, which is left out" if unjudged == 1 else f"{unjudged} topics, which are left out"
        warnings.append(f"{judged.qrels.path} has no relevant document for {left_out}.")
    return warnings


def _single_blocks(judged: Judged, codes: Ints | None) -> list[str]:
    """Return a sentence for each direction whose topics are all in one block."""
    asked = np.array(judged.directions, dtype=object)
    alone = [
        name for name in groups_of(judged.directions)[1:]
        if codes is not None and (asked == name).sum() > 1 and len(np.unique(codes[asked == name])) == 1
    ]  # fmt: skip
    return [
        f"All topics of {name} are in one block, so that its interval is its MRR and says nothing." for name in alone
    ]


def groups_of(directions: Sequence[str | None]) -> tuple[str, ...]:
    """Return the groups of topics that have these directions (None: unknown): ``all``, and both ways of each pair."""
    return ("all", *both_ways({direction for direction in directions if direction is not None}))


def _unknown_directions(topics: Sequence[TopicScore], topics_path: StrPath) -> list[str]:
    """Return a sentence if the table of the topics leaves some in no group but ``all``."""
    unknown = [topic.topic for topic in topics if topic.direction is None]
    if not unknown:
        return []
    which = f"{len(unknown)} of {len(topics)} topics, which count in 'all' only"
    return [f"{named(topics_path)} does not give the direction of {which}: {some(unknown)}."]


def _lacking_rows(judged: Judged, topics: Sequence[TopicScore]) -> list[str]:
    """Return a sentence if the run lacks some of the relevant documents of a topic of which it has others."""
    lacking = np.bincount(judged.topic, np.isinf(judged.ranks), len(judged.scored))[judged.scored]
    some_lack = [
        (each.topic, int(number)) for each, number in zip(topics, lacking, strict=True) if number and each.rank
    ]
    if not some_lack:
        return []
    number = sum(number for _, number in some_lack)
    what = "1 relevant document, which counts 0" if number == 1 else f"{number:,} relevant documents, which count 0"
    where = f"{len(some_lack)} topic{'s' * (len(some_lack) > 1)} of which it has others"
    return [f"{judged.run.path} lacks {what}, in {where}: {some(topic for topic, _ in some_lack)}."]


def _two_means(judged: Judged) -> list[str]:
    """Return a sentence if the two definitions of MRR differ, and how many topics may be why."""
    means = {name: each.mean() for name, each in judged.by_definition.items()}
    if abs(means["official"] - means["best"]) < 1e-12:
        return []
    several = judged.several()
    topics = "1 topic has" if several == 1 else f"{several:,} topics have"
    why = f"{topics} several relevant rows or grades above 1"
    official, best = (f"{means[name]:.4f}" for name in MRRS)
    if judged.mrr == "official":
        told = f"MRR averages rel/rank over rows, as the organisers do: {official}"
        return [f"{why}: {told}; by the best-ranked one of each topic it is {best} (--mrr best)."]
    told = f"MRR is by the best-ranked one of each topic: {best}"
    return [f"{why}: {told}; the organisers average rel/rank over rows: {official} (--mrr official)."]

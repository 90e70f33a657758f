"""The official measure, its companions, and any measure that ir_measures knows.

The NTCIR Transfer-2 DMR subtask ranks the candidates of a topic by score, lets ties share their average rank, and takes
the mean of rel/rank over the relevant rows. Here a topic that the run lacks counts 0 instead of dropping out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ntcir.columns import Floats, Ints, StrPath
from ntcir.errors import UserError, did_you_mean, some
from ntcir.matching import read_matching, remarks
from ntcir.runs import Pools, Qrels, Run, validate_run

DIRECTIONS = ("img2sen", "sen2img")
GROUPS = ("all", *DIRECTIONS)

_RESAMPLES = 2000
_DRAWS_AT_ONCE = 1 << 21  # random topics drawn in one go: bounds the memory whatever the number of topics
_SEED = 0


@dataclass(frozen=True)
class TopicScore:
    """How one topic came out.

    Attributes:
        topic: the topic's id.
        direction: ``img2sen``, ``sen2img``, or None if it cannot be told.
        rank: the (average) rank of the best-ranked relevant document, None if the run does not rank one.
        reciprocal_rank: 1 / rank, 0 without a rank.
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
        mrr: mean reciprocal rank, the official measure, with ``interval``, its 95% percentile bootstrap over topics.
        mrr_10: the same with ranks beyond 10 counting 0.
        recall: the share of topics with rank at most k, for k = 1, 5, 10.
        medr: the median rank.
        random_mrr: what random orders of the same pools would have.
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
    """A scored run: ``groups`` by name (:data:`GROUPS`), the topics in the qrels' order, and sentences of warning."""

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
    topics_path: StrPath | None = None,
    own_pools: bool = True,
) -> Report:
    """Check a run and score it over all topics that have a relevant document in the qrels.

    Args:
        run: a run, TREC or the organisers' CSV; a file or what :func:`ntcir.matching.read_run` made of it.
        qrels: qrels of either format, likewise. See :mod:`ntcir.matching` for how their ids are compared.
        pools_path: the candidates (see :func:`ntcir.runs.read_pools`), for the check and the random baseline. Without
            it they are those of the organisers' qrels; where these do not tell, what the run ranks for a topic.
        topics_path: a table with the columns ``topic_id`` and ``query``, for the directions: a query that is a JSON
            object asks with a sensor reading. Of topics not in it the direction is read from ids like ``sen2img_001``.
        own_pools: whether the organisers' qrels tell the candidates.

    Raises:
        UserError: if a file cannot be read, or the run does not stand up to :func:`ntcir.runs.validate_run`.
    """
    run, qrels, pools = read_matching(run, qrels, pools_path, own_pools=own_pools)
    validate_run(run, qrels, pools)
    relevant = np.bincount(qrels.topic, qrels.relevance > 0).astype(np.int64)
    ranks, sizes = relevant_ranks(run, qrels), pool_sizes(run, qrels, pools)
    directions = _directions(qrels.topics, topics_path)
    topics = []
    for i in np.flatnonzero(relevant):
        rank, size = float(ranks[i]), int(sizes[i]) or None
        chance = None if size is None else random_reciprocal_rank(size, int(relevant[i]))
        found = rank if np.isfinite(rank) else None
        topics.append(TopicScore(qrels.topics[i], directions[i], found, 1 / rank, size, chance))
    groups = {name: _group([topic for topic in topics if name in ("all", topic.direction)]) for name in GROUPS}
    warnings = _warnings(run, qrels, topics, len(relevant) - len(topics)) + remarks(run, pools)
    return Report(groups, topics, warnings)


def relevant_ranks(run: Run, qrels: Qrels) -> Floats:
    """Return the rank of each topic's relevant document, (qrels.topics,) float64; infinite where the run has none.

    The rank is the number of better scored documents + (the number of equally scored ones, itself included, + 1) / 2:
    ties share their average rank. The organisers average rel/rank over relevant rows; with one relevant document a
    topic, as theirs have, that is the mean of 1/rank. With several, the best-ranked one counts, as in trec_eval.
    The run must have stood up to :func:`ntcir.runs.validate_run`.
    """
    topic = qrels.codes_of(run)[run.topic]
    rows = run.rows_of(qrels)[qrels.relevance > 0]
    rows = rows[rows >= 0]
    target = np.full(len(qrels.topics), -np.inf)
    np.maximum.at(target, topic[rows], run.score[rows])
    goal = target[topic]  # a run's scores are finite, so where no relevant document was found none is equal to it
    better = np.bincount(topic, run.score > goal, len(target))
    equal = np.bincount(topic, run.score == goal, len(target))
    return np.where(equal > 0, better + (equal + 1) / 2, np.inf)


def pool_sizes(run: Run, qrels: Qrels, pools: Pools | None) -> Ints:
    """Return the number of candidates of each topic, (qrels.topics,) int64, 0 where unknown.

    From the pools; else what the run ranks for the topic; for a topic that it lacks, the median of the others.
    """
    sizes = np.zeros(len(qrels.topics), dtype=np.int64)
    sizes[qrels.codes_of(run)] = np.bincount(run.topic)
    if sizes.any():
        sizes[sizes == 0] = int(np.median(sizes[sizes > 0]))
    if pools is not None:
        known = pools.codes_of(qrels)
        sizes[known >= 0] = np.bincount(pools.topic)[known[known >= 0]]
    return sizes


@cache
def random_reciprocal_rank(size: int, relevant: int = 1) -> float:
    """Return the expected reciprocal rank of the best of ``relevant`` documents in a random order of ``size``.

    With one relevant document it is H(n)/n, H being the harmonic number: 0.0294 for the task's n = 200. In general the
    best has rank k with probability C(n - k, r - 1) / C(n, r).
    """
    relevant = min(relevant, size)
    k = np.arange(1, size - relevant + 2)
    later = (size - k[:-1] - relevant + 1) / (size - k[:-1])  # P(best at k + 1) / P(best at k)
    probability = relevant / size * np.concatenate([[1.0], np.cumprod(later)])
    return float((probability / k).sum())


def bootstrap(values: Floats, resamples: int = _RESAMPLES, seed: int = _SEED) -> tuple[float, float]:
    """Return the 95% percentile bootstrap interval of the mean of ``values``, (topics,), redrawn with replacement."""
    generator = np.random.default_rng(seed)
    at_once = max(1, _DRAWS_AT_ONCE // len(values))
    means = [
        values[generator.integers(len(values), size=(min(at_once, resamples - done), len(values)))].mean(axis=1)
        for done in range(0, resamples, at_once)
    ]
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return float(low), float(high)


def _group(topics: Sequence[TopicScore]) -> GroupScore:
    if not topics:
        return GroupScore(0, None, None, None, dict.fromkeys((1, 5, 10)), None, None)
    ranks = np.array([np.inf if topic.rank is None else topic.rank for topic in topics])
    median, chances = float(np.median(ranks)), [topic.random for topic in topics if topic.random is not None]
    return GroupScore(
        topics=len(topics),
        mrr=float((1 / ranks).mean()),
        interval=bootstrap(1 / ranks),
        mrr_10=float(np.where(ranks <= 10, 1 / ranks, 0).mean()),
        recall={k: float((ranks <= k).mean()) for k in (1, 5, 10)},
        medr=median if np.isfinite(median) else None,
        random_mrr=float(np.mean(chances)) if chances else None,
    )


def _directions(topics: Sequence[str], path: StrPath | None) -> list[str | None]:
    """Return each topic's direction, from the table if it is there, else from the id, or None."""
    asked = {} if path is None else _asked(path)
    by_id = ((topic, next((name for name in DIRECTIONS if topic.startswith(name)), None)) for topic in topics)
    return [asked.get(topic, direction) for topic, direction in by_id]


def _asked(path: StrPath) -> dict[str, str]:
    """Return the directions of the topics in a table."""
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = "is not a text file in UTF-8" if isinstance(error, UnicodeDecodeError) else "cannot be read"
        raise UserError(f"{path} {reason}: expected a table with the columns topic_id and query.") from None
    header = lines[0].split("\t")
    if not {"topic_id", "query"} <= set(header):
        raise UserError(f"{path} line 1: expected the tab-separated columns topic_id and query, found {some(header)}.")
    topic_at, query_at = header.index("topic_id"), header.index("query")
    asked = {}
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        if line.strip() and len(cells) != len(header):
            raise UserError(f"{path} line {number}: {len(cells)} columns instead of {len(header)}.")
        if line.strip():
            sensor = cells[query_at].lstrip(' "').startswith("{")  # a table writer may quote the JSON
            asked[cells[topic_at]] = "sen2img" if sensor else "img2sen"
    return asked


def _warnings(run: Run, qrels: Qrels, topics: Sequence[TopicScore], unjudged: int) -> list[str]:
    """Return a sentence for each thing that a reader of the figures should know."""
    ranked = set(run.topics)
    missing = [topic.topic for topic in topics if topic.topic not in ranked]
    unfound = [topic.topic for topic in topics if topic.topic in ranked and topic.rank is None]
    warnings = []
    if missing:
        warnings.append(f"{run.path} lacks {len(missing)} of {len(topics)} topics, which count 0: {some(missing)}.")
    if unfound:
        lacking = f"lacks the relevant document of {len(unfound)} topics, which count 0"
        warnings.append(f"{run.path} {lacking}: {some(unfound)}.")
    if unjudged:
        warnings.append(f"{qrels.path} has no relevant document for {unjudged} topics, which are left out.")
    return warnings


def measures(run: StrPath | Run, qrels: StrPath | Qrels, names: str) -> dict[str, float]:
    """Evaluate measures of ir_measures over all topics in the qrels; topics that the run lacks count 0.

    Nothing there averages tied ranks: RR takes ties by descending document id, RR@10 by ascending id.

    Args:
        run: a run of either format, checked as in :func:`score`.
        qrels: qrels of either format.
        names: measures as ir_measures spells them, between spaces or commas: ``RR@10 nDCG@10 P(rel=2)@5``.

    Returns:
        The values by name, in the order asked for.

    Raises:
        UserError: if a measure is unknown or cannot be computed here, or as in :func:`score`.
    """
    wanted = _parse_measures(names)
    import ir_measures

    run, qrels, _ = read_matching(run, qrels, own_pools=False)
    validate_run(run, qrels)
    scores, grades = _nested(run, run.score), _nested(qrels, qrels.relevance)
    ours = {measure: _iprec(measure, scores, grades) for measure in wanted.values() if measure.NAME == "IPrec"}
    theirs = [measure for measure in wanted.values() if measure not in ours]
    try:
        values = ours | (ir_measures.evaluator(theirs, grades).calc_aggregate(scores) if theirs else {})
    except (ValueError, RuntimeError, OSError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"ir_measures cannot compute {some(theirs)} here: {reason}") from error
    return {name: float(values[measure]) for name, measure in wanted.items()}


def _iprec(measure: Any, scores: dict[str, dict[str, float]], grades: dict[str, dict[str, int]]) -> float:
    """Return IPrec, the best precision at or beyond a level of recall, as trec_eval 10 defines it.

    The number of relevant documents that makes the level is rounded to the nearest. The trec_eval 9 within pytrec_eval
    adds 0.9 and cuts off instead, so that ir_measures would ask for 47 of 77 documents, not 46, at a recall of 0.6.
    """
    values = []
    for topic, judged in grades.items():
        relevant = {document for document, grade in judged.items() if grade >= measure["rel"]}
        shown = scores.get(topic, {}).items()
        ranked = sorted(
            ((value, doc) for doc, value in shown if doc in judged or not measure["judged_only"]), reverse=True
        )
        ranks = [rank for rank, (_, document) in enumerate(ranked, 1) if document in relevant]
        precisions = [found / rank for found, rank in enumerate(ranks, 1)]
        needed = int(measure["recall"] * len(relevant) + 0.5)
        values.append(max(precisions[max(needed, 1) - 1 :], default=0.0))
    return sum(values) / len(values)


def _parse_measures(names: str) -> dict[str, Any]:
    """Return the measures by the names they were asked for with."""
    import ir_measures

    wanted = {}
    for name in re.findall(r"(?:\([^()]*\)|[^\s,()])+", names):  # a comma or space within parentheses separates nothing
        try:
            measure: Any = ir_measures.parse_measure(name)
            measure.validate_params()
            wanted[name] = measure
        except NameError:
            known = sorted(set(ir_measures.measures.registry), key=str.lower)
            hint = did_you_mean(name.split("@")[0].split("(")[0], known)
            usual = "AP, RR@10, nDCG@10, P@5, R@10, Success@1"
            raise UserError(f"Unknown measure '{name}'{hint}: ir_measures knows {usual} and others.") from None
        except Exception as error:  # ir_measures says by assert, KeyError, ValueError ... that it does not understand
            raise UserError(f"Measure '{name}' is not understood: use a form like nDCG@10 or P(rel=2)@5.") from error
    if not wanted:
        raise UserError("No measure is named: use names of ir_measures such as 'RR@10 nDCG@10'.")
    return wanted


def _nested(pairs: Run | Qrels, values: Floats | Ints) -> dict[str, dict[str, Any]]:
    """Return the rows as topic -> document -> value, the form that pytrec_eval takes without another copy."""
    nested: dict[str, dict[str, Any]] = {topic: {} for topic in pairs.topics}
    by_code = list(nested.values())
    for code, document, value in zip(pairs.topic.tolist(), pairs.document.tolist(), values.tolist(), strict=True):
        by_code[code][document.decode()] = value
    return nested

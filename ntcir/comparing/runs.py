"""Runs that answer the same topics, compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ntcir.comparing.comparison import MRR, Comparison, Difference, Differing, Value
from ntcir.comparing.topics import common_topics, refuse_twins
from ntcir.formats.columns import Floats, Ints
from ntcir.formats.runs import Pools, Qrels, Run
from ntcir.formats.topic_table import TopicTable
from ntcir.measures import measures_by_topic
from ntcir.measures.judged import Judged, judge
from ntcir.measures.reciprocal import Mrr
from ntcir.scoring import groups_of
from ntcir.significance.estimate import Estimate
from ntcir.significance.randomisation import holm, sign_flip_test, smallest_p
from ntcir.significance.resampling import block_sums
from ntcir.significance.topic_blocks import topic_blocks
from ntcir.system.errors import UserError, counted, some

_EQUAL = 1e-12  # values of a topic that are the same but for rounding
_MOST_TOPICS = 5  # that are named of those that differ


@dataclass(frozen=True, eq=False)
class _Group:
    """Some of the topics: which, bool (topics,), and their blocks, int64 (chosen,), None where each is its own."""

    chosen: NDArray[np.bool_]
    blocks: Ints | None

    def __len__(self) -> int:
        """Return how many blocks are drawn."""
        return int(self.chosen.sum()) if self.blocks is None else len(np.unique(self.blocks))


@dataclass(frozen=True, eq=False)
class _Measured:
    """A measure of a run by topic: sums over the rows of each, and the number of these, both (topics,)."""

    sums: Floats
    rows: Ints

    def minus(self, other: _Measured) -> _Measured:
        return _Measured(self.sums - other.sums, self.rows)

    def mean(self, group: _Group, seed: int) -> Estimate:
        return Estimate.of(self.sums[group.chosen], group.blocks, rows=self.rows[group.chosen], seed=seed)

    def p(self, group: _Group, seed: int) -> float:
        sums, _ = block_sums(self.sums[group.chosen], self.rows[group.chosen], group.blocks)
        return sign_flip_test(sums, seed=seed)


def compare(
    runs: Mapping[str, Run],
    qrels: Qrels,
    *,
    pools: Pools | None = None,
    own_pools: bool = True,
    table: TopicTable | None = None,
    mrr: Mrr | None = None,
    measures: str | None = None,
    blocks: str | None = None,
    all_pairs: bool = False,
    seed: int = 0,
) -> Comparison:
    """Compare runs on the topics that all of them have.

    Args:
        runs: two or more by name, of any formats.
        qrels: of either format.
        pools: the candidates, against which runs are checked.
        own_pools: whether the organisers' qrels tell the candidates.
        table: of the topics, for directions and times.
        mrr: which mean is MRR, as in :func:`ntcir.scoring.score`.
        measures: others to compare by, as ir_measures spells them.
        blocks: what is drawn and changes sign as a whole, see :func:`ntcir.significance.topic_blocks.topic_blocks`.
        all_pairs: whether each run is compared with all before it, instead of with the first.
        seed: of the bootstrap and of the randomisation test.

    Raises:
        UserError: if a run does not stand up to :func:`ntcir.formats.runs.validate_run`, or two are the same; if they
            have fewer than two topics, or blocks, in common; if a measure or ``blocks`` is not valid.
    """
    refuse_twins(runs)
    told = {} if table is None else table.directions
    judged = {
        name: judge(run, qrels, told, pools_path=pools, own_pools=own_pools, mrr=mrr) for name, run in runs.items()
    }
    first = next(iter(judged.values()))
    common, notes = common_topics(judged)
    groups, remarks = _groups(first, common, table, blocks)
    measured = {name: _measured(each, common, measures) for name, each in judged.items()}
    pairs = list(combinations(judged, 2)) if all_pairs else [(next(iter(judged)), name) for name in list(judged)[1:]]
    names = list(next(iter(measured.values())))
    differences = _corrected(list(_differences(measured, names, groups, pairs, seed)))
    return Comparison(
        runs=list(judged),
        measures=names,
        mrr=first.mrr,
        topics={name: int(group.chosen.sum()) for name, group in groups.items()},
        blocks={name: len(group) for name, group in groups.items()},
        values=[
            Value(run, measure, name, measured[run][measure].mean(group, seed))
            for measure in names
            for run in measured
            for name, group in groups.items()
        ],
        differences=differences,
        differing=[each for base, run in pairs for each in _most_differing(judged, base, run, common)],
        notes=[*notes, *remarks, *_which_mean(first)],
    )


def _which_mean(judged: Judged) -> list[str]:
    """Return a sentence on what MRR is, where topics have several relevant rows or grades."""
    if not judged.several():
        return []
    told, other = {
        "official": ("averages rel/rank over relevant rows, as the organisers do", "best"),
        "best": ("is by the best-ranked relevant document of each topic", "official"),
    }[judged.mrr]
    return [f"MRR {told} (--mrr {other} takes the other mean)."]


def _groups(
    judged: Judged, common: NDArray[np.bool_], table: TopicTable | None, typed: str | None
) -> tuple[dict[str, _Group], list[str]]:
    """Return the groups of topics that can be compared, by name, and sentences about them.

    Where all topics are of one direction, ``all`` is left out, which would be the same comparisons again.

    Raises:
        UserError: if there are fewer than two topics, or ``typed`` is not valid.
    """
    names = [name for name, known in zip(judged.names, common, strict=True) if known]
    directions = [direction for direction, known in zip(judged.directions, common, strict=True) if known]
    if len(names) < 2:
        raise UserError(
            f"There {'is 1 topic' if names else 'is no topic'} with a relevant document that all runs answer, and a "
            "comparison needs at least 2."
        )
    drawn = topic_blocks(typed, names, directions, table, judged.qrels)
    notes = list(drawn.notes)
    asked = np.array(directions, dtype=object)
    groups: dict[str, _Group] = {}
    for name in (*groups_of(directions)[1:], "all"):
        within = (asked == name) | (name == "all")
        chosen = np.zeros(len(common), dtype=bool)
        chosen[np.flatnonzero(common)[within]] = True
        group = _Group(chosen, drawn.of(within))
        if len(group) >= 2 and not (
            name == "all" and any(other.chosen.sum() == len(names) for other in groups.values())
        ):
            groups[name] = group
        elif within.any() and name != "all":
            what = "topic" if drawn.codes is None or within.sum() == 1 else "block of topics"
            notes.append(f"{name} has only 1 {what}, too few to compare, and counts in 'all' only.")
    if None in directions and table is not None:
        unknown = [name for name, direction in zip(names, directions, strict=True) if direction is None]
        notes.append(
            f"The direction of {counted(len(unknown), 'topic is', 'topics are')} not known; in 'all' only: "
            f"{some(unknown)}."
        )
    if (least := smallest_p(min(map(len, groups.values())))) > 0.05:
        notes.append(f"With so few topics or blocks no p can be below {least:.3g} in one of the groups.")
    return groups, notes


def _measured(judged: Judged, common: NDArray[np.bool_], names: str | None) -> dict[str, _Measured]:
    """Return the measures of a run by name, MRR first, with values for all topics that can be scored."""
    figures = judged.figures
    found = {MRR: _Measured(figures.sums, figures.rows)}
    if names is not None:
        topics = [name for name, known in zip(judged.names, common, strict=True) if known]
        for measure, values in measures_by_topic(judged.run, judged.qrels, names, topics).items():
            sums = np.zeros(len(common))
            sums[common] = values
            # MRR is the official one; what ir_measures calls so takes ties in another way.
            found.setdefault(measure, _Measured(sums, np.ones(len(common), dtype=np.int64)))
    return found


def _differences(
    measured: Mapping[str, Mapping[str, _Measured]],
    measures: Sequence[str],
    groups: Mapping[str, _Group],
    pairs: Sequence[tuple[str, str]],
    seed: int,
) -> Iterator[Difference]:
    """Yield the differences, whose p are not corrected yet."""
    for measure in measures:
        for base, run in pairs:
            by_topic = measured[run][measure].minus(measured[base][measure])
            for name, group in groups.items():
                change = by_topic.sums[group.chosen]
                wins, losses = int((change > _EQUAL).sum()), int((change < -_EQUAL).sum())
                p = by_topic.p(group, seed)
                mean = by_topic.mean(group, seed)
                yield Difference(run, base, measure, name, mean, p, p, wins, losses, len(change) - wins - losses)


def _corrected(differences: Sequence[Difference]) -> list[Difference]:
    corrected = holm([each.p for each in differences])
    return [replace(each, corrected=p) for each, p in zip(differences, corrected, strict=True)]


def _most_differing(
    judged: Mapping[str, Judged], base: str, run: str, common: NDArray[np.bool_]
) -> Iterator[Differing]:
    """Yield the topics at which the reciprocal ranks of two runs differ most, the largest difference first."""
    one, other = judged[base], judged[run]
    change = np.where(common, (other.figures.sums - one.figures.sums) / one.figures.rows, 0)
    for at in np.argsort(-np.abs(change), kind="stable")[:_MOST_TOPICS].tolist():
        if abs(change[at]) > _EQUAL:
            ranks = (float(each.figures.ranks[at]) for each in (other, one))
            rank, base_rank = (value if np.isfinite(value) else None for value in ranks)
            yield Differing(run, base, one.names[at], one.directions[at], rank, base_rank, float(change[at]))

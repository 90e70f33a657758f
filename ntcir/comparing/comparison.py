"""What a comparison of runs consists of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ntcir.measures.reciprocal import Mrr
from ntcir.significance.estimate import Estimate

MRR = "MRR"
LEVEL = 0.05  # below which a corrected p is significant


@dataclass(frozen=True)
class Value:
    """The mean of a measure over a group of topics, of one run.

    Attributes:
        run: its name.
        measure: such as ``MRR``.
        group: a direction, or ``all``.
        mean: with its interval.
    """

    run: str
    measure: str
    group: str
    mean: Estimate


@dataclass(frozen=True)
class Difference:
    """How much better a run is than another by a measure, over the topics of a group, paired by topic.

    Attributes:
        run, base: names; what is positive is in favour of ``run``.
        measure, group: as in ``Value``.
        mean: of the topics' differences, with its interval.
        p: of the paired randomisation test, two-sided.
        corrected: that p by Holm, over all differences of the comparison.
        wins, losses, ties: topics at which the run is better than the base, worse, and as good.
    """

    run: str
    base: str
    measure: str
    group: str
    mean: Estimate
    p: float
    corrected: float
    wins: int
    losses: int
    ties: int

    @property
    def is_significant(self) -> bool:
        """Whether the corrected p is below 0.05."""
        return self.corrected < LEVEL


@dataclass(frozen=True)
class Differing:
    """A topic at which two runs differ.

    Attributes:
        run, base: names.
        topic, direction: the topic's id, and its direction, None if unknown.
        rank, base_rank: of the best-ranked relevant document in each, None where the run does not rank one.
        change: of the topic's reciprocal rank, from the base to the run.
    """

    run: str
    base: str
    topic: str
    direction: str | None
    rank: float | None
    base_rank: float | None
    change: float


@dataclass(frozen=True)
class Comparison:
    """Runs compared on the topics that all of them have.

    Attributes:
        runs: their names, the first of which others are compared with.
        measures: ``MRR``, and others that were asked for.
        mrr: which mean MRR is.
        topics, blocks: how many there are in each group, by its name; a topic may be a block of its own.
        values: of each run, measure and group.
        differences: of each pair of runs that is compared, measure and group.
        differing: the topics that differ most, for each pair of runs.
        notes: sentences.
    """

    runs: Sequence[str]
    measures: Sequence[str]
    mrr: Mrr
    topics: dict[str, int]
    blocks: dict[str, int]
    values: Sequence[Value]
    differences: Sequence[Difference]
    differing: Sequence[Differing]
    notes: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as ``ntcir compare --json`` writes it: plain values, None where there is none."""
        return {
            "runs": list(self.runs),
            "mrr": self.mrr,
            "groups": {name: {"topics": self.topics[name], "blocks": self.blocks[name]} for name in self.topics},
            "values": [
                {"run": each.run, "measure": each.measure, "group": each.group, **_plain(each.mean)}
                for each in self.values
            ],
            "differences": [
                {
                    "run": each.run, "base": each.base, "measure": each.measure, "group": each.group,
                    **_plain(each.mean), "p": each.p, "p_holm": each.corrected,
                    "wins": each.wins, "losses": each.losses, "ties": each.ties,
                }
                for each in self.differences
            ],
            "topics": [
                {
                    "run": each.run, "base": each.base, "topic": each.topic, "direction": each.direction,
                    "rank": each.rank, "base_rank": each.base_rank, "change": each.change,
                }
                for each in self.differing
            ],
            "notes": list(self.notes),
        }  # fmt: skip


def _plain(mean: Estimate) -> dict[str, Any]:
    return {"value": mean.value, "interval_95": [mean.low, mean.high]}

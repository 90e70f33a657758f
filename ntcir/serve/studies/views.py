"""Which topics are listed, in which order, and how their ranks are spread."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ntcir.formats.columns import Ints
from ntcir.modalities import all_directions
from ntcir.serve.studies.studies import Studies
from ntcir.system.errors import UserError, did_you_mean, short

_EDGES = (1, 3, 10, 30, 100, 200, 1_000, 10_000)  # of bins of ranks, the last rank of each
_ALWAYS = 6  # bins that are there even if no topic is in one: those of the task's pools of 200
_KEPT = 32  # views in memory

# What topics are sorted by: a column, most telling first. Of equal topics the ids decide.
_Key = Callable[[Studies], np.ndarray]
SORTS: Mapping[str, _Key] = {
    "worst": lambda studies: studies.runs[0].reciprocal,
    "best": lambda studies: -studies.runs[0].reciprocal,
    "worst2": lambda studies: studies.runs[-1].reciprocal,
    "best2": lambda studies: -studies.runs[-1].reciprocal,
    "difference": lambda studies: -np.abs(studies.change),
    "gains": lambda studies: -studies.change,
    "losses": lambda studies: studies.change,
    "id": lambda studies: np.zeros(len(studies.names)),
    "direction": lambda studies: np.unique([each or "" for each in studies.directions], return_inverse=True)[1],
}
_OF_TWO = {"worst2", "best2", "difference", "gains", "losses"}


@dataclass(frozen=True)
class Choice:
    """What a person wants listed.

    Attributes:
        sort: one of ``SORTS``.
        direction: its name; all if empty.
        find: what the id or the query contains, in any case; anything if empty.
    """

    sort: str = "worst"
    direction: str = ""
    find: str = ""


@dataclass(frozen=True)
class Bin:
    """Topics whose best right answer has a rank in some range.

    Attributes:
        label: such as ``4–10``.
        counts: how many there are, of each run.
    """

    label: str
    counts: tuple[int, ...]


class Views:
    """Lists topics; what was listed lately is kept.

    Args:
        studies: the topics.
    """

    def __init__(self, studies: Studies) -> None:
        self.studies = studies
        self._texts: list[str] | None = None
        self.of = lru_cache(_KEPT)(self._of)

    def _of(self, choice: Choice) -> Ints:
        """Return the numbers of the topics that are listed, in order, int64 [k].

        Raises:
            UserError: if there is no such order or direction.
        """
        self._check(choice)
        key = SORTS[choice.sort](self.studies)
        names = np.array(self.studies.names)
        order = np.lexsort((names, key))
        if choice.direction:
            wanted = np.array([each == choice.direction for each in self.studies.directions], dtype=bool)
            order = order[wanted[order]]
        if sought := choice.find.casefold().split():
            texts = self._searched()
            there = [all(word in texts[number] for word in sought) for number in order.tolist()]
            order = order[np.array(there, dtype=bool)]
        return order.astype(np.int64)

    def _check(self, choice: Choice) -> None:
        if choice.sort not in SORTS:
            raise UserError(
                f"sort={short(choice.sort)} is not valid{did_you_mean(choice.sort, SORTS)}: choose one of "
                f"{', '.join(SORTS)}."
            )
        if choice.sort in _OF_TWO and len(self.studies.runs) < 2:
            raise UserError(f"sort={choice.sort} compares two runs, and there is one: name a second with --run.")
        if choice.direction and choice.direction not in all_directions():
            raise UserError(f"There is no direction {short(choice.direction)!r}.")

    def _searched(self) -> list[str]:
        """Return the text of each topic in which words are looked for."""
        if self._texts is None:
            self._texts = [f"{name} {self._query(name)}".casefold() for name in self.studies.names]
        return self._texts

    def _query(self, name: str) -> str:
        topic = self.studies.asked.get(name)
        return "" if topic is None else f"{topic.timestamp} {topic.direction.query.write(topic.query)}"


def bins(studies: Studies, direction: str = "") -> list[Bin]:
    """Return how many topics have their best right answer at which ranks, and last how many have it nowhere."""
    chosen = np.array([not direction or each == direction for each in studies.directions], dtype=bool)
    ranks = [run.ranks[chosen] for run in studies.runs]
    finite = [each[np.isfinite(each)] for each in ranks]
    worst = max((float(each.max()) for each in finite if len(each)), default=1.0)
    edges: list[float] = [edge for place, edge in enumerate(_EDGES) if place < _ALWAYS or worst > _EDGES[place - 1]]
    edges += [math.inf] if worst > edges[-1] else []
    # An average rank of ties, such as 1.5, belongs to the bin that it has not reached the end of.
    counts = [np.histogram(each, [0.0, *np.nextafter(edges, math.inf)])[0].tolist() for each in finite]
    labels = [_label(last + 1, edge) for last, edge in zip([0, *edges], edges, strict=False)]
    found = [Bin(label, tuple(each)) for label, each in zip(labels, zip(*counts, strict=True), strict=True)]
    return [*found, Bin("not found", tuple(int(np.isinf(each).sum()) for each in ranks))]


def _label(first: float, last: float) -> str:
    if math.isinf(last):
        return f"over {first - 1:,.0f}"
    return f"{first:,.0f}" if first == last else f"{first:,.0f}–{last:,.0f}"

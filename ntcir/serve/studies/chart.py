"""How the ranks of one or two runs are spread, as bars: numbers that a template writes as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ntcir.serve.studies.views import Bin

_GROUP, _BAR, _GAP = 64, 22, 2  # units of the drawing: of a bin, a bar, and between two bars
_HEIGHT, _TOP, _BELOW = 96, 16, 20  # of the bars at most, and of the room for numbers above and labels below


@dataclass(frozen=True)
class Bar:
    """One bar: its place in the drawing, whose run it is, from 0, and what it stands for."""

    x: float
    y: float
    width: float
    height: float
    run: int
    count: int
    share: float


@dataclass(frozen=True)
class Column:
    """The bars of a bin, and where its label is centred."""

    label: str
    middle: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Chart:
    """A drawing of some width and height, in its own units; ``baseline`` is where bars stand."""

    width: int
    height: int
    baseline: int
    columns: tuple[Column, ...]


def chart(found: Sequence[Bin]) -> Chart:
    """Return the bars of bins, side by side for each run."""
    most = max((count for each in found for count in each.counts), default=0) or 1
    totals = [sum(each.counts[run] for each in found) or 1 for run in range(len(found[0].counts))]
    columns = []
    for place, each in enumerate(found):
        middle = (place + 0.5) * _GROUP
        width = len(each.counts) * _BAR + (len(each.counts) - 1) * _GAP
        bars = []
        for run, count in enumerate(each.counts):
            height = round(_HEIGHT * count / most, 1)
            x = middle - width / 2 + run * (_BAR + _GAP)
            bars.append(Bar(x, _TOP + _HEIGHT - height, _BAR, height, run, count, count / totals[run]))
        columns.append(Column(each.label, middle, tuple(bars)))
    return Chart(len(found) * _GROUP, _TOP + _HEIGHT + _BELOW, _TOP + _HEIGHT, tuple(columns))

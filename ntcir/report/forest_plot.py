"""A picture of a comparison: each difference with its interval, beside the line where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ntcir.comparing import Comparison, Difference
from ntcir.report.canvas import COLOURS, INK, canvas
from ntcir.system.errors import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKERS = ("o", "s", "D", "^", "v", "P")  # of groups, for those who tell no colours apart
_LONGEST = 36  # letters of a name


def draw_forest(comparison: Comparison, path: Path) -> Path:
    """Draw the differences, a line each, in a panel for each measure; what is significant has a filled marker.

    Raises:
        UserError: if there is no room or no permission, or matplotlib cannot be imported.
    """
    measures = comparison.measures
    bases = list({each.base for each in comparison.differences})
    from_base = f" from {short(bases[0], _LONGEST)}" if len(bases) == 1 else ""
    rows = len(comparison.differences) // len(measures)
    size = (1.6 + 4.6 * len(measures) + 0.07 * _widest(comparison), 1.5 + 0.34 * rows + 0.2 * _pairs(comparison))
    with canvas(path, figsize=size, dpi=130, layout="constrained") as figure:
        panels = figure.subplots(1, len(measures), sharey=True, squeeze=False)[0]
        for measure, axes in zip(measures, panels, strict=True):
            _draw_panel(axes, [each for each in comparison.differences if each.measure == measure], comparison)
            axes.set_xlabel(f"difference in {measure}{from_base}", parse_math=False)
        _label_rows(panels[0], comparison)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=min(3, len(labels)), frameon=False, fontsize=9)
    return path


def _pairs(comparison: Comparison) -> int:
    return len({(each.run, each.base) for each in comparison.differences})


def _widest(comparison: Comparison) -> int:
    return max(len(_pair(each, comparison)) for each in comparison.differences)


def _pair(difference: Difference, comparison: Comparison) -> str:
    """Return which runs a line is about; the base is named where there are several."""
    run, base = short(difference.run, _LONGEST), short(difference.base, _LONGEST)
    several = len({each.base for each in comparison.differences}) > 1
    return f"{run} - {base}" if several else run


def _places(differences: Sequence[Difference]) -> list[float]:
    """Return the height of each line, from the top, with a gap between the lines of two pairs."""
    places: list[float] = []
    height, before = 0.0, None
    for each in differences:
        height -= 1 if before in (None, (each.run, each.base)) else 1.6
        places.append(height)
        before = (each.run, each.base)
    return places


def _draw_panel(axes: Axes, differences: Sequence[Difference], comparison: Comparison) -> None:
    groups = list(comparison.topics)
    axes.axvline(0, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    named: set[str] = set()
    for each, place in zip(differences, _places(differences), strict=True):
        number = groups.index(each.group)
        colour = COLOURS[(number + 1) % len(COLOURS)]
        axes.plot([each.mean.low, each.mean.high], [place, place], color=colour, linewidth=2, solid_capstyle="butt")
        axes.plot(
            [each.mean.value],
            [place],
            marker=_MARKERS[number % len(_MARKERS)],
            markersize=8,
            color=colour,
            markerfacecolor=colour if each.is_significant else "white",
            markeredgewidth=1.8,
            linestyle="none",
            label=None if each.group in named else each.group,
        )
        named.add(each.group)
    axes.grid(axis="x", color="#ececec", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.margins(x=0.08)


def _label_rows(axes: Axes, comparison: Comparison) -> None:
    differences = [each for each in comparison.differences if each.measure == comparison.measures[0]]
    labels, before = [], None
    for each in differences:
        pair = _pair(each, comparison)
        labels.append(f"{pair}   {each.group}" if pair != before else each.group)
        before = pair
    places = _places(differences)
    axes.set_yticks(places, labels, parse_math=False)
    axes.set_ylim(min(places) - 0.7, max(places) + 0.7)
    axes.set_title(
        "95% intervals; filled: significant after Holm's correction", fontsize=9, color=INK, loc="left", pad=8
    )

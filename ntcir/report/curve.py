"""The course of a training as a chart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ntcir.modalities import all_directions, both_ways
from ntcir.model.metrics import METRICS, error_key, read_metrics
from ntcir.report.canvas import canvas
from ntcir.system.errors import escaped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ntcir.config import Objective

LOSS, COLOURS = "#9aa5b1", ("#d1495b", "#2e6f95")  # of the loss, and of the two directions


def draw_curve(folder: Path, objectives: Sequence[Objective]) -> Path:
    """Draw loss and validation MRR over the steps of a metrics log; return the PNG's path.

    Args:
        folder: of the training.
        objectives: of which the loss is the sum.

    Raises:
        UserError: if the log cannot be read, or the chart cannot be drawn or written.
    """
    rows, path = read_metrics(folder / METRICS), folder / "curve.png"
    with canvas(path, figsize=(8, 4.5), dpi=120, layout="constrained") as figure:
        _draw(figure, rows, escaped(folder.absolute().name), _name_of_loss(objectives))
    return path


def _name_of_loss(objectives: Sequence[Objective]) -> str:
    """Return what the loss is called: a sum has no unit."""
    if len(objectives) == 1:
        return f"loss ({objectives[0].label or objectives[0].kind})"
    return f"loss ({' + '.join(each.kind for each in objectives)})"


def _draw(figure: Figure, rows: list[dict[str, Any]], title: str, loss: str) -> None:
    axes = figure.add_subplot()
    axes.plot([row["step"] for row in rows], [row["loss"] for row in rows], color=LOSS, linewidth=1, label="loss")
    axes.set(xlabel="iteration", ylabel=loss)
    axes.set_title(title, parse_math=False)  # a name with dollar signs is not a formula
    axes.spines[["top"]].set_visible(False)
    handles, labels = axes.get_legend_handles_labels()
    measured = [row for row in rows if not all_directions().keys().isdisjoint(row)]
    if measured:
        right = axes.twinx()
        for direction, colour in zip(both_ways(measured[0]), cycle(COLOURS), strict=False):
            there = [row for row in measured if direction in row]
            if not there:
                continue
            right.plot(
                [row["step"] for row in there],
                [row[direction] for row in there],
                color=colour,
                marker="o",
                markersize=3,
                label=f"{direction}, validation MRR",
            )
            _draw_band(right, there, direction, colour)
        has_errors = any(error_key(direction) in row for row in measured for direction in all_directions())
        right.set_ylabel("validation MRR" + " ± standard error" * has_errors)
        right.set_ylim(bottom=0)
        right.spines[["top"]].set_visible(False)
        more = right.get_legend_handles_labels()
        handles, labels = handles + more[0], labels + more[1]
    axes.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3, frameon=False)


def _draw_band(axes: Axes, rows: list[dict[str, Any]], direction: str, colour: str) -> None:
    """Draw one standard error to either side of a direction's MRR, where the log has them."""
    known = [row for row in rows if error_key(direction) in row]
    low, high = ([row[direction] + sign * row[error_key(direction)] for row in known] for sign in (-1, 1))
    axes.fill_between([row["step"] for row in known], low, high, color=colour, alpha=0.15, linewidth=0)

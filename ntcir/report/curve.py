"""The course of a training as a picture."""

from __future__ import annotations

from pathlib import Path

from ntcir.errors import printable
from ntcir.files import atomic_path
from ntcir.metrics import METRICS, read_metrics
from ntcir.topics import DIRECTIONS

COLOURS = {"loss": "#9aa5b1", "img2sen": "#d1495b", "sen2img": "#2e6f95"}


def draw_curve(folder: Path) -> Path:
    """Draw loss and validation MRR over the steps of the metrics log in ``folder``; return the PNG's path."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = read_metrics(folder / METRICS)
    figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot(
        [row["step"] for row in rows], [row["loss"] for row in rows], color=COLOURS["loss"], linewidth=1, label="loss"
    )
    axes.set(xlabel="iteration", ylabel="loss (InfoNCE, nats)")
    axes.set_title(printable(folder.absolute().name), parse_math=False)  # a name with dollars is no formula
    axes.spines[["top"]].set_visible(False)
    handles, labels = axes.get_legend_handles_labels()
    measured = [row for row in rows if DIRECTIONS[0] in row]
    if measured:
        right = axes.twinx()
        for direction in DIRECTIONS:
            right.plot(
                [row["step"] for row in measured],
                [row[direction] for row in measured],
                color=COLOURS[direction],
                marker="o",
                markersize=3,
                label=f"{direction}, validation MRR",
            )
        right.set_ylabel("validation MRR")
        right.set_ylim(bottom=0)
        right.spines[["top"]].set_visible(False)
        more = right.get_legend_handles_labels()
        handles, labels = handles + more[0], labels + more[1]
    axes.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3, frameon=False)
    path = folder / "curve.png"
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png")
    return path

"""The classification errors of both sides by epoch, as a chart."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ntcir.model.metrics import METRICS, read_metrics
from ntcir.report.canvas import canvas
from ntcir.report.curve import COLOURS
from ntcir.system.errors import escaped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FIGURE = re.compile(r"(.+)_top([15])_error(?:_([0-9]+))?")  # modality, k, and which of several objectives
_LINES = {"1": "-", "5": "--"}
_POINTS = 20  # of a training of one epoch at most


def draw_convergence(folder: Path, epoch: float) -> Path | None:
    """Draw the top-1 and the top-5 error of both sides, as a training logged them; return the PNG's path.

    A point is the mean over the steps of an epoch, which are as many as show the number of training pairs. Of one epoch
    or less, points are means over up to 20 equal parts of the steps.

    Args:
        folder: of the training.
        epoch: steps that show as many pairs as there are in the training split, 1 or more.

    Returns:
        None where the log has no such errors.

    Raises:
        UserError: if the log cannot be read, or the chart cannot be drawn or written.
    """
    rows, path = read_metrics(folder / METRICS), folder / "convergence.png"
    noted = sorted({name for row in rows for name in row if _FIGURE.fullmatch(name)})
    if not noted:
        return None
    by_epoch = rows[-1]["step"] > epoch
    objectives: dict[int, list[str]] = defaultdict(list)
    for name in noted:
        objectives[int(_parts(name)[2] or 1)].append(name)
    modalities = list(dict.fromkeys(_parts(name)[0] for row in rows for name in row if _FIGURE.fullmatch(name)))
    with canvas(path, figsize=(8, 4.5 * len(objectives)), dpi=120, layout="constrained") as figure:
        panels = figure.subplots(len(objectives), squeeze=False)[:, 0]
        for axes, number in zip(panels, sorted(objectives), strict=True):
            points = {name: _means(rows, name, epoch) for name in objectives[number]}
            _draw(axes, points, modalities)
            axes.set_xlabel("epoch" if by_epoch else "iteration")
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.set_ylabel("classification error" + (f", instance {number}" if len(objectives) > 1 else ""))
        panels[0].set_title(escaped(folder.absolute().name), parse_math=False)
    return path


def _parts(name: str) -> Sequence[str | Any]:
    """Return the modality, k, and the number of the objective or None, of a figure's name."""
    found = _FIGURE.fullmatch(name)
    if found is None:
        raise ValueError(f"{name} is not a classification error")
    return found.groups()


def _means(rows: Sequence[Mapping[str, Any]], name: str, epoch: float) -> tuple[list[float], list[float]]:
    """Return the points of a line: epochs, or steps where there is one epoch at most; and mean errors."""
    last = rows[-1]["step"]
    by_epoch = last > epoch
    steps = epoch if by_epoch else max(1.0, last / _POINTS)  # of a point
    collected: dict[int, list[float]] = defaultdict(list)
    for row in rows:
        if name in row:
            collected[math.ceil(row["step"] / steps - 1e-9)].append(float(row[name]))
    places = [min(number * steps, last) for number in collected]  # the last epoch may be less than one
    means = [sum(values) / len(values) for values in collected.values()]
    return [place / epoch for place in places] if by_epoch else places, means


def _draw(axes: Axes, points: Mapping[str, tuple[list[float], list[float]]], modalities: Sequence[str]) -> None:
    colours = dict(zip(modalities, cycle(COLOURS), strict=False))
    for name, (places, errors) in sorted(points.items(), key=lambda item: modalities.index(_parts(item[0])[0])):
        modality, k, _ = _parts(name)
        axes.plot(
            places, errors, color=colours[modality], linestyle=_LINES[k], marker="o", markersize=3,
            label=f"{modality}, top-{k}", clip_on=False,
        )  # fmt: skip
    axes.set_ylim(0, 1)  # lines on its edges are not to be cut in half: clip_on
    axes.set_xlim(left=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=4, frameon=False)

"""A tuning as a table to read, a table to compute with, a configuration to train with, and a picture."""

from __future__ import annotations

import csv
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ntcir.report.canvas import canvas
from ntcir.system.errors import escaped
from ntcir.system.files import atomic_path, atomic_write
from ntcir.tuning import Trial, Tuned
from ntcir.tuning.plan import MEAN, value_at
from ntcir.tuning.space import as_yaml
from ntcir.tuning.trials import Stage

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TRIALS, BEST, TABLE, CHART = "trials.csv", "best.yaml", "tuning.md", "tuning.png"
_MOST = 20  # trials of a stage in the table for people
DOT, LINE, BAR = "#9aa5b1", "#d1495b", "#2e6f95"


def write_report(tuned: Tuned) -> None:
    """Write ``trials.csv``, ``best.yaml`` and ``tuning.md`` into the tuning's folder."""
    write_csv(tuned, tuned.folder / TRIALS)
    atomic_write(tuned.folder / BEST, best_yaml(tuned))
    atomic_write(tuned.folder / TABLE, markdown(tuned))


def write_csv(tuned: Tuned, path: Path) -> None:
    """Write a line a trial; keys of later stages have the value of the base."""
    keys = [key for stage in tuned.stages for key in stage.keys]
    header = ["stage", "trial", *keys, "value", *tuned.directions, "seed_sd", "best_steps", "seconds", "note"]
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for trial in tuned.trials:
            values = [as_yaml(trial.changes.get(key, value_at(tuned.base, key))) for key in keys]
            figures = [f"{trial.found.mrr.get(name, 0.0):.6f}" for name in tuned.directions]
            steps, seconds = " ".join(map(str, trial.found.best_steps)), f"{trial.found.seconds:.2f}"
            cells: list[Any] = [trial.stage, trial.number, *values, f"{trial.value:.6f}", *figures]
            writer.writerow([*cells, f"{_deviation(trial):.6f}", steps, seconds, _note(trial)])


def best_yaml(tuned: Tuned) -> str:
    """Return the best configuration, as `ntcir train --config` takes it; comments say where it comes from."""
    best = tuned.best
    data = tuned.base.data.path
    given = "" if data is None else f" --data {shlex.quote(str(data))}"
    lines = [
        f"{tuned.path.name}: stage {best.stage}, trial {best.number}, validation MRR {best.value:.4f}. To train it:",
        f"  ntcir train --config {shlex.quote(str(tuned.folder / BEST))}{given}",
    ]
    comments = "".join(f"# {escaped(line)}\n" for line in lines)
    return comments + tuned.config(best.changes).to_yaml()


def markdown(tuned: Tuned) -> str:
    """Return the trials in Markdown, with the explanations needed to read them."""
    best = tuned.best
    metric = "the mean of both directions" if tuned.metric == MEAN else f"`{tuned.metric}`"
    trainings = "one training each" if len(tuned.seeds) == 1 else f"the mean of {len(tuned.seeds)} trainings each"
    listed = ", ".join(map(str, tuned.seeds))
    lines = [
        f"# {_plain(tuned.name)}", "",
        f"Corpus `{_plain(tuned.corpus)}`: MRR on the {tuned.pairs:,} pairs of the validation split, {metric}; "
        f"{trainings}, seed{'s' * (len(tuned.seeds) > 1)} {listed}. The test split was not looked at. The best of "
        "many trials is better on the split that it was chosen by than it will be on others.", "",
        f"Best: {best.value:.4f} in stage {best.stage}, trial {best.number}; [{BEST}]({BEST}) has all of it.", "",
        *(f"- {_code(f'{key}: {as_yaml(value)}')}" for key, value in best.changes.items()),
    ]  # fmt: skip
    for number, stage in enumerate(tuned.stages, start=1):
        lines += ["", *_stage(number, stage, tuned)]
    return "\n".join(lines) + "\n"


def _stage(number: int, stage: Stage, tuned: Tuned) -> list[str]:
    """Return the lines on a stage."""
    lines = [f"## Stage {number}: {', '.join(_code(key) for key in stage.keys)}", ""]
    if number > 1:
        lines += ["The keys of earlier stages are as in the best trial so far.", ""]
    if len(stage.keys) > 1 and stage.importances:
        ordered = sorted(stage.importances.items(), key=lambda item: -item[1])
        lines += [f"What mattered: {', '.join(f'{_code(key)} {share:.0%}' for key, share in ordered)}.", ""]
    lines += [
        f"| trial | {' | '.join(_code(key) for key in stage.keys)} | value | {' | '.join(tuned.directions)} | |",
        f"|---:|{'---:|' * (len(stage.keys) + 1 + len(tuned.directions))}---|",
    ]
    ranked = sorted(stage.trials, key=lambda trial: -trial.value)
    for trial in ranked[:_MOST]:
        values = " | ".join(_plain(as_yaml(trial.values[key])) for key in stage.keys)
        figures = " | ".join(f"{trial.found.mrr.get(name, 0.0):.4f}" for name in tuned.directions)
        lines.append(f"| {trial.number} | {values} | {trial.value:.4f} | {figures} | {_note(trial)} |")
    if len(ranked) > _MOST:
        lines += ["", f"The best {_MOST} of {len(ranked)} trials; [{TRIALS}]({TRIALS}) has all."]
    if len(ranked) < stage.of:
        lines += ["", f"{len(ranked)} of {stage.of} trials: run the same command again to continue."]
    return lines


def draw_chart(tuned: Tuned) -> Path:
    """Draw, for each stage, the value of each trial and what mattered; return the PNG's path."""
    path, rows = tuned.folder / CHART, len(tuned.stages)
    most = max(len(stage.keys) for stage in tuned.stages)
    height = rows * max(2.6, 0.9 + 0.35 * most)
    with canvas(path, figsize=(9, height), dpi=120, layout="constrained") as figure:
        panels = figure.subplots(rows, 2, squeeze=False, width_ratios=(3, 2))
        for number, (stage, (left, right)) in enumerate(zip(tuned.stages, panels, strict=True), start=1):
            _draw_values(left, stage, tuned.metric)
            _draw_importances(right, stage)
            left.set_title(f"stage {number}", loc="left", fontsize=10)
    return path


def _draw_values(axes: Axes, stage: Stage, metric: str) -> None:
    numbers = [trial.number for trial in stage.trials]
    values = [trial.value for trial in stage.trials]
    axes.plot(numbers, values, "o", color=DOT, markersize=4, label="trial")
    axes.step(numbers, np.maximum.accumulate(values), where="post", color=LINE, linewidth=1.4, label="best so far")
    axes.set(xlabel="trial", ylabel="validation MRR" if metric == MEAN else f"validation MRR, {metric}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)


def _draw_importances(axes: Axes, stage: Stage) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    if not stage.importances:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "too few different trials\nto say what mattered", ha="center", va="center", color=DOT)
        return
    ordered = sorted(stage.importances.items(), key=lambda item: item[1])
    axes.barh(range(len(ordered)), [share for _, share in ordered], color=BAR, height=0.6)
    axes.set_yticks(range(len(ordered)), [key for key, _ in ordered], fontsize=8, parse_math=False)
    axes.set(xlabel="what mattered, as a share", xlim=(0, 1))


def _note(trial: Trial) -> str:
    return "diverged" if trial.found.diverged else "measured before" if trial.again else ""


def _deviation(trial: Trial) -> float:
    """Return the standard deviation of the metric from seed to seed, 0 with one seed."""
    return float(np.std(trial.found.by_seed, ddof=1)) if len(trial.found.by_seed) > 1 else 0.0


def _code(text: str) -> str:
    return f"`{escaped(text).replace('`', chr(39)).replace('|', '/')}`"


def _plain(text: str) -> str:
    """Return text that is no markup within a cell."""
    return escaped(text).replace("\\", "\\\\").replace("|", "\\|").replace("*", "\\*").replace("`", "'")

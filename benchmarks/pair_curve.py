"""How figures grow with the number of training pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from caption_models import Opened
from model_fits import Method, answered, fits
from scipy.stats import t

from ntcir.corpora.corpus import SPLITS
from ntcir.modalities import directions, pictured
from ntcir.report.canvas import canvas
from ntcir.system.errors import UserError
from ntcir.system.progress import say

PICTURES = (50, 100, 200, 400)  # and all


def print_curve(
    opened: Opened,
    methods: Sequence[Method],
    draws: int,
    picture: Path | None,
    against: Sequence[tuple[str, str]] = (),
) -> None:
    """Print a table of MRR by method and number of training pictures, and draw it.

    Args:
        opened: a corpus with captions, whose test split is asked.
        methods: each behind the one that it begins from.
        draws: samples of the training pictures; of all of them there is one, trained with as many seeds.
        picture: where the chart is drawn; nowhere if None.
        against: pairs of methods whose difference is told.
    """
    shown = pictured(opened.config.pair)
    if shown is None:
        raise UserError(f"The pair {' and '.join(opened.config.pair)} has no pictures.")
    names = [each.name for each in reversed(directions(opened.config.pair))]
    pictures = opened.corpus.split("train")[shown.name].unique()
    counts = [*(count for count in PICTURES if count < len(pictures)), len(pictures)]
    found: dict[str, dict[int, np.ndarray]] = {method.name: {} for method in methods}
    for count in counts:
        for draw in range(draws):
            chosen = np.random.default_rng([draw, count]).permutation(pictures)[:count]
            part = opened.of(replace(opened.corpus, pairs=_kept(opened.corpus.pairs, shown.name, chosen)))
            seeded = part.changed({"seed": draw})
            for method, [made] in fits(seeded, methods, 1):
                figures = answered(part, made.model, "test", None)
                values = found[method.name].setdefault(count, np.empty((0, len(names))))
                measured = [[figures[name].mean() for name in names]]
                found[method.name][count] = np.concatenate([values, measured])
        say(f"{count} pictures are done", kind=f"curve {count}")
    print(f"\n{' / '.join(names)} MRR, the mean over {draws} draws ± half of its 95% interval (Student's t):\n")
    print(f"| method | {' | '.join(f'{count} pictures' for count in counts)} |")
    print(f"|---|{'---|' * len(counts)}")
    for method in methods:
        print(f"| {method.name} | {' | '.join(_cell(found[method.name][count]) for count in counts)} |")
    for method, other in against:
        cells = [_cell(found[method][count] - found[other][count], "+") for count in counts]
        print(f"| {method}, difference to {other} | {' | '.join(cells)} |")
    if picture is not None:
        _draw(found, names, picture)


def _kept(pairs: pd.DataFrame, column: str, chosen: np.ndarray) -> pd.DataFrame:
    """Return pairs of which only those of the chosen pictures are left in the training split."""
    out = (pairs["split"] == "train") & ~pairs[column].isin(chosen)
    splits = pd.Categorical(np.where(out, "", pairs["split"].astype(str)), categories=["", *SPLITS])
    return pairs.assign(split=splits)


def _cell(values: np.ndarray, sign: str = "") -> str:
    """Return the mean of each direction and half of its interval, where draws differ; float64 [draws, directions]."""
    halves = [0.0] * values.shape[1]
    if len(values) > 1:
        halves = values.std(axis=0, ddof=1) / np.sqrt(len(values)) * t.ppf(0.975, len(values) - 1)
    told = [
        f"{mean:{sign}.3f}{f' ± {half:.3f}' if half > 1e-6 else ''}"
        for mean, half in zip(values.mean(axis=0), halves, strict=True)
    ]
    return " / ".join(told)


def _draw(found: Mapping[str, Mapping[int, np.ndarray]], names: Sequence[str], path: Path) -> None:
    with canvas(path, figsize=(9, 4), dpi=120, layout="constrained") as figure:
        for place, name in enumerate(names):
            axes = figure.add_subplot(1, len(names), place + 1)
            for number, (method, by_count) in enumerate(found.items()):
                counts = list(by_count)
                beside = [count * 1.02 ** (number - len(found) / 2) for count in counts]  # so that none hides another
                means = [by_count[count][:, place].mean() for count in counts]
                spread = [by_count[count][:, place].std() for count in counts]
                axes.errorbar(beside, means, spread, marker="o", markersize=4, linewidth=1.2, capsize=2, label=method)
            axes.set(xscale="log", xlabel="training pictures", ylabel="MRR", title=name)
            axes.set_xticks(counts, [str(count) for count in counts])
            axes.minorticks_off()
            axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8)

"""How figures grow with the number of training pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from caption_models import Opened
from model_fits import Method, answered, fits

from ntcir.corpora.corpus import SPLITS
from ntcir.modalities import directions, pictured
from ntcir.report.canvas import canvas
from ntcir.system.errors import UserError
from ntcir.system.progress import say

PICTURES = (50, 100, 200, 400)  # and all


def print_curve(opened: Opened, methods: Sequence[Method], draws: int, picture: Path | None) -> None:
    """Print a table of MRR by method and number of training pictures, and draw it.

    Args:
        opened: a corpus with captions, whose test split is asked.
        methods: each behind the one that it begins from.
        draws: samples of the training pictures; of all of them there is one, trained with as many seeds.
        picture: where the chart is drawn; nowhere if None.
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
    print(f"\n{' / '.join(names)} MRR, the mean over {draws} draws ± standard error:\n")
    print(f"| method | {' | '.join(f'{count} pictures' for count in counts)} |")
    print(f"|---|{'---|' * len(counts)}")
    for method in methods:
        cells = [_cell(found[method.name][count]) for count in counts]
        print(f"| {method.name} | {' | '.join(cells)} |")
    if picture is not None:
        _draw(found, names, picture)


def _kept(pairs: pd.DataFrame, column: str, chosen: np.ndarray) -> pd.DataFrame:
    """Return pairs of which only those of the chosen pictures are left in the training split."""
    out = (pairs["split"] == "train") & ~pairs[column].isin(chosen)
    splits = pd.Categorical(np.where(out, "", pairs["split"].astype(str)), categories=["", *SPLITS])
    return pairs.assign(split=splits)


def _cell(values: np.ndarray) -> str:
    errors = values.std(axis=0, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.zeros(values.shape[1])
    return " / ".join(f"{mean:.3f} ± {error:.3f}" for mean, error in zip(values.mean(axis=0), errors, strict=True))


def _draw(found: Mapping[str, Mapping[int, np.ndarray]], names: Sequence[str], path: Path) -> None:
    with canvas(path, figsize=(9, 4), dpi=120, layout="constrained") as figure:
        for place, name in enumerate(names):
            axes = figure.add_subplot(1, len(names), place + 1)
            for method, by_count in found.items():
                counts = list(by_count)
                means = [by_count[count][:, place].mean() for count in counts]
                spread = [by_count[count][:, place].std() for count in counts]
                axes.errorbar(counts, means, spread, marker="o", markersize=4, linewidth=1.2, capsize=2, label=method)
            axes.set(xscale="log", xlabel="training pictures", ylabel="MRR", title=name)
            axes.set_xticks(counts, [str(count) for count in counts])
            axes.minorticks_off()
            axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8)

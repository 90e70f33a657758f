"""The configuration of each row, with the commands that repeat it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ntcir.ablation.folds import Fold
from ntcir.ablation.grid import Plan, Unit
from ntcir.formats.topics import QRELS, TOPICS
from ntcir.system.files import atomic_write

CONFIGS = "configs"


def save_configs(plan: Plan, folds: Mapping[str, Fold], folder: Path) -> None:
    """Write the configuration of each row as its first training has it; comments tell how to come to the others.

    Args:
        plan: resolved.
        folds: by name.
        folder: of the ablation.
    """
    for cell in plan.cells:
        unit = plan.units(cell)[0]
        path = folder / CONFIGS / plan.file(cell)
        comments = "".join(f"# {line}\n" for line in _how_to_repeat(plan, unit, folds[unit.fold], folder, path))
        text = comments + plan.config(unit).to_yaml()
        if not path.is_file() or path.read_bytes() != text.encode():
            atomic_write(path, text)


def _how_to_repeat(plan: Plan, unit: Unit, fold: Fold, folder: Path, path: Path) -> list[str]:
    """Return the lines with the commands that repeat a training."""
    files = (path, fold.corpus.root, folder / "models" / path.stem, fold.folder / TOPICS, fold.folder / QRELS)
    place, data, model, asked, answers = (shlex.quote(str(file)) for file in files)
    lines = [
        f"{plan.path.name}: {unit}. To repeat it:",
        f"  ntcir train --config {place} --data {data} --out {model}",
    ]
    if fold.topics.pools or plan.grid.topics.number:
        depth = "" if fold.topics.pools else f" --depth {max(map(len, fold.items.values()))}"
        lines += [f"  ntcir run {asked} --model {model}{depth} > run.txt", f"  ntcir score run.txt --qrels {answers}"]
    else:
        lines.append(f"  ntcir evaluate --model {model}")
    if len(plan.grid.seeds) > 1:
        lines.append(f"The row is the mean over the seeds {', '.join(map(str, plan.grid.seeds))}: --set seed=...")
    if len(plan.folds) > 1:
        lines.append("The row takes the topics of all folds together; each has its own topics/ folder and")
        lines += [f"  {name}: {_typed(changes)}" for name, changes in plan.folds.items()]
    return [" ".join(line.split("\n")) for line in lines]


def _typed(changes: Mapping[str, Any]) -> str:
    """Return changes as they are typed."""
    words = []
    for key, value in changes.items():
        text = yaml.safe_dump(value, default_flow_style=True, width=10**6).removesuffix("...\n").strip()
        words.append(f"--set {shlex.quote(f'{key}={text}')}")
    return " ".join(words)

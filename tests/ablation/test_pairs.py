"""An ablation is of the pair that its configuration names."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from helpers import command_line, one_thread, read_pictures, refusal, write_pictures  # noqa: F401
from second_pair import know_them

from ntcir.ablation.folds import open_folds
from ntcir.ablation.grid import read_plan
from ntcir.ablation.stores import Stores

pytestmark = pytest.mark.usefixtures("one_thread")
BASE: dict[str, Any] = {
    "features": {
        "backbones": [{"arch": "squeezenet1_1", "weights": "random"}], "size": 64, "crop": 64, "resize": "squash"
    },
    "towers": {"dim": 16},
    "training": {"batch": 16, "near_seconds": 0, "lr": 0.003, "validate_every": 4},
    "topics": {"pool": 14, "per_day": 6},
}  # fmt: skip
VIEWS = {"augment.views": 1, "augment.transforms": [{"name": "HorizontalFlip"}]}


def make_grid(path: Path, changes: dict[str, Any] | None = None, **own: Any) -> Path:
    grid = {"base": BASE, "changes": changes or {}, "iterations": [4], "methods": {"plain": {}, "views": VIEWS}}
    path.write_text(yaml.safe_dump({**grid, **own}, sort_keys=False), encoding="utf-8")
    return path


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "results.csv").open(encoding="utf-8", newline="") as file:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_pictures(tmp_path / "data")
    (tmp_path / "data/ntcir.yaml").unlink()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ablate(grid: Path, out: str) -> list[dict[str, str]]:
    done = command_line("ablate", str(grid), "--data", "data", "--out", out)
    assert done.exit_code == 0, done.output
    return rows_of(Path(out))


def test_another_pair_of_the_same_items_has_the_same_figures(here, monkeypatch):
    usual = ablate(make_grid(here / "usual.yaml"), "usual")
    know_them(monkeypatch)
    other = ablate(make_grid(here / "other.yaml", {"pair": ["photo", "meter"]}), "other")
    text = json.dumps(other).replace("pho2met", "img2sen").replace("met2pho", "sen2img").replace('"other"', '"usual"')
    assert json.loads(text) == usual
    assert "pho2met" in json.dumps(other)


def write_vectors(path: Path, seed: int) -> None:
    ids = read_pictures(Path("data")).pairs["image"]
    np.savez(
        path,
        ids=np.array([f"note-{item}" for item in ids]),
        vectors=np.random.default_rng(seed).normal(size=(len(ids), 5)),
    )


@pytest.fixture
def of_notes(here: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Changes by which a grid is of a pair without pictures."""
    write_vectors(here / "notes.npz", 0)
    know_them(monkeypatch)
    return {"pair": ["note", "meter"], "towers.note.vectors": str(here / "notes.npz")}


def test_a_pair_without_pictures_is_measured_and_other_vectors_are_another_training(here, of_notes):
    grid = make_grid(here / "notes.yaml", of_notes, methods={"plain": {}})
    [row] = ablate(grid, "notes")
    assert {"not2met", "met2not"} <= set(row)
    assert len(list(Path("notes/cells").glob("*.json"))) == 1
    ablate(grid, "notes")
    assert len(list(Path("notes/cells").glob("*.json"))) == 1
    write_vectors(here / "notes.npz", 1)
    ablate(grid, "notes")
    assert len(list(Path("notes/cells").glob("*.json"))) == 2


def test_views_of_a_pair_without_pictures_are_refused_by_the_method_s_name(here, of_notes):
    failed = command_line("ablate", str(make_grid(here / "g.yaml", of_notes)), "--data", "data", "--out", "out")
    assert failed.exit_code == 2
    assert "The method 'views': augment.views needs photographs" in failed.stderr
    assert not Path("out/cells").exists()


def test_pictures_that_are_known_by_vectors_have_no_altered_views(here):
    np.save("images.npy", np.random.default_rng(0).normal(size=(56, 5)))
    changes = {"towers.image.encoder": "vectors", "towers.image.vectors": str(here / "images.npy")}
    plan = read_plan(make_grid(here / "g.yaml", changes), here / "data")
    stores = Stores(plan, open_folds(plan, here / "out"))
    assert "augment.views needs the encoder frozen" in refusal(stores.fill)


@pytest.mark.parametrize("part", ["methods", "weights", "folds"])
def test_no_part_of_a_grid_changes_the_pair(here, part):
    grid = make_grid(here / "g.yaml", **{part: {"a": {"pair": ["sensor", "image"]}}})
    failed = command_line("ablate", str(grid), "--data", "data", "--out", "out")
    assert failed.exit_code == 2
    [error] = [line for line in failed.stderr.splitlines() if line.startswith("Error: ")]
    assert "changes 'pair'" in error
    assert "'a'" in error


def test_a_method_may_have_other_objectives(here):
    methods = {"plain": {}, "two": {"objectives": [{"kind": "info_nce"}, {"kind": "info_nce", "weight": 0.5}]}}
    plan = read_plan(make_grid(here / "g.yaml", methods=methods), here / "data")
    assert [len(config.objectives) for config in plan.configs.values()] == [1, 2]

"""What an ablation's file may say, and what is said to mistakes in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import ROOT, command_line, one_thread, refusal, write_pictures  # noqa: F401
from toy_grid import GRID, SESSION, write_grid

from ntcir.ablation.folds import open_folds
from ntcir.ablation.grid import read_plan
from ntcir.ablation.quiet import saying_once
from ntcir.ablation.rows import random_mrr
from ntcir.ablation.training import is_prefix
from ntcir.config import SessionSplit
from ntcir.system.progress import progress, say
from ntcir.training.trainer import Trainer

DIRECTIONS = ("img2sen", "sen2img")

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus of pictures."""
    folder = tmp_path_factory.mktemp("grid")
    write_pictures(folder / "data", per_session=SESSION)
    return folder


@pytest.fixture
def here(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, as the current one."""
    monkeypatch.chdir(place)
    return place


def test_changed_data_or_topics_have_another_digest(here, tmp_path):
    def digest(data: Path, **changes: Any) -> str:
        plan = read_plan(write_grid(tmp_path / "g.yaml", folds={}, **changes), data)
        return open_folds(plan, tmp_path / "out")[0].digest

    write_grid(tmp_path / "x.yaml")
    data = write_pictures(tmp_path / "data", per_session=SESSION)
    seen = [digest(data), digest(data, topics=GRID["topics"] | {"seed": 1})]
    records = data / "records.csv"
    text = records.read_text(encoding="utf-8")
    seen.append(digest(data, topics=GRID["topics"] | {"per_day": 5}))
    assert digest(data) == seen[0]
    records.write_text(text.replace(",rain", ",hail", 1), encoding="utf-8")
    seen.append(digest(data))
    records.write_text(text, encoding="utf-8")
    picture = data / "images/s1_003.png"
    picture.write_bytes(picture.read_bytes() + b" ")
    seen.append(digest(data))
    assert len(set(seen)) == 5


# -------------------------------------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"methds": {}}, ["Unknown key 'methds'", "did you mean 'methods'"]),
        ({"zzz": 1}, ["Unknown key 'zzz'", "known here: name, base"]),
        ({"topics": {"pol": 3}}, ["Unknown key 'topics.pol'", "did you mean 'pool'"]),
        ({"base": "absent.yaml"}, ["absent.yaml", "no such file"]),
        ({"base": 5}, ["base must name a configuration file"]),
        ({"base": {"trainig": {}}}, ["Unknown key 'trainig'", "the base of", "did you mean 'training'"]),
        ({"iterations": []}, ["iterations", "at least 1"]),
        ({"iterations": [0]}, ["iterations.0 = 0", "greater than or equal to 1"]),
        ({"iterations": [5, 5]}, ["iterations", "once only"]),
        ({"seeds": 0}, ["seeds = 0", "how many"]),
        ({"seeds": [1, 1]}, ["seeds", "once only"]),
        ({"seeds": [-1]}, ["seeds.0 = -1"]),
        ({"methods": {}}, ["methods", "at least 1"]),
        ({"methods": {"a": 3}}, ["methods.a = 3", "dictionary"]),
        ({"methods": {"a": {"training.temprature": 1}}}, ["'training.temprature'", "the method 'a'", "'temperature'"]),
        ({"methods": {"a": {"training.temperature": -1}}}, ["the method 'a'", "training.temperature = -1"]),
        ({"methods": {"a": {"training.iters": 7}}}, ["The method 'a'", "`iterations`"]),
        ({"methods": {"a": {"seed": 7}}}, ["The method 'a'", "`seeds`"]),
        ({"methods": {"a": {"training": {"lr": 1}}}}, ["whole section 'training'", "dotted"]),
        ({"methods": {"a": {"data.split.by": "date"}}}, ["The method 'a'", "same topics"]),
        ({"methods": {"a": {"sensors.exclude": ["wram"]}}}, ["The method 'a'", "'wram'", "did you mean 'warm'"]),
        ({"methods": {"a": {"augment.views": 1, "augment.transforms": [{"name": "Blurr"}]}}}, ["'Blurr'"]),
        ({"methods": {"a": {"positives.objects": True, "objects.detector": "gone/y.pt"}}}, ["gone/y.pt"]),
        ({"weights": {"w": {"features.backbones": [{"arch": "resnet18", "weight": "x"}]}}}, ["the weights 'w'"]),
        ({"weights": {"w": {"features.backbones": [{"arch": "resnet0"}]}}}, ["no classifier 'resnet0'"]),
        (
            {"weights": {"w": {"features.backbones": [{"arch": "resnet18", "weights": "gone/x.pth"}]}}},
            ["no weights at", "gone/x.pth"],
        ),
        ({"folds": {"f": {"data.path": "x"}}}, ["The fold 'f'", "--data"]),
        ({"folds": {"f": {"data.split": {"by": "session", "test": ["s9"]}}}}, ["no session 's9'"]),
        ({"folds": {"f": {"data.split": {"by": "session", "test": []}}}}, ["test split of the fold 'f'", "no pair"]),
        ({"topics": {"pool": 15}}, ["Pools of 15", "s1 (14)", "the fold 'first lap'", "topics.pool to 14"]),
        ({"topics": {"pool": 15, "skip_short_days": True}}, ["Pools of 15"]),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else "",
)
def test_a_mistake_is_one_sentence_before_anything_is_trained(here, monkeypatch, tmp_path, changes, parts):
    monkeypatch.setattr(Trainer, "run", None)
    grid = write_grid(tmp_path / "grid.yaml", **changes)
    failed = command_line("ablate", str(grid), "--data", "data", "--out", str(tmp_path / "out"))
    assert failed.exit_code == 2, failed.output
    assert failed.stdout == ""
    errors = [line for line in failed.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert errors[0] == failed.stderr.splitlines()[-1]
    assert errors[0].endswith((".", "?"))
    for part in parts:
        assert part in errors[0]
    assert not (tmp_path / "out/cells").exists()


@pytest.mark.parametrize("text", ["", "- 1", "{", "a: [", "base: [unclosed", "iterations: [5]"])
def test_what_is_no_grid_is_one_sentence(tmp_path, text):
    path = tmp_path / "grid.yaml"
    path.write_text(text, encoding="utf-8")
    assert str(path) in refusal(read_plan, path, tmp_path)


def test_a_grid_that_is_not_there_and_a_plain_configuration_are_refused(tmp_path):
    assert "no such file" in refusal(read_plan, tmp_path / "absent.yaml", tmp_path)
    for name in ("track", "ymx2l", "nuswide"):
        sentence = refusal(read_plan, path := ROOT / f"configs/{name}.yaml", tmp_path)
        assert f"{path} is a configuration to train with, not an ablation: train with `ntcir train" in sentence


# ------------------------------------------------------------------------------------------------------- the grid


def test_names_that_would_be_the_same_file_are_told_apart(here, tmp_path):
    methods: dict[str, Any] = {"objects": {}, "+ objects": {}, "Objects!": {}, "物": {}, "a/b": {}}
    plan = read_plan(
        write_grid(tmp_path / "g.yaml", methods=methods, base=str(here / "data/ntcir.yaml")), here / "data"
    )
    files = [plan.file(cell).lower() for cell in plan.cells]
    assert len(set(files)) == len(files) == 10
    assert all(name.isascii() and "/" not in name and " " not in name for name in files)


def test_changes_are_laid_over_each_other_in_order(here):
    base = {"name": "other", "training": {"lr": 0.5, "batch": 8}}
    weights = {"w": {"features.backbones": [{"arch": "alexnet", "weights": "random"}], "towers.dim": 4}}
    methods = {"m": {"features.backbones.0.seed": 3, "towers.dim": 8}}
    path = write_grid(here / "order.yaml", base=base, weights=weights, methods=methods, changes={"training.batch": 9})
    plan = read_plan(path, here / "data")
    unit = plan.units(plan.cells[-1])[-1]
    config = plan.config(unit)
    assert (config.name, config.seed, config.training.iters) == ("order", 1, 10)
    assert (config.training.lr, config.training.batch, config.towers.dim) == (0.5, 9, 8)
    assert (config.features.backbones[0].arch, config.features.backbones[0].seed) == ("alexnet", 3)
    assert config.data.path == (here / "data").absolute()
    assert config.data.split == SessionSplit(test=["s3"], val=["s4"])


@pytest.mark.parametrize(("name", "cells", "folds"), [("ymx2l", 45, 1), ("demo", 45, 1), ("track", 15, 8)])
def test_the_grids_that_come_with_the_project_are_grids(tmp_path, monkeypatch, name, cells, folds):
    monkeypatch.chdir(ROOT)
    plan = read_plan(ROOT / f"configs/ablate-{name}.yaml", tmp_path)
    assert plan.name == name
    assert len(plan.cells) == cells
    assert len(plan.folds) == folds
    assert plan.iterations == [100, 200, 500]
    assert list(plan.grid.methods) == ["in-batch only", "+ objects", "+ augmentation", "+ mined", "all together"]
    config = plan.config(plan.units(plan.cells[-1])[-1])
    assert config.positives.objects
    assert config.augment.views == 4
    assert config.negatives.model
    assert all(is_prefix(plan.config(plan.units(cell)[0])) for cell in plan.cells)
    if name == "track":
        assert config.features.backbones[0].weights == str(
            ROOT / "../shared/weights/squeezenet1_1_imagenet_features.pth"
        )
        assert Path(config.objects.detector).is_absolute()


def test_random_is_the_mean_over_the_pools_of_all_folds(here, tmp_path):
    plan = read_plan(write_grid(here / "ablate-toy.yaml"), here / "data")
    chance = np.mean([1 / rank for rank in range(1, SESSION + 1)])
    assert random_mrr(open_folds(plan, tmp_path)) == pytest.approx(dict.fromkeys(DIRECTIONS, chance))


def test_a_kind_of_line_is_said_once(capsys):
    seen = {"Training"}
    for number in (1, 1000, 20):
        with saying_once(seen):
            say(f"refused {number} of 3.5", kind="refused")
            say("the same", "2 lines at once")
            with progress("Training", 3) as advance:
                advance(3)
    with saying_once(seen):
        say("another", "3 lines at once", "the same")
    say("the same")  # outside nothing is filtered
    said = ["refused 1 of 3.5", "the same", "2 lines at once", "another", "3 lines at once", "the same"]
    assert capsys.readouterr().err.splitlines() == said

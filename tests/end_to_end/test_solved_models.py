"""A model that is solved at once, used like any other: the commands as they are typed, on a corpus of pictures."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import yaml
from helpers import command_line, one_thread, write_pictures  # noqa: F401
from PIL import Image

from ntcir.config import load_config
from ntcir.model.model import Model
from ntcir.submission.bundle import make_bundle
from ntcir.tuning.plan import read_tuning_plan
from ntcir.tuning.training import measure, without_test
from ntcir.workspace import read_corpus

pytestmark = pytest.mark.usefixtures("one_thread")
SOLVED = ["--set", "objectives=[{kind: procrustes}]"]


def done(*words: str) -> tuple[str, str]:
    """Run a command; return what it wrote to standard output and to standard error."""
    found = command_line(*words)
    assert found.exit_code == 0, f"{found.output}\n{found.exception!r}"
    return found.stdout, found.stderr


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:  # noqa: F811
    """A folder with a corpus, topics in both formats, and a model under the name it has by default."""
    folder = tmp_path_factory.mktemp("solved")
    config = write_pictures(folder / "data") / "ntcir.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("grid: 2", "grid: 1"), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        done("build-topics", "--data", "data", "--topics-per-day", "2")
        done("build-topics", "--data", "data", "--topics-per-day", "2", "--format", "official")
        _, said = done("train", "--data", "data", *SOLVED)
    assert "runs/toy: procrustes, solved from 28 instances in " in said
    assert "; validation MRR img2sen 0." in said
    return folder


@pytest.fixture
def inside(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(place)
    return place


def test_it_answers_topics_and_is_evaluated_and_searched(inside):
    run, _ = done("run", "topics.tsv", "--model", "runs/toy")
    Path("run.txt").write_text(run, encoding="utf-8")
    scored, _ = done("score", "run.txt", "--json")
    assert json.loads(scored)["all"]["MRR"] > 0.3  # 0.23 by chance
    figures, _ = done("evaluate", "--json")
    assert {"img2sen", "sen2img"} <= set(json.loads(figures))
    hits, _ = done("search", "--reading", '{"warm": 250, "wet": 3}', "--k", "3", "--out", "found")
    assert len(hits.splitlines()) == 3
    topic = run.split()[0]
    shown, _ = done("show", topic, "--data", "data")
    with Image.open(shown.strip()) as picture:
        picture.verify()


def test_it_is_handed_in(inside, tmp_path):
    done(
        "predict",
        "topics/input.json",
        str(tmp_path / "scores.csv"),
        "--model",
        "runs/toy",
        "--group",
        "G",
        "--run",
        "r",
    )
    with (tmp_path / "scores.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 2 * 2 * 14
    lines = make_bundle(Path("runs/toy"), tmp_path, group="G", run="r", rehearsal=False)
    assert "G-r" in lines[0]
    assert Model.load(tmp_path / "G-r" / "model").config.solved is not None


def test_its_folder_is_numbered_and_steps_are_refused_without_loss(inside, tmp_path):
    train = ["train", "--data", "data", *SOLVED]
    assert "runs/toy-2: procrustes" in done(*train)[1]
    before = sorted(Path("runs").rglob("*"))
    for words, why in (
        (
            ["--iters", "100"],
            "procrustes is solved, not trained, so it has no steps: leave training.iters (--iters) out",
        ),
        (["--out", "runs/toy"], "runs/toy already holds a trained model: choose another --out."),
        (
            ["--resume"],
            "runs/toy-2 already holds a model, and procrustes is solved at once, so there is nothing to resume",
        ),
    ):
        failed = command_line(*train, *words)
        assert (failed.exit_code, failed.stdout) == (2, "")
        assert why in failed.stderr
    assert sorted(Path("runs").rglob("*")) == before
    done(*train, "--iters", "0", "--out", str(tmp_path / "zero"))


def test_it_is_a_method_of_an_ablation_that_is_solved_once_for_all_numbers_of_steps(inside, tmp_path):
    grid = {
        "base": str(Path("data/ntcir.yaml").absolute()), "iterations": [2, 4],
        "methods": {"trained": {}, "solved": {"objectives": [{"kind": "procrustes"}]}},
        "topics": {"pool": 14, "per_day": 4},
    }  # fmt: skip
    Path("grid.yaml").write_text(yaml.safe_dump(grid), encoding="utf-8")
    done("ablate", "grid.yaml", "--data", "data", "--out", str(tmp_path / "ablation"))
    with (tmp_path / "ablation" / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["method"] == "solved"]
    assert [row["iterations"] for row in rows] == ["2", "4"]
    first, second = ({key: row[key] for key in row if key not in {"iterations", "config"} and "trained" not in key}
                     for row in rows)  # fmt: skip
    assert first["img2sen"] == second["img2sen"]
    assert float(first["seconds"]) > 0
    assert len(list((tmp_path / "ablation" / "cells").glob("*.json"))) == 3
    repeated = load_config(tmp_path / "ablation" / rows[1]["config"])
    assert repeated.solved is not None


def test_its_keys_are_tuned(inside, tmp_path):
    tuning = {
        "base": str(Path("data/ntcir.yaml").absolute()), "changes": {"objectives": [{"kind": "procrustes"}]},
        "search": {"objectives.0.unit": [True, False], "objectives.0.pairs": ["means", "all"]},
    }  # fmt: skip
    Path("tuning.yaml").write_text(yaml.safe_dump(tuning), encoding="utf-8")
    plan = read_tuning_plan(Path("tuning.yaml"), Path("data"))
    corpus = without_test(read_corpus(plan.base))
    found = measure(plan.configs["objectives.0.unit = False"], corpus, [0, 1], "img2sen", tmp_path / "trial")
    assert sum(found.by_seed) / 2 == found.mrr["img2sen"] > 0.2
    assert found.best_steps == [0, 0]
    assert found.seconds > 0

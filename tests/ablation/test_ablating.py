"""A grid of trainings: what it computes, what it does not compute again, and what it says to mistakes."""

from __future__ import annotations

import csv
import json
import os
import shlex
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forking import python
from helpers import command_line, environment, one_thread, write_pictures  # noqa: F401
from toy_grid import GRID, SESSION, write_grid

import ntcir.ablation.training
from ntcir.ablation.training import is_prefix
from ntcir.config import Config
from ntcir.training.trainer import Trainer

DIRECTIONS = ("img2sen", "sen2img")

pytestmark = pytest.mark.usefixtures("one_thread")


def rows_of(folder: Path) -> list[dict[str, str]]:
    """Return the rows of the results, but for the seconds they took."""
    with (folder / "results.csv").open(encoding="utf-8", newline="") as file:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


def cells_of(folder: Path) -> dict[str, dict[str, Any]]:
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in (folder / "cells").glob("*.json")}


def answers_of(folder: Path) -> dict[str, Any]:
    return {name: cell["reciprocal"] for name, cell in cells_of(folder).items()}


def times_of(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (folder / "cells").glob("*.json")}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:  # noqa: F811
    """A folder with a corpus of pictures, a grid, and what came of it, typed as a person does."""
    folder = tmp_path_factory.mktemp("ablation")
    write_pictures(folder / "data", per_session=SESSION)
    write_grid(folder / "ablate-toy.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        done = command_line("ablate", "ablate-toy.yaml", "--data", "data")
    assert done.exit_code == 0, done.output
    assert done.stdout == ""
    (folder / "said").write_text(done.stderr, encoding="utf-8")
    return folder


@pytest.fixture
def here(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, as the current one."""
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The steps that are taken from now on."""
    taken: list[int] = []
    whole = Trainer._step

    def counted(self: Trainer, number: int) -> tuple[float, dict[str, float]]:
        taken.append(number)
        return whole(self, number)

    monkeypatch.setattr(Trainer, "_step", counted)
    return taken


def ablate(grid: Path, out: str) -> str:
    """Type the command; return what it said."""
    done = command_line("ablate", str(grid), "--data", "data", "--out", out)
    assert done.exit_code == 0, done.output
    return done.stderr


# ------------------------------------------------------------------------------------------------------ what comes out


def test_the_default_folder_has_a_table_a_chart_and_a_result_for_each_training(here):
    folder = here / "runs/ablate-toy"
    assert {path.name for path in folder.iterdir()} == {
        "cells", "chart.png", "configs", "results.csv", "table.md", "topics"
    }  # fmt: skip
    assert len(cells_of(folder)) == 2 * 2 * 2 * 2
    assert sorted(path.name for path in (folder / "cells").iterdir()) == sorted(cells_of(folder)), "a model is left"
    rows = rows_of(folder)
    assert [(row["iterations"], row["method"], row["weights"]) for row in rows] == [
        ("5", "plain", "tiny"), ("5", "+ hot", "tiny"), ("10", "plain", "tiny"), ("10", "+ hot", "tiny")
    ]  # fmt: skip
    assert {row["seeds"] for row in rows} == {"0 1"}
    assert {row["folds"] for row in rows} == {"first lap; third"}
    assert {row["topics"] for row in rows} == {"12"}
    assert all((folder / row["config"]).is_file() for row in rows)


def test_every_cell_is_said_in_a_line_and_every_warning_once(here):
    said = (here / "said").read_text(encoding="utf-8").splitlines()
    assert len([line for line in said if " iterations, " in line]) == 4
    assert "16 of 16 trainings" in next(line for line in said if line.startswith("10 iterations, + hot"))
    assert sum("RANDOM" in line for line in said) == 1
    assert sum("read 56 rows" in line for line in said) == 1
    assert not [line for line in said if line.startswith("Training: ")]
    assert said[-1] == "runs/ablate-toy: results.csv, table.md, chart.png"


def test_a_row_is_the_mean_over_topics_seeds_and_folds(here):
    folder = here / "runs/ablate-toy"
    for row in rows_of(folder):
        own = [
            cell for cell in cells_of(folder).values()
            if (cell["what"]["method"], str(cell["what"]["iterations"])) == (row["method"], row["iterations"])
        ]  # fmt: skip
        assert len(own) == 4
        for direction in DIRECTIONS:
            values = [value for cell in own for value in cell["reciprocal"][direction].values()]
            assert len(values) == 4 * 6
            assert float(row[direction]) == pytest.approx(np.mean(values), abs=1e-6)
            assert float(row[f"{direction}_low"]) <= float(row[direction]) <= float(row[f"{direction}_high"])
            chance = np.mean([1 / rank for rank in range(1, SESSION + 1)])
            assert float(row[f"{direction}_random"]) == pytest.approx(chance, abs=1e-6)


def test_a_row_s_file_repeats_its_figures_with_the_commands_in_it(here):
    folder = here / "runs/ablate-toy"
    row = rows_of(folder)[3]
    lines = [line.removeprefix("#   ") for line in (folder / row["config"]).read_text(encoding="utf-8").splitlines()]
    train, run, score = (shlex.split(line)[1:] for line in lines if line.startswith("ntcir "))
    third = shlex.split(next(line for line in lines if line.startswith("third: ")).removeprefix("third: "))
    again = ["--set", "seed=1", *third, "--set", "name=again", "--out", "again"]
    for words, seed, fold in ((train, 0, "first lap"), ([*train[: train.index("--out")], *again], 1, "third")):
        model = words[words.index("--out") + 1]
        assert command_line(*words).exit_code == 0
        topics = run[1].replace("first-lap", {"first lap": "first-lap", "third": "third"}[fold])
        lines_of_run = command_line("run", topics, "--model", model)
        assert lines_of_run.exit_code == 0, lines_of_run.output
        (here / "run.txt").write_text(lines_of_run.stdout, encoding="utf-8")
        qrels = score[-1].replace("first-lap", topics.split("/")[-2])
        report = json.loads(command_line("score", "run.txt", "--qrels", qrels, "--json").stdout)
        what = {"weights": "tiny", "method": "+ hot", "iterations": 10, "fold": fold, "seed": seed}
        own = next(cell for cell in cells_of(folder).values() if cell["what"] == what)
        for direction in DIRECTIONS:
            assert report[direction]["MRR"] == pytest.approx(np.mean(list(own["reciprocal"][direction].values())))


def test_all_methods_of_a_fold_are_asked_the_same_topics(here):
    asked = {}
    for cell in cells_of(here / "runs/ablate-toy").values():
        topics = [list(cell["reciprocal"][direction]) for direction in DIRECTIONS]
        assert asked.setdefault(cell["what"]["fold"], topics) == topics
    assert len(asked) == 2


# ------------------------------------------------------------------------------------------------- nothing done twice


def test_what_is_there_is_not_computed_again(here, steps):
    before = times_of(here / "runs/ablate-toy")
    ablate(here / "ablate-toy.yaml", "runs/ablate-toy")
    assert steps == []
    assert times_of(here / "runs/ablate-toy") == before


def test_a_longer_training_goes_on_from_a_shorter_one_and_is_the_same_as_one_in_a_piece(here, steps, tmp_path):
    grid = {"seeds": [1], "folds": {"third": GRID["folds"]["third"]}, "methods": {"x": {}}}
    ablate(write_grid(tmp_path / "chain.yaml", **grid, iterations=[5, 10, 12, 15]), str(tmp_path / "chain"))
    # 12 is no step of validation, so that 15 may not go on from there.
    assert steps == [*range(10), *range(12), *range(10, 15)]
    steps.clear()
    ablate(write_grid(tmp_path / "one.yaml", **grid, iterations=[15]), str(tmp_path / "one"))
    assert steps == [*range(15)]
    chain, one = cells_of(tmp_path / "chain"), cells_of(tmp_path / "one")
    assert len(chain) == 4
    (name, alone), = one.items()  # fmt: skip
    assert chain[name]["reciprocal"] == alone["reciprocal"]
    assert chain[name]["best_step"] == alone["best_step"]
    assert len({json.dumps(cell["reciprocal"]) for cell in chain.values()}) > 1


def test_with_rates_that_depend_on_the_length_each_is_trained_from_the_beginning(here, steps, tmp_path):
    grid = {"seeds": 1, "folds": {}, "methods": {"x": {"training.schedule": "cosine"}}}
    ablate(write_grid(tmp_path / "cosine.yaml", **grid), str(tmp_path / "out"))
    assert steps == [*range(5), *range(10)]
    assert is_prefix(Config().changed({"training.iters": 50}))
    assert not is_prefix(Config().changed({"training.iters": 50, "training.schedule": "cosine"}))
    assert not is_prefix(Config().changed({"training.iters": 60}))


def test_a_new_method_seed_and_number_of_steps_compute_only_what_is_new(here, steps, tmp_path):
    grid = {"folds": {"third": GRID["folds"]["third"]}, "seeds": 1}
    out = str(tmp_path / "out")
    ablate(write_grid(tmp_path / "g.yaml", **grid), out)
    steps.clear()
    before = times_of(tmp_path / "out")
    more = {"near": {"training.near_seconds": 130.0}, "hot again": {"training.temperature": 0.5}, **GRID["methods"]}
    said = ablate(write_grid(tmp_path / "g.yaml", **grid | {"methods": more}), out)
    assert steps == [*range(10)], "one that was there, under another name, counts as it"
    assert "6 of 8 trainings are done already" in said
    ablate(write_grid(tmp_path / "g.yaml", **grid | {"seeds": [0, 7]}), out)
    assert steps == [*range(10)] * 3
    after = times_of(tmp_path / "out")
    assert {name: after[name] for name in before} == before
    assert [row["method"] for row in rows_of(tmp_path / "out")] == ["plain", "+ hot"] * 2


def test_a_damaged_result_is_computed_again(here, steps, tmp_path):
    grid = write_grid(tmp_path / "g.yaml", seeds=1, folds={}, methods={"x": None})
    ablate(grid, str(tmp_path / "out"))
    cells = cells_of(tmp_path / "out")
    name = next(name for name, cell in cells.items() if cell["what"]["iterations"] == 10)
    for damage in ("", "{}", "[1]", json.dumps(cells[name] | {"reciprocal": {"img2sen": {}, "sen2img": {}}})):
        (tmp_path / "out/cells" / name).write_text(damage, encoding="utf-8")
        steps.clear()
        ablate(grid, str(tmp_path / "out"))
        assert steps == [*range(10)]
        assert cells_of(tmp_path / "out")[name]["reciprocal"] == cells[name]["reciprocal"]


# ------------------------------------------------------------------------------------------------ stopped in the middle

CHILD = (
    "import os\nfrom ntcir.training.trainer import Trainer\nwhole, taken = Trainer._step, []\n"
    "def step(self, number):\n    taken.append(number)\n"
    "    len(taken) == 18 and os.kill(os.getpid(), 9)\n    return whole(self, number)\n"
    "Trainer._step = step\nfrom ntcir.cli import main\nmain()\n"
)


def goes_on_to_the_same_table(here: Path, out: Path, steps: list[int]) -> int:
    """Repeat the command after the second training was stopped in step 8; return how many steps were taken."""
    finished = times_of(out)
    assert len(finished) == 3
    steps.clear()
    assert "3 of 16 trainings are done already" in ablate(here / "ablate-toy.yaml", str(out))
    after = times_of(out)
    assert {name: after[name] for name in finished} == finished
    assert rows_of(out) == rows_of(here / "runs/ablate-toy")
    assert answers_of(out) == answers_of(here / "runs/ablate-toy")
    assert not list((out / "cells").glob("training-*"))
    return len(steps)


def test_an_ablation_that_is_killed_goes_on(here, steps, tmp_path):
    command = ["ablate", "ablate-toy.yaml", "--data", "data", "--out", str(tmp_path)]
    killed = python(CHILD, *command)
    assert killed.returncode == -signal.SIGKILL
    # The training goes on from its last checkpoint, after step 5.
    assert goes_on_to_the_same_table(here, tmp_path, steps) == 8 * 10 - 15


def test_ctrl_c_is_one_sentence_and_nothing_is_lost(here, steps, monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        counted = Trainer._step

        def stop(self: Trainer, number: int) -> float:
            if len(steps) == 17:
                os.kill(os.getpid(), signal.SIGINT)
            return counted(self, number)

        patch.setattr(Trainer, "_step", stop)
        stopped = command_line("ablate", "ablate-toy.yaml", "--data", "data", "--out", str(tmp_path))
    assert stopped.exit_code == 2
    said = (
        "Error: Interrupted: 3 of 16 trainings are done, and nothing is lost; run the same command to "
        f"continue ({tmp_path})."
    )
    assert stopped.stderr.splitlines()[-1] == said
    assert goes_on_to_the_same_table(here, tmp_path, steps) == 8 * 10 - 18


def test_a_model_that_is_ahead_does_not_answer_for_a_shorter_training(here, tmp_path, monkeypatch):
    grid = write_grid(tmp_path / "g.yaml", seeds=1, folds={}, methods={"x": None})
    ablate(grid, str(tmp_path / "whole"))
    whole = ntcir.ablation.training.answer_topics
    calls: list[int] = []

    def fail(fold: Any, folder: Path) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(fold, folder)

    with monkeypatch.context() as patch:
        patch.setattr(ntcir.ablation.training, "answer_topics", fail)
        stopped = command_line("ablate", str(grid), "--data", "data", "--out", str(tmp_path / "out"))
    assert stopped.exit_code == 2
    assert "1 of 2 trainings are done" in stopped.stderr
    (path,) = (tmp_path / "out/cells").glob("*.json")  # of 5 steps; the model that is left has 10
    path.unlink()
    ablate(grid, str(tmp_path / "out"))
    assert answers_of(tmp_path / "out") == answers_of(tmp_path / "whole")


def test_a_training_that_fails_says_which(here, tmp_path):
    grid = write_grid(tmp_path / "g.yaml", methods={"fast": {"training.lr": 1e30}}, folds={}, seeds=[4])
    failed = command_line("ablate", str(grid), "--data", "data", "--out", str(tmp_path / "out"))
    assert failed.exit_code == 2
    assert "Error: 5 iterations, fast, tiny, seed 4: " in failed.stderr
    assert "lower training.lr" in failed.stderr


def test_a_grid_that_can_learn_nothing_is_refused_before_anything_is_encoded(here, tmp_path):
    write_grid(tmp_path / "void.yaml", methods={"plain": {}, "wide": {"training.near_seconds": 1e6}})
    done = command_line("ablate", str(tmp_path / "void.yaml"), "--data", "data", "--out", str(tmp_path / "void"))
    assert done.exit_code == 2
    assert "The method 'wide': Nothing can be learnt" in done.stderr
    assert "--set training.near_seconds=" in done.stderr
    assert not (tmp_path / "void" / "cells").exists()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"training.start": "nowhere"}, "training.start: There is no trained model in"),
        ({"training.start": "first", "towers.image.layers": 2}, "has towers.image.layers = 1, and this training 2"),
    ],
)
def test_a_start_that_does_not_fit_is_refused_before_anything_is_encoded(here, tmp_path, changes, why):
    train_first(tmp_path, 1)
    changes = changes | {"training.start": str(tmp_path / changes["training.start"])}
    write_grid(tmp_path / "g.yaml", methods={"plain": {}, "begun": changes})
    done = command_line("ablate", str(tmp_path / "g.yaml"), "--data", "data", "--out", str(tmp_path / "out"))
    assert done.exit_code == 2
    assert "The method 'begun': " in done.stderr
    assert why in done.stderr
    assert not (tmp_path / "out" / "cells").exists()


def test_a_start_that_was_trained_anew_is_another_start_and_one_that_was_moved_is_not(here, steps, tmp_path):
    def ablate_from(start: Path) -> list[int]:
        steps.clear()
        methods = {"begun": {"training.start": str(start)}}
        grid = write_grid(tmp_path / "g.yaml", methods=methods, folds={}, seeds=1, iterations=[5])
        ablate(grid, str(tmp_path / "out"))
        return list(steps)

    train_first(tmp_path, 1)
    assert ablate_from(tmp_path / "first") == [*range(5)]
    (tmp_path / "first").rename(tmp_path / "moved")
    assert ablate_from(tmp_path / "moved") == []
    train_first(tmp_path, 2)
    assert ablate_from(tmp_path / "first") == [*range(5)]


def train_first(folder: Path, iters: int) -> None:
    done = command_line("train", "--data", "data", "--iters", str(iters), "--out", str(folder / "first"))
    assert done.exit_code == 0, done.output

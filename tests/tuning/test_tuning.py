"""A tuning of a few keys on a corpus of pictures: what it tries, keeps, repeats and refuses."""

from __future__ import annotations

import csv
import json
import shlex
import shutil
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from forking import python
from helpers import ROOT, command_line, environment, one_thread, refusal, write_pictures  # noqa: F401

import ntcir.features.image_features
import ntcir.training.validation
from ntcir.config import load_config
from ntcir.model.folder import CARD
from ntcir.training.trainer import Trainer
from ntcir.tuning.plan import read_tuning, read_tuning_plan
from ntcir.tuning.space import Choices, Range

pytestmark = pytest.mark.usefixtures("one_thread")
LR, TEMPERATURE, DROPOUT = "training.lr", "objectives.0.temperature", "towers.image.input_dropout"
TUNING: dict[str, Any] = {
    "base": "data/ntcir.yaml",
    "changes": {"training.iters": 6, "training.validate_every": 3},
    "search": {
        LR: {"low": 1e-4, "high": 1e-1, "log": True},
        TEMPERATURE: {"low": 0.05, "high": 0.5},
        DROPOUT: [0.0, 0.1, 0.3],
    },
    "stages": [[LR, TEMPERATURE], DROPOUT],
    "trials": 5,
}


def write_tuning(path: Path, **changes: Any) -> Path:
    """Write the tuning with other values."""
    tree = {key: value for key, value in {**TUNING, **changes}.items() if value is not None}
    path.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
    return path


def rows_of(folder: Path) -> list[dict[str, str]]:
    """Return the trials, but for the seconds they took."""
    with (folder / "trials.csv").open(encoding="utf-8", newline="") as file:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


def tunes(*arguments: str) -> str:
    done = command_line("tune", *arguments)
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    assert done.stdout == ""
    return done.stderr


def fails(*arguments: str) -> str:
    """Return the one sentence with which a tuning is refused."""
    done = command_line("tune", *arguments)
    assert (done.exit_code, done.stdout) == (2, ""), f"{done.output}\n{done.exception!r}"
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:  # noqa: F811
    """A folder with a corpus of pictures, a tuning, and what came of it, typed as a person does."""
    folder = tmp_path_factory.mktemp("tuning")
    write_pictures(folder / "data")
    write_tuning(folder / "tune-toy.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        (folder / "said").write_text(tunes("tune-toy.yaml", "--data", "data"), encoding="utf-8")
    return folder


@pytest.fixture
def here(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders of the trainings from now on."""
    folders: list[Path] = []
    whole = Trainer.run

    def noted(self: Trainer, **options: Any) -> Any:
        folders.append(self.folder)
        return whole(self, **options)

    monkeypatch.setattr(Trainer, "run", noted)
    return folders


def test_a_tuning_writes_its_trials_a_table_the_best_configuration_and_a_picture(here):
    folder = here / "runs" / "tune-toy"
    written = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    assert written == {"best.yaml", "study.db", "trials.csv", "tuning.md", "tuning.png"}
    assert (folder / "tuning.png").read_bytes().startswith(b"\x89PNG")
    rows = rows_of(folder)
    assert [(row["stage"], row["trial"]) for row in rows] == [
        *(("1", str(number)) for number in range(1, 6)), *(("2", str(number)) for number in range(1, 4)),
    ]  # fmt: skip
    for row in rows:
        assert float(row["value"]) == pytest.approx((float(row["img2sen"]) + float(row["sen2img"])) / 2, abs=2e-6)
    table = (folder / "tuning.md").read_text(encoding="utf-8")
    assert "14 pairs of the validation split" in table
    assert "The test split was not looked at" in table
    assert table.count("\n## Stage") == 2
    said = (here / "said").read_text(encoding="utf-8")
    assert said.count("validation MRR") >= 8
    assert "study" not in said.lower()  # Optuna has nothing to say


def test_the_first_trial_is_the_base_and_later_stages_go_on_from_the_best(here):
    rows = rows_of(here / "runs" / "tune-toy")
    base = load_config(here / "data" / "ntcir.yaml")
    assert (float(rows[0][LR]), float(rows[0][TEMPERATURE])) == (base.training.lr, base.objectives[0].temperature)  # type: ignore[attr-defined]
    first, second = rows[:5], rows[5:]
    assert len({(row[LR], row[TEMPERATURE]) for row in first}) == 5
    assert {row[DROPOUT] for row in first} == {"0.1"}
    best = max(first, key=lambda row: float(row["value"]))
    assert {(row[LR], row[TEMPERATURE]) for row in second} == {(best[LR], best[TEMPERATURE])}
    assert sorted(row[DROPOUT] for row in second) == ["0.0", "0.1", "0.3"]  # each once: there are no more
    again = next(row for row in second if row[DROPOUT] == "0.1")
    assert (again["note"], again["value"]) == ("measured before", best["value"])


def test_the_best_configuration_trains_to_the_value_that_was_measured(here):
    folder = here / "runs" / "tune-toy"
    lines = (folder / "best.yaml").read_text(encoding="utf-8").splitlines()
    command = next(line for line in lines if "ntcir train" in line).removeprefix("#").split()
    assert command_line(*command[1:], "--out", "best").exit_code == 0
    card = json.loads((here / "best" / CARD).read_text(encoding="utf-8"))
    best = max(rows_of(folder), key=lambda row: float(row["value"]))
    assert {name: f"{mrr:.6f}" for name, mrr in card["validation"].items()} == {
        name: best[name] for name in ("img2sen", "sen2img")
    }


def test_no_test_item_is_encoded_or_ranked(here, monkeypatch, tmp_path):
    encoded, ranked = set(), set()
    ensure = ntcir.features.image_features.ImageFeatures.ensure
    begin = ntcir.training.validation.Validation.__init__

    def noting(self: Any, ids: Any) -> Any:
        encoded.update(ids)
        return ensure(self, ids)

    def noting_pairs(self: Any, *arguments: Any) -> None:
        begin(self, *arguments)
        ranked.update(item for ids in self._ids.values() for item in ids)

    monkeypatch.setattr(ntcir.features.image_features.ImageFeatures, "ensure", noting)
    monkeypatch.setattr(ntcir.training.validation.Validation, "__init__", noting_pairs)
    write_tuning(tmp_path / "tune-new.yaml", base=str(here / "data/ntcir.yaml"), trials=1,
                 changes={**TUNING["changes"], "features.store": str(tmp_path / "store")})  # fmt: skip
    tunes(str(tmp_path / "tune-new.yaml"), "--data", "data", "--out", str(tmp_path / "out"))
    assert {item[:2] for item in encoded} == {"s1", "s2", "s3"}
    assert {item[:2] for item in ranked} == {"s3"}
    stored = "".join(str(path) for path in (tmp_path / "store").rglob("*"))
    assert stored


def test_the_same_command_again_trains_nothing_and_more_trials_go_on(here, trained, tmp_path):
    before = rows_of(here / "runs" / "tune-toy")
    assert "5 trials are done already" in tunes("tune-toy.yaml", "--data", "data")
    assert trained == []
    assert rows_of(here / "runs" / "tune-toy") == before
    whole, pieces = str(tmp_path / "whole"), str(tmp_path / "pieces")
    write_tuning(here / "tune-one.yaml", search={LR: TUNING["search"][LR]}, stages=None)
    tunes("tune-one.yaml", "--data", "data", "--trials", "4", "--out", whole)
    tunes("tune-one.yaml", "--data", "data", "--trials", "2", "--out", pieces)
    del trained[:]
    tunes("tune-one.yaml", "--data", "data", "--trials", "4", "--out", pieces)
    assert len(trained) == 2
    assert rows_of(tmp_path / "pieces") == rows_of(tmp_path / "whole")


def test_ctrl_c_is_one_sentence_and_nothing_is_lost(here, tmp_path):
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    write_tuning(here / "tune-one.yaml", search={LR: TUNING["search"][LR]}, stages=None, trials=3)
    tunes("tune-one.yaml", "--data", "data", "--out", str(whole))
    child = (
        "import os\nfrom ntcir.training.trainer import Trainer\nwhole = Trainer._step\ntaken = []\n"
        "def step(self, number):\n    taken.append(1)\n"
        f"    len(taken) == 9 and os.kill(os.getpid(), {int(signal.SIGINT)})\n"
        "    return whole(self, number)\nTrainer._step = step\nfrom ntcir.cli import main\nmain()\n"
    )
    ended = python(child, "tune", "tune-one.yaml", "--data", "data", "--out", pieces, folder=here)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.splitlines()[-1] == (
        f"Error: Interrupted: 1 trials are done, and nothing is lost; run the same command to continue ({pieces})."
    )
    assert len(rows_of(pieces)) == 1
    steps: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        step_of = Trainer._step
        patch.setattr(Trainer, "_step", lambda self, number: (steps.append(number), step_of(self, number))[1])
        tunes("tune-one.yaml", "--data", "data", "--out", str(pieces))
    assert steps == [*range(3, 6), *range(6)]  # the second trial goes on where it was interrupted
    assert rows_of(pieces) == rows_of(whole)
    assert not (pieces / "trials").exists()


CHANGED: dict[str, tuple[dict[str, Any], str]] = {
    "the base": ({"changes": {**TUNING["changes"], "training.batch": 8}}, "base.training.batch was changed (16 to 8)"),
    "a range": ({"search": {**TUNING["search"], TEMPERATURE: {"low": 0.1, "high": 0.5}}}, "search.objectives.0"),
    "another key": ({"search": {**TUNING["search"], "towers.dim": [16, 32]}, "stages": None}, "search was changed"),
    "the stages": ({"stages": [[LR], [TEMPERATURE, DROPOUT]]}, "stages was changed"),
    "the seeds": ({"seeds": 2}, "seeds was changed"),
    "the metric": ({"metric": "img2sen"}, "metric was changed ('mean' to 'img2sen')"),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGED)
def test_a_tuning_is_not_gone_on_with_after_a_change(here, trained, what):
    changes, said = CHANGED[what]
    write_tuning(here / "tune-other.yaml", **changes)
    sentence = fails("tune-other.yaml", "--data", "data", "--out", "runs/tune-toy")
    assert "Cannot continue the tuning in runs/tune-toy: " in sentence
    assert said in sentence
    assert "choose another --out, or remove the folder to tune anew" in sentence
    assert trained == []


def test_a_tuning_is_not_gone_on_with_on_other_data(here, trained, tmp_path):
    write_pictures(tmp_path / "data", per_session=10)
    sentence = fails("tune-toy.yaml", "--data", str(tmp_path / "data"), "--out", "runs/tune-toy")
    assert "the data, the networks' weights or the files of vectors are others" in sentence
    assert trained == []


@pytest.mark.parametrize("name", ["demo", "track", "coco"])
def test_a_configuration_to_train_with_is_not_a_tuning(name):
    path = ROOT / f"configs/{name}.yaml"
    sentence = refusal(read_tuning, path)
    assert (
        f"{path} is a configuration to train with, not a tuning: train with `ntcir train --config {path}`" in sentence
    )
    assert "name it as `base`" in sentence


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no search": ({"search": None}, "lacks the key 'search'"),
    "no base": ({"base": None}, "lacks the key 'base'"),
    "unknown key": ({"trails": 3}, "Unknown key 'trails' in wrong.yaml (did you mean 'trials'?)"),
    "low above high": ({"search": {LR: {"low": 1, "high": 0.1}}}, "low must be less than high, and 1 is not"),
    "log from 0": ({"search": {LR: {"low": 0, "high": 1, "log": True}}}, "with log, low must be above 0"),
    "half a range": ({"search": {LR: {"low": 1}}}, "high: field required"),
    "another key of a range": ({"search": {LR: {"low": 1, "high": 2, "lgo": 3}}}, "lgo: it is not a key here"),
    "uneven steps": ({"search": {LR: {"low": 0.1, "high": 1, "step": 0.4}}}, "steps of 0.4 do not lead from 0.1 to 1"),
    "one value": ({"search": {LR: [0.1]}}, "list two values at least"),
    "a value twice": ({"search": {LR: [0.1, 0.1]}}, "0.1 is listed twice"),
    "no space": ({"search": {LR: 0.1}}, "give a list of values, or low and high"),
    "a key that is none": ({"search": {"training.rate": [1, 2]}}, "'training.rate'"),
    "a value that is none": ({"search": {LR: [0.1, -1]}}, "training.lr = -1 is not valid"),
    "an end that is none": ({"search": {TEMPERATURE: {"low": -1, "high": 1}}}, "temperature = -1.0 is not valid"),
    "half a whole number": ({"search": {"training.batch": {"low": 2.5, "high": 8}}}, "must be whole numbers"),
    "the data": ({"search": {"data.split": [{"by": "auto"}, {"by": "date"}]}}, "changes what is measured"),
    "a bias": ({"search": {"hubness.beta": [0.0, 0.7]}}, "varies 'hubness.beta', which validation leaves out"),
    "smoothing": ({"search": {"training.smoothing": [1, 5]}}, "and 1 would always win"),
    "the pools": ({"search": {"topics.pool": [3, 4]}}, "changes what is measured"),
    "the seed": ({"search": {"seed": [3, 4]}}, "'seed', which is for `seeds`"),
    "a section": ({"search": {"training": [{}, {"lr": 1}]}}, "replaces the whole section 'training'"),
    "an unknown stage": ({"stages": [["training.lx"]]}, "stages names 'training.lx', which search does not"),
    "a key in no stage": ({"stages": [[LR], [TEMPERATURE]]}, f"stages leaves out '{DROPOUT}'"),
    "a key in two stages": ({"stages": [[LR, TEMPERATURE, DROPOUT], [LR]]}, "twice"),
    "another metric": ({"metric": "R@10"}, "metric = 'R@10' is not valid: there are mean, img2sen, sen2img"),
    "no trials": ({"trials": 0}, "trials = 0 is not valid"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_mistake_is_one_sentence_before_anything_is_trained(here, trained, what):
    changes, said = WRONG[what]
    stages = {} if "search" not in changes else {"stages": None}
    write_tuning(here / "wrong.yaml", **{**stages, **changes})
    assert said in fails("wrong.yaml", "--data", "data", "--out", "runs/wrong")
    assert trained == []
    assert not Path("runs/wrong/study.db").exists()


def test_without_a_validation_split_there_is_nothing_to_tune_by(here):
    split = {"data.split": {"by": "session", "test": ["s4"], "val": []}}
    write_tuning(here / "tune-blind.yaml", changes={**TUNING["changes"], **split})
    assert "measures on the validation split, and that of" in fails("tune-blind.yaml", "--data", "data", "--out", "no")


def test_a_file_that_is_no_study_is_one_sentence(here, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "study.db").write_bytes(b"no study" * 100)
    sentence = fails("tune-toy.yaml", "--data", "data", "--out", str(tmp_path / "out"))
    assert "cannot be used as the record of a tuning (file is not a database)" in sentence


@pytest.mark.parametrize(
    "found", ["3", '{"mrr": 1}', '{"mrr": {}, "by_seed": [], "best_steps": [], "seconds": 1}',
              '{"mrr": {"img2sen": "x"}, "by_seed": [0.1], "best_steps": [1], "seconds": 1}',
              '{"mrr": {"img2sen": 0.1}, "by_seed": ["x"], "best_steps": [1], "seconds": 1}', "{"],
)  # fmt: skip
def test_a_study_with_something_else_in_it_is_one_sentence(here, tmp_path, found):
    out = tmp_path / "out"
    shutil.copytree(here / "runs" / "tune-toy", out)
    with sqlite3.connect(out / "study.db") as study:
        study.execute("UPDATE trial_user_attributes SET value_json = ? WHERE key = 'found'", (found,))
    assert "study.db cannot be used as the record of a tuning (" in fails(
        "tune-toy.yaml", "--data", "data", "--out", str(out)
    )


def test_a_folder_of_any_name_will_do(here, tmp_path):
    out = tmp_path / "what? {a} 100%#"
    write_tuning(here / "tune-one.yaml", search={LR: TUNING["search"][LR]}, stages=None, trials=1)
    tunes("tune-one.yaml", "--data", "data", "--out", str(out))
    assert (out / "study.db").is_file()
    command = (out / "best.yaml").read_text(encoding="utf-8").splitlines()[1]
    assert str(out / "best.yaml") in shlex.split(command.removeprefix("#"))


def test_without_optuna_a_sentence_says_how_to_get_it(here, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert "pip install 'ntcir[tune]'" in fails("tune-toy.yaml", "--data", "data")


def test_a_trial_that_diverges_counts_as_0_and_others_go_on(here, monkeypatch, tmp_path):
    step_of = Trainer._step
    rates: list[float] = []

    def diverging(self: Trainer, number: int) -> tuple[float, dict[str, float]]:
        rates.append(self.config.training.lr)
        return (float("nan"), {}) if len(set(rates)) == 2 else step_of(self, number)

    monkeypatch.setattr(Trainer, "_step", diverging)
    write_tuning(here / "tune-one.yaml", search={LR: TUNING["search"][LR]}, stages=None, trials=3)
    said = tunes("tune-one.yaml", "--data", "data", "--out", str(tmp_path / "out"))
    assert "trial 2 of 3" in said
    assert ": diverged; best" in said
    assert [row["note"] for row in rows_of(tmp_path / "out")] == ["", "diverged", ""]
    assert float(rows_of(tmp_path / "out")[1]["value"]) == 0
    monkeypatch.setattr(Trainer, "_step", lambda self, number: (float("nan"), {}))
    sentence = fails("tune-one.yaml", "--data", "data", "--out", str(tmp_path / "never"))
    assert "All 3 trials diverged: lower training.lr" in sentence


def test_several_seeds_are_averaged(here, trained, tmp_path):
    write_tuning(here / "tune-one.yaml", search={LR: [1e-3, 1e-2]}, stages=None, trials=5, seeds=2)
    tunes("tune-one.yaml", "--data", "data", "--out", str(tmp_path / "out"))
    assert [folder.name for folder in trained] == ["seed-0", "seed-1"] * 2
    assert all(len(row["best_steps"].split()) == 2 for row in rows_of(tmp_path / "out"))


def test_the_metric_may_be_one_direction(here, tmp_path):
    write_tuning(here / "tune-one.yaml", search={LR: [1e-3, 1e-2]}, stages=None, trials=5, metric="sen2img")
    tunes("tune-one.yaml", "--data", "data", "--out", str(tmp_path / "out"))
    assert all(row["value"] == row["sen2img"] for row in rows_of(tmp_path / "out"))


def test_the_greedy_strategy_varies_the_first_beta_alone(here):
    write_tuning(
        here / "tune-betas.yaml", changes={"objectives": [{"kind": "pairwise"}]},
        search={"objectives.0.betas": {"low": 0.2, "high": 1, "step": 0.2}}, stages=None,
    )  # fmt: skip
    plan = read_tuning_plan(here / "tune-betas.yaml", here / "data")
    assert [config.objectives[0].betas for config in plan.configs.values()] == [  # type: ignore[attr-defined]
        (1.0, 0.0, 0.0), (0.2, 0.4, 0.4), (1.0, 0.0, 0.0),
    ]  # fmt: skip


def test_values_that_can_be_counted_are_not_tried_twice(here, tmp_path):
    search = {"towers.dim": {"low": 8, "high": 10}, TEMPERATURE: {"low": 0.1, "high": 0.3, "step": 0.1}}
    write_tuning(here / "tune-few.yaml", search=search, stages=None, trials=7, changes={"training.iters": 1})
    tunes("tune-few.yaml", "--data", "data", "--out", str(tmp_path / "out"))
    assert len({(row["towers.dim"], row[TEMPERATURE]) for row in rows_of(tmp_path / "out")}) == 7
    tunes("tune-few.yaml", "--data", "data", "--out", str(tmp_path / "out"), "--trials", "20")
    rows = [(row["towers.dim"], row[TEMPERATURE]) for row in rows_of(tmp_path / "out")]
    assert sorted(rows) == sorted(
        (dim, temperature) for dim in ("10", "8", "9") for temperature in ("0.1", "0.2", "0.3")
    )


@pytest.mark.parametrize(
    ("space", "value", "kept"),
    [
        (Range(low=0.1, high=1), 0.5, 0.5),
        (Range(low=0.1, high=1), 1.5, None),
        (Range(low=0.1, high=1), [1, 0, 0], None),
        (Range(low=0, high=1), True, None),
        (Range(low=0, high=1, step=0.25), 0.75, 0.75),
        (Range(low=0, high=1, step=0.25), 0.7, None),
        (Choices(values=["a", 1, [1, 2], {"b": None}, True]), {"b": None}, "{b: null}"),
        (Choices(values=["a", 1, "1"]), 1, "1"),
        (Choices(values=["a", 1, "1"]), "1", "'1'"),
        (Choices(values=["a", 1]), 2, None),
    ],
)
def test_a_value_is_kept_where_it_is_of_the_space(space, value, kept):
    assert space.drawn(value) == kept
    if kept is not None:
        assert space.value(kept) == value


def test_numbers_are_drawn_to_a_few_digits_within_the_range():
    assert Range(low=0.12344, high=1).value(0.123441) == 0.12344
    assert Range(low=0, high=1, step=0.1).value(0.30000000000000004) == 0.3
    assert Range(low=1, high=9).value(4) == 4

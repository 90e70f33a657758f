"""Models of earlier and later formats: whichever command meets one says the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from former_models import make_former
from helpers import command_line, one_thread, write_pictures  # noqa: F401

from ntcir.model.folder import CARD, CONFIG, ENCODERS, WEIGHTS

pytestmark = pytest.mark.usefixtures("one_thread")
PER_SESSION = 4
COMMANDS: dict[str, list[str]] = {
    "train": ["train", "--data", "data", "--iters", "1", "--out", "runs/started", "--set", "training.start=runs/model"],
    "run": ["run", "topics.tsv", "--model", "runs/model"],
    "evaluate": ["evaluate", "--model", "runs/model"],
    "predict": ["predict", "input.json", "scores.csv", "--model", "runs/model"],
    "bundle": ["bundle", "runs/model", "--group", "A", "--run", "b", "--no-rehearsal"],
    "show": ["show", "img2sen_s4"],
}
each_command = pytest.mark.parametrize("command", COMMANDS)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:  # noqa: F811
    """A folder with a corpus, topics, the organisers' input, a model and its run."""
    folder = tmp_path_factory.mktemp("formats")
    write_pictures(folder / "data", per_session=PER_SESSION)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for words in (
            ["build-topics", "--data", "data"],
            ["build-topics", "--data", "data", "--format", "official", "--out", "official"],
            ["train", "--data", "data", "--iters", "2", "--out", "runs/model"],
        ):
            done = command_line(*words)
            assert done.exit_code == 0, done.output
        shutil.copy("official/input.json", "input.json")
        Path("run.txt").write_text(command_line("run", "topics.tsv").stdout, encoding="utf-8")
    return folder


@pytest.fixture
def here(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it."""
    folder = tmp_path / "copy"
    shutil.copytree(trained, folder)
    for path in folder.glob("**/config.yaml"):
        path.write_text(path.read_text(encoding="utf-8").replace(str(trained), str(folder)), encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


def card(change: Callable[[dict[str, object]], dict[str, object]]) -> None:
    path = Path("runs/model") / CARD
    path.write_text(json.dumps(change(json.loads(path.read_text(encoding="utf-8")))), encoding="utf-8")


def refused(command: str) -> str:
    """Return the one sentence with which a command is refused; nothing is left of what it would have written."""
    done = command_line(*COMMANDS[command])
    assert (done.exit_code, done.stdout) == (2, ""), f"{done.output}\n{done.exception!r}"
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert errors == done.stderr.splitlines()[-1:]
    for place in (f"runs/started/{WEIGHTS}", "scores.csv", "dist/A-b", "show-img2sen_s4.png"):
        assert not Path(place).exists()
    return errors[0].removeprefix("Error: ")


@each_command
def test_a_model_of_format_1_is_read(here, command):
    make_former(Path("runs/model"))
    assert not (Path("runs/model") / ENCODERS).exists()
    done = command_line(*COMMANDS[command])
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"


@each_command
def test_a_model_of_a_later_format_is_said_to_be_one(here, command):
    card(lambda facts: facts | {"version": 3})
    with (Path("runs/model") / CONFIG).open("a", encoding="utf-8") as file:
        file.write("a_later_section: {}\n")
    model = f"training.start: The model in {here}/runs/model" if command == "train" else "The model in runs/model"
    later = "was saved by a newer ntcir (format 3; this one reads formats up to 2): upgrade ntcir."
    assert refused(command) == f"{model} {later}"


@each_command
@pytest.mark.parametrize(
    ("version", "why"),
    [(0, "has version = 0, which is not a format"), ("two", "has version = 'two'"), (None, "has version = None")],
)
def test_a_format_that_is_none_is_damage(here, command, version, why):
    card(lambda facts: facts | {"version": version})
    sentence = refused(command)
    assert f"is damaged (model.json {why}" in sentence
    assert sentence.endswith("): copy the whole folder again, or train it again.")


@each_command
def test_facts_that_are_garbage_are_damage(here, command):
    (Path("runs/model") / CARD).write_bytes(b"\0garbage")
    assert "is damaged (model.json:" in refused(command)


def test_an_interrupted_training_of_a_later_format_is_not_overwritten(here):
    card(lambda facts: facts | {"version": 3})
    done = command_line("train", "--data", "data", "--iters", "2", "--out", "runs/model")
    assert done.exit_code == 2
    assert "already holds a trained model: choose another --out." in done.stderr

"""Whoever writes a folder claims it: other commands take another or are told, and a killed one holds nothing."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from forking import python
from helpers import command_line, environment, refusal, write_pictures

import ntcir.system.claims as claims_module
from ntcir.config import load_config
from ntcir.model.folder import CONFIG, WEIGHTS
from ntcir.system.claims import claimed, claimed_name, give, take
from ntcir.training.checkpoint import LAST, read_progress

fcntl = pytest.importorskip("fcntl", reason="locks are of Unix")

HOLDER = """
import sys
from pathlib import Path
from ntcir.system.claims import claimed, claimed_name
with (claimed_name if sys.argv[2] == "name" else claimed)(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""
Hold = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def hold() -> Iterator[Hold]:
    """Let another process claim a folder; it holds the claim until it is killed or told to go on."""
    processes = []

    def start(folder: Path, kind: str = "folder") -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", HOLDER, str(folder), kind]
        process = subprocess.Popen(command, env=environment(), stdin=pipe, stdout=pipe, text=True)
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a corpus of pictures whose features are stored; everything is run in it."""
    folder = tmp_path_factory.mktemp("claims")
    write_pictures(folder / "data")
    (folder / "grid.yaml").write_text(
        "name: toy\nbase: data/ntcir.yaml\nmethods: {plain: {}, hot: {training.temperature: 0.5}}\n"
        "iterations: [20]\nseeds: 1\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert command_line("features", "images", "--data", "data").exit_code == 0
        assert command_line("train", "--data", "data", "--iters", "10", "--out", "model").exit_code == 0
        yield folder


def ntcir(*arguments: str, folder: Path) -> subprocess.Popen[str]:
    """Start a command."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "ntcir", *arguments]
    return subprocess.Popen(command, cwd=folder, env=environment(), stdout=pipe, stderr=pipe, text=True)


# Commands that begin at the same moment, which processes that import torch first would not.
AT_ONCE = """
import json, os, sys
from ntcir.cli import main
children = []
for words in json.loads(sys.argv[1]):
    children.append(os.fork())
    if not children[-1]:
        code = 1
        try:
            main(words)
        except SystemExit as end:
            code = end.code or 0
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]))
"""


def at_once(*commands: list[str], folder: Path) -> tuple[list[int], str]:
    """Run commands at once, each in a process of its own; return their exit codes and what they said."""
    done = python(AT_ONCE, json.dumps(commands), folder=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ---------------------------------------------------------------------------------------------------- claims by hand


@pytest.mark.parametrize("kind", ["folder", "name"])
def test_another_process_is_named_and_whoever_is_killed_holds_nothing(tmp_path, hold, kind):
    claim, folder = {"folder": claimed, "name": claimed_name}[kind], tmp_path / "deep" / "out"
    holder = hold(folder, kind)

    def enter() -> None:
        with claim(folder):
            pass

    assert refusal(enter) == (
        f"{folder} is being written by process {holder.pid}: wait for it to end, or choose another --out."
    )
    holder.kill()
    holder.communicate()
    assert len(list(tmp_path.rglob("*claim"))) == 1, "the file stays, and the lock does not"
    enter()
    assert not list(tmp_path.rglob("*claim"))


def test_a_claim_that_was_given_is_free(tmp_path, hold):
    holder = hold(tmp_path / "out")
    assert not take(tmp_path / "out")
    holder.communicate("go on\n")
    assert take(tmp_path / "out")
    give(tmp_path / "out")
    give(tmp_path / "out")
    assert names(tmp_path) == [], "whoever made it has removed it, for nothing was written there"


def test_within_a_process_a_claim_counts_once_and_nothing_is_left(tmp_path):
    folder = tmp_path / "a" / "b"
    assert take(folder)
    with claimed(folder), claimed(folder):
        assert names(folder) == [".claim"]
    assert names(tmp_path) == [], "nothing was written: the folders are gone"
    with claimed(folder):
        (folder / "result").write_text("x")
    assert names(folder) == ["result"]


def test_a_claim_that_a_killed_process_left_with_anything_in_it_is_free(tmp_path):
    for text in (b"", b"4711 elsewhere\n", b"\xff\xfe"):
        (tmp_path / ".claim").write_bytes(text)
        with claimed(tmp_path):
            assert (tmp_path / ".claim").read_text().startswith(f"{os.getpid()} ")
        assert names(tmp_path) == []


def test_where_there_are_no_locks_it_is_said_once_and_work_goes_on(tmp_path, monkeypatch, capsys):
    def fail(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", fail)
    monkeypatch.setattr(claims_module, "_told", [])
    for name in ("a", "b"):
        with claimed(tmp_path / name):
            (tmp_path / name / "x").write_text("x")
    assert capsys.readouterr().err.count("file system without locks") == 1
    assert names(tmp_path / "a") == ["x"]


# ------------------------------------------------------------------------------------------------------- trainings


def train(seed: int, *more: str) -> list[str]:
    return ["train", "--data", "data", "--iters", "30", "--set", f"seed={seed}", *more]


def test_trainings_at_once_have_a_folder_each_with_a_model_and_checkpoint_of_their_own(here):
    codes, said = at_once(*(train(seed) for seed in (1, 2, 3)), folder=here)
    assert codes == [0, 0, 0], said
    assert names(here / "runs") == ["toy-30", "toy-30-2", "toy-30-3"]
    places = [here / "runs" / name for name in names(here / "runs")]
    assert sorted(load_config(place / CONFIG).seed for place in places) == [1, 2, 3]
    for place in places:
        assert not list(place.glob(".*"))
        assert sum(line.startswith(f"runs/{place.name}: ") for line in said.splitlines()) == 1
        assert read_progress(place / LAST).step == 30
        alone = command_line(*train(load_config(place / CONFIG).seed, "--out", f"alone/{place.name}"))
        assert alone.exit_code == 0, alone.output
        for name in (WEIGHTS, LAST):
            assert (place / name).read_bytes() == (here / "alone" / place.name / name).read_bytes()


@pytest.mark.parametrize("resume", [[], ["--resume"]], ids=["anew", "resumed"])
def test_a_training_into_a_folder_in_which_another_trains_is_one_sentence(here, hold, resume):
    name = f"taken{''.join(resume)}"
    holder = hold(here / name)
    refused = command_line(*train(1), "--out", name, *resume)
    assert refused.exit_code == 2
    assert refused.stderr.splitlines()[-1].startswith(f"Error: {name} is being written by process {holder.pid}: ")
    assert names(here / name) == [".claim"]
    holder.kill()
    holder.communicate()
    done = command_line(*train(1), "--out", name, *resume)
    assert done.exit_code == 0, done.output
    assert ".claim" not in names(here / name)


def test_resuming_the_newest_training_while_it_runs_is_one_sentence(here, hold):
    holder = hold(here / "runs" / "toy-31")
    refused = command_line("train", "--data", "data", "--iters", "31", "--resume")
    assert f"runs/toy-31 is being written by process {holder.pid}" in refused.stderr


def test_a_model_is_read_while_another_command_writes_to_its_folder(here, hold):
    hold(here / "model")
    asked = command_line("build-topics", "--data", "data", "--out", "asked")
    assert asked.exit_code == 0, asked.output
    done = command_line("run", "asked/topics.tsv", "--model", "model")
    assert done.exit_code == 0, done.output


def test_a_training_that_is_refused_leaves_no_folder(here):
    refused = command_line("train", "--data", "data", "--iters", "7", "--set", "sensors.include=[absent]")
    assert refused.exit_code == 2
    assert not (here / "runs" / "toy-7").exists()


# --------------------------------------------------------------------------------------------------- other commands

COMMANDS = {
    "ablate": (["ablate", "grid.yaml", "--data", "data", "--out", "busy-ablate"], "busy-ablate"),
    "build-topics": (["build-topics", "--data", "data", "--out", "busy-topics"], "busy-topics"),
    "official": (["build-topics", "--data", "data", "--out", "busy-official", "--format", "official"], "busy-official"),
    "demo": (["demo", "busy-demo", "--days", "3", "--per-day", "2"], "busy-demo"),
    "bundle": (["bundle", "model", "--group", "A", "--run", "b", "--no-rehearsal"], "dist/A-b"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_two_commands_into_one_folder(here, hold, command):
    """The second is told of the first; when the first is killed, it is free."""
    arguments, folder = COMMANDS[command]
    holder = hold(here / folder, "name" if command == "bundle" else "folder")
    refused = command_line(*arguments)
    assert refused.exit_code == 2
    assert refused.stderr.splitlines()[-1].startswith(
        f"Error: {folder} is being written by process {holder.pid}: wait for it to end, or choose another "
    )
    holder.kill()
    holder.communicate()
    done = command_line(*arguments)
    assert done.exit_code == 0, done.output
    assert not [path for path in (here / folder).parent.rglob("*.claim") if here / folder in path.parents]


def test_bundles_of_other_names_are_made_beside_each_other(here, hold):
    hold(here / "dist" / "A-c", "name")
    done = command_line("bundle", "model", "--group", "A", "--run", "d", "--no-rehearsal")
    assert done.exit_code == 0, done.output


def test_of_two_ablations_at_once_one_is_refused_and_the_other_is_whole(here):
    command = ["ablate", "grid.yaml", "--data", "data", "--out", "twice"]
    codes, said = at_once(command, command, folder=here)
    assert 0 in codes, said
    assert said.count("twice is being written by process") == sum(code != 0 for code in codes)
    assert len(list((here / "twice" / "cells").glob("*.json"))) == 2
    assert not list((here / "twice").rglob(".*"))


def test_a_killed_training_frees_its_folder(here):
    process = ntcir("train", "--data", "data", "--iters", "100000", "--out", "killed", folder=here)
    end = time.monotonic() + 120
    while not (here / "killed" / LAST).exists() and time.monotonic() < end:
        time.sleep(0.05)
    refused = command_line("train", "--data", "data", "--iters", "100000", "--out", "killed", "--resume")
    assert f"killed is being written by process {process.pid}" in refused.stderr
    process.kill()
    process.communicate()
    assert (here / "killed" / ".claim").exists()
    changed = command_line("train", "--data", "data", "--iters", "9", "--out", "killed", "--resume", "--set", "seed=9")
    assert "seed was changed" in changed.stderr, "it came as far as the training that is there"
    assert not (here / "killed" / ".claim").exists()

"""Ctrl-C and SIGTERM: one sentence, one exit code, no traceback and nothing left, whatever a command is doing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from forking import python
from helpers import command_line, environment, write_pictures

from ntcir.system.interruption import EXIT_CODE, deferred, listening, was_interrupted

# Runs a command that sends itself a signal: when a module is imported, or when a function is called.
CHILD = """
import importlib, os, runpy, sys
number, kind, what = int(sys.argv[1]), sys.argv[2], sys.argv[3]
sys.argv = ["ntcir", *sys.argv[4:]]
def wrap(module, function):
    *owners, last = function.split(".")
    place = importlib.import_module(module)
    for owner in owners:
        place = getattr(place, owner)
    whole, sent = getattr(place, last), []
    def before(*arguments, **options):
        if not sent:
            sent.append(number)
            os.kill(os.getpid(), number)
        return whole(*arguments, **options)
    setattr(place, last, before)
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == what and self in sys.meta_path:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), number)
if kind == "call":
    wrap(*what.split(":"))
else:
    sys.meta_path.insert(0, Finder())
runpy.run_module("ntcir", run_name="__main__", alter_sys=True)
"""
# Command -> its words, where it may write, and where it is interrupted.
TABLE = {
    "help": (["--help"], ["import:click", "import:ntcir.cli"]),
    "demo": (
        ["demo", "out", "--days", "3", "--per-day", "40"],
        ["import:ntcir_demo.write", "import:numpy", "call:ntcir_demo.drawing:as_completed"],
    ),
    "build-topics": (
        ["build-topics", "--data", "data", "--out", "out"],
        ["import:pandas", "call:ntcir.formats.manifest:atomic_path"],
    ),
    "official": (
        ["build-topics", "--data", "data", "--out", "out", "--format", "official"],
        ["call:ntcir.submission.write:record_text"],
    ),
    "features images": (
        ["features", "images", "--data", "data", "--set", "features.store=out"],
        ["import:torch", "call:ntcir.features.shard_store:write_shard"],
    ),
    "features status": (["features", "status", "--data", "data"], ["import:ntcir.features.status"]),
    "train": (
        ["train", "--data", "data", "--iters", "200", "--out", "out"],
        ["call:ntcir.training.trainer:Trainer._step", "call:ntcir.report.curve:draw_curve"],
    ),
    "run": (["run", "topics/topics.tsv", "--model", "model"], ["import:ntcir.retrieval.retriever", "import:torch._C"]),
    "predict": (
        ["predict", "official/input.json", "scores.csv", "--model", "model"],
        ["call:ntcir.submission.predict:atomic_path"],
    ),
    "score": (["score", "run.txt"], ["import:numpy", "import:ntcir.report.score_table"]),
    "show": (
        ["show", "sen2img_s4", "--topics", "topics/topics.tsv", "--data", "data", "--out", "out/s.png"],
        ["import:matplotlib", "import:PIL.Image"],
    ),
    "bundle": (
        ["bundle", "model", "--group", "A", "--run", "b", "--out", "out"],
        ["call:ntcir.submission.cleanroom:closure"],
    ),
    "ablate": (
        ["ablate", "grid.yaml", "--data", "data", "--out", "out"],
        ["call:ntcir.ablation.training:answer_topics"],
    ),
}  # fmt: skip
# Commands that start others, whose every case is a process of its own from its first import.
FRESH = {"demo", "bundle"}
CASES = [(command, place) for command, (_, places) in TABLE.items() for place in places]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, a model, topics and a run."""
    folder = tmp_path_factory.mktemp("interrupted")
    write_pictures(folder / "data")
    (folder / "grid.yaml").write_text("name: t\nbase: data/ntcir.yaml\nmethods: {x: {}}\niterations: [20]\nseeds: 1\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for command in (
            "train --data data --iters 10 --out model", "build-topics --data data",
            "build-topics --data data --out official --format official",
        ):  # fmt: skip
            done = command_line(*command.split())
            assert done.exit_code == 0, done.output
        done = command_line("run", "topics/topics.tsv", "--model", "model")
        (folder / "run.txt").write_text(done.stdout)
    return folder


@pytest.fixture(autouse=True)
def nothing_written(here) -> None:
    shutil.rmtree(here / "out", ignore_errors=True)


def interrupted(here: Path, number: int, command: str, place: str) -> subprocess.CompletedProcess[str]:
    """Run a command that is interrupted at a place; only an import needs a process in which nothing is imported yet."""
    kind, _, what = place.partition(":")
    words = [str(int(number)), kind, what, *TABLE[command][0]]
    if kind == "call" and command not in FRESH:
        return python(CHILD, *words, folder=here)
    return subprocess.run(
        [sys.executable, "-c", CHILD, *words], cwd=here, env=environment(), capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip


def left_over(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob(".*")]


@pytest.mark.parametrize(("command", "place"), CASES)
def test_wherever_a_command_is_interrupted_it_says_one_sentence(here, command, place):
    # Either signal in its turn: both go the same way.
    number = signal.SIGTERM if CASES.index((command, place)) % 3 == 2 else signal.SIGINT
    done = interrupted(here, number, command, place)
    assert done.returncode == EXIT_CODE, done.stderr
    assert "Traceback" not in done.stderr
    sentences = [line for line in done.stderr.splitlines() if line.startswith(("Error", "Abort"))]
    assert len(sentences) == 1, done.stderr
    assert sentences[0].startswith("Error: Interrupted")
    assert done.stderr.splitlines()[-1] == sentences[0]
    assert not left_over(here)
    assert not (here / "scores.csv").exists()


@pytest.mark.parametrize(("command", "seconds"), [("demo", 0.4), ("demo", 1.0), ("demo", 1.8), ("bundle", 1.4)])
def test_at_any_moment_all_processes_of_a_group_end_as_one(here, command, seconds):
    """As Ctrl-C in a terminal does it, which reaches the processes that a command has started, too."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ntcir", *TABLE[command][0]], cwd=here, env=environment(), stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=120)[1]
    assert process.returncode in {0, EXIT_CODE}, said  # 0: it was done
    assert said.count("Interrupted") <= 1
    assert "Traceback" not in said
    assert not left_over(here)


SCRIPT = """
import os, signal, sys
sys.argv = ["/somewhere/bin/ntcir", "--help"]
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "click":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
from ntcir.cli import main
main()
"""


def test_the_installed_script_says_one_sentence_during_its_first_imports():
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == EXIT_CODE
    assert done.stderr.startswith("Error: Interrupted")
    assert len(done.stderr.splitlines()) == 1


IN_A_FINALISER = """
import os, signal, sys
import click
from ntcir.verbs import Verbs
class Thing:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass
@click.group(cls=Verbs)
def main():
    pass
@main.command()
def work():
    thing = Thing()
    del thing
    import time
    time.sleep(60)
@main.command()
def stubborn():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass
    except BaseException:
        raise ImportError("initialization failed")
main()
"""


@pytest.mark.parametrize("verb", ["work", "stubborn"])
def test_an_interruption_is_not_lost_in_a_finaliser_or_an_import(verb):
    command = [sys.executable, "-c", IN_A_FINALISER, verb]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode == EXIT_CODE
    assert done.stderr.startswith("Error: Interrupted")
    assert len(done.stderr.splitlines()) == 1


def test_a_signal_that_is_ignored_stays_so():
    code = (
        "import os, signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from ntcir.system.interruption import listening\n"
        "with listening():\n    os.kill(os.getpid(), signal.SIGINT)\n    print('goes on')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "goes on\n")


def test_handlers_are_put_back_and_signals_are_collected():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    def interrupt() -> None:
        with listening(), deferred() as received:
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGINT)
            assert sorted(received) == [signal.SIGINT, signal.SIGTERM]
            assert not was_interrupted()

    interrupt()
    with pytest.raises(KeyboardInterrupt), listening():
        signal.raise_signal(signal.SIGTERM)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert not was_interrupted()

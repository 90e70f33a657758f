"""Standard streams that are closed, full, broken or in ASCII: one sentence at most, and the exit code that is due."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from helpers import environment

pytestmark = pytest.mark.skipif(os.name != "posix" or not Path("/dev/full").exists(), reason="needs /dev/full")

CLOSED = "Error: Standard output is closed: nothing could be written to it.\n"
FULL = "Error: No space left: standard output is truncated.\n"
SCORE = "score run.txt --qrels qrels.txt"
PRINTING = [SCORE, f"{SCORE} --json --per-topic", f"{SCORE} --measures RR", "--help", "--version", "score --help"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run whose ids are not ASCII, and its qrels."""
    place = tmp_path_factory.mktemp("streams")
    (place / "run.txt").write_text("té Q0 日 1 1 x\n", encoding="utf-8")
    (place / "qrels.txt").write_text("té 0 日 1\nempty 0 é 0\n", encoding="utf-8")
    return place


def shell(folder: Path, words: str, redirection: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    command = f"set -o pipefail; {sys.executable} -m ntcir {words} {redirection}"
    return subprocess.run(["bash", "-c", command], cwd=folder, env=environment() | variables, capture_output=True)


@cache
def undisturbed(folder: Path, words: str) -> bytes:
    """Return the standard output of a command that has all its streams."""
    return shell(folder, words, "2> /dev/null").stdout


@pytest.mark.parametrize("words", PRINTING)
@pytest.mark.parametrize(("redirection", "said"), [(">&-", CLOSED), ("> /dev/full", FULL)])
def test_output_that_cannot_be_written_is_one_sentence(folder, words, redirection, said):
    done = shell(folder, words, redirection)
    errors = [line for line in done.stderr.decode().splitlines(keepends=True) if not line.startswith("Note:")]
    assert (done.returncode, errors) == (2, [said])


@pytest.mark.parametrize("redirection", [">&-", "> /dev/full"])
@pytest.mark.parametrize("variables", [{"PYTHONUNBUFFERED": "1"}, {"PYTHONIOENCODING": "ascii"}])
def test_so_it_is_unbuffered_and_in_ascii(folder, redirection, variables):
    done = shell(folder, SCORE, redirection, **variables)
    assert (done.returncode, done.stderr.decode()) == (2, CLOSED if "&" in redirection else FULL)


@pytest.mark.parametrize("words", [SCORE, "--help"])
@pytest.mark.parametrize("buffered", ["", "1"])
def test_an_output_that_is_open_for_reading_only_is_one_sentence(folder, words, buffered):
    done = shell(folder, words, "1< /dev/null", PYTHONUNBUFFERED=buffered)
    errors = [line for line in done.stderr.decode().splitlines(keepends=True) if not line.startswith("Note:")]
    assert (done.returncode, errors) == (2, [CLOSED])


@pytest.mark.parametrize("redirection", ["2>&-", "2> /dev/full", "2>&- <&-"])
@pytest.mark.parametrize(("words", "code"), [(SCORE, 0), ("--help", 0), ("score nowhere", 2), ("nothing", 2)])
def test_without_standard_error_data_and_exit_code_are_as_ever(folder, words, redirection, code):
    done = shell(folder, words, redirection)
    assert (done.returncode, done.stderr) == (code, b"")
    assert done.stdout == undisturbed(folder, words)


@pytest.mark.parametrize("redirection", [">&- 2>&-", "> /dev/full 2> /dev/full", ">&- 2> /dev/full <&-"])
@pytest.mark.parametrize("words", [SCORE, "--help", "score nowhere"])
def test_without_any_stream_the_exit_code_is_left(folder, words, redirection):
    assert shell(folder, words, redirection).returncode == 2


@pytest.mark.parametrize("redirection", [">&-", "> /dev/full"])
def test_what_says_nothing_on_standard_output_does_not_miss_it(folder, redirection, tmp_path):
    """The demo is drawn, as a model would be trained; a file must not take the place of the closed stream."""
    done = shell(folder, f"demo {tmp_path / 'demo'} --days 3 --per-day 2", redirection)
    assert done.returncode == 0, done.stderr
    assert b"a synthetic lifelog of 3 days" in done.stderr
    refused = shell(folder, "score nowhere", redirection)
    assert refused.stderr == b"Error: nowhere cannot be read: no such file or directory.\n"


def test_what_is_written_to_files_is_not_touched_by_a_closed_output(folder, tmp_path):
    out = tmp_path / "out.txt"
    shell(folder, f"{SCORE} --write-run {out}", ">&-")
    assert out.read_text(encoding="utf-8") == "té Q0 日 1 1 x\n"


def test_a_broken_pipe_is_quiet(folder, tmp_path):
    lines = "".join(f"t{t} Q0 d 1 1 x\n" for t in range(20_000))
    (tmp_path / "run.txt").write_text(lines)
    (tmp_path / "qrels.txt").write_text("".join(f"t{t} 0 d 1\n" for t in range(20_000)))
    done = shell(tmp_path, f"{SCORE} --per-topic", "| head -1")
    assert (done.returncode, done.stderr) == (1, b"")
    assert done.stdout.split() == [b"topic", b"direction", b"rank", b"RR", b"pool"]


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "POSIX"},
    ],
)
def test_data_is_utf8_whatever_the_locale(folder, variables):
    done = shell(folder, f"{SCORE} --per-topic", "", **variables)
    assert done.returncode == 0, done.stderr
    assert "\nté " in done.stdout.decode()
    assert done.stdout == undisturbed(folder, f"{SCORE} --per-topic")
    refused = shell(folder, "score é.txt", "", **variables)
    assert (refused.returncode, refused.stderr.count(b"\n")) == (2, 1)


@pytest.mark.parametrize("words", ["run nowhere.tsv", "predict nowhere.json -"])
def test_work_for_a_closed_output_is_not_begun(folder, words):
    done = shell(folder, words, ">&-")
    assert done.returncode == 2
    assert done.stderr.startswith(b"Error: Standard output is closed")
    assert done.stderr.count(b"\n") == 1

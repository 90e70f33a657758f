"""Temporary files and folders: what a killed process leaves is removed by the next, what a living one writes stays."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import environment

from ntcir.system.files import atomic_path, atomic_write
from ntcir.system.temporaries import TemporaryFolder, abandoned, remove_left_over

fcntl = pytest.importorskip("fcntl", reason="locks are of Unix")

WRITER = """
import sys, time
from ntcir.system.files import atomic_path
with atomic_path(sys.argv[1]) as temporary:
    temporary.write_text("half of the n")
    print("half", flush=True)
    sys.stdin.readline()
"""
FOLDER = """
import sys
from pathlib import Path
from ntcir.system.temporaries import TemporaryFolder
with TemporaryFolder("room-", Path(sys.argv[1])) as folder:
    (folder / "large").write_text("x")
    print("half", flush=True)
    sys.stdin.readline()
"""


def started(code: str, place: Path) -> subprocess.Popen[str]:
    """Start a process that is in the middle of its work."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(place)], env=environment(), stdin=pipe, stdout=pipe, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "half\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


@pytest.fixture
def living(tmp_path) -> Iterator[subprocess.Popen[str]]:
    """A process that writes ``living.csv`` and goes on writing."""
    process = started(WRITER, tmp_path / "living.csv")
    yield process
    kill(process)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["input.json", "s.csv", "run", "n" * 251 + ".csv", ".hidden", "a.tar.gz", "é.csv"])
@pytest.mark.parametrize("following", ["the same", "another"])
def test_what_a_kill_leaves_is_removed_by_the_next_write_to_the_folder(tmp_path, name, following):
    kill(started(WRITER, tmp_path / name))
    assert len(names(tmp_path)) == 1
    written = name if following == "the same" else "other.txt"
    atomic_write(tmp_path / written, "whole")
    assert names(tmp_path) == [written]


def test_what_a_living_process_writes_is_left_to_it(tmp_path, living):
    kill(started(WRITER, tmp_path / "living.csv"))
    assert len(names(tmp_path)) == 2
    atomic_write(tmp_path / "living.csv", "ours")
    assert len(names(tmp_path)) == 2
    assert living.communicate("go on\n", timeout=60)[0] == ""
    assert living.returncode == 0
    assert names(tmp_path) == ["living.csv"]
    assert (tmp_path / "living.csv").read_text() == "half of the n"


def test_files_written_at_once_by_one_process_are_left_to_each_other(tmp_path):
    with atomic_path(tmp_path / "a.txt") as first:
        first.write_text("a")
        with atomic_path(tmp_path / "a.txt") as second:
            second.write_text("b")
        assert first.exists()
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "a"


@pytest.mark.parametrize(
    "name",
    [".bashrc", ".run.settings", ".run.txt.swp", ".notes.abcdefgh.txt", ".claim", ".a.csv.ABCDEFGH.csv", "a.part"],
)
def test_what_is_somebody_s_own_stays(tmp_path, name):
    (tmp_path / name).write_text("mine")
    for written in ("run", "run.txt", "notes", "a.csv", "a"):
        atomic_write(tmp_path / written, "x")
    assert (tmp_path / name).read_text() == "mine"


def test_links_and_folders_that_are_called_so_stay(tmp_path):
    (tmp_path / "precious").write_text("mine")
    (tmp_path / ".a.csv.abcdefgh.csv").symlink_to(tmp_path / "precious")
    (tmp_path / ".b.csv.abcdefgh.csv").mkdir()
    os.mkfifo(tmp_path / ".c.csv.abcdefgh.csv")
    remove_left_over(tmp_path)
    assert len(names(tmp_path)) == 4


def test_where_there_are_no_locks_nobody_knows_and_everything_stays(tmp_path, monkeypatch):
    def fail(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    kill(started(WRITER, tmp_path / "a.csv"))
    monkeypatch.setattr(fcntl, "flock", fail)
    atomic_write(tmp_path / "a.csv", "whole")
    assert (tmp_path / "a.csv").read_text() == "whole"
    assert len(names(tmp_path)) == 2
    with TemporaryFolder("room-", tmp_path) as folder:
        assert list(folder.iterdir()) == []
    assert len(names(tmp_path)) == 2


def test_looking_for_left_overs_in_a_large_folder_is_cheap(tmp_path):
    for number in range(20_000):
        os.close(os.open(tmp_path / f"{number}.jpg", os.O_CREAT | os.O_WRONLY))
    start = time.perf_counter()
    remove_left_over(tmp_path)
    assert time.perf_counter() - start < 1  # 5 ms are usual


def test_a_temporary_folder_of_a_killed_process_is_removed_by_the_next(tmp_path):
    other, own = tmp_path / "room-of-mine", tmp_path / "room-ABCDEFGH"
    other.mkdir()
    own.mkdir()
    killed, going = started(FOLDER, tmp_path), started(FOLDER, tmp_path)
    kill(killed)
    assert len(names(tmp_path)) == 4
    with TemporaryFolder("room-", tmp_path) as folder:
        assert folder.is_dir()
        assert len(names(tmp_path)) == 4, "what the first left is gone"
    kill(going)
    [(left, claim)] = abandoned("room-", tmp_path)
    assert (left / "large").exists()
    claim.give()
    with TemporaryFolder("room-", tmp_path):
        pass
    assert names(tmp_path) == ["room-ABCDEFGH", "room-of-mine"]

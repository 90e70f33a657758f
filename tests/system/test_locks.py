"""Locks on bytes and on folders: other processes respect them, and they end with their process, however it ends."""

from __future__ import annotations

import errno
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from helpers import environment

import ntcir.system.locks as locks_module
from ntcir.system.locks import ByteLocks, folder_locked

fcntl = pytest.importorskip("fcntl", reason="locks are of Unix")

# Another process: locks what it is told to, a line each, and says whether it got it.
OTHER = """
import sys
from pathlib import Path
from ntcir.system.locks import ByteLocks, folder_locked
locks = ByteLocks(Path(sys.argv[1]) / "claims")
for line in sys.stdin:
    verb, number = line.split()
    if verb == "alone":
        with folder_locked(Path(sys.argv[1])) as certain:
            print(certain, flush=True)
            sys.stdin.readline()
    else:
        print(getattr(locks, verb)(int(number)), flush=True)
"""


class Other:
    def __init__(self, folder: Path) -> None:
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", OTHER, str(folder)]
        self.process = subprocess.Popen(command, env=environment(), stdin=pipe, stdout=pipe, text=True)

    def __call__(self, verb: str, number: int = 0) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{verb} {number}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@pytest.fixture
def other(tmp_path):
    started = Other(tmp_path)
    yield started
    started.process.kill()
    started.process.communicate()


def test_a_byte_that_one_process_has_locked_another_does_not_get_until_it_is_given(tmp_path, other):
    locks = ByteLocks(tmp_path / "claims")
    assert other("take", 3) == "True"
    assert not locks.take(3)
    assert locks.take(2)
    assert locks.take(2)  # twice is no contradiction
    assert locks.take(1 << 40)
    assert other("take", 2) == other("take", 1 << 40) == "False"
    locks.give(2)
    locks.give(77)
    assert other("take", 2) == "True"
    locks.close()
    assert other("take", 1 << 40) == "True"
    other("give", 3)
    assert locks.take(3)
    locks.close()
    locks.close()
    assert (tmp_path / "claims").read_bytes() == b""


def test_the_locks_of_a_process_that_is_killed_end_with_it(tmp_path, other):
    locks = ByteLocks(tmp_path / "claims")
    assert other("take", 5) == "True"
    assert not locks.take(5)
    other.process.kill()
    other.process.wait()
    assert locks.take(5)
    locks.close()


@pytest.mark.parametrize("trouble", ["no locks at all", "none here", "no file"])
def test_where_there_are_no_locks_every_byte_is_granted(tmp_path, monkeypatch, trouble):
    def fail(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    folder = tmp_path
    if trouble == "no locks at all":
        monkeypatch.setattr(locks_module, "HAS_LOCKS", False)
    elif trouble == "none here":
        monkeypatch.setattr(fcntl, "lockf", fail)
        monkeypatch.setattr(fcntl, "flock", fail)
    else:
        folder = tmp_path / "absent"
    first, second = ByteLocks(folder / "claims"), ByteLocks(folder / "claims")
    assert first.take(1)
    assert second.take(1)
    first.give(1)
    first.close()
    with folder_locked(folder) as certain:
        assert not certain


def test_with_a_folder_locked_another_process_waits_and_the_locks_on_bytes_stay(tmp_path, other):
    locks = ByteLocks(tmp_path / "claims")
    assert locks.take(4)
    assert other("alone") == "True"
    pipe = other.process.stdin
    threading.Timer(0.3, lambda: (pipe.write("\n"), pipe.flush())).start()  # lets the other go on
    start = time.monotonic()
    with folder_locked(tmp_path) as certain:
        assert certain
        assert time.monotonic() - start >= 0.2
    assert other("take", 4) == "False"
    locks.close()

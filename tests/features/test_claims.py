"""Claims on blocks: other processes respect them, and they end with their process, however it ends."""

from __future__ import annotations

import errno
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from helpers import environment

import ntcir.features.claims as claims_module
from ntcir.features.claims import Claims, alone

fcntl = pytest.importorskip("fcntl", reason="locks are of Unix")

# Another process: claims what it is told to, a line each, and says whether it got it.
OTHER = """
import sys
from pathlib import Path
from ntcir.features.claims import Claims, alone
claims = Claims(Path(sys.argv[1]))
for line in sys.stdin:
    verb, number = line.split()
    if verb == "alone":
        with alone(Path(sys.argv[1])) as certain:
            print(certain, flush=True)
            sys.stdin.readline()
    else:
        print(getattr(claims, verb)(int(number)), flush=True)
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


def test_what_one_process_has_claimed_another_does_not_get_until_it_is_given(tmp_path, other):
    claims = Claims(tmp_path)
    assert other("take", 3) == "True"
    assert not claims.take(3)
    assert claims.take(2)
    assert claims.take(2)  # twice is no contradiction
    assert claims.take(1 << 40)
    assert other("take", 2) == other("take", 1 << 40) == "False"
    claims.give(2)
    claims.give(77)
    assert other("take", 2) == "True"
    claims.close()
    assert other("take", 1 << 40) == "True"
    other("give", 3)
    assert claims.take(3)
    claims.close()
    claims.close()
    assert (tmp_path / "claims").read_bytes() == b""


def test_the_claims_of_a_process_that_is_killed_end_with_it(tmp_path, other):
    claims = Claims(tmp_path)
    assert other("take", 5) == "True"
    assert not claims.take(5)
    other.process.kill()
    other.process.wait()
    assert claims.take(5)
    claims.close()


@pytest.mark.parametrize("trouble", ["no locks at all", "none here", "no file"])
def test_where_there_are_no_locks_everything_may_be_claimed(tmp_path, monkeypatch, trouble):
    def fail(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    folder = tmp_path
    if trouble == "no locks at all":
        monkeypatch.setattr(claims_module, "HAS_LOCKS", False)
    elif trouble == "none here":
        monkeypatch.setattr(fcntl, "lockf", fail)
        monkeypatch.setattr(fcntl, "flock", fail)
    else:
        folder = tmp_path / "absent"
    first, second = Claims(folder), Claims(folder)
    assert first.take(1)
    assert second.take(1)
    first.give(1)
    first.close()
    with alone(folder) as certain:
        assert not certain


def test_alone_in_a_folder_another_process_waits_and_claims_stay(tmp_path, other):
    claims = Claims(tmp_path)
    assert claims.take(4)
    assert other("alone") == "True"
    pipe = other.process.stdin
    threading.Timer(0.3, lambda: (pipe.write("\n"), pipe.flush())).start()  # lets the other go on
    start = time.monotonic()
    with alone(tmp_path) as certain:
        assert certain
        assert time.monotonic() - start >= 0.2
    assert other("take", 4) == "False"
    claims.close()

"""Thousands of damaged files through the readers that commands use; each ends in a value or in one sentence.

The readers run in processes of their own, one case after the other, under a bound on time and memory, so that a crash
of native code or a hang is seen and ends one case only. A case is told by three words (seed, kind, number), which do it
again:

    python tests/hostile/fuzzing.py --number 20000 --seed 7
    python tests/hostile/fuzzing.py --seed 7 --kind picture.tif --case 41
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import io
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
for place in (HERE, HERE.parent, HERE.parent / "ablation", ROOT):
    if str(place) not in sys.path:
        sys.path.insert(0, str(place))

from kinds import BAD, KINDS, Kind  # noqa: E402

SECONDS = 20  # of a case, before it counts as a hang: a hundred times what the slowest takes on a busy machine
STUCK = 60  # of a case that does not even heed the alarm
MEMORY = 3 << 30  # bytes on top of what a process has with everything imported
LONGEST = 3000  # characters of a sentence
# What may lie in the place of a file: cases -5 to -1 of each kind.
PLACED = ("a pipe", "a socket", "a folder", "a device", "300 GB")


_BY_NAME = {kind.name: kind for kind in (*KINDS, BAD)}


class Job(NamedTuple):
    """Cases of a kind: from the first to before the last."""

    kind: str
    first: int
    last: int


@dataclass(frozen=True)
class Failure:
    """A case that ended as none should."""

    kind: str
    case: int
    how: str
    what: str

    def told(self, seed: int) -> str:
        """Return what happened, and how to have it happen again."""
        again = f"make fuzz SEED={seed} KIND='{self.kind}' CASE={self.case}"
        return f"{self.kind} {self.case} ({self.what}): {self.how}\n    again: {again}"


def shares(number: int, *, slow: bool) -> dict[str, int]:
    """Return how many cases each kind gets of ``number``."""
    chosen = [kind for kind in KINDS if slow or not kind.slow]
    whole = sum(kind.share for kind in chosen)
    return {kind.name: max(1, round(number * kind.share / whole)) for kind in chosen}


# ------------------------------------------------------------------------------------------------- in the own process


class TooSlow(BaseException):
    """A case has run for too long."""


def _alarm(*_: object) -> None:
    raise TooSlow


def _drawn(kind: Kind, seed: int, case: int, data: bytes) -> tuple[str, bytes]:
    import numpy as np

    return kind.damaged(data, np.random.default_rng([seed, zlib.crc32(kind.name.encode()), case]))


def _ended(kind: Kind, folder: Path, seconds: float = SECONDS) -> str | None:
    """Read; return how that ended if it should not have."""
    from ntcir.system.errors import UserError

    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            kind.read(folder)
    except UserError as error:
        sentence = str(error)
        if len(sentence) > LONGEST:
            return f"a sentence of {len(sentence)} characters: {sentence[:200]!r}"
        return None
    except TooSlow:
        return f"not done after {seconds:g} s: " + _last_lines()
    except BaseException:
        return _last_lines()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return None


def _last_lines() -> str:
    """Return the innermost places of the current exception, and what it says."""
    error = sys.exc_info()[1]
    frames = [
        f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error and error.__traceback__)
    ]
    return f"{type(error).__name__}: {str(error)[:200]!r} at {' < '.join(frames[::-1][:8])}"


def work(jobs: Sequence[Job], seed: int, keep: Path, seconds: float) -> None:
    """Do cases; say on standard output which one is begun, and how one failed, a line of JSON each."""
    channel = os.fdopen(os.dup(1), "w")

    def tell(**facts: object) -> None:
        print(json.dumps(facts), file=channel, flush=True)

    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, _alarm)
    whole_of: dict[Callable[[Path], None], Path] = {}
    with tempfile.TemporaryDirectory(prefix="ntcir-fuzz-") as root:
        for job in jobs:
            kind, folder = _BY_NAME[job.kind], Path(root) / "case"
            tell(kind=kind.name)
            resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
            if kind.make not in whole_of:
                whole_of[kind.make] = Path(root) / f"whole-{len(whole_of)}"
                with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
                    kind.make(whole_of[kind.make])
            whole = whole_of[kind.make]
            _renew(folder, whole)
            if problem := _ended(kind, folder, 10 * SECONDS):  # also imports all there is, which is no hang
                raise SystemExit(f"{kind.name}: even the file as it should be ends in {problem}")
            used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
            resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, -1))
            data, start = (whole / kind.file).read_bytes(), time.monotonic()
            for case in range(job.first, job.last):
                _renew(folder, whole)
                if case < 0:
                    what, changed = PLACED[case], data
                    tell(case=case, what=what)
                    with _placed(what, folder / kind.file, data, kind.named):
                        problem = _ended(kind, folder, seconds)
                else:
                    what, changed = _drawn(kind, seed, case, data)
                    (folder / kind.file).write_bytes(changed)
                    tell(case=case, what=what)
                    problem = _ended(kind, folder, seconds)
                left = [path.name for path in folder.rglob(".*") if path.is_file() and path.suffix != ".lock"]
                if problem is None and left:
                    problem = f"it left half-written files: {left}"
                if problem is not None:
                    (keep / f"{kind.name.replace('/', '-')}-{seed}-{case}").write_bytes(changed)
                    tell(failed=problem)
            tell(done=kind.name, seconds=time.monotonic() - start)


@contextlib.contextmanager
def _placed(what: str, path: Path, data: bytes, named: bool) -> Iterator[None]:
    """Put something else in the place of a file; a pipe whose name a user types has the content written into it."""
    path.unlink()
    if what == "a folder":
        path.mkdir()
    elif what == "a device":
        path.symlink_to("/dev/zero")
    elif what == "300 GB":
        path.write_bytes(data)
        os.truncate(path, 300 << 30)  # without content, it takes no room
    elif what == "a pipe":
        os.mkfifo(path)
        if named:
            threading.Thread(target=_feed, args=(path, data), daemon=True).start()
    if what != "a socket":
        yield
        return
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))
        yield


def _feed(path: Path, data: bytes) -> None:
    with contextlib.suppress(OSError):  # who reads may have seen enough
        path.write_bytes(data)


def _renew(folder: Path, whole: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder)


# -------------------------------------------------------------------------------------------------- in the first one


@dataclass
class Outcome:
    """What became of cases.

    Attributes:
        failures: all that there were.
        rates: cases a second, by kind.
    """

    failures: list[Failure] = field(default_factory=list)
    rates: dict[str, float] = field(default_factory=dict)


def fuzz(jobs: Sequence[Job], seed: int, keep: Path, seconds: float = SECONDS) -> Outcome:
    """Do cases in other processes, one after the other: where one dies, the next goes on behind the case it died of."""
    outcome, left = Outcome(), list(jobs)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1"}
    while left:
        words = [f"{job.kind}:{job.first}:{job.last}" for job in left]
        command = [sys.executable, str(Path(__file__)), "--seed", str(seed), "--keep", str(keep)]
        command += ["--seconds", str(seconds), "--work", *words]
        with (
            tempfile.TemporaryFile("w+") as said,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True, env=environment) as process,
        ):
            at = _watch(process, {job.kind: job for job in left}, outcome)
            code = process.wait()
            said.seek(0)
            complaint = [line.strip() for line in said.read().splitlines() if line.strip()]
        if code == 0:
            break
        if at.case is None:
            raise SystemExit(f"{at.kind}: the process did not come to its first case.\n" + "\n".join(complaint[-20:]))
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        where = " < ".join(line for line in complaint if line.startswith("File"))[:400] or " ".join(complaint[-1:])
        outcome.failures.append(Failure(at.kind, at.case, f"the process ended by {how} {where}", at.what))
        names = [job.kind for job in left]
        left = left[names.index(at.kind) :]
        left[0] = Job(at.kind, at.case + 1, left[0].last)
    return outcome


@dataclass
class _At:
    """Where a process is."""

    kind: str = ""
    case: int | None = None
    what: str = ""


def _watch(process: subprocess.Popen[str], jobs: Mapping[str, Job], outcome: Outcome) -> _At:
    """Note what a process tells until it ends, and end it where it is stuck; return where it was."""
    at = _At()
    assert process.stdout is not None
    with ThreadPoolExecutor(1) as pool:
        while True:
            try:
                line = pool.submit(process.stdout.readline).result(timeout=STUCK if at.case is not None else None)
            except TimeoutError:
                process.kill()
                return at
            if not line:
                return at
            told = json.loads(line)
            if "kind" in told:
                at = _At(told["kind"])
            elif "case" in told:
                at.case, at.what = told["case"], told["what"]
            elif "failed" in told and at.case is not None:
                outcome.failures.append(Failure(at.kind, at.case, told["failed"], at.what))
            elif "done" in told:
                job = jobs[told["done"]]
                outcome.rates[told["done"]] = (job.last - job.first) / max(told["seconds"], 1e-9)


def dealt(wanted: Mapping[str, int], hands: int) -> list[list[Job]]:
    """Deal kinds to so many processes; those that share a folder stay together, for making it takes its time."""
    makers: dict[Callable[[Path], None], list[Job]] = {}
    for name, number in wanted.items():
        makers.setdefault(_BY_NAME[name].make, []).append(Job(name, -len(PLACED), number))
    piles: list[list[Job]] = [[] for _ in range(hands)]
    for group in sorted(makers.values(), key=lambda jobs: -_weight(jobs)):
        min(piles, key=_weight).extend(group)
    return [pile for pile in piles if pile]


def _weight(jobs: Sequence[Job]) -> float:
    return sum((job.last - job.first) * _BY_NAME[job.kind].cost for job in jobs)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do as the command line says; return the exit code."""
    parser = argparse.ArgumentParser(description="Damaged files through the readers that commands use.")
    parser.add_argument("--number", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", help="one kind only")
    parser.add_argument("--case", type=int, help="one case only")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of a case, before it counts as a hang")
    parser.add_argument("--keep", type=Path, help="where files that failed are kept")
    parser.add_argument("--work", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    keep = given.keep or Path(tempfile.mkdtemp(prefix="ntcir-fuzz-failures-"))
    keep.mkdir(parents=True, exist_ok=True)
    if given.work:
        faulthandler.enable()
        words = [word.rsplit(":", 2) for word in given.work]
        work([Job(kind, int(first), int(last)) for kind, first, last in words], given.seed, keep, given.seconds)
        return 0
    wanted = shares(given.number, slow=True)
    if given.kind:
        if given.kind not in wanted:
            parser.error(f"There is no kind '{given.kind}': {', '.join(wanted)}")
        wanted = {given.kind: given.number}
    piles = dealt(wanted, given.processes)
    if given.case is not None:
        piles = [[Job(given.kind, given.case, given.case + 1)]]
    with ThreadPoolExecutor(len(piles)) as pool:
        outcomes = list(pool.map(lambda pile: fuzz(pile, given.seed, keep, given.seconds), piles))
    failures = [failure for outcome in outcomes for failure in outcome.failures]
    for job in (job for pile in piles for job in pile):
        rate = next((outcome.rates[job.kind] for outcome in outcomes if job.kind in outcome.rates), 0.0)
        own = [failure for failure in failures if failure.kind == job.kind]
        print(f"{job.kind:24} {job.last - job.first:6} cases, {rate:7.1f}/s, {len(own)} failed")
        for failure in own[:5]:
            print(f"  {failure.told(given.seed)}")
    total = sum(job.last - job.first for pile in piles for job in pile)
    print(f"{total:,} cases, {len(failures)} failed" + (f"; the files are in {keep}" if failures else ""))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

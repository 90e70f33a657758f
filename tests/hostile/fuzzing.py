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
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
for place in (HERE, HERE.parent, HERE.parent / "ablation", ROOT):
    if str(place) not in sys.path:
        sys.path.insert(0, str(place))

from kinds import KINDS, Kind  # noqa: E402

SECONDS = 20  # of a case, before it counts as a hang: a hundred times what the slowest takes on a busy machine
STUCK = 60  # of a case that does not even heed the alarm
MEMORY = 3 << 30  # bytes on top of what a process has with everything imported
LONGEST = 3000  # characters of a sentence


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


def _ended(kind: Kind, folder: Path) -> str | None:
    """Read; return how that ended if it should not have."""
    from ntcir.errors import UserError

    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            kind.read(folder)
    except UserError as error:
        sentence = str(error)
        if len(sentence) > LONGEST:
            return f"a sentence of {len(sentence)} characters: {sentence[:200]!r}"
        return None
    except TooSlow:
        return f"not done after {SECONDS} s: " + _last_lines()
    except BaseException:
        return _last_lines()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return None


def _last_lines() -> str:
    """Return the innermost places of the current exception, and what it says."""
    error = sys.exc_info()[1]
    frames = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error and error.__traceback__)]
    return f"{type(error).__name__}: {str(error)[:200]!r} at {' < '.join(frames[::-1][:8])}"


def work(name: str, seed: int, cases: Sequence[int], keep: Path) -> None:
    """Do cases of a kind; say on standard output which one is begun, and how one failed, a line of JSON each."""
    channel = os.fdopen(os.dup(1), "w")
    (kind,) = [kind for kind in KINDS if kind.name == name]
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, _alarm)
    with tempfile.TemporaryDirectory(prefix="ntcir-fuzz-") as root:
        whole, folder = Path(root) / "whole", Path(root) / "case"
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            kind.make(whole)
        shutil.copytree(whole, folder)
        if problem := _ended(kind, folder):  # also imports all there is
            raise SystemExit(f"{name}: even the file as it should be ends in {problem}")
        data = (whole / kind.file).read_bytes()
        used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, -1))
        for case in cases:
            shutil.rmtree(folder)
            shutil.copytree(whole, folder)
            what, changed = _drawn(kind, seed, case, data)
            (folder / kind.file).write_bytes(changed)
            print(json.dumps({"case": case, "what": what}), file=channel, flush=True)
            problem = _ended(kind, folder)
            left = [path.name for path in folder.rglob(".*") if path.is_file()]
            if problem is None and left:
                problem = f"it left half-written files: {left}"
            if problem is not None:
                kept = keep / f"{name.replace('/', '-')}-{seed}-{case}"
                kept.write_bytes(changed)
                print(json.dumps({"failed": problem}), file=channel, flush=True)
        print(json.dumps({"done": True}), file=channel, flush=True)


# -------------------------------------------------------------------------------------------------- in the first one


def fuzz(name: str, seed: int, cases: Sequence[int], keep: Path) -> tuple[list[Failure], float]:
    """Do cases of a kind in other processes; return what failed, and how many cases there were a second."""
    failures: list[Failure] = []
    left, start, spent = list(cases), time.monotonic(), 0.0
    while left:
        command = [sys.executable, str(Path(__file__)), "--work", name, "--seed", str(seed), "--keep", str(keep)]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1"}
        with tempfile.TemporaryFile("w+") as said, subprocess.Popen(
            [*command, "--cases", f"{left[0]}:{left[-1] + 1}"], stdout=subprocess.PIPE, stderr=said, text=True,
            env=environment,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            current, begun = _watch(process, process.stdout, name, failures)
            code = process.wait()
            said.seek(0)
            words = said.read()
        if current is None:
            raise SystemExit(f"{name}: the process did not come to its first case.\n{words}")
        spent += time.monotonic() - (begun or start)
        if code == 0:
            break
        how = f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        native = [line.strip() for line in words.splitlines() if line.strip()][-1:]
        failures.append(Failure(name, current["case"], f"the process {how} {' '.join(native)[:300]}", current["what"]))
        left = [case for case in left if case > current["case"]]
    return failures, len(cases) / max(spent, 1e-9)


def _watch(
    process: subprocess.Popen[str], lines: IO[str], name: str, failures: list[Failure]
) -> tuple[dict[str, Any] | None, float | None]:
    """Note what a process tells; end it where it is stuck. Return the last case begun and when the first was."""
    current: dict[str, Any] | None = None
    begun: float | None = None
    with ThreadPoolExecutor(1) as pool:
        while True:
            try:
                line = pool.submit(lines.readline).result(timeout=STUCK if current else None)
            except TimeoutError:
                process.kill()
                continue
            if not line:
                return current, begun
            told = json.loads(line)
            if "case" in told:
                current, begun = told, begun or time.monotonic()
            elif "failed" in told and current:
                failures.append(Failure(name, current["case"], told["failed"], current["what"]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Do as the command line says; return the exit code."""
    parser = argparse.ArgumentParser(description="Damaged files through the readers that commands use.")
    parser.add_argument("--number", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", help="one kind only")
    parser.add_argument("--case", type=int, help="one case only")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="where files that failed are kept")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--cases", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    keep = given.keep or Path(tempfile.mkdtemp(prefix="ntcir-fuzz-failures-"))
    keep.mkdir(parents=True, exist_ok=True)
    if given.work:
        faulthandler.enable()
        first, last = map(int, given.cases.split(":"))
        work(given.work, given.seed, range(first, last), keep)
        return 0
    wanted = shares(given.number, slow=True)
    if given.kind:
        if given.kind not in wanted:
            parser.error(f"There is no kind '{given.kind}': {', '.join(wanted)}")
        wanted = {given.kind: given.number}
    failures: list[Failure] = []

    def do(name: str) -> None:
        cases = [given.case] if given.case is not None else range(wanted[name])
        found, rate = fuzz(name, given.seed, cases, keep)
        failures.extend(found)
        print(f"{name:24} {len(cases):6} cases, {rate:7.1f}/s, {len(found)} failed", flush=True)
        for failure in found[:5]:
            print(f"  {failure.told(given.seed)}", flush=True)

    with ThreadPoolExecutor(given.processes) as pool:
        list(pool.map(do, wanted))
    print(f"{sum(wanted.values()) if given.case is None else 1:,} cases, {len(failures)} failed"
          + (f"; the files are in {keep}" if failures else ""))  # fmt: skip
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

"""The search page over a large lifelog: start, queries with and without filters, memory, and many people at once.

    python benchmarks/serve.py [--items 725000] [--dim 512] [--queries 60] [--people 20] [--work DIR]

A server is started as a person does it, and asked over HTTP on the loopback interface, with a bounded number of
requests. Queries are readings that differ from each other, so that none is answered from what is kept of another; each
is answered by the first 60 hits. The peer is what one would write first: ``torch.topk(vectors @ query)`` in single
precision with all vectors in memory, in a process of its own, without a server, filters or JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from score import machine
from serve_index import prepare

PEER = """
import sys, time, json
import numpy as np, torch
path, items, dim, queries = sys.argv[1], *map(int, sys.argv[2:])
vectors = torch.from_numpy(np.fromfile(path, dtype=np.float32).reshape(items, dim))
seconds = []
for query in torch.nn.functional.normalize(torch.randn(queries, dim)):
    begun = time.perf_counter()
    torch.topk(vectors @ query, 60)
    seconds.append(time.perf_counter() - begun)
memory = int(open("/proc/self/status").read().split("VmRSS:")[1].split()[0]) * 1024 / 1e6
print(json.dumps([seconds, memory]))
"""
_WAIT = 120  # seconds for the server to start


class Page:
    """A person's browser, as far as asking goes: a connection that is kept, and a cookie."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._connection = HTTPConnection(parts.netloc, timeout=60)
        self._connection.request("GET", f"{parts.path}?{parts.query}")
        answer = self._connection.getresponse()
        answer.read()
        self._headers = {"Cookie": (answer.headers["Set-Cookie"] or "").partition(";")[0]}

    def ask(self, path: str, pairs: Sequence[tuple[str, str]]) -> tuple[float, dict[str, object]]:
        """Return how long an answer took, and what it was."""
        begun = time.perf_counter()
        self._connection.request("GET", f"/{path}?{urlencode(pairs)}", headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        seconds = time.perf_counter() - begun
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {body[:200]!r}")
        return seconds, json.loads(body)


Question = Callable[[random.Random], list[tuple[str, str]]]


def reading(draw: random.Random) -> list[tuple[str, str]]:
    """Return a query that nobody has asked before."""
    return [("r.heart_rate(bpm)", f"{draw.uniform(50, 150):.6f}"), ("r.calories", f"{draw.uniform(0, 9):.6f}")]


def narrow(draw: random.Random) -> list[tuple[str, str]]:
    """Return filters that leave about a tenth."""
    first = draw.randrange(24)
    return [
        ("hours", f"{first}-{(first + 8) % 24}"), ("weekday", "mon"), ("weekday", "tue"), ("weekday", "sat"),
        ("min.heart_rate(bpm)", "50"), ("max.heart_rate(bpm)", "95"),
    ]  # fmt: skip


QUESTIONS: dict[str, Question] = {
    "a reading": reading,
    "a reading, with filters": lambda draw: reading(draw) + narrow(draw),
    "a reading, grouped by event": lambda draw: [*reading(draw), ("group", "event")],
    "a reading and then another within two hours": lambda draw: (
        reading(draw) + [(f"then.{key}", value) for key, value in reading(draw)]
    ),
    "filters alone": narrow,
}


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--items", type=int, default=725_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--work", type=Path, help="A folder that is kept. [default: one that is removed]")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = (options.work or Path(temporary)).absolute()
        model, data, where = prepare(work, options.items, options.dim)
        print(f"{machine()}; {options.items:,} x {options.dim}\n")
        vectors = next(where.glob("*/vectors.f32"))
        asked = [str(vectors), str(options.items), str(options.dim), str(options.queries)]
        done = subprocess.run([sys.executable, "-c", PEER, *asked], capture_output=True, text=True, check=True)
        seconds, memory = json.loads(done.stdout)
        measure(model, data, where, options, statistics.median(seconds), memory)


def measure(model: Path, data: Path, where: Path, options: argparse.Namespace, peer: float, peer_memory: float) -> None:
    """Start a server, ask it, and print what that took."""
    typed = [
        sys.executable, "-m", "ntcir", "serve", "--model", str(model), "--data", str(data), "--index", str(where),
        "--collections", str(where / "collections.sqlite"),
    ]  # fmt: skip
    begun = time.perf_counter()
    remarks = where / "remarks.txt"
    with remarks.open("w") as file, subprocess.Popen(typed, stdout=subprocess.PIPE, stderr=file, text=True) as server:
        try:
            address = server.stdout.readline().strip() if server.stdout else ""
            if not address:
                raise SystemExit(remarks.read_text())
            page, draw = Page(address), random.Random(0)
            page.ask("hits", reading(draw))
            print(f"Start to first answer: {time.perf_counter() - begun:.1f} s\n")
            print("| a query over HTTP | median, ms | 95th percentile, ms | ratio of medians |\n|---|---:|---:|---:|")
            print(f"| (`torch.topk(vectors @ query)`, no server) | {1e3 * peer:.0f} | | 1.0 |")
            for name, question in QUESTIONS.items():
                times = [page.ask("hits", question(draw))[0] for _ in range(options.queries)]
                print(f"| {name} | {spread(times)} | {statistics.median(times) / peer:.2f} |")
            print()
            crowd(address, options)
            now, most = resident(server.pid), resident(server.pid, "VmHWM")
            print(f"\nMemory: {now:,.0f} MB resident, {most:,.0f} MB at the peak (`torch.topk`: {peer_memory:,.0f} MB)")
        finally:
            server.terminate()


def crowd(address: str, options: argparse.Namespace) -> None:
    """Let many people ask at once, a bounded number of times each, and print how long they wait."""
    each = max(1, options.queries // 6)

    def person(number: int) -> tuple[list[float], int]:
        page, draw, times, errors = Page(address), random.Random(number), [], 0
        for _ in range(each):
            try:
                times.append(page.ask("hits", reading(draw) + (narrow(draw) if number % 2 else []))[0])
            except (OSError, RuntimeError):
                errors += 1
        return times, errors

    with ThreadPoolExecutor(options.people) as people:
        found = list(people.map(person, range(options.people)))
    times = [seconds for own, _ in found for seconds in own]
    errors = sum(count for _, count in found)
    waits = spread(times).replace(" | ", " and ")
    print(
        f"{options.people} people at once, {each} queries each: {waits} ms (median, 95th percentile), {errors} errors"
    )


def spread(times: Sequence[float]) -> str:
    """Return the median and the 95th percentile in milliseconds, as two cells of a table."""
    ordered = sorted(times)
    return f"{1e3 * statistics.median(ordered):.0f} | {1e3 * ordered[int(0.95 * (len(ordered) - 1))]:.0f}"


def resident(process: int, field: str = "VmRSS") -> float:
    """Return the memory of a process in megabytes."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0]) * 1024 / 1e6


if __name__ == "__main__":
    main()

"""Race: ``ntcir score`` against a plain pytrec_eval script, whole processes from start to end; and ``ntcir --help``.

    python benchmarks/score.py [--topics 1000] [--documents 1000] [--repeats 5]

Both read the same run and qrels. ``ntcir score`` also checks the run and resamples the topics for its interval;
the script does no more than read the lines and let pytrec_eval work out the reciprocal ranks.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]

PEER = """
import json, pytrec_eval
run, qrels = {}, {}
with open("qrels.txt") as file:
    for line in file:
        topic, _, document, grade = line.split()
        qrels.setdefault(topic, {})[document] = int(grade)
with open("run.txt") as file:
    for line in file:
        topic, _, document, _, score, _ = line.split()
        run.setdefault(topic, {})[document] = float(score)
found = pytrec_eval.RelevanceEvaluator(qrels, {"recip_rank"}).evaluate(run)
mrr = sum(found[topic]["recip_rank"] for topic in found) / len(qrels)
print(json.dumps({"all": {"MRR": mrr}}))
"""

COMMANDS = {
    "`ntcir score run.txt --json`": ["-m", "ntcir", "score", "run.txt", "--qrels", "qrels.txt", "--json"],
    "pytrec_eval, `recip_rank`": ["-c", PEER],
    "`ntcir --help`": ["-m", "ntcir", "--help"],
}


class Cost(NamedTuple):
    """What one process took."""

    seconds: float
    megabytes: float  # at its peak
    output: str


def write_input(folder: Path, topics: int, documents: int) -> None:
    """Write ``run.txt`` and ``qrels.txt``, one relevant document a topic.

    Plain Python, so that this process stays small: Linux counts a parent's memory at the fork as its child's.
    """
    draw = random.Random(0)
    with (folder / "run.txt").open("w") as run, (folder / "qrels.txt").open("w") as qrels:
        for number in range(topics):
            topic = f"{'img2sen' if number % 2 else 'sen2img'}_{number:04}"
            day = f"202003{number % 28 + 1:02}"
            pool = [f"{day}_{second:06}_000" for second in draw.sample(range(86_400), documents)]
            scores = sorted((draw.gauss(0, 1) for _ in pool), reverse=True)
            for rank, (document, score) in enumerate(zip(pool, scores, strict=True), 1):
                run.write(f"{topic} Q0 {document} {rank} {score:.9g} bench\n")
            qrels.write(f"{topic} 0 {draw.choice(pool)} 1\n")


def measure(arguments: list[str], folder: Path) -> Cost:
    """Run Python with ``arguments`` in ``folder``, from start to end."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    with tempfile.TemporaryFile("w+") as output:
        start = time.perf_counter()
        process = subprocess.Popen([sys.executable, *arguments], cwd=folder, env=environment, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"python {' '.join(arguments)} ended with exit code {process.returncode}.")
        output.seek(0)
        kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
        return Cost(seconds, kilobytes / 1024, output.read())


def machine() -> str:
    """Return the kind of machine this is."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"


def main() -> None:
    """Race and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--topics", type=int, default=1000)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    costs: dict[str, list[Cost]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_input(folder, options.topics, options.documents)
        for _ in range(options.repeats + 1):  # in turns, so that a busy moment hits all alike
            for name, arguments in COMMANDS.items():
                costs[name].append(measure(arguments, folder))
    mrr = {json.loads(costs[name][0].output)["all"]["MRR"] for name in COMMANDS if "help" not in name}
    if max(mrr) - min(mrr) > 1e-9:
        raise SystemExit(f"The two do not agree on the MRR: {mrr}.")
    # The first round only warms the caches of the disk.
    medians = {name: statistics.median(cost.seconds for cost in each[1:]) for name, each in costs.items()}
    own = next(iter(medians.values()))
    print(f"| {options.topics} topics x {options.documents} documents | median s | ratio | peak MB |")
    print("|---|---:|---:|---:|")
    for name, each in costs.items():
        peak = max(cost.megabytes for cost in each)
        print(f"| {name} | {medians[name]:.2f} | {medians[name] / own:.2f} | {peak:.0f} |")
    print(f"\n{machine()}; {options.repeats} repeats in turns, whole processes; both find MRR {max(mrr):.6f}.")


if __name__ == "__main__":
    main()

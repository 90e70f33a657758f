"""Race: objectives that are solved, as whole commands, against scikit-learn and scipy on the same rows.

    python benchmarks/solving.py [--pairs 27907] [--widths 4096 768] [--dim 768] [--repeats 3] [--limit 240]

Rows are synthetic: rectified mixtures of a thousand directions that become less and less important, with noise, as the
features of networks are; in each direction, what the sides say of an item differs. `ntcir train` reads them through the
encoder `vectors`, each objective in a process of its own: ``moments`` are the seconds in which rows are read and
multiplied, ``solving`` those of what is decomposed, choosing the strength included; the rest is start-up, checks and
the files that are written. A peer's seconds begin when the rows are in memory; one that takes longer than the limit is
ended. The MRR is that of held out pairs, both ways. Let nothing else run meanwhile: threads that wait for each other
without sleeping take several times as long on cores that are shared.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from score import machine

ROOT = Path(__file__).resolve().parents[1]
METHODS = ("procrustes", "least_squares", "cca")
HELD_OUT = 1000  # pairs
DIRECTIONS = 1000

MAKE = """
import json, sys
from pathlib import Path
import numpy as np
pairs, held_out, directions, left, right = map(int, sys.argv[1:])
draw = np.random.default_rng(0)
count = pairs + held_out
importance = (1 + np.arange(directions, dtype=np.float32)) ** -0.5
shared = draw.standard_normal((count, directions), dtype=np.float32) * importance
for name, width in (("image", left), ("text", right)):
    file = np.lib.format.open_memmap(f"{name}.npy", "w+", np.float32, (count, width))
    mixture = draw.standard_normal((directions, width), dtype=np.float32)
    for start in range(0, count, 4096):
        said = shared[start : start + 4096]
        said = said + 0.7 * importance * draw.standard_normal(said.shape, dtype=np.float32)
        rows = said @ mixture
        file[start : start + 4096] = np.maximum(rows + 0.5 * draw.standard_normal(rows.shape, dtype=np.float32), 0)
corpus = Path("corpus")
(corpus / "images").mkdir(parents=True)
names = [f"{number:06}.jpg" for number in range(count)]
for name in names:
    (corpus / "images" / name).touch()  # only the names matter, as the vectors come with the data
parts = ["train"] * pairs + ["test"] * held_out
images = [
    {"filename": name, "split": part, "sentences": [{"raw": name}]} for name, part in zip(names, parts, strict=True)
]
(corpus / "dataset_flickr8k.json").write_text(json.dumps({"images": images}))
"""

CONFIG = """
pair: [image, text]
data:
  split: {{by: official, val: [], test: [test]}}
towers:
  dim: {dim}
  image: {{encoder: vectors, vectors: image.npy, standardise: false}}
  text: {{encoder: vectors, vectors: text.npy, standardise: false}}
objectives:
  - {{kind: {method}}}
"""

# The command, with clocks around what it calls.
OWN = """
import json, sys, time
from ntcir import cli
from ntcir.config.objective import objective_class
from ntcir.training import solving
seconds = dict.fromkeys(("moments", "solving"), 0.0)
def timed(call, name):
    def timing(*arguments, **named):
        started = time.perf_counter()
        found = call(*arguments, **named)
        seconds[name] += time.perf_counter() - started
        return found
    return timing
for name in ("sums_of", "products_of"):
    setattr(solving, name, timed(getattr(solving, name), "moments"))
method = objective_class(sys.argv[1])
method.solve = timed(method.solve, "solving")
cli.main(sys.argv[2:], standalone_mode=False)
print(json.dumps(seconds))
"""

PEER = """
import json, sys, time
import numpy as np
pairs, dim = map(int, sys.argv[1:])
left, right = (np.load(f"{name}.npy") for name in ("image", "text"))
asked = left[pairs:], right[pairs:]
left, right = left[:pairs], right[:pairs]
started = time.perf_counter()
def unit(rows, mean):
    rows = rows - mean
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
means = left.mean(axis=0), right.mean(axis=0)
x, y = unit(left, means[0]), unit(right, means[1])
del left, right
asked = [unit(rows, mean) for rows, mean in zip(asked, means)]
SOLVE
seconds = time.perf_counter() - started
one, other = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in found)
scores = one @ other.T
own = np.diag(scores)
ranks = [(scores >= own[:, None]).sum(axis=1), (scores >= own).sum(axis=0)]
print(json.dumps({"seconds": seconds, "mrr": [float((1 / each).mean()) for each in ranks]}))
"""

PEERS = {
    ("procrustes", "scikit-learn `PCA`, scipy `orthogonal_procrustes`"): """
from scipy.linalg import orthogonal_procrustes
from sklearn.decomposition import PCA
pca = PCA(y.shape[1]).fit(x)
axes = pca.components_.T
turn, _ = orthogonal_procrustes(x @ axes, y)
found = asked[0] @ axes @ turn, asked[1]
""",
    ("least_squares", "scikit-learn `RidgeCV`, one way"): """
from sklearn.linear_model import RidgeCV
mean = (x**2).sum() / x.shape[1]
ridge = RidgeCV(mean * np.logspace(-2, 2, 9), fit_intercept=False).fit(x, y)
found = ridge.predict(asked[0]), asked[1]
""",
    ("cca", "scikit-learn `CCA`, {dim} components"): """
from sklearn.cross_decomposition import CCA
found = CCA(dim, scale=False, max_iter=500).fit(x, y).transform(*asked)
""",
}


def run(folder: Path, arguments: Sequence[str], limit: float | None = None) -> dict[str, Any] | None:
    """Run Python in a folder; return what it prints as JSON, its seconds, CPU seconds and peak memory in MB.

    Returns:
        None where it took longer than the limit.
    """
    done = subprocess.run(
        [sys.executable, __file__, "--command", json.dumps([limit, *arguments])],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"A process of the benchmark ended with exit code {done.returncode}: {arguments[1][:60]}")
    found: dict[str, Any] | None = json.loads(done.stdout)
    return found


def command(limit: float | None, arguments: Sequence[str]) -> None:
    """Run Python and print its costs: between it and the benchmark, as a process counts its parent's memory."""
    import time

    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        output, errors = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        print("null")
        return
    seconds = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(errors)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    _, brace, rest = output.partition("{")  # what comes before is for people
    costs = {
        "whole": seconds,
        "cpu": usage.ru_utime + usage.ru_stime,
        "megabytes": usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10),
    }
    print(json.dumps({**costs, **json.loads(brace + rest or "{}")}))


def train(folder: Path, method: str, dim: int, repeat: int) -> dict[str, Any]:
    """Solve for a model by `ntcir train`; return its costs, and its MRR both ways where it is the first time."""
    out = f"runs/{method}-{repeat}"
    (folder / f"{method}.yaml").write_text(CONFIG.format(dim=dim, method=method))
    words = ["train", "--config", f"{method}.yaml", "--data", "corpus", "--out", out]
    costs = run(folder, ["-c", OWN, method, *words])
    if costs is None:
        raise SystemExit("There is no limit to a method of this project.")
    if not repeat:
        found = run(folder, ["-m", "ntcir", "evaluate", "--model", out, "--json"])
        costs["mrr"] = [] if found is None else _mrr(found)
    return costs


def _mrr(found: dict[str, Any]) -> list[float]:
    """Return the MRR of both directions of what `ntcir evaluate --json` prints."""
    return [found[name]["MRR"] for name in ("img2txt", "txt2img")]


def main() -> None:
    """Write the rows, race and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, default=27_907)
    parser.add_argument("--widths", type=int, nargs=2, default=[4096, 768])
    parser.add_argument("--dim", type=int, default=768)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--limit", type=float, default=240, help="seconds after which a peer is ended")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--command", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.command:
        limit, *arguments = json.loads(options.command)
        command(limit, arguments)
        return
    with tempfile.TemporaryDirectory() as name:
        race(Path(name), options)


def race(folder: Path, options: argparse.Namespace) -> None:
    """Race in a folder, in turns, and print the table."""
    sizes = [options.pairs, HELD_OUT, DIRECTIONS, *options.widths]
    run(folder, ["-c", MAKE, *map(str, sizes)])
    own: dict[str, list[dict[str, Any]]] = {method: [] for method in options.methods}
    for repeat in range(options.repeats):
        for method, costs in own.items():
            costs.append(train(folder, method, options.dim, repeat))
    left, right = options.widths
    print(f"| {options.pairs:,} pairs, {left:,}-d and {right:,}-d | s | moments | solving | CPU s | peak MB | MRR |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for method, costs in own.items():
        middle = [statistics.median(cost[key] for cost in costs) for key in ("whole", "moments", "solving", "cpu")]
        cells = [f"{value:.1f}" for value in middle]
        print(_row(f"`ntcir train`, {method}", *cells, _memory(costs), _figures(costs[0]["mrr"])))
    for (method, title), solve in PEERS.items():
        if method in own:
            arguments = ["-c", PEER.replace("SOLVE", solve.strip()), str(options.pairs), str(options.dim)]
            found = run(folder, arguments, options.limit)
            title = title.format(dim=options.dim)
            if found is None:
                print(_row(title, f"> {options.limit:.0f}", "", "", "", "", ""))
            else:
                seconds, cpu = f"{found['seconds']:.1f}", f"{found['cpu']:.1f}"
                print(_row(title, seconds, "", "", cpu, _memory([found]), _figures(found["mrr"])))
    print(f"\n{machine()}; medians of {options.repeats} in turns, peers once; whole processes for `ntcir`.")


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _memory(costs: Sequence[dict[str, Any]]) -> str:
    return f"{max(cost['megabytes'] for cost in costs):,.0f}"


def _figures(mrr: Sequence[float]) -> str:
    return " / ".join(f"{each:.3f}" for each in mrr)


if __name__ == "__main__":
    main()

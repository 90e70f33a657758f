"""Race: mining hard negatives against blocks of a plain matrix product and ``torch.topk``.

    python benchmarks/mining.py [--pairs 27907] [--dim 512] [--top 50] [--alike] [--repeats 3]

Each row of the table is a process of its own; its time and memory are those of mining, without start-up and data. The
plain way searches in single precision, without an order among ties, and refuses nothing; scikit-learn and faiss do the
same and take part where they are installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from score import machine, measure

# Embeddings are drawn in single precision and in place, so that the peak is that of mining.
PREPARE = """
import json, resource, sys, time
import numpy as np, torch
pairs, dim, top, alike = map(int, sys.argv[1:])
torch.manual_seed(0)

def draw():
    rows = torch.randn(pairs, dim)
    if alike:  # as in a lifelog: an event's photographs, 20 or so, share much of what there is
        rows.add_(torch.randn(pairs // 20 + 1, dim).repeat_interleave(20, 0)[:pairs], alpha=2)
    return rows.div_(rows.norm(dim=1, keepdim=True)).numpy()
images, sensors = draw(), draw()
if alike:  # and a minute's share a reading
    sensors = sensors[np.arange(pairs) // 2]

def others(rows, scores):  # the mean score of the best that are not one's own, of one more than asked for
    order = np.argsort(rows == np.arange(pairs)[:, None], axis=1, kind="stable")[:, :top]
    return float(np.take_along_axis(scores, order, axis=1).mean())
unit = 1 if sys.platform == "darwin" else 1024
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
def resident():  # a little less than the peak so far, where the system tells
    try:
        return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 1e6
    except OSError:
        return peak()
"""

START = "before, begun = resident(), time.perf_counter()\n"

REPORT = """
print(json.dumps({"seconds": time.perf_counter() - begun, "megabytes": peak() - before, "found": found}))
"""

PLAIN = "plain: blocks of `q @ d.T`, `torch.topk`"

# The module it is made with, what is imported before the clock starts, and what is timed; `found` is the mean score.
SEARCHES = {
    "`nearest_others`, exact": (
        "ntcir",
        "from ntcir.sampling.neighbours import nearest_others\n",
        "rows, scores = nearest_others(images, sensors, np.arange(pairs), top)\nfound = float(scores.mean())\n",
    ),
    PLAIN: (
        "torch",
        "",
        """
queries, documents, parts = torch.from_numpy(images), torch.from_numpy(sensors), []
for start in range(0, pairs, 1024):
    block = queries[start : start + 1024] @ documents.T
    block.diagonal(start).fill_(-2)
    parts.append(block.topk(top, dim=1))
found = float(torch.cat([part[0] for part in parts]).mean())
""",
    ),
    "scikit-learn, `NearestNeighbors`": (
        "sklearn",
        "from sklearn.neighbors import NearestNeighbors\n",
        """
model = NearestNeighbors(n_neighbors=top + 1, algorithm="brute", metric="cosine").fit(sensors)
distances, rows = model.kneighbors(images)
found = others(rows, 1 - distances)
""",
    ),
    "faiss, `IndexFlatIP`": (
        "faiss",
        "import faiss\n",
        """
index = faiss.IndexFlatIP(dim)
index.add(sensors)
scores, rows = index.search(images, top + 1)
found = others(rows, scores)
""",
    ),
}
MINING = {
    "`mine_by_model`, both ways, with refusals": (
        """
from ntcir.modalities import DEFAULT_PAIR
from ntcir.config import Negatives
from ntcir.sampling.negatives import mine_by_model
from ntcir.sampling.positives import FalseNegatives
names, seconds = np.arange(pairs).astype(str), np.arange(pairs) * 30.0
known = FalseNegatives(names, (np.arange(pairs) // 2).astype(str), seconds, sensors, 60, pair=DEFAULT_PAIR)
options = Negatives(range_max=top, relative_margin=0.05)
""",
        "both = mine_by_model(images, sensors, known.relations, options, pair=DEFAULT_PAIR)\n"
        "found = [mined.report.kept for mined in both]\n",
    ),
    "`mine_by_objects`, 60 days": (
        """
from ntcir.config import Negatives
from ntcir.sampling.negatives_by_objects import mine_by_objects
from ntcir.sampling.overlap import ObjectOverlap
from ntcir.sampling.positives import FalseNegatives
generator = np.random.default_rng(0)
names, groups = np.arange(pairs).astype(str), np.arange(pairs) * 60 // pairs
seconds = groups * 86_400 + np.arange(pairs) % (pairs // 60 + 1) * 120.0
counts = generator.poisson(0.05, (pairs, 80))
known = FalseNegatives(names, names, seconds, None, 120, pair=DEFAULT_PAIR)
overlap = ObjectOverlap(counts, np.ones(80))
""",
        "mined = mine_by_objects(seconds, groups, images, overlap, known.relations, Negatives())\n"
        "found = mined.report.kept\n",
    ),
}


def main() -> None:
    """Race and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, default=27_907)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--top", type=int, default=50)
    parser.add_argument("--alike", action="store_true", help="photographs of events, two to a reading")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    if options.pairs < 120 or options.top >= options.pairs:
        parser.error("at least two pairs a day, 120, and more of them than --top, please")
    arguments = [str(int(value)) for value in (options.pairs, options.dim, options.top, options.alike)]
    searches = {
        name: (start, code) for name, (module, start, code) in SEARCHES.items() if importlib.util.find_spec(module)
    }
    costs: dict[str, list[dict[str, Any]]] = {name: [] for name in {**searches, **MINING}}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.repeats):  # in turns, so that a busy moment hits all alike
            for name, (start, code) in {**searches, **MINING}.items():
                output = measure(["-c", PREPARE + start + START + code + REPORT, *arguments], Path(folder)).output
                costs[name].append(json.loads(output))
    means = {name: costs[name][0]["found"] for name in searches}
    if max(means.values()) - min(means.values()) > 1e-5:
        raise SystemExit(f"They do not agree on the mean score of what they found: {means}.")
    medians = {name: statistics.median(cost["seconds"] for cost in each) for name, each in costs.items()}
    alike = ", alike" if options.alike else ""
    print(f"| {options.pairs:,} x {options.dim}, the best {options.top}{alike} | s | ratio | memory at the peak, MB |")
    print("|---|---:|---:|---:|")
    for name, each in costs.items():
        ratio = f"{medians[name] / medians[PLAIN]:.2f}" if name in searches else ""
        print(f"| {name} | {medians[name]:.2f} | {ratio} | +{max(cost['megabytes'] for cost in each):.0f} |")
    print(
        f"\n{machine()}; median of {options.repeats} processes in turns, without start-up and data. "
        "The searches are one way, readings of photographs; the ratio is to the plain one."
    )


if __name__ == "__main__":
    main()

"""Race: exact search for the best of many vectors, against faiss (flat) and plain blocks with ``torch.topk``.

    python benchmarks/search.py [--documents 725000] [--dim 512] [--top 100] [--queries 48 1000] [--alike] [--repeats 3]

Each figure is of processes of its own, in turns; its time is that of searching, without start-up and data, and its
memory is what the process had at its peak beside the vectors as they were given. faiss copies them into its index,
which counts as memory but not as time. Only the first breaks ties by row and answers in double precision; the others
search in single precision. faiss takes part where it is installed (``pip install 'ntcir[bench]'``). With ``--biased``
the first also searches with a bias against hubs (``hubness.beta = 0.7``, by 1,000 training queries), which is one more
coordinate and is worked out before.
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

# Vectors are drawn part by part and in place, so that the peak is that of searching.
PREPARE = """
import json, resource, statistics, sys, time
import numpy as np, torch
documents_, dim, top, queries_, alike, times = map(int, sys.argv[1:])
torch.manual_seed(0)
documents = torch.randn(documents_, dim)
if alike:  # as in a lifelog: an event's photographs, 20 or so, share much of what there is
    for part in documents.split(20_000):
        part.add_(torch.randn(-(-len(part) // 20), dim).repeat_interleave(20, 0)[: len(part)], alpha=2)
for part in documents.split(20_000):
    part.div_(part.norm(dim=1, keepdim=True))
queries = torch.randn(queries_, dim)
if alike:  # and a query is about one of them
    queries.add_(documents[torch.randint(documents_, (queries_,))], alpha=2 * dim**0.5)
queries.div_(queries.norm(dim=1, keepdim=True))
documents, queries = documents.numpy(), queries.numpy()

def status(field):
    return int(open("/proc/self/status").read().split(field + ":")[1].split()[0]) * 1024 / 1e6
def peak():
    try:
        return status("VmHWM")
    except OSError:  # no Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
def resident():
    try:
        return status("VmRSS")
    except OSError:
        return peak()
"""

START = """
search(documents[:5000], queries[:9])  # starts threads and the like
before, seconds = resident(), []
index = build(documents)
for _ in range(times):
    begun = time.perf_counter()
    scores = search(index, queries)
    seconds.append(time.perf_counter() - begun)
seconds = statistics.median(seconds)
print(json.dumps({"seconds": seconds, "megabytes": peak() - before, "found": float(scores.mean(dtype=np.float64))}))
"""

OWN, BIASED, FAISS = "`nearest`, exact", "`nearest`, with a bias a document", "faiss, `IndexFlatIP`"
SEARCHES = {
    OWN: (
        "ntcir",
        """
from ntcir.search.nearest import nearest
build = lambda rows: rows
search = lambda rows, asked: nearest(asked, rows, top)[1]
""",
    ),
    BIASED: (
        "ntcir",
        """
from ntcir.model.hubness import TrainingQueries, with_bias, with_one
from ntcir.search.nearest import nearest
def build(rows):
    asked = torch.randn(1000, dim)
    if alike:
        asked.add_(torch.from_numpy(rows)[torch.randint(len(rows), (1000,))], alpha=2 * dim**0.5)
    asked = TrainingQueries.of(asked.div_(asked.norm(dim=1, keepdim=True)).half().numpy())
    return with_bias(rows, np.arange(len(rows)), asked, beta=0.7, temperature=0.1)
search = lambda rows, asked: nearest(with_one(asked) if rows.shape[1] > dim else asked, rows, top)[1]
""",
    ),
    FAISS: (
        "faiss",
        """
import faiss
def build(rows):
    index = faiss.IndexFlatIP(dim)
    index.add(rows)
    return index
search = lambda index, asked: (build(index) if isinstance(index, np.ndarray) else index).search(asked, top)[0]
""",
    ),
    "plain: blocks of `q @ d.T`, `torch.topk`": (
        "torch",
        """
build = lambda rows: rows
def search(rows, asked):
    asked, best = torch.from_numpy(asked), torch.full((len(asked), top), -torch.inf)
    numbers = torch.zeros((len(asked), top), dtype=torch.int64)
    for start in range(0, len(rows), 16_384):
        block = asked @ torch.from_numpy(rows[start : start + 16_384]).T
        found, columns = block.topk(min(top, block.shape[1]), dim=1)
        best, order = torch.cat([best, found], dim=1).topk(top, dim=1)
        numbers = torch.cat([numbers, columns + start], dim=1).gather(1, order)
    return best.numpy()
""",
    ),
}


def main() -> None:
    """Race and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=725_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--top", type=int, default=100)
    parser.add_argument("--queries", type=int, nargs="+", default=[48, 1000])
    parser.add_argument("--alike", action="store_true", help="photographs of events, and queries about them")
    parser.add_argument("--biased", action="store_true", help="a row of `nearest` with a bias a document")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    if not 0 < options.top <= 5000 <= options.documents:
        parser.error("at least 5,000 documents, and no more than 5,000 of them as --top, please")
    present = {name: code for name, (module, code) in SEARCHES.items() if importlib.util.find_spec(module)}
    if not options.biased:
        del present[BIASED]
    if FAISS not in present:
        print("faiss is not installed (pip install 'ntcir[bench]'), so it takes no part.\n")
    rows = [race(present, queries, options) for queries in options.queries]
    alike = ", alike" if options.alike else ""
    heads = "".join(f" {queries:,} queries, s | ratio | memory, MB |" for queries in options.queries)
    print(f"| {options.documents:,} x {options.dim}, the best {options.top}{alike} |{heads}")
    print("|---|" + "---:|---:|---:|" * len(rows))
    for name in present:
        print(f"| {name} |" + "".join(row[name] for row in rows))
    print(
        f"\n{machine()}; median of {options.repeats} processes in turns, without start-up and data; memory beside the "
        "vectors, at the peak."
    )


def race(present: dict[str, str], queries: int, options: argparse.Namespace) -> dict[str, str]:
    """Return the cells of the table for so many queries."""
    costs: dict[str, list[dict[str, Any]]] = {name: [] for name in present}
    times = 3 if queries < 500 else 1
    numbers = (options.documents, options.dim, options.top, queries, options.alike, times)
    arguments = [str(int(value)) for value in numbers]
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.repeats):  # in turns, so that a busy moment hits all alike
            for name, code in present.items():
                output = measure(["-c", PREPARE + code + START, *arguments], Path(folder)).output
                costs[name].append(json.loads(output))
    means = {name: each[0]["found"] for name, each in costs.items() if name != BIASED}
    if max(means.values()) - min(means.values()) > 1e-5:
        raise SystemExit(f"They do not agree on the mean score of what they found: {means}.")
    medians = {name: statistics.median(cost["seconds"] for cost in each) for name, each in costs.items()}
    return {
        name: f" {medians[name]:.2f} | {medians[name] / medians[OWN]:.1f} "
        f"| +{max(cost['megabytes'] for cost in each):.0f} |"
        for name, each in costs.items()
    }


if __name__ == "__main__":
    main()

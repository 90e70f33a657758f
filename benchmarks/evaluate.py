"""Race: ``ntcir evaluate`` on a whole split against sorting each query's scores, as it is written down first.

    python benchmarks/evaluate.py [--items 27808] [--dim 512] [--part 1000] [--repeats 3]

Random unit vectors, the partners of which are near each other: as many texts as pictures, then five texts a picture,
the items in all being the texts. Each figure is of a process of its own, from its start to the table. The peer ranks a
part of the queries both ways, one after the other; what it takes for all of them is reckoned from that, without
start-up, and its MRR of that part must be about that of ``ntcir``, and just the same where the part is the whole. CPU
seconds, of all cores together, tell more than those of the clock where other work shares the machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from score import machine, measure

MAKE = """
import sys
import numpy as np
texts, several, dim = map(int, sys.argv[1:])
draw = np.random.default_rng(0)
pictures = -(-texts // several)
def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
image = unit(draw.normal(size=(pictures, dim)).astype(np.float32))
text = image[np.arange(texts) // several] + 8 / dim**0.5 * draw.normal(size=(texts, dim)).astype(np.float32)
np.save("image.npy", image)
np.save("text.npy", unit(text).astype(np.float32))
"""

READ = """
import json, sys, time
from pathlib import Path
import numpy as np, pandas as pd, torch
several = int(sys.argv[1])
"""

OWN = """
from ntcir.config import parse_config
from ntcir.corpora.corpus import Corpus, ReadingReport
from ntcir.encoders import open_pair
from ntcir.model.model import Model
from ntcir.retrieval.evaluating import evaluate_pairs
count = {name: len(np.load(f"{name}.npy", mmap_mode="r")) for name in ("image", "text")}
ids = {name: [f"{name}-{number}" for number in range(n)] for name, n in count.items()}
pairs = pd.DataFrame({
    "image": [ids["image"][number // several] for number in range(count["text"])], "text": ids["text"],
    "group": "all", "split": "test", "timestamp": pd.DatetimeIndex([pd.NaT] * count["text"], tz="UTC"),
})
tables = {name: pd.DataFrame(index=pd.Index(names, name=name)) for name, names in ids.items()}
corpus = Corpus("random", Path("."), tables, pairs, False, "random", ReadingReport(), grouped=False,
                shared_are_positive=True)
dim = np.load("text.npy", mmap_mode="r").shape[1]
plain = {"encoder": "vectors", "layers": 1, "standardise": False}
towers = {"dim": dim, **{name: plain | {"vectors": f"{name}.npy"} for name in ids}}
config = parse_config({"pair": ["image", "text"], "towers": towers}, "here")
model = Model(config, {name: rows.encoder for name, rows in open_pair(config, corpus).items()})
for name in ids:  # vectors as they are
    for layer in model.tower(name).modules():
        if isinstance(layer, torch.nn.Linear):
            torch.nn.init.eye_(layer.weight), torch.nn.init.zeros_(layer.bias)
report = evaluate_pairs(model, corpus, pairs, None)
found = {name: group.to_json() for name, group in report.groups.items()}
print(json.dumps({"cpu": time.process_time(), **{name: found[name]["MRR"] for name in ("img2txt", "txt2img")}}))
"""

PEER = """
part = int(sys.argv[2])
image, text = np.load("image.npy"), np.load("text.npy")
owner = np.arange(len(text)) // several
started, working = time.perf_counter(), time.process_time()
ranks = {"img2txt": [], "txt2img": []}
for number in range(min(part, len(image))):
    order = np.argsort(-(text @ image[number]), kind="stable")
    ranks["img2txt"].append(np.flatnonzero(owner[order] == number)[0] + 1)
half, worked = time.perf_counter(), time.process_time()
for number in range(min(part, len(text))):
    order = np.argsort(-(image @ text[number]), kind="stable")
    ranks["txt2img"].append(np.flatnonzero(order == owner[number])[0] + 1)
scale = len(image) / len(ranks["img2txt"]), len(text) / len(ranks["txt2img"])
seconds = (half - started) * scale[0] + (time.perf_counter() - half) * scale[1]
cpu = (worked - working) * scale[0] + (time.process_time() - worked) * scale[1]
mrr = {name: float(np.mean(1 / np.array(each))) for name, each in ranks.items()}
print(json.dumps({"seconds": seconds, "cpu": cpu, **mrr}))
"""


def main() -> None:
    """Race and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--items", type=int, default=27_808)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--part", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    print("| pictures x texts | `ntcir` s | CPU s | peak MB | a query at a time, s | CPU s | ratio (CPU) |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for several in (1, 5):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            measure(["-c", MAKE, str(options.items), str(several), str(options.dim)], folder)
            own, peer = [], []
            for _ in range(options.repeats):
                own.append(measure(["-c", READ + OWN, str(several)], folder))
                peer.append(json.loads(measure(["-c", READ + PEER, str(several), str(options.part)], folder).output))
            _check(json.loads(own[0].output), peer[0], options.part, options.items)
        pictures = -(-options.items // several)
        seconds, cpu = statistics.median(cost.seconds for cost in own), _median([json.loads(c.output) for c in own])
        theirs, their_cpu = statistics.median(each["seconds"] for each in peer), _median(peer)
        cells = [f"{seconds:.1f}", f"{cpu:.1f}", f"{max(cost.megabytes for cost in own):.0f}", f"{theirs:.0f}"]
        cells += [f"{their_cpu:.0f}", f"{their_cpu / cpu:.1f}"]
        print(f"| {pictures:,} x {options.items:,} | {' | '.join(cells)} |")
    print(f"\n{machine()}; medians of {options.repeats} in turns, start-up included for `ntcir`.")


def _median(found: list[dict[str, float]]) -> float:
    """Return the median of CPU seconds."""
    return statistics.median(each["cpu"] for each in found)


def _check(own: dict[str, float], peer: dict[str, float], part: int, items: int) -> None:
    """Compare figures: exactly where the peer has ranked all, else as far as a part tells of the whole."""
    allowed = 1e-5 if part >= items else 0.1
    for name in ("img2txt", "txt2img"):
        if abs(own[name] - peer[name]) > allowed:
            raise SystemExit(f"The two do not agree on {name}: {own[name]} and {peer[name]}.")


if __name__ == "__main__":
    main()

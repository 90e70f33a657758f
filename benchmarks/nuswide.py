"""NUS-WIDE-LITE at full size: reading, an epoch with the extended loss against the same loss pair by pair, evaluating.

    python benchmarks/nuswide.py [--repeats 3] [--pairwise-batches 20] [--photographs N]

The files are written as they are published, tags and features generated, see nuswide_files.py. An epoch is one pass
over all 27,807 training pairs (634 low-level features, a bag of words) in batches of 256, by the loop of `ntcir train`,
checkpoints included. The rival has the same towers and takes batches of 16, as the assignment that defines the loss
suggests, and sums it as its equation is written, an image and a caption at a time; some of its batches are timed and
scaled up. Then `ntcir evaluate` ranks all 27,808 test captions for each test photograph, and the other way round, as a
process of its own.
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
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from nuswide_files import write_corpus, write_full_size
from score import machine

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

CONFIG = ROOT / "configs" / "nuswide-lowlevel.yaml"
BATCH, RIVAL_BATCH = 256, 16
SIMILARITY, MARGIN, BETAS = 0.5, 1.0, (0.6, 0.2, 0.2)
EXTENDED = {"kind": "pairwise", "similarity": SIMILARITY, "margin": MARGIN, "betas": list(BETAS)}


def seconds_of(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return how long a call takes, and what it returns."""
    started = time.perf_counter()
    found = call()
    return time.perf_counter() - started, found


def run(*words: str, cwd: Path) -> tuple[float, float]:
    """Run a command of ntcir; return its seconds and its peak memory in MB.

    A process counts the memory of the one that started it: another one stands between, which has none to speak of.
    """
    done = subprocess.run(
        [sys.executable, __file__, "--command", json.dumps(words)], cwd=cwd, stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        raise SystemExit(f"`ntcir {words[0]}` ended with exit code {done.returncode}.")
    seconds, megabytes = json.loads(done.stdout)
    return seconds, megabytes


def command(words: Sequence[str]) -> None:
    """Run a command of ntcir, and print its seconds and its peak memory in MB."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    seconds, done = seconds_of(
        lambda: subprocess.run(
            [sys.executable, "-m", "ntcir", *words], env=environment, stdout=subprocess.DEVNULL, check=False
        )
    )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    print(json.dumps([seconds, peak]))
    raise SystemExit(done.returncode)


def epoch(config: Any, corpus: Any, rows: Any, folder: Path, *, steps: int | None = None) -> float:
    """Return the seconds of a training of one epoch, or of some steps; preparing it is not counted."""
    from ntcir.training.trainer import Trainer

    pairs = len(corpus.split("train"))
    one = config.changed({"training.iters": steps or -(-pairs // BATCH), "training.batch": BATCH})
    with tempfile.TemporaryDirectory(dir=folder) as out:
        trainer = Trainer(one, corpus, rows, Path(out))
        seconds, _ = seconds_of(trainer.run)
    return seconds


def pair_by_pair(left: Any, right: Any, concepts: Any) -> Any:
    """Return the extended loss of a batch as its equation is written: sums over all pairs, one after the other."""
    import torch

    def cost(first: Any, second: Any, v: Any, w: Any) -> Any:
        norms = v.norm() * w.norm()
        similarity = v @ w / norms if norms > 0 else torch.zeros(())
        distance = ((first - second) ** 2).sum()
        if similarity == 0:
            return (1 - SIMILARITY) * torch.clamp(MARGIN - distance, min=0)
        return SIMILARITY * similarity * distance

    total = torch.zeros(())
    for beta, these, those in zip(BETAS, (left, left, right), (right, left, right), strict=True):
        for i in range(len(these)):
            for j in range(len(those)):
                total = total + beta * cost(these[i], those[j], concepts[i], concepts[j])
    return total


def rival_epoch(config: Any, corpus: Any, rows: Any, folder: Path, batches: int) -> float:
    """Return the seconds of an epoch in batches of 16 and pair by pair: of some batches, scaled up."""
    import torch

    from ntcir.training.trainer import Trainer

    train = corpus.split("train")
    with tempfile.TemporaryDirectory(dir=folder) as out:
        model = Trainer(config, corpus, rows, Path(out)).model
    loaded = {name: torch.from_numpy(each.load(train[name].tolist())) for name, each in rows.items()}
    concepts = torch.from_numpy(corpus.categories["image"].loc[train["image"]].to_numpy(dtype="float32").copy())
    optimizer = torch.optim.Adam(model.towers.parameters(), lr=config.training.lr)
    towers = [model.towers.train()[name] for name in config.pair]
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))

    def step(number: int) -> None:
        chosen = order[number * RIVAL_BATCH : (number + 1) * RIVAL_BATCH]
        left, right = (tower(loaded[name][chosen]) for name, tower in zip(config.pair, towers, strict=True))
        loss = pair_by_pair(left, right, concepts[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    step(0)  # the first one also chooses kernels
    seconds, _ = seconds_of(lambda: [step(number) for number in range(1, batches + 1)])
    return seconds / batches * -(-len(train) // RIVAL_BATCH)


def table(title: str, rows: Sequence[tuple[str, str]]) -> None:
    """Print a table of two columns."""
    print(f"| {title} | |\n|---|---:|")
    for what, figure in rows:
        print(f"| {what} | {figure} |")
    print()


def middle(figures: Sequence[float], digits: int = 1) -> str:
    """Return the median with the smallest and the largest."""
    low, high = min(figures), max(figures)
    return f"{statistics.median(figures):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def main() -> None:
    """Write the files, race, and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--pairwise-batches", type=int, default=20, help="batches of the rival that are timed")
    parser.add_argument("--photographs", type=int, help="of each part, in place of the published numbers")
    parser.add_argument("--command", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.command:
        command(json.loads(options.command))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = options.photographs
        if small:
            write_corpus(folder / "nus", (small, small))
        labels = "random" if small else "real" if write_full_size(folder / "nus") else "random"
        measure(folder, options.repeats, options.pairwise_batches, labels)


def measure(folder: Path, repeats: int, batches: int, labels: str) -> None:
    """Time everything on the files in a folder, and print the tables."""
    from ntcir.config import load_config
    from ntcir.corpora import open_corpus
    from ntcir.encoders import open_pair

    config = load_config(CONFIG).changed(
        {"data.path": str(folder / "nus"), "data.split.val": [], "objectives": [EXTENDED]}
    )
    reading, opening, own, rival = [], [], [], []
    for number in range(repeats):  # in turns, so that a busy moment hits all alike
        seconds, corpus = seconds_of(lambda: open_corpus(folder / "nus", config.data.split, pair=config.pair))
        reading.append(seconds)
        seconds, rows = seconds_of(lambda corpus=corpus: open_pair(config, corpus))  # type: ignore[misc]
        opening.append(seconds)
        if not number:  # what is loaded once only
            epoch(config, corpus, rows, folder, steps=2)
        own.append(epoch(config, corpus, rows, folder))
        rival.append(rival_epoch(config, corpus, rows, folder, batches))
    run("train", "--config", str(CONFIG), "--data", "nus", "--iters", "100", "--out", "runs/nus", cwd=folder)
    evaluated = [run("evaluate", "--model", "runs/nus", cwd=folder) for _ in range(repeats)]

    train, test = len(corpus.split("train")), len(corpus.split("test"))
    table(
        f"reading {len(corpus.images):,} photographs' files (medians of {repeats}), s",
        [
            ("lists, labels of 81 concepts, tags", middle(reading)),
            (f"{rows['image'].dim:,} low-level features each, of text", middle(opening)),
        ],
    )
    print(f"| an epoch over {train:,} stored pairs with the extended loss | seconds | ratio |\n|---|---:|---:|")
    ratio = statistics.median(slow / fast for slow, fast in zip(rival, own, strict=True))
    print(f"| batches of {BATCH}, as matrix products | {middle(own, 2)} | 1 |")
    print(
        f"| batches of {RIVAL_BATCH}, pair by pair ({batches} batches timed and scaled) | {middle(rival, 0)} "
        f"| {ratio:,.0f} |\n"
    )
    table(
        f"`ntcir evaluate`, {test:,} photographs x {test:,} captions, both directions",
        [
            ("seconds, reading and encoding included", middle([seconds for seconds, _ in evaluated])),
            ("peak memory (MB)", f"{max(megabytes for _, megabytes in evaluated):,.0f}"),
        ],
    )
    print(f"{machine()}. The labels are {labels}, tags and features generated: only times and memory mean anything.")


if __name__ == "__main__":
    main()

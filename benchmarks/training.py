"""Race: training on stored features against running the frozen networks again at each step, as the organisers do.

    python benchmarks/training.py [--iters 500] [--batch 256] [--repeats 3] [--longest 60]

The features are synthetic, as many and as long as those of the poster's training split (27,907 pairs, two ResNet50's
4,096 numbers each) beside its validation split of 16 days. Each training is a process of its own, so that its peak of
memory is its own; its seconds begin when the data are in memory and end with the last checkpoint, validations included.
Let nothing else run meanwhile: torch's threads wait for each other without sleeping, and one other busy process on two
cores makes them several times slower.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from score import machine

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

TRAINING, VALIDATION = (27_907, "2020-01-01", 60), (21_198, "2020-03-01", 16)  # pairs, first day, days
NETWORKS, WIDTH = 2, 2048  # stores, and features in each
SHARD = 4096
METHODS: dict[str, dict[str, Any]] = {
    "in-batch negatives only": {},
    "+ objects": {"positives.objects": True, "objects.detector": "demo"},
    "+ augmentation": {"augment.views": 4},
    "+ mined": {"negatives.objects": True, "negatives.model": True, "objects.detector": "demo"},
}
METHODS["all of it"] = {key: value for changes in METHODS.values() for key, value in changes.items()}
RERUN = {
    "2 x resnet18, logits (the organisers')": ("resnet18", "logits"),
    "2 x resnet50, pooled (the poster's)": ("resnet50", "pooled"),
}


def stores(folder: Path) -> list[Any]:
    """Open the feature stores, one a network."""
    from ntcir.features.store import FeatureStore

    return [
        FeatureStore(folder / f"network-{number}", {"fingerprint": f"synthetic-{number}", "dim": WIDTH})
        for number in range(NETWORKS)
    ]


class StoredFeatures:
    """What training needs of ``ImageFeatures``, with synthetic features and no network."""

    def __init__(self, folder: Path) -> None:
        self.stores = stores(folder)
        self.dim = self.width = NETWORKS * WIDTH
        self.fingerprints = [f"synthetic-{number}" for number in range(NETWORKS)]

    def ensure(self, ids: Sequence[str]) -> Any:
        """Say that all features are there."""
        import numpy as np

        return np.array([all(store.has(item, "") for store in self.stores) for item in ids])

    def load(self, ids: Sequence[str]) -> Any:
        """Read features as ``ImageFeatures`` does."""
        import numpy as np

        features = np.empty((len(ids), self.dim), dtype=np.float32)
        for number, store in enumerate(self.stores):
            store.load(ids, [""] * len(ids), features[:, number * WIDTH : (number + 1) * WIDTH])
        return features

    def views(self, alteration: object, number: int) -> StoredViews:
        """Return features of altered views: the photographs' own, each view a little brighter."""
        return StoredViews(self, number)


class StoredViews:
    """What training needs of ``AlteredFeatures``."""

    def __init__(self, features: StoredFeatures, number: int) -> None:
        self._features, self._number = features, number

    def ensure(self, ids: Sequence[str]) -> Any:
        """Say that all views are there."""
        return self._features.ensure(ids)

    def load(self, ids: Sequence[str]) -> Any:
        """Return float32 [views, ids, dim]."""
        import numpy as np

        rows = self._features.load(ids)
        return np.stack([rows * (1 + view / 100) for view in range(self._number)])


def detected(pairs: int) -> Any:
    """Return class counts as a detector of 80 classes finds them: a few classes in the scene, each now and then."""
    import numpy as np

    draw = np.random.default_rng(2)
    scenes = (draw.random((300, 80)) < 0.08) * draw.integers(1, 4, (300, 80))
    scene = np.repeat(draw.integers(0, 300, pairs // 8 + 1), 8)[:pairs]  # eight minutes each
    return scenes[scene] * (draw.random((pairs, 80)) < 0.8)


def make_corpus(folder: Path) -> Any:
    """Make a lifelog's tables: a pair a minute, positions that walk, a heart rate that follows nothing."""
    import numpy as np
    import pandas as pd

    from ntcir.corpora.corpus import Corpus, ReadingReport

    draw = np.random.default_rng(0)
    parts = []
    for name, (pairs, first, days) in {"train": TRAINING, "val": VALIDATION}.items():
        day = np.sort(np.arange(pairs) % days)
        minute = np.concatenate([np.arange(count) for count in np.bincount(day)])
        times = pd.Timestamp(first, tz="UTC") + pd.to_timedelta(day * 24 * 60 + minute, unit="min")
        parts.append(pd.DataFrame({"timestamp": times, "split": name}))
    pairs_table = pd.concat(parts, ignore_index=True)
    stamps = pairs_table["timestamp"].dt.strftime("%Y%m%d_%H%M")
    pairs_table = pairs_table.assign(
        image=stamps + "00_000.jpg", sensor=stamps, group=pairs_table["timestamp"].dt.strftime("%Y-%m-%d")
    )
    walk = draw.normal(0, 1e-4, (len(stamps), 2)).cumsum(axis=0)
    rate = np.where(draw.random(len(stamps)) < 0.1, np.nan, draw.normal(75, 12, len(stamps)).round())
    sensors = pd.DataFrame(
        {"heart_rate(bpm)": rate, "new_lat": 53.3 + walk[:, 0], "new_lng": -6.2 + walk[:, 1]},
        index=pd.Index(stamps, name="sensor"),
    )
    images = pd.DataFrame({"path": ""}, index=pd.Index(pairs_table["image"], name="image"))
    tables = {"image": images, "sensor": sensors}
    return Corpus("synthetic", folder, tables, pairs_table, True, "lifelog", ReadingReport())


def write(folder: Path) -> dict[str, float]:
    """Write the feature stores: rectified noise on a few directions that the position decides."""
    import numpy as np

    corpus, draw = make_corpus(folder), np.random.default_rng(1)
    ids = corpus.pairs["image"].tolist()
    place = corpus.sensors[["new_lat", "new_lng"]].to_numpy()
    place = ((place - place.mean(axis=0)) / place.std(axis=0)).astype(np.float32)
    for store in stores(folder):
        directions = draw.normal(0, 1, (2, WIDTH)).astype(np.float32)
        for block, start in enumerate(range(0, len(ids), SHARD)):
            rows = slice(start, start + SHARD)
            noise = draw.standard_normal((len(ids[rows]), WIDTH), dtype=np.float32)
            store.write(block, ids[rows], [""] * len(ids[rows]), np.maximum(noise + place[rows] @ directions, 0))
    return {"pairs": len(ids)}


def train(folder: Path, iters: int, batch: int, method: str) -> dict[str, float]:
    """Train with the default configuration, near-in-time and equal readings masked, validation as in it."""
    started = time.perf_counter()
    from ntcir.config import Config
    from ntcir.encoders import open_rows
    from ntcir.encoders.frozen import FrozenRows
    from ntcir.sampling.overlap import ObjectOverlap, class_weights
    from ntcir.training.preparation import Preparation
    from ntcir.training.trainer import Trainer

    def overlap(data: Preparation) -> ObjectOverlap:
        counts = detected(len(data.train))
        return ObjectOverlap(counts, class_weights(counts, [str(number) for number in range(80)]), 2)

    Preparation.overlap = property(overlap)  # type: ignore[assignment]
    own = {"training.iters": iters, "training.batch": batch, "sensors.preset": "ymx2l"}
    config = Config().changed(own | METHODS[method])
    with tempfile.TemporaryDirectory(dir=folder) as out:
        features: Any = StoredFeatures(folder)
        corpus = make_corpus(folder)
        rows = {"image": FrozenRows(features, corpus, "image"), "sensor": open_rows(config, corpus, "sensor")}
        trainer = Trainer(config, corpus, rows, Path(out))
        ready = time.perf_counter()
        result = trainer.run()
        seconds = time.perf_counter() - ready
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**10 if sys.platform == "darwin" else 1)
    mrr = sum(result.validation.values()) / len(result.validation)
    return {"start": ready - started, "seconds": seconds, "megabytes": peak / 2**10, "mrr": mrr}


def rerun(arch: str, output: str, batch: int, longest: float) -> dict[str, float]:
    """Time one forward pass of two networks; of fewer pictures, scaled up, where the batch would take too long."""
    import torch

    from ntcir.config import Backbone, Features
    from ntcir.features.backbones import FrozenNetwork

    options = Features()
    networks = [
        FrozenNetwork(Backbone.model_validate({"arch": arch, "weights": "random", "output": output}), options)
        for _ in range(2)
    ]
    pictures = torch.randint(0, 256, (batch, 3, options.crop, options.crop), dtype=torch.uint8)

    def forward(count: int) -> float:
        start = time.perf_counter()
        with torch.inference_mode():
            for network in networks:
                network(pictures[:count])
        return time.perf_counter() - start

    forward(2)  # the first pass also chooses kernels
    probe = forward(min(batch, 16)) * batch / min(batch, 16)
    count = batch if probe <= longest else max(16, int(batch * longest / probe))
    return {"seconds": forward(count) * batch / count, "pictures": count}


def part(name: str, *arguments: object) -> dict[str, float]:
    """Run a function of this file in a process of its own."""
    command = [sys.executable, __file__, "--part", json.dumps([name, *map(str, arguments)])]
    finished = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if finished.returncode:
        raise SystemExit(f"The part '{name}' ended with exit code {finished.returncode}.")
    return dict(json.loads(finished.stdout))


def run_part(name: str, arguments: list[str]) -> dict[str, float]:
    """Do what ``part`` asked for."""
    if name == "write":
        return write(Path(arguments[0]))
    if name == "train":
        return train(Path(arguments[0]), int(arguments[1]), int(arguments[2]), arguments[3])
    return rerun(arguments[0], arguments[1], int(arguments[2]), float(arguments[3]))


def main() -> None:
    """Race and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--iters", type=int, default=500)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--longest", type=float, default=60, help="seconds a rerun step may take before it is scaled")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        name, *arguments = json.loads(options.part)
        print(json.dumps(run_part(name, arguments)))
        return
    with tempfile.TemporaryDirectory() as folder:
        part("write", folder)
        # In turns, so that a busy minute of the machine does not fall on one of them alone.
        rounds = [
            {method: part("train", folder, options.iters, options.batch, method) for method in METHODS}
            for _ in range(options.repeats)
        ]
    runs = [one["in-batch negatives only"] for one in rounds]
    middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    step = middle["seconds"] / options.iters
    passes = {name: part("rerun", *kind, options.batch, options.longest) for name, kind in RERUN.items()}

    pairs, length = TRAINING[0], NETWORKS * WIDTH
    print(f"| {options.iters} steps of {options.batch} on {pairs:,} stored pairs of {length:,} features | |")
    print("|---|---:|")
    spread = f"{min(run['seconds'] for run in runs):.1f} to {max(run['seconds'] for run in runs):.1f}"
    print(f"| seconds, validations and checkpoints included (median of {options.repeats}: {spread}) "
          f"| {middle['seconds']:.1f} |")  # fmt: skip
    print(f"| steps a second | {1 / step:.1f} |")
    print(f"| start-up before it: imports, features into memory, their statistics (s) | {middle['start']:.1f} |")
    print(f"| peak memory (MB) | {max(run['megabytes'] for run in runs):.0f} |")
    print("\n| pseudo-positives and hard negatives | seconds | ratio | start-up (s) | peak (MB) |")
    print("|---|---:|---:|---:|---:|")
    for method in METHODS:
        own = {key: statistics.median(one[method][key] for one in rounds) for key in middle}
        ratio = statistics.median(
            one[method]["seconds"] / run["seconds"] for one, run in zip(rounds, runs, strict=True)
        )
        print(f"| {method} | {own['seconds']:.1f} | {ratio:.2f} | {own['start']:.1f} | {own['megabytes']:.0f} |")
    print(f"\n| a step of {options.batch} pairs | seconds | ratio |")
    print("|---|---:|---:|")
    print(f"| on stored features | {step:.4f} | 1 |")
    for name, found in passes.items():
        whole = found["pictures"] == options.batch
        how = "" if whole else f", timed on {found['pictures']:.0f} pictures and scaled"
        seconds = found["seconds"] + step  # the towers come on top of the networks
        print(f"| {name}, run again at each step{how} | {seconds:.2f} | {seconds / step:,.0f} |")
    print(f"\n{machine()}. Synthetic features and random weights: only the times mean anything.")


if __name__ == "__main__":
    main()

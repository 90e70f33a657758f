"""Race: an ensemble of 18 pairs of small towers against one pair of towers, in training and when it is asked.

    python benchmarks/ensembles.py [--repeats 3] [--rows 8192]

Both train on the laps of the corpus `track`: one pair as `configs/track-single.yaml` says, 500 steps; and six pairs on
each of three levels of the same network, 300 steps. Seconds begin when rows are in memory and end with the last
checkpoint, validations included. Then pictures' rows, synthetic ones, are made unit vectors of 18 x 128 = 2,304
dimensions: by those 18 towers, and by single towers of as many dimensions. All take turns, so that a busy minute of the
machine does not fall on one of them alone; seconds of the processor are what such a minute changes least.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from score import machine

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ntcir.config import Config, load_config  # noqa: E402
from ntcir.corpora import open_corpus  # noqa: E402
from ntcir.encoders import open_pair  # noqa: E402
from ntcir.model.model import Model  # noqa: E402
from ntcir.training.trainer import Trainer  # noqa: E402

SHARED = ROOT.parent / "shared"
LEVELS = [{"layer": "features.12", "grid": 2}, {"layer": "features.10", "grid": 4}, {"layer": "features.7", "grid": 6}]
HEADS, DIM, HIDDEN = 6, 128, 256
ENSEMBLE: dict[str, Any] = {
    "features.backbones.0.grid": 1,
    "features.backbones.0.levels": LEVELS,
    "sensors.numbers": ["periodic"],
    "towers.dim": DIM,
    "towers.members": HEADS * len(LEVELS),
    "towers.image.pca": 256,
    "towers.image.facets": "alternate",
    **{
        f"towers.{name}.{key}": value
        for name in ("image", "sensor")
        for key, value in {"layers": 2, "hidden": HIDDEN, "dropout": 0.5}.items()
    },
    "training.iters": 300,
    "training.lr": 5e-4,
}
# Towers of pictures with as many dimensions as all members together.
SINGLE: dict[str, dict[str, Any]] = {
    "one tower, a linear layer": {"layers": 1},
    f"one tower, as wide inside as all members ({HEADS * len(LEVELS) * HIDDEN:,})": {
        "layers": 2,
        "hidden": HEADS * len(LEVELS) * HIDDEN,
    },
}
Spent = tuple[float, float]  # seconds of the clock, and of the processor


def spent(work: Callable[[], object]) -> Spent:
    """Return the seconds that something takes."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


def trained(config: Config) -> tuple[Spent, Model]:
    """Train from rows in memory; return the time, and the model."""
    corpus = open_corpus(config.data.path or Path(), config.data.split)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(config, corpus, open_pair(config, corpus), Path(folder))
        return spent(trainer.run), trainer.model


def single(ensemble: Model, options: dict[str, Any]) -> Model:
    """Return one pair of untrained towers on the same rows, of the same dimensions in all."""
    changes = {f"towers.image.{key}": value for key, value in options.items()}
    shape = {"towers.members": 1, "towers.dim": ensemble.dim, "towers.image.facets": "joined"}
    return Model(ensemble.config.changed(shape | changes), ensemble.encoders)


def table(title: str, rounds: list[dict[str, Spent]]) -> None:
    """Print what took how long, and how many times as long as the first."""
    print(f"| {title} | seconds | of the processor | ratio |\n|---|---:|---:|---:|")
    first = next(iter(rounds[0]))
    for name in rounds[0]:
        clock, processor = (statistics.median(one[name][which] for one in rounds) for which in (0, 1))
        ratio = statistics.median(one[name][1] / one[first][1] for one in rounds)
        print(f"| {name} | {clock:.2f} | {processor:.2f} | {ratio:.2f} |")
    print(flush=True)


def main() -> None:
    """Race and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "track")
    parser.add_argument("--weights", default=str(SHARED / "weights" / "squeezenet1_1_imagenet_features.pth"))
    parser.add_argument("--store", type=Path, help="where features are kept [as configs/track-single.yaml says]")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rows", type=int, default=8192, help="that are made vectors [8192]")
    options = parser.parse_args()
    if not options.data.is_dir():
        parser.error(f"there is no corpus at {options.data}")
    own = {"data.path": str(options.data), "features.backbones.0.weights": options.weights}
    own |= {} if options.store is None else {"features.store": str(options.store)}
    one = load_config(ROOT / "configs" / "track-single.yaml").changed(own)
    members = one.changed(ENSEMBLE)
    configs = {
        f"configs/track-single.yaml, {one.training.iters} steps": one,
        f"{len(LEVELS)} levels x {HEADS} heads, {members.training.iters} steps": members,
    }
    trainings: list[dict[str, Spent]] = []
    for _ in range(options.repeats):
        found = {name: trained(config) for name, config in configs.items()}
        trainings.append({name: seconds for name, (seconds, _) in found.items()})
    [_, (_, ensemble)] = found.values()
    models = {name: single(ensemble, layers) for name, layers in SINGLE.items()}
    models[f"an ensemble of {members.towers.members}"] = ensemble
    rows = np.random.default_rng(0).normal(size=(options.rows, ensemble.encoders["image"].dim)).astype(np.float32)
    asked = [
        {name: spent(lambda model=model: model.unit_vectors("image", rows)) for name, model in models.items()}
        for _ in range(1 + 2 * options.repeats)
    ]
    table("training", trainings)
    table(f"{options.rows:,} vectors of {ensemble.dim:,} dimensions from rows of {rows.shape[1]:,}", asked[1:])
    print(f"{machine()}.")


if __name__ == "__main__":
    main()

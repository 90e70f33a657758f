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


def single(ensemble: Model) -> Model:
    """Return one pair of untrained towers on the same rows, of the same dimensions in all."""
    shape = {"towers.members": 1, "towers.dim": ensemble.dim, "towers.image.facets": "joined"}
    return Model(ensemble.config.changed(shape), ensemble.encoders)


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
    one, members = (load_config(ROOT / "configs" / f"{name}.yaml").changed(own) for name in ("track-single", "track"))
    configs = {
        f"configs/track-single.yaml, {one.training.iters} steps": one,
        f"configs/track.yaml, {members.towers.members} pairs, {members.training.iters} steps": members,
    }
    trainings: list[dict[str, Spent]] = []
    for _ in range(options.repeats):
        found = {name: trained(config) for name, config in configs.items()}
        trainings.append({name: seconds for name, (seconds, _) in found.items()})
    [_, (_, ensemble)] = found.values()
    models = {"one tower": single(ensemble), f"an ensemble of {members.towers.members}": ensemble}
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

"""MRR on laps not trained on: this project's training, what its parts bring, ridge regression and chance.

Every lap is asked about once: a model is trained on six of the other laps, its step is chosen on the seventh, and every
frame of the lap left out asks both ways, in a pool of 200 of that lap. With `--no-validation` it is trained on all
seven, as what is handed in would be once settings and steps are chosen, and its last step counts. Neighbouring frames
are not independent, so intervals are bootstrapped over blocks of consecutive frames. `python benchmarks/track.py
--help` tells the options.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from track_rows import TABLES
from track_table import BLOCK, WAYS, Asked, print_row

from ntcir.config import Config, load_config
from ntcir.corpora import open_corpus
from ntcir.corpora.corpus import Corpus
from ntcir.encoders import open_pair
from ntcir.encoders.presets import chosen_columns
from ntcir.encoders.readings import ReadingsEncoder
from ntcir.features.image_features import ImageFeatures
from ntcir.formats.topics import TopicSet
from ntcir.modalities import DEFAULT_PAIR
from ntcir.model.model import Model
from ntcir.retrieval.retriever import Retriever
from ntcir.sampling.pools import sample_pool
from ntcir.sampling.topics import build_topics
from ntcir.scoring import random_reciprocal_rank
from ntcir.search.ranking import average_ranks
from ntcir.training.trainer import Trainer

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


@dataclass(frozen=True)
class Fold:
    """A lap that is asked about, and the one by which the step is chosen; "" where the last step counts."""

    test: str
    val: str


def main() -> None:
    """Parse the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "track")
    parser.add_argument("--weights", default=str(SHARED / "weights" / "squeezenet1_1_imagenet_features.pth"))
    parser.add_argument("--table", choices=TABLES, default="ingredients")
    parser.add_argument("--only", metavar="ROW", action="append", help="rows of this name besides the first [all]")
    parser.add_argument("--seeds", type=int, default=3, help="trainings a lap [3]")
    parser.add_argument("--laps", type=int, default=8, help="how many laps are asked about [8]")
    parser.add_argument("--part", choices=("test", "val"), default="test", help="ask the validation laps instead")
    parser.add_argument("--no-validation", action="store_true", help="train on all other laps; the last step counts")
    parser.add_argument("--store", type=Path, default=Path("features"), help="the folder of features [features]")
    options = parser.parse_args()
    if not options.data.is_dir():
        parser.error(f"there is no corpus at {options.data}")
    if options.no_validation and options.part == "val":
        parser.error("without validation there are no validation laps to ask")
    base = load_config(ROOT / "configs" / "track.yaml").changed(
        {"data.path": str(options.data), "features.store": str(options.store)}
    )
    laps = list(dict.fromkeys(open_corpus(options.data, base.data.split).pairs["group"]))
    after = dict(zip(laps, [*laps[1:], laps[0]], strict=True))
    folds = [Fold(lap, "" if options.no_validation else after[lap]) for lap in laps][: options.laps]
    print(
        f"Corpus `track`: {len(folds)} laps, {options.seeds} trainings a lap; every frame asks, in a pool of 200 of its"
    )
    print(f"lap. MRR, in brackets 95% bootstrap intervals over blocks of {BLOCK} consecutive frames; differences are")
    print("paired, from the first row that is trained.\n")
    settings = options.table == "settings"
    more = "step 500 | training laps" if settings else "seconds"
    print(f"| method | img2sen | difference | sen2img | difference | {more} |")
    print(f"|---|---|---|---|---|---:|{'---:|' * settings}")
    chance = f"{random_reciprocal_rank(200):.4f}"
    print(f"| random | {chance} | | {chance} | | |{' |' * settings}")
    cells = {"features.backbones": [{"arch": "squeezenet1_1", "grid": 2}]}
    if not options.no_validation:  # by which its penalty is chosen
        regressed = [ridge(with_weights(base.changed(cells), options.weights), fold, options.part) for fold in folds]
        print_row("ridge regression, 2 x 2 cells", regressed, None, settings=settings)
    trainings = Trainings(base, options.weights, folds, options.seeds, options.part, at_the_end=settings)
    for name, asked, first in trainings.of(TABLES[options.table], options.only):
        print_row(name, asked, first, settings=settings)


@dataclass(frozen=True)
class Trainings:
    """What all rows of a table are trained and asked with.

    Attributes:
        base: the configuration that rows change.
        weights: a file with those of the networks.
        folds: each is trained ``seeds`` times.
        seeds: numbers from 0.
        part: ``test`` or ``val``, which asks.
        at_the_end: whether the model of the last step is asked too.
    """

    base: Config
    weights: str
    folds: Sequence[Fold]
    seeds: int
    part: str
    at_the_end: bool = False

    def of(
        self, rows: Mapping[str, Mapping[str, Any]], only: Sequence[str] | None
    ) -> Iterator[tuple[str, list[Asked], list[Asked] | None]]:
        """Yield name and results of rows, all or the first and these, with those of the first, None for itself."""
        first: list[Asked] | None = None
        for name, changes in rows.items():
            if only and first is not None and name not in only:
                continue
            config = with_weights(self.base.changed(changes), self.weights)
            asked = [
                train(config.changed({"seed": seed}), fold, self.part, at_the_end=self.at_the_end)
                for fold in self.folds
                for seed in range(self.seeds)
            ]
            yield name, asked, first
            first = first or asked


def with_weights(config: Config, weights: str) -> Config:
    """Return a configuration whose networks have weights from a file."""
    number = range(len(config.features.backbones))
    return config.changed({f"features.backbones.{place}.weights": weights for place in number})


def prepared(config: Config, fold: Fold) -> tuple[Config, Corpus]:
    """Return the configuration and corpus with the fold's test and validation laps."""
    val = [fold.val] if fold.val else []
    config = config.changed({"data.split": {"by": "session", "test": [fold.test], "val": val}})
    return config, open_corpus(config.data.path or Path(), config.data.split)


def topics_of(corpus: Corpus, part: str) -> TopicSet:
    """Return a topic a frame and direction, the same for every method."""
    pairs = corpus.split(part)
    return build_topics(corpus, pairs, pool=200, per_day=len(pairs), seed=0, pair=DEFAULT_PAIR)


@dataclass(frozen=True)
class Trained:
    """A training on a fold.

    Attributes:
        chosen: the model of the step that was chosen.
        last: the one of the last step.
        seconds: that it took, once features were there.
    """

    chosen: Model
    last: Model
    seconds: float


_TRAINED: dict[str, Trained] = {}  # by configuration: a bias against hubs is one of the asking, not of the training


def train(config: Config, fold: Fold, part: str, *, at_the_end: bool) -> Asked:
    """Train on a fold and ask every frame of the lap left out; of the last step too, if that is wanted."""
    beta = config.hubness.beta
    config, corpus = prepared(config.changed({"hubness.beta": beta or 0.7}), fold)
    key = config.changed({"hubness.beta": 0.0}).to_yaml()
    if key not in _TRAINED:
        _TRAINED[key] = _trained(config, corpus)
    found = _TRAINED[key]
    found.chosen.config = config.changed({"hubness.beta": beta})
    found.last.config = config.changed({"hubness.beta": 0.0})  # of which no training queries are kept
    asked = topics_of(corpus, part)
    facts = {"seconds": found.seconds}
    if at_the_end:
        facts["last"] = float(np.mean([*answered(found.last, corpus, asked, part).values()]))
        models = (found.chosen, found.last)
        facts["seen"], facts["seen last"] = (float(np.mean(seen_mrr(model, corpus))) for model in models)
    return Asked(getattr(fold, part), answered(found.chosen, corpus, asked, part), facts)


def _trained(config: Config, corpus: Corpus) -> Trained:
    """Train on a fold."""
    rows = open_pair(config, corpus)
    for name, each in rows.items():
        each.ensure(corpus.tables[name].index.tolist())  # not in the seconds of training
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        trainer = Trainer(config, corpus, rows, Path(folder))
        trainer.run()
        seconds = time.perf_counter() - started
        return Trained(Model.load(Path(folder)), trainer.model, seconds)


def answered(model: Model, corpus: Corpus, asked: TopicSet, part: str) -> dict[str, np.ndarray]:
    """Return the reciprocal ranks by direction, in order of time, through the run that `ntcir run` would write."""
    ranks: dict[str, dict[str, float]] = {way: {} for way in WAYS}
    runs = Retriever(model, corpus).run(asked.topics, asked.pools, tag="x", depth=200, split=part)
    for topic, ranking in zip(asked.topics, runs, strict=True):
        scores = {line.split()[2]: float(line.split()[4]) for line in ranking.splitlines()}
        [own] = asked.relevant[topic.topic_id]
        rank = average_ranks(np.array([list(scores.values())]), np.array([list(scores).index(own)]))[0]
        ranks[topic.direction.name][own] = float(1 / rank)
    return {way: in_time(corpus, part, way, found) for way, found in ranks.items()}


def in_time(corpus: Corpus, part: str, way: str, found: dict[str, float]) -> np.ndarray:
    """Return what was found for each answer in order of time, float64 [frames]."""
    pairs = corpus.split(part).sort_values("timestamp", kind="stable")
    answers = pairs["sensor" if way == "img2sen" else "image"]
    return np.array([found[answer] for answer in answers])


def seen_mrr(model: Model, corpus: Corpus) -> list[float]:
    """Return the MRR of both directions in one pool of 200 a training lap, each pair asked once."""
    values = []
    rows = open_pair(model.config, corpus, model.encoders)
    for _, pairs in corpus.split("train").groupby("group", sort=False):
        pool = pairs.loc[sample_pool(pairs, 200, np.random.default_rng(0), pair=DEFAULT_PAIR)]
        left, right = (model.unit_vectors(name, each.load(pool[name].tolist())) for name, each in rows.items())
        for similarity in (left @ right.T, right @ left.T):
            values.append(float((1 / average_ranks(similarity, np.arange(len(pool)))).mean()))
    return values


def ridge(config: Config, fold: Fold, part: str) -> Asked:
    """Regress readings on features, both standardised, the penalty chosen on the validation lap; rank by distance."""
    config, corpus = prepared(config.changed({"sensors.numbers": "raw"}), fold)
    features = ImageFeatures(corpus, config.features)
    features.ensure(corpus.images.index.tolist())
    train, val = corpus.split("train"), corpus.split("val")
    encoder = ReadingsEncoder.fit(
        chosen_columns(config.sensors, corpus.sensors, corpus.layout), corpus.sensors.loc[train["sensor"]]
    )
    x = features.load(train["image"].tolist()).astype(np.float64)
    mean, deviation = x.mean(axis=0), x.std(axis=0) + 1e-9
    x = (x - mean) / deviation
    y = encoder.encode(corpus.sensors.loc[train["sensor"]]).astype(np.float64)
    values, vectors = np.linalg.eigh(x.T @ x)
    projected = vectors.T @ (x.T @ y)

    def scores(images: list[str], sensors: list[str], penalty: float) -> np.ndarray:
        weights = vectors @ (projected / (values + penalty)[:, None])
        predicted = ((features.load(images) - mean) / deviation) @ weights
        actual = encoder.encode(corpus.sensors.loc[sensors])
        distances: np.ndarray = ((predicted[:, None, :] - actual[None, :, :]) ** 2).sum(axis=2)
        return -distances

    def quality(penalty: float) -> float:
        pool = val.iloc[np.random.default_rng(0).permutation(len(val))[:200]]
        square = scores(pool["image"].tolist(), pool["sensor"].tolist(), penalty)
        own = np.arange(len(pool))
        return float((1 / average_ranks(square, own)).mean() + (1 / average_ranks(square.T, own)).mean())

    best = max((10.0**power for power in range(1, 8)), key=quality)
    asked = topics_of(corpus, part)
    pairs = corpus.split(part)
    all_scores = scores(pairs["image"].tolist(), pairs["sensor"].tolist(), best)
    image_at, sensor_at = (pd.Index(pairs[name]) for name in DEFAULT_PAIR)
    readings = pairs.set_index("image")["sensor"]
    found: dict[str, dict[str, float]] = {way: {} for way in WAYS}
    for topic in asked.topics:
        pool, [own] = asked.pools[topic.topic_id], asked.relevant[topic.topic_id]
        if topic.direction.name == "img2sen":
            row_scores = all_scores[image_at.get_loc(str(topic.query)), sensor_at.get_indexer(pd.Index(pool))]
        else:
            row_scores = all_scores[image_at.get_indexer(pd.Index(pool)), sensor_at.get_loc(readings[own])]
        found[topic.direction.name][own] = 1 / average_ranks(row_scores[None], np.array([pool.index(own)]))[0]
    return Asked(getattr(fold, part), {way: in_time(corpus, part, way, each) for way, each in found.items()}, {})


if __name__ == "__main__":
    main()

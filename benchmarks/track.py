"""MRR on laps not trained on: this project's training, its variants, ridge regression and chance, in the same pools.

Every lap is asked about once: a model is trained on six of the other laps, its step is chosen on the seventh, and
topics are drawn from the lap left out, in pools of 200. `python benchmarks/track.py --help` tells the options.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

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
from ntcir.scoring import bootstrap, random_reciprocal_rank
from ntcir.search.ranking import average_ranks
from ntcir.training.trainer import Trainer

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
# name -> what is changed; in the order of the table. The first is the configuration as it stands.
VARIANTS: dict[str, dict[str, Any]] = {
    "configs/track.yaml": {},
    "without dropout": {"towers.image_dropout": 0.0},
    "one cell instead of 2 x 2": {"features.backbones.0.grid": 1},
    "without near-in-time masking": {"training.near_seconds": 0.0, "training.mask_equal_readings": False},
    "batches of one lap": {"training.batches": "day"},
    "temperature 0.07": {"training.temperature": 0.07},
}
# Average-pooled features, no dropout, no masking, temperature 0.5: the plainest contrastive model there is.
SKETCH = {
    "features.backbones.0.grid": 1,
    "towers.image_dropout": 0.0,
    "training.near_seconds": 0.0,
    "training.mask_equal_readings": False,
    "training.temperature": 0.5,
}
VARIANTS |= {
    "plain (one cell, no dropout, no masking, temperature 0.5)": SKETCH,
    "plain, temperature 0.07": SKETCH | {"training.temperature": 0.07},
    "plain, temperature 0.07, masking": SKETCH
    | {"training.temperature": 0.07, "training.near_seconds": 0.25, "training.mask_equal_readings": True},
    "plain, temperature 0.07, dropout 0.5": SKETCH | {"training.temperature": 0.07, "towers.image_dropout": 0.5},
}


def main() -> None:
    """Parse the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "track")
    parser.add_argument("--weights", default=str(SHARED / "weights" / "squeezenet1_1_imagenet_features.pth"))
    parser.add_argument("--topics", type=int, default=100, help="topics a direction and lap [100]")
    parser.add_argument("--seeds", type=int, default=3, help="trainings a lap [3]")
    parser.add_argument("--variants", type=int, default=len(VARIANTS), help="how many variants, from the first [all]")
    parser.add_argument("--laps", type=int, default=8, help="how many laps are asked about [8]")
    options = parser.parse_args()
    if not options.data.is_dir():
        parser.error(f"there is no corpus at {options.data}")
    base = load_config(ROOT / "configs" / "track.yaml").changed(
        {"data.path": str(options.data), "features.backbones.0.weights": options.weights}
    )
    sessions = list(dict.fromkeys(open_corpus(options.data, base.data.split).pairs["group"]))
    print(f"Corpus `track`: {len(sessions)} laps, {options.topics} topics a direction and lap, pools of 200,")
    print(f"{options.seeds} trainings a lap. MRR, in brackets the 95% bootstrap interval over topics; the step is")
    print("chosen on the validation lap. `step 500` is both directions' mean without that choice, `training laps`")
    print("their mean on laps trained on (at the chosen step, at step 500).\n")
    print("| method | img2sen | sen2img | step 500 | training laps |\n|---|---|---|---:|---:|")
    chance = random_reciprocal_rank(200)
    print(f"| random | {chance:.4f} | {chance:.4f} | | |")
    folds = [(lap, sessions[(number + 1) % len(sessions)]) for number, lap in enumerate(sessions)][: options.laps]
    row("ridge regression, 2 x 2 cells", [ridge(base, fold, options.topics) for fold in folds])
    one_cell = base.changed({"features.backbones.0.grid": 1})
    row("ridge regression, one cell", [ridge(one_cell, fold, options.topics) for fold in folds])
    for name, changes in itertools.islice(VARIANTS.items(), options.variants):
        config = base.changed(changes)
        started = time.perf_counter()
        row(name, [train(config, fold, options.topics, seed) for fold in folds for seed in range(options.seeds)])
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)


Result = dict[str, np.ndarray]  # direction -> reciprocal rank of each topic; what is trained has means besides


def row(name: str, results: list[Result]) -> None:
    """Print one line of the table."""
    cells = []
    for direction in ("img2sen", "sen2img"):
        values = np.concatenate([result[direction] for result in results])
        low, high = interval(results, direction)
        cells.append(f"{values.mean():.4f} [{low:.3f}, {high:.3f}]")
    if "last" in results[0]:
        last, seen, learnt = (np.mean([result[key] for result in results]) for key in ("last", "seen", "seen last"))
        cells += [f"{last:.4f}", f"{seen:.2f}, {learnt:.2f}"]
    else:
        cells += ["", ""]
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def interval(results: list[Result], direction: str) -> tuple[float, float]:
    """Return the bootstrap interval over topics; a topic asked of several trainings is one topic, with their mean."""
    by_lap: dict[str, list[np.ndarray]] = {}
    for result in results:
        by_lap.setdefault(str(result["lap"]), []).append(result[direction])
    return bootstrap(np.concatenate([np.mean(values, axis=0) for values in by_lap.values()]))


def prepared(config: Config, fold: tuple[str, str]) -> tuple[Config, Corpus]:
    """Return the configuration and corpus with the fold's test and validation laps."""
    test, val = fold
    config = config.changed({"data.split": {"by": "session", "test": [test], "val": [val]}})
    return config, open_corpus(config.data.path or Path(), config.data.split)


def drawn(corpus: Corpus, topics: int) -> TopicSet:
    """Return the topics of the lap left out, the same for every method."""
    return build_topics(corpus, corpus.split("test"), pool=200, per_day=topics, seed=0, pair=DEFAULT_PAIR)


def train(config: Config, fold: tuple[str, str], topics: int, seed: int) -> Result:
    """Train on a fold and return the reciprocal ranks on the lap left out, and what the last step would have had."""
    config, corpus = prepared(config.changed({"seed": seed}), fold)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(config, corpus, open_pair(config, corpus), Path(folder))
        trainer.run()
        chosen, last = Model.load(Path(folder)), trainer.model
    asked = drawn(corpus, topics)
    result = {direction: np.asarray(values) for direction, values in answered(chosen, corpus, asked).items()}
    at_the_end = answered(last, corpus, asked)
    result["lap"] = np.asarray(fold[0])
    result["last"] = np.mean([*at_the_end["img2sen"], *at_the_end["sen2img"]])
    result["seen"], result["seen last"] = (np.mean(seen_mrr(model, corpus, config)) for model in (chosen, last))
    return result


def answered(model: Model, corpus: Corpus, asked: TopicSet) -> dict[str, list[float]]:
    """Return the reciprocal ranks of the topics by direction, through the run that `ntcir run` would write."""
    lines = "".join(Retriever(model, corpus).run(asked.topics, asked.pools, tag="x", depth=200, split="test"))
    scores: dict[str, dict[str, float]] = {}
    for topic, _, document, _, score, _ in (line.split() for line in lines.splitlines()):
        scores.setdefault(topic, {})[document] = float(score)
    result: dict[str, list[float]] = {"img2sen": [], "sen2img": []}
    for topic in asked.topics:
        ranked = scores[topic.topic_id]
        [own] = asked.relevant[topic.topic_id]
        rank = average_ranks(np.array([list(ranked.values())]), np.array([list(ranked).index(own)]))[0]
        result[topic.direction.name].append(float(1 / rank))
    return result


def seen_mrr(model: Model, corpus: Corpus, config: Config) -> list[float]:
    """Return the MRR of both directions in one pool of 200 a training lap, each pair asked once."""
    features = ImageFeatures(corpus, config.features)
    values = []
    for _, rows in corpus.split("train").groupby("group", sort=False):
        pool = rows.loc[sample_pool(rows, 200, np.random.default_rng(0), pair=DEFAULT_PAIR)]
        features.ensure(pool["image"].tolist())
        images = model.encode("image", features.load(pool["image"].tolist())).vectors
        sensors = model.encode("sensor", model.encoders["sensor"].encode(corpus.sensors.loc[pool["sensor"]])).vectors
        for similarity in (images @ sensors.T, sensors @ images.T):
            values.append(float((1 / average_ranks(similarity, np.arange(len(pool)))).mean()))
    return values


def ridge(config: Config, fold: tuple[str, str], topics: int) -> Result:
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
        return -((predicted[:, None, :] - actual[None, :, :]) ** 2).sum(axis=2)

    def quality(penalty: float) -> float:
        pool = val.iloc[np.random.default_rng(0).permutation(len(val))[:200]]
        square = scores(pool["image"].tolist(), pool["sensor"].tolist(), penalty)
        own = np.arange(len(pool))
        return float((1 / average_ranks(square, own)).mean() + (1 / average_ranks(square.T, own)).mean())

    best = max((10.0**power for power in range(1, 8)), key=quality)
    asked = drawn(corpus, topics)
    result: dict[str, Any] = {"lap": fold[0], "img2sen": [], "sen2img": []}
    for topic in asked.topics:
        pool, [own] = asked.pools[topic.topic_id], asked.relevant[topic.topic_id]
        if topic.direction.name == "img2sen":
            row_scores = scores([str(topic.query)], pool, best)
        else:
            reading = corpus.pairs.set_index("image").loc[own, "sensor"]
            row_scores = scores(pool, [str(reading)], best).T
        result[topic.direction.name].append(1 / average_ranks(row_scores, np.array([pool.index(own)]))[0])
    return {key: np.asarray(value) for key, value in result.items()}


if __name__ == "__main__":
    main()

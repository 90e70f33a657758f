"""The dual-path network on Flickr8k: stage I and stage II, by ranking loss, instance loss and both.

    python benchmarks/dual_path.py [--seeds 1] [--only stage-1] [--choose]

It trains what the configurations `configs/dual-path-flickr8k*.yaml` say, and the same with one thing changed, and asks
the part `dev`, 113 pictures and 565 captions, and as many training pictures. Models are kept in --work: a training
that is finished is not repeated. With --choose, training pictures are asked instead, fold by fold, by models of the
others: values were chosen by that.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from caption_choice import variants
from caption_models import Opened, folds, training_only
from caption_table import CUTOFFS, difference_cells, figure_cells
from model_fits import ByDirection, answered

from ntcir.ablation.quiet import saying_once
from ntcir.config import Config, load_config
from ntcir.corpora import open_corpus
from ntcir.corpora.corpus import Corpus
from ntcir.encoders import open_pair
from ntcir.modalities import directions
from ntcir.model.metrics import METRICS, read_metrics
from ntcir.model.model import Model
from ntcir.model.trained import is_finished
from ntcir.retrieval.evaluating import figures_of
from ntcir.scoring import group_score
from ntcir.system.errors import UserError
from ntcir.system.progress import say
from ntcir.training.trainer import Trainer, train

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
EPOCH = 12  # steps that first and last losses are the means of
CHOICE_FOLDS = 2
RANKING = {"kind": "ranking", "margin": 0.2, "warm_up": 0}
WARM_UP = 200  # steps, where a ranking loss is alone from the beginning
INSTANCE = {"kind": "instance", "dropout": 0.5}
STAGE_1, SQUEEZENET, STAGE_2 = "dual-path-flickr8k", "dual-path-flickr8k-squeezenet", "dual-path-flickr8k-2"
# One key at a time, beside the configuration's own value.
GRID: dict[str, tuple[Any, ...]] = {
    "training.lr": (0.03, 0.1),
    "objectives.0.dropout": (0.25, 0.5),
    "towers.image.input_dropout": (0.5, 0.75),
    "towers.text.input_dropout": (0.0, 0.2),
    "texts.shift": ("never", "always"),
}


@dataclass(frozen=True)
class Method:
    """A training.

    Attributes:
        name: in the table.
        config: the file of ``configs/``, without its ending.
        changes: to that; dotted keys.
        start: the name of the method that it begins from; None for random weights.
        against: the names of methods that it is compared with.
    """

    name: str
    config: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    start: str | None = None
    against: tuple[str, ...] = ()


def _objectives(*some: Mapping[str, Any]) -> dict[str, Any]:
    return {"objectives": list(some)}


ONLY_RANKING, ONLY_INSTANCE = "only ranking loss, stage I", "only instance loss, stage I"
TABLES: dict[str, Sequence[Method]] = {
    "stage-1": (
        Method("only ranking loss, random negatives", STAGE_1, _objectives(RANKING | {"negatives": "random"})),
        Method(ONLY_RANKING, STAGE_1, _objectives(RANKING | {"warm_up": WARM_UP})),
        Method(ONLY_INSTANCE, STAGE_1, against=(ONLY_RANKING,)),
        Method("both, stage I", STAGE_1, _objectives(RANKING, INSTANCE), against=(ONLY_INSTANCE,)),
        Method("InfoNCE, the same towers", STAGE_1, _objectives({"kind": "info_nce", "temperature": 0.07})),
    ),
    "classes": (
        Method("50 classes", STAGE_1, _objectives(INSTANCE | {"clusters": 50})),
        Method("200 classes", STAGE_1, _objectives(INSTANCE | {"clusters": 200})),
        Method(ONLY_INSTANCE, STAGE_1, against=("200 classes",)),
    ),
    "stage-2": (
        Method("SqueezeNet, only instance loss, stage I", SQUEEZENET),
        *(
            Method(f"{name}, stage II", STAGE_2, changes, "SqueezeNet, only instance loss, stage I", against)
            for name, changes, against in (
                ("only ranking loss", _objectives(RANKING), ()),
                ("only instance loss", _objectives(INSTANCE), ()),
                ("2 : 1 : 0.1", _objectives(RANKING | {"weight": 2}, INSTANCE | {"sides": [1.0, 0.1]}), ()),
                ("1 : 1 : 1", {}, ("SqueezeNet, only instance loss, stage I", "only ranking loss, stage II")),
            )
        ),
    ),
    "others": (
        Method("CCA, EfficientNet-Lite2 and MiniLM", "cca"),
        Method("InfoNCE, EfficientNet-Lite2 and MiniLM", "flickr8k-minilm"),
        Method(
            "CCA, EfficientNet-Lite2 and TF-IDF",
            "cca",
            {"towers.text": {"encoder": "words"}, "texts": {"form": "bag", "tfidf": True, "stop_words": "english"}},
        ),
        Method("CCA, SqueezeNet and TF-IDF", "flickr8k", {"objectives": [{"kind": "cca"}], "training.iters": 0}),
        Method("InfoNCE, SqueezeNet and TF-IDF", "flickr8k"),
    ),
}


@dataclass(frozen=True)
class Asked:
    """What came of a method: figures of ``dev`` and of training pictures by direction, a seed each, and its log."""

    dev: list[ByDirection]
    own: list[ByDirection]
    losses: tuple[float, float]
    seconds: float


class Bench:
    """Trains and asks.

    Args:
        options: of the command line.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self._found: dict[str, Asked] = {}

    def config(self, method: Method, seed: int) -> Config:
        """Return a method's configuration, but for where things lie."""
        config = load_config(ROOT / "configs" / f"{method.config}.yaml")
        own = config.changed(placed(config, self.options) | {"seed": seed})
        if method.start is not None:
            own = own.changed({"training.start": str(self.folder(method.start, seed))})
        return own.changed(method.changes) if method.changes else own

    def folder(self, name: str, seed: int) -> Path:
        """Return where a method's model lies."""
        plain = "-".join("".join(letter if letter.isalnum() else " " for letter in name).split())
        return Path(self.options.work) / f"{plain}-{seed}".lower()

    def asked(self, method: Method) -> Asked:
        """Train a method, where its model is not there, and ask what there is."""
        if method.name not in self._found:
            dev, own, logs = [], [], []
            for seed in range(self.options.seeds):
                config, folder = self.config(method, seed), self.folder(method.name, seed)
                corpus = open_corpus(self.options.data / "flickr8k", config.data.split, pair=config.pair)
                if config.losses or not is_finished(folder):  # what is finished is only checked to be the same
                    train(config, lambda corpus=corpus: corpus, folder, resume=folder.is_dir())
                model = Model.load(folder)
                dev.append(figures(model, config, corpus, corpus.split("test")))
                own.append(figures(model, config, corpus, some_of_training(corpus)))
                logs.append(read_metrics(folder / METRICS))
            self._found[method.name] = Asked(dev, own, _losses(logs), _seconds(logs))
        return self._found[method.name]


def placed(config: Config, options: argparse.Namespace) -> dict[str, Any]:
    """Return changes by which weights, word vectors and features are where the command line says."""
    files = {
        f"features.backbones.{place}.weights": str(options.weights / Path(network.weights).name)
        for place, network in enumerate(config.features.backbones)
        if network.weights.endswith((".pth", ".safetensors"))
    }
    if config.texts.vectors is not None:
        files["texts.vectors"] = str(options.data / "glove" / config.texts.vectors.name)
    return files | {"features.store": str(options.work / "features")}


def figures(model: Model, config: Config, corpus: Corpus, pairs: pd.DataFrame) -> ByDirection:
    """Return the figures of pairs, all of whose items ask and rank all of the other side."""
    rows = open_pair(model.config.changed({"features.store": str(config.features.store)}), corpus, model.encoders)
    for name, each in rows.items():
        each.ensure(pairs[name].tolist())
    return figures_of(model, corpus, rows, pairs, None, config.seed)


def some_of_training(corpus: Corpus) -> pd.DataFrame:
    """Return the pairs of as many training pictures as the test split has, every so many-th."""
    pairs = corpus.split("train")
    pictures = pairs["image"].unique()
    number = corpus.split("test")["image"].nunique()
    chosen = pictures[np.linspace(0, len(pictures) - 1, number).astype(int)]
    return pairs[pairs["image"].isin(chosen)]


def print_table(bench: Bench, methods: Sequence[Method]) -> None:
    """Print a table, a row each as it is known."""
    config = bench.config(methods[0], 0)
    names = [each.name for each in reversed(directions(config.pair))]
    heads = [f"{name} MRR | {' | '.join(f'R@{k}' for k in CUTOFFS)} | median rank" for name in names]
    own = [f"{name}, training pictures" for name in names]
    print(f"\n| method | {' | '.join([*heads, *own])} | loss | seconds |")
    print(f"|---|{'---|---:|---:|---:|---:|' * len(names)}{'---:|' * (len(own) + 2)}")
    for method in methods:
        found = bench.asked(method)
        cells = [cell for name in names for cell in figure_cells([each[name] for each in found.dev])]
        cells += [f"{np.mean([group_score(each[name]).mrr for each in found.own]):.4f}" for name in names]
        first, last = found.losses
        log = f"{first:.3g} to {last:.3g} | {found.seconds:.0f}" if first else " | "  # what is solved has none
        print(f"| {method.name} | {' | '.join(cells)} | {log} |", flush=True)
        for other in method.against:
            theirs = bench.asked(next(each for each in methods if each.name == other))
            cells = [
                cell
                for name in names
                for cell in difference_cells([each[name] for each in found.dev], [each[name] for each in theirs.dev])
            ]
            print(f"| difference to {other} | {' | '.join(cells)} | | | | |", flush=True)


def print_choice(options: argparse.Namespace) -> None:
    """Print MRR of stage I by the values of a key, one key at a time, over folds of the training pictures."""
    config = load_config(ROOT / "configs" / f"{STAGE_1}.yaml")
    config = config.changed(placed(config, options))
    corpus = training_only(open_corpus(options.data / "flickr8k", config.data.split, pair=config.pair))
    names = " / ".join(each.name for each in reversed(directions(config.pair)))
    print(f"| {names} | MRR | difference |\n|---|---|---|")
    usual: np.ndarray | None = None
    for name, changes in variants(config, GRID):
        changed = config.changed(changes)
        found = np.array([crossed(fold, changed) for fold in folds(Opened(changed, corpus), CHOICE_FOLDS)])
        usual = found if usual is None else usual
        gain = (found - usual).mean(axis=1)
        noise = gain.std(ddof=1) / len(gain) ** 0.5
        told = f"{gain.mean():+.4f} ± {noise:.4f}" if changes else ""
        print(f"| {name} | {' / '.join(f'{mrr:.4f}' for mrr in found.mean(axis=0))} | {told} |", flush=True)


def crossed(fold: Opened, config: Config) -> list[float]:
    """Return the MRR of both directions on a fold's validation split, after the last step."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(config.changed({"training.validate_every": 10**6}), fold.corpus, fold.rows(), Path(folder))
        trainer.run()
        found = answered(fold, Model.load(Path(folder)), "val", None)
    return [float(group_score(found[each.name]).mrr) for each in reversed(directions(config.pair))]


def _losses(logs: Sequence[Sequence[Mapping[str, Any]]]) -> tuple[float, float]:
    """Return the loss at the beginning and at the end, each the mean over some steps and all seeds."""
    losses = [[float(row["loss"]) for row in log] for log in logs if log]
    if not losses:
        return 0.0, 0.0
    return float(np.mean([each[:EPOCH] for each in losses])), float(np.mean([each[-EPOCH:] for each in losses]))


def _seconds(logs: Sequence[Sequence[Mapping[str, Any]]]) -> float:
    return float(np.median([max((row.get("seconds", 0.0) for row in log), default=0.0) for log in logs]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHARED / "data", help="folder of the corpora")
    parser.add_argument("--weights", type=Path, default=SHARED / "weights", help="folder of the image networks' files")
    parser.add_argument("--work", type=Path, default=Path("runs/dual-path"), help="where models and features are kept")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each method [1]")
    parser.add_argument("--only", action="append", default=[], choices=list(TABLES), help="one table; repeatable")
    parser.add_argument("--choose", action="store_true", help="ask training pictures, fold by fold")
    options = parser.parse_args(arguments)
    if options.seeds < 1:
        parser.error(f"--seeds {options.seeds} is not valid: give a number of at least 1")
    with saying_once({"Training"}):
        if options.choose:
            print_choice(options)
            return
        bench = Bench(options)
        for name in options.only or TABLES:
            try:
                print_table(bench, TABLES[name])
            except UserError as error:  # data, weights or libraries that are not there
                say(f"{name} is left out: {error}")


if __name__ == "__main__":
    main()

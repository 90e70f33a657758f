"""Solved, trained, and trained from what was solved: the same pairs, asked the same way, with the seconds of each.

    python benchmarks/without_training.py [--seeds 3] [--only flickr8k-minilm] [--choose | --curve]

Flickr8k (its part `dev`) and the Wikipedia collection (its test split) are asked with every item, which ranks all of
the other side; `track` and `imu` by session: each session is asked in pools of 200, by models of the others. With
--choose, training pictures of Flickr8k are asked instead, in five folds, by models of the others: settings were chosen
by that. With --curve it prints how figures grow with the number of training pictures, and draws them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from caption_models import Opened, folds, training_only
from caption_table import difference_cells, figure_cells
from model_fits import ByDirection, Fit, Method, answered, fits
from pair_curve import print_curve
from solved_methods import CCA, choices_of_captions, of_captions, of_curve, of_readings, of_vectors

from ntcir.ablation.quiet import saying_once
from ntcir.config import Config, load_config
from ntcir.corpora import open_corpus
from ntcir.measures.reciprocal import Figures
from ntcir.modalities import directions
from ntcir.retrieval.category_precision import category_scores
from ntcir.retrieval.items import encoded
from ntcir.sampling.galleries import WholeSplit
from ntcir.scoring import group_score
from ntcir.system.errors import UserError
from ntcir.system.progress import say

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
SQUEEZENET = "squeezenet1_1_imagenet_features.pth"
POOL = 200  # of a session
AGAINST = (("InfoNCE", CCA), ("InfoNCE from CCA", CCA), ("CCA and InfoNCE, averaged", CCA))  # of the curve
CAPTIONED = ("flickr8k-minilm", "flickr8k")


@dataclass(frozen=True)
class Race:
    """Methods on one corpus.

    Attributes:
        name: for people.
        config: of the corpus; methods change it.
        data: where the corpus lies.
        methods: each behind the one that it begins from.
        sessions: whether each session is asked by models of the others; else the test split is.
        categories: whether mean average precision over categories is told too.
        crossed: whether training pictures are asked, fold by fold, instead of the test split.
    """

    name: str
    config: Config
    data: Path
    methods: Sequence[Method]
    sessions: bool = False
    categories: bool = False
    crossed: bool = False

    @property
    def asked(self) -> str:
        """The split that is asked."""
        return "val" if self.crossed else "test"

    def folds(self) -> Iterator[Opened]:
        """Yield the corpus as often as it is split; rows are opened once."""
        config = self.config
        opened = Opened(config, open_corpus(self.data, config.data.split, pair=config.pair))
        if self.crossed:
            yield from folds(opened.of(training_only(opened.corpus)))
            return
        if not self.sessions:
            yield opened
            return
        sessions = list(dict.fromkeys(opened.corpus.pairs["group"]))
        for place, session in enumerate(sessions):
            validated = sessions[(place + 1) % len(sessions)]
            split = {"by": "session", "test": [session], "val": [validated]}
            changed = opened.changed({"data.split": split})
            yield changed.of(open_corpus(self.data, changed.config.data.split, pair=config.pair))


@dataclass
class Answers:
    """What came of one method: figures by direction of each seed, seconds of each fit, and mAP by direction."""

    figures: list[list[ByDirection]]  # by seed, by fold
    seconds: list[float]
    categories: list[dict[str, float]]

    def joined(self, direction: str) -> list[Figures]:
        """Return the figures of a direction over all folds, one a seed."""
        return [joined([fold[direction] for fold in folds]) for folds in self.figures]


def joined(parts: Sequence[Figures]) -> Figures:
    """Return the figures of several folds; a cluster is of one fold."""
    apart, before = [], 0
    for part in parts:
        clusters = None if part.clusters is None else part.clusters + before
        before += 0 if part.clusters is None else int(part.clusters.max()) + 1
        apart.append(replace(part, clusters=clusters))
    return Figures.joined(apart)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHARED / "data", help="folder of the corpora")
    parser.add_argument("--weights", type=Path, default=SHARED / "weights", help="folder of the image networks' files")
    parser.add_argument("--work", type=Path, default=Path("runs/without-training"), help="where features are stored")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each method [3]")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="one of the corpora; repeatable")
    parser.add_argument("--choose", action="store_true", help="ask training pictures of Flickr8k, fold by fold")
    parser.add_argument("--curve", action="store_true", help="print figures by the number of training pictures")
    parser.add_argument("--draws", type=int, default=5, help="of --curve: samples of each number of pictures [5]")
    parser.add_argument("--picture", type=Path, help="of --curve: where the chart is drawn")
    options = parser.parse_args(arguments)
    for key in ("seeds", "draws"):
        if getattr(options, key) < 1:
            parser.error(f"--{key} {getattr(options, key)} is not valid: give a number of at least 1")
    if odd := [name for name in options.only if name not in RACES]:
        parser.error(f"--only {odd[0]} is not valid: there are {', '.join(RACES)}")
    known = CAPTIONED if options.choose or options.curve else RACES
    if others := [name for name in options.only if name not in known]:
        parser.error(f"--only {others[0]}: --choose and --curve are for {' and '.join(CAPTIONED)}")
    measured = 0
    for name in options.only or known:
        started = time.perf_counter()
        try:
            race = RACES[name](name, options)
            if options.choose:
                race = replace(race, methods=choices_of_captions(race.config), crossed=True)
            with saying_once({"Training"}):
                if not options.curve:
                    print_table(race, options.seeds)
                else:
                    print_curve(next(race.folds()), of_curve(race.config), options.draws, options.picture, AGAINST)
        except UserError as error:  # data, weights or libraries that are not there
            say(f"{name} is left out: {error}")
            continue
        measured += 1
        say(f"{name}: {time.perf_counter() - started:.0f} s")
    if not measured:
        raise SystemExit("Nothing could be measured.")


def print_table(race: Race, seeds: int) -> None:
    """Run a race and print its table."""
    names = [each.name for each in reversed(directions(race.config.pair))]
    of_categories = [f"{name} mAP" for name in names] if race.categories else []
    figures = [f"{name} MRR | R@1 | R@5 | R@10 | median rank" for name in names]
    answers = run(race, seeds)
    print(f"\n{race.name}:\n")
    print(f"| method | {' | '.join([*figures, *of_categories, 'seconds'])} |")
    print(f"|---|{'---|---:|---:|---:|---:|' * len(names)}{'---:|' * len(of_categories)}---:|")
    first = next(iter(answers.values()))
    chances = [group_score(first.joined(name)[0]).random_mrr for name in names]
    _print("random", [[f"{chance:.4f}", *[""] * 4] for chance in chances], [""] * len(of_categories), "")
    for method in race.methods:
        found = answers[method.name]
        maps = [f"{np.mean([each[name] for each in found.categories]):.4f}" for name in names if race.categories]
        cells = [figure_cells(found.joined(name)) for name in names]
        _print(method.name, cells, maps, f"{np.median(found.seconds):.2g}")
        if method.start is not None:
            began = answers[method.start]
            differences = [difference_cells(found.joined(name), began.joined(name)) for name in names]
            _print(f"difference to {method.start}", differences, [""] * len(of_categories), "")


def run(race: Race, seeds: int) -> dict[str, Answers]:
    """Return the answers of each method."""
    answers = {method.name: Answers([], [], []) for method in race.methods}
    for opened in race.folds():
        for method, found in fits(opened, race.methods, seeds):
            of_method = answers[method.name]
            of_method.figures += [[] for _ in found[len(of_method.figures) :]]
            for seed, made in enumerate(found):
                of_method.figures[seed].append(
                    answered(opened, made.model, race.asked, POOL if race.sessions else None)
                )
                of_method.seconds.append(made.seconds)
                if race.categories:
                    of_method.categories.append(mean_average_precision(opened, made))
            say(f"{race.name}: {method.name} is done", kind=f"{id(opened)} {method.name}")
    return answers


def mean_average_precision(opened: Opened, made: Fit) -> dict[str, float]:
    """Return mAP over categories of the test split, by direction."""
    rows, model = opened.rows(made.model.encoders), made.model
    whole = WholeSplit.of(opened.corpus.split("test"), model.config.pair)
    vectors = {name: encoded(model, name, rows[name], list(ids)) for name, ids in whole.items.items()}
    scores, _ = category_scores(vectors, whole, model.directions, opened.corpus)
    return {name: score.mean or 0.0 for name, score in scores.items()}


def _print(method: str, cells: Sequence[Sequence[str]], maps: Sequence[str], seconds: str) -> None:
    print(f"| {method} | {' | '.join([*(cell for some in cells for cell in some), *maps, seconds])} |", flush=True)


def _flickr8k(name: str, options: argparse.Namespace) -> Race:
    config = configured(ROOT / "configs" / f"{name}.yaml", options)
    return Race(name, config, options.data / "flickr8k", of_captions(config))


def _wikipedia(name: str, options: argparse.Namespace) -> Race:
    config = configured(ROOT / "configs" / "wikipedia.yaml", options)
    return Race(name, config, options.data / "wikipedia", of_vectors(config), categories=True)


def _sessions(name: str, options: argparse.Namespace) -> Race:
    config = configured(ROOT / "configs" / "track-single.yaml", options)
    config = config.changed({"features.backbones.0.weights": str(options.weights / SQUEEZENET)})
    return Race(name, config, options.data / name, of_readings(config), sessions=True)


def configured(path: Path, options: argparse.Namespace) -> Config:
    """Return a configuration as it stands, but for where things lie.

    Raises:
        UserError: if it names what is not there.
    """
    config = load_config(path)
    names = [backbone.weights for backbone in config.features.backbones]
    files = {
        f"features.backbones.{place}.weights": str(options.weights / Path(name).name)
        for place, name in enumerate(names)
        if name.endswith((".pth", ".safetensors"))
    }
    return config.changed({**files, "features.store": str(options.work / "features")})


RACES: Mapping[str, Callable[[str, argparse.Namespace], Race]] = {
    "flickr8k-minilm": _flickr8k,
    "flickr8k": _flickr8k,
    "wikipedia": _wikipedia,
    "track": _sessions,
    "imu": _sessions,
}


if __name__ == "__main__":
    main()

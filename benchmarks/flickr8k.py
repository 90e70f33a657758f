"""Captions and pictures, each asking for the other: this project's training, regularised CCA and chance.

    python benchmarks/flickr8k.py [--seeds 5] [--choose]

The models of configs/flickr8k.yaml and configs/flickr8k-minilm.yaml are trained on the training pictures of Flickr8k
and asked about its part `dev`, then about pictures of COCO, of which training had none. With --choose it prints instead
what the values of these configurations were chosen by: cross-validation among the training pictures.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from caption_choice import choice
from caption_models import FOLDS, Opened, Question, cca, train, training_only
from caption_table import Table

from ntcir.ablation.quiet import saying_once
from ntcir.config import Config, load_config
from ntcir.corpora import open_corpus
from ntcir.corpora.corpus import Corpus
from ntcir.system.errors import UserError
from ntcir.system.progress import say

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
CONFIGS = ("configs/flickr8k.yaml", "configs/flickr8k-minilm.yaml")
DEV, COCO = "Flickr8k, part dev", "COCO, not trained on"


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "flickr8k")
    parser.add_argument("--coco", type=Path, default=SHARED / "data" / "coco")
    parser.add_argument("--photos", type=Path, default=SHARED / "data" / "photos", help="more of COCO's pictures")
    parser.add_argument("--weights", type=Path, default=SHARED / "weights", help="folder of the image networks' files")
    parser.add_argument("--work", type=Path, default=Path("runs/flickr8k"), help="where features are stored")
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each configuration [5]")
    parser.add_argument("--choose", action="store_true", help="print what the configurations were chosen by")
    options = parser.parse_args(arguments)
    if options.seeds < 1:
        parser.error(f"--seeds {options.seeds} is not valid: give a number of at least 1")
    for folder in (options.data, options.weights, *([] if options.choose else [options.coco, options.photos])):
        if not folder.is_dir():
            parser.error(f"there is no folder {folder}")
    tables: dict[str, Table] = {}
    measured = 0
    for name in CONFIGS:
        try:
            config = configured(ROOT / name, options.weights, options.work)
            opened = Opened(config, training_only(flickr8k(config, options.data)))
        except UserError as error:  # weights or libraries that are not there
            say(f"{name} is left out: {error}")
            continue
        measured += 1
        started = time.perf_counter()
        with saying_once({"Training"}):
            if options.choose:
                print_choice(name, opened)
            else:
                compare(name, opened, options, tables)
        say(f"{name}: {time.perf_counter() - started:.0f} s")
    for heading, table in tables.items():
        print(f"\n{heading}: {table}")
    if not measured:
        raise SystemExit("No configuration could be measured.")


def configured(path: Path, weights: Path, work: Path) -> Config:
    """Return a configuration as it stands, but for where things lie.

    Raises:
        UserError: if it names what is not there.
    """
    config = load_config(path)
    names = [Path(backbone.weights).name for backbone in config.features.backbones]
    files = {f"features.backbones.{place}.weights": str(weights / name) for place, name in enumerate(names)}
    return config.changed({**files, "features.store": str(work / "features")})


def flickr8k(config: Config, root: Path) -> Corpus:
    """Read Flickr8k, split as a configuration says."""
    return open_corpus(root, config.data.split, pair=config.pair)


def print_choice(name: str, training: Opened) -> None:
    """Print the table of a configuration's cross-validation, line by line."""
    pictures = training.corpus.pairs[training.config.pair[0]].nunique()
    print(f"\n{name}, {pictures:,} training pictures in {FOLDS} folds:\n")
    for line in choice(training):
        print(line, flush=True)


def compare(name: str, training: Opened, options: argparse.Namespace, tables: dict[str, Table]) -> None:
    """Add the rows of a configuration to the tables.

    Args:
        name: of the configuration.
        training: Flickr8k's training pictures alone, by which CCA is regularised.
        options: of the command line.
        tables: by what is asked; made by the first configuration.
    """
    config = training.config
    flickr = Opened(config, flickr8k(config, options.data))
    coco = Opened(config, open_corpus(options.coco, None, pictures=options.photos, pair=config.pair))
    questions = {DEV: Question.of(flickr, "test"), COCO: Question.of(coco, None)}
    baselines = {method: cca(training.changed(changes)) for method, changes in baselines_of(config).items()}
    models = []
    for seed in range(options.seeds):
        models.append(train(flickr, config.changed({"seed": seed})))
        say(f"{name}: {seed + 1} of {options.seeds} trainings are done", kind=f"{name} {seed}")
    for heading, question in questions.items():
        table = tables.setdefault(heading, Table(question))
        answers = [question.answered(model) for model in models]
        table.add(f"`{name}`", answers)
        for method, baseline in baselines.items():
            found = [baseline.answer(question)]
            left, right = baseline.regularisation
            table.add(f"{method}, r = {left:g} and {right:g}", found)
            table.compare(f"difference to {method}", answers, found)


def baselines_of(config: Config) -> dict[str, dict[str, Any]]:
    """Return the forms of CCA by name, and what each changes: on rows as they are, and on those that towers learn from.

    The latter are others where the configuration raises them to a power.
    """
    powers = {f"towers.{name}.power": 1.0 for name in config.pair if config.towers.of(name).power != 1}
    return {"CCA": powers} | ({"CCA with power": {}} if powers else {})


if __name__ == "__main__":
    main()

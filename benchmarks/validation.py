"""How noisy validation on a lap is, and whether a smoothed curve chooses better steps.

Every lap is the validation lap of trainings whose test lap, the one before it, is not looked at. Each validation lap is
cut into its first and its second half: a step is chosen by the MRR on one and measured by that on the other.
`python benchmarks/validation.py --help` tells the options.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ntcir.config import Config, load_config
from ntcir.corpora import open_corpus
from ntcir.corpora.corpus import Corpus
from ntcir.encoders import open_pair
from ntcir.measures.reciprocal import Figures
from ntcir.model.model import Model
from ntcir.sampling.drawn_together import DrawnTogether, seconds_of_pairs
from ntcir.significance.blocks import consecutive
from ntcir.training.trainer import Trainer
from ntcir.training.validation import Validation

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
WINDOWS = (1, 2, 3, 5, 7)
LENGTHS = (1, 2, 5, 10, 20, 40, 60)


class Halves(Validation):
    """Validation on a lap that also measures each half of it.

    Attributes:
        curve: of each validation, the MRR on the first and on the second half, the mean of both directions.
        errors: of each validation, the standard error by the length of blocks, the mean square of both directions'.
    """

    def __init__(self, whole: Validation, halves: list[Validation]) -> None:
        self.__dict__ |= vars(whole)
        self._halves = halves
        self.curve: list[list[float]] = []
        self.errors: list[list[float]] = []

    def figures(self, model: Model) -> dict[str, Figures]:
        """Measure, and keep what each half and each length of blocks has."""
        self.curve.append([float(np.mean(list(half(model).values()))) for half in self._halves])
        squares, usual = [], self._together
        times = seconds_of_pairs(self._drawn)
        for length in LENGTHS:
            blocks = consecutive(times, np.zeros(len(times), dtype=np.int64), length)
            self._together = DrawnTogether(dict.fromkeys(self._ids, blocks))
            found = [figures.standard_error() for figures in super().figures(model).values()]
            squares.append(float(np.mean(np.square(np.array(found, dtype=float)))))
        self.errors.append(squares)
        self._together = usual
        return super().figures(model)


@dataclass(frozen=True)
class Training:
    """What one training came to: ``curve`` [validations, 2] and the squared ``errors`` [lengths] of the last one."""

    lap: int
    curve: np.ndarray
    errors: np.ndarray


def main() -> None:
    """Parse the command line and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "track")
    parser.add_argument("--weights", default=str(SHARED / "weights" / "squeezenet1_1_imagenet_features.pth"))
    parser.add_argument("--config", type=Path, default=ROOT / "configs" / "track-single.yaml")
    parser.add_argument("--seeds", type=int, default=3, help="trainings a lap [3]")
    parser.add_argument("--laps", type=int, default=8, help="how many laps are validated on [8]")
    options = parser.parse_args()
    if not options.data.is_dir():
        parser.error(f"there is no corpus at {options.data}")
    config = load_config(options.config).changed({"data.path": str(options.data), "training.smoothing": 1})
    config = config.changed({"features.backbones.0.weights": options.weights})
    sessions = list(dict.fromkeys(open_corpus(options.data, config.data.split).pairs["group"]))
    found = []
    for lap in range(options.laps):
        split = {"by": "session", "test": [sessions[lap]], "val": [sessions[(lap + 1) % len(sessions)]]}
        for seed in range(options.seeds):
            found.append(trained(config.changed({"data.split": split, "seed": seed}), lap))
            print(f"lap {lap}, seed {seed}: done", file=sys.stderr)
    print("| queries a block | " + " | ".join(map(str, LENGTHS)) + " |")
    print("|---|" + "---:|" * len(LENGTHS))
    errors = np.sqrt(np.mean([each.errors for each in found], axis=0))
    print("| standard error | " + " | ".join(f"{error:.3f}" for error in errors) + " |\n")
    print("| step chosen by | MRR on the other half | difference to 1 | validation |\n|---|---:|---|---:|")
    base = [measured(each, half, 1)[0] for each in found for half in (0, 1)]
    for over in (*WINDOWS, 0):
        names = {0: "the last step", 1: "one validation"}
        row(names.get(over, f"mean of {over}"), found, over, base)


def trained(config: Config, lap: int) -> Training:
    """Train with a validation lap, and return what each half of it had at each validation."""
    corpus = open_corpus(config.data.path or Path(), config.data.split)
    rows = open_pair(config, corpus)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(config, corpus, rows, Path(folder))
        if trainer._data.validation is None:
            raise SystemExit("the corpus has no validation lap")
        halves = Halves(trainer._data.validation, halved(corpus, config, rows))
        object.__setattr__(trainer._data, "validation", halves)
        trainer.run()
    return Training(lap, np.array(halves.curve), np.array(halves.errors[-1]))


def halved(corpus: Corpus, config: Config, rows: dict) -> list[Validation]:
    """Return validations on the first and the second half of the validation lap, by time."""
    pairs = corpus.split("val").sort_values("timestamp")
    encode = {name: each.load for name, each in rows.items()}
    middle = len(pairs) // 2
    return [Validation(corpus, part, encode, [], config) for part in (pairs[:middle], pairs[middle:])]


def measured(training: Training, half: int, over: int) -> tuple[float, int]:
    """Return the MRR on the other half at the step that one half chooses, and which validation that is."""
    curve = training.curve[:, half]
    if not over:
        return float(training.curve[-1, 1 - half]), len(curve)
    means = [curve[end - over : end].mean() for end in range(over, len(curve) + 1)]
    at = over - 1 + int(np.argmax(means))
    return float(training.curve[at, 1 - half]), at + 1


def row(name: str, trainings: list[Training], over: int, base: list[float]) -> None:
    """Print one line of the table; the standard error of the difference is by laps."""
    found = [measured(each, half, over) for each in trainings for half in (0, 1)]
    off = np.array([mrr for mrr, _ in found]) - base
    laps = np.array([each.lap for each in trainings for _ in (0, 1)])
    by_lap = [off[laps == lap].mean() for lap in np.unique(laps)]
    error = f" ± {np.std(by_lap, ddof=1) / np.sqrt(len(by_lap)):.4f}" if len(by_lap) > 1 else ""
    mrr, step = np.mean(found, axis=0)
    difference = "" if over == 1 else f"{off.mean():+.4f}{error}"
    print(f"| {name} | {mrr:.4f} | {difference} | {step:.1f} |", flush=True)


if __name__ == "__main__":
    main()

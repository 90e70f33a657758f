"""MRR on sessions of a small car's camera and inertial sensors that were not trained on, and why it is what it is.

Every session is asked about once: a model is trained on four of the other five, its step is chosen on the fifth, and
every frame of the session left out asks both ways, in a pool of 200 of that session. Intervals are bootstrapped over
blocks of 20 consecutive frames. Settings were chosen by `--table settings --part val`; `--table tubs` prints what is
learnt from the other direction of travel; `--why`, what transfers from session to session, by ridge regression.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from imu_tubs import print_tubs
from imu_why import print_reasons
from track import ROOT, SHARED, Fold, Trainings, ridge, with_weights
from track_rows import BEFORE
from track_table import BLOCK, print_row

from ntcir.config import Config, load_config
from ntcir.corpora import open_corpus
from ntcir.scoring import random_reciprocal_rank

SPREADS = ["acl_x_sd", "acl_y_sd", "acl_z_sd", "gyr_x_sd", "gyr_y_sd", "gyr_z_sd"]
LEVELS = [
    {"layer": "features.12", "grid": 2},
    {"layer": "features.10", "grid": 4},
    {"layer": "features.7", "grid": 6},
]
SIX_HEADS = {"towers.members": 6, "towers.image.facets": "alternate"}
PERIODIC = {"sensors.numbers": ["periodic"]}
THREE_LEVELS = {
    "features.backbones": [{"arch": "squeezenet1_1", "levels": LEVELS}],
    "towers.image.pca": 256,
}
# What is changed in `configs/imu.yaml`, by row. Differences are from the first.
INGREDIENTS: dict[str, dict[str, Any]] = {
    "configs/track-single.yaml": BEFORE | {"sensors.exclude": []},
    "configs/imu.yaml": {},
    "+ periodic readings": PERIODIC,
    "+ hubness bias": {"hubness.beta": 0.7},
    "+ three levels": THREE_LEVELS,
    "+ three levels, 2 heads each": THREE_LEVELS | SIX_HEADS,
    "all of these": THREE_LEVELS | PERIODIC | SIX_HEADS | {"hubness.beta": 0.7},
}
SETTINGS: dict[str, dict[str, Any]] = {
    "configs/imu.yaml": {},
    "every column": {"sensors.exclude": []},
    "without standard deviations": {"sensors.exclude": SPREADS},
    "temperature 0.1": {"objectives": [{"kind": "info_nce", "temperature": 0.1}]},
    "dropout 0.75": {"towers.image.input_dropout": 0.75},
}
TABLES = {"settings": SETTINGS, "ingredients": INGREDIENTS}


def main() -> None:
    """Parse the command line and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "imu")
    parser.add_argument("--weights", default=str(SHARED / "weights" / "squeezenet1_1_imagenet_features.pth"))
    parser.add_argument("--table", choices=(*TABLES, "tubs"), default="ingredients")
    parser.add_argument("--only", metavar="ROW", action="append", help="rows of this name besides the first [all]")
    parser.add_argument("--seeds", type=int, default=1, help="trainings a session [1]")
    parser.add_argument("--part", choices=("test", "val"), default="test", help="ask the validation sessions instead")
    parser.add_argument("--work", type=Path, default=Path("features"), help="the folder of features [features]")
    parser.add_argument("--why", action="store_true", help="what transfers between sessions, by ridge regression")
    options = parser.parse_args()
    if not options.data.is_dir():
        parser.error(f"there is no corpus at {options.data}")
    base = load_config(ROOT / "configs" / "imu.yaml").changed(
        {"data.path": str(options.data), "features.store": str(options.work)}
    )
    if options.why:
        print_reasons(with_weights(base, options.weights))
    else:
        print_table(base, options)


def print_table(base: Config, options: argparse.Namespace) -> None:
    """Print the MRR of ridge regression and of the chosen table's trainings."""
    sessions = list(dict.fromkeys(open_corpus(options.data, base.data.split).pairs["group"]))
    folds = [Fold(session, sessions[(number + 1) % len(sessions)]) for number, session in enumerate(sessions)]
    part = "sessions left out" if options.part == "test" else "validation sessions"
    print(f"Corpus `imu`: {len(folds)} sessions, trainings a session: {options.seeds}; every frame of the {part} asks")
    print(f"in a pool of 200 of its session. MRR, in brackets 95% bootstrap intervals over blocks of {BLOCK}")
    print("consecutive frames; differences are paired, from the first row that is trained.\n")
    print("| method | img2sen | difference | sen2img | difference | seconds |\n|---|---|---|---|---|---:|")
    chance = f"{random_reciprocal_rank(200):.4f}"
    print(f"| random | {chance} | | {chance} | | |")
    if options.table == "tubs":
        print_tubs(with_weights(base, options.weights), folds, options.seeds, options.only)
        return
    trainings = Trainings(base, options.weights, folds, options.seeds, options.part)
    for name, asked, first in trainings.of(TABLES[options.table], options.only):
        if first is None and options.table == "ingredients":
            plain = with_weights(base, options.weights)
            print_row("ridge regression", [ridge(plain, fold, options.part) for fold in folds], asked, settings=False)
        print_row(name, asked, first, settings=False)


if __name__ == "__main__":
    main()

"""What `configs/imu.yaml` learns from the other direction of travel: as it is, or mirrored as data.

`benchmarks/imu.py --table tubs` writes a corpus in which each session is there twice, the second time with mirrored
pictures and with the signs of the readings that tell left from right changed, and trains on parts of it.
"""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from imu_frames import MIRRORED
from PIL import Image, ImageOps
from track import Fold, answered, topics_of
from track_table import Asked, print_row

from ntcir.config import Config
from ntcir.corpora import open_corpus
from ntcir.encoders import open_pair
from ntcir.model.model import Model
from ntcir.training.trainer import Trainer

SUFFIX = "-mirrored"
APART = timedelta(days=1)  # so that a mirror image is not near in time to its original, and is a negative of it


def mirrored_sessions(names: list[str]) -> list[str]:
    """Return the names of the mirror images of sessions."""
    return [f"{name}{SUFFIX}" for name in names]


def other_tub(fold: Fold, sessions: list[str]) -> list[str]:
    """Return the sessions that go round the other way."""
    return [each for each in sessions if each.split("-")[0] != fold.test.split("-")[0]]


def four(fold: Fold, sessions: list[str]) -> list[str]:
    """Return the sessions that a fold neither asks nor chooses by."""
    return [each for each in sessions if each not in (fold.test, fold.val)]


# What is trained on, and by which session the step is chosen.
ROWS: dict[str, Callable[[Fold, list[str]], tuple[list[str], str]]] = {
    "four other sessions": lambda fold, all_of: (four(fold, all_of), fold.val),
    "those and their mirror images": lambda fold, all_of: (
        four(fold, all_of) + mirrored_sessions(four(fold, all_of)),
        fold.val,
    ),
    "two of the other tub": lambda fold, all_of: (other_tub(fold, all_of)[:2], other_tub(fold, all_of)[2]),
    "two of the other tub, mirrored": lambda fold, all_of: (
        mirrored_sessions(other_tub(fold, all_of)[:2]),
        mirrored_sessions(other_tub(fold, all_of))[2],
    ),
}


def print_tubs(config: Config, folds: list[Fold], seeds: int, only: list[str] | None) -> None:
    """Print a line for each part of the corpus that is trained on; besides the first, of those that are named."""
    sessions = [fold.test for fold in folds]
    first: list[Asked] | None = None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "imu-mirrored"
        write_mirrored(config.data.path or Path(), folder)
        config = config.changed({"data.path": str(folder)})
        for row, parts in ROWS.items():
            if only and first is not None and row not in only:
                continue
            asked = [
                train_on(config.changed({"seed": seed}), fold.test, *parts(fold, sessions))
                for fold in folds
                for seed in range(seeds)
            ]
            print_row(row, asked, first, settings=False)
            first = first or asked


def train_on(config: Config, test: str, learnt: list[str], val: str) -> Asked:
    """Train on some sessions, choose the step by another, and ask every frame of a third."""
    split = {"by": "session", "train": learnt, "val": [val], "test": [test]}
    config = config.changed({"data.split": split})
    corpus = open_corpus(config.data.path or Path(), config.data.split)
    with tempfile.TemporaryDirectory() as folder:
        Trainer(config, corpus, open_pair(config, corpus), Path(folder)).run()
        model = Model.load(Path(folder))
    return Asked(test, answered(model, corpus, topics_of(corpus, "test"), "test"), {})


def write_mirrored(source: Path, folder: Path) -> None:
    """Write a corpus of records with each session, and behind them their mirror images a day later."""
    (folder / "images").mkdir(parents=True)
    with (source / "records.csv").open(encoding="utf-8", newline="") as lines:
        records = list(csv.DictReader(lines))
    mirrored = []
    for record in records:
        name = record["file"]
        (folder / "images" / name).symlink_to((source / "images" / name).resolve())
        new = f"{Path(name).stem}{SUFFIX}.png"
        with Image.open(source / "images" / name) as picture:
            ImageOps.mirror(picture).save(folder / "images" / new, compress_level=1)
        shutil.copystat(source / "images" / name, folder / "images" / new)  # so that stored features are found again
        moment = datetime.fromisoformat(record["timestamp"]) + APART
        signs = {column: str(-float(record[column])) for column in MIRRORED}
        changed = {"file": new, "timestamp": moment.isoformat(), "session": f"{record['session']}{SUFFIX}"}
        mirrored.append(record | changed | signs)
    with (folder / "records.csv").open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, list(records[0]))
        writer.writeheader()
        writer.writerows([*records, *mirrored])

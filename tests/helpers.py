"""What tests of towers, training and retrieval share: corpora that can be learnt, with pictures and without."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

import ntcir.cli
import ntcir.encoders.frozen
from ntcir.config import Config, Features
from ntcir.corpora import open_corpus
from ntcir.corpora.corpus import Corpus, ReadingReport
from ntcir.encoders import open_pair
from ntcir.encoders.encoder import Rows
from ntcir.formats.topics import Topic
from ntcir.modalities import direction
from ntcir.model.model import Model, Vectors
from ntcir.system.errors import UserError
from ntcir.training.trainer import Trainer, TrainingResult, train

ROOT = Path(__file__).resolve().parents[1]
FEATURES = 24  # of the stub; long enough for a linear head to find three readings in them


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Toys are too small to share among threads, which only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def refusal(call: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    """Return the one sentence with which a call is refused."""
    with pytest.raises(UserError) as caught:
        call(*arguments, **options)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith((".", "?"))
    return sentence


def toy_config(**changes: Any) -> Config:
    """Return a configuration for the toys: short vectors, small batches; dots in keys are written ``__``."""
    small: dict[str, Any] = {
        "towers.dim": 32, "towers.sensor_hidden": 32, "training.batch": 16, "training.iters": 60, "training.lr": 3e-3,
        "training.validate_every": 10, "training.near_seconds": 0, "topics.pool": 20,
    }  # fmt: skip
    return Config().changed(small | {key.replace("__", "."): value for key, value in changes.items()})


def toy_corpus(
    groups: Sequence[str] = ("2020-02-01", "2020-02-02", "2020-02-03", "2020-03-01", "2020-03-20"), per_group: int = 30
) -> Corpus:
    """Return a corpus of days in memory: readings ``a``, ``b``, ``c`` and ``place``; ten minutes between pairs."""
    draw = np.random.default_rng(0)
    stamps = [
        pd.Timestamp(group, tz="UTC") + pd.Timedelta(minutes=10 * number)
        for group in groups for number in range(per_group)
    ]  # fmt: skip
    sensors = pd.DataFrame(draw.normal(size=(len(stamps), 3)) * [1, 10, 100] + [0, 5, -7], columns=["a", "b", "c"])
    sensors["place"] = draw.choice(["home", "work", "café"], len(stamps))
    sensors.loc[draw.random(len(stamps)) < 0.1, "b"] = np.nan
    sensors.index = pd.Index([f"{stamp:%Y%m%d_%H%M}" for stamp in stamps], name="sensor")
    images = pd.DataFrame({"path": ""}, index=pd.Index([f"{item}00_000.jpg" for item in sensors.index], name="image"))
    days = [f"{stamp:%Y-%m-%d}" for stamp in stamps]
    splits = ["train" if day < "2020-03-01" else "val" if day < "2020-03-17" else "test" for day in days]
    pairs = pd.DataFrame(
        {"image": images.index, "sensor": sensors.index, "group": days, "timestamp": stamps, "split": splits}
    )
    report = ReadingReport()
    return Corpus("toy", Path("toy"), {"image": images, "sensor": sensors}, pairs, True, "records", report)


def twice_a_minute(days: Sequence[str] = ("2020-03-16", "2020-03-17", "2020-03-19"), minutes: int = 30) -> Corpus:
    """Return a corpus in which each minute has two photographs."""
    corpus = toy_corpus(days, minutes)
    later = corpus.pairs.assign(
        image=corpus.pairs["image"].str.replace("00_000", "32_000"),
        timestamp=corpus.pairs["timestamp"] + pd.Timedelta(seconds=32),
    )
    pairs = pd.concat([corpus.pairs, later]).sort_values("timestamp", ignore_index=True)
    images = pd.DataFrame({"path": ""}, index=pd.Index(pairs["image"], name="image"))
    return replace(corpus, pairs=pairs, tables={"image": images, "sensor": corpus.sensors})


def question(topic_id: str, timestamp: str, query: Any) -> Topic:
    """Return a topic of photographs and readings, whose query tells its direction."""
    return Topic(topic_id, timestamp, query, direction("sen2img" if isinstance(query, dict) else "img2sen"))


class ToyFeatures:
    """Stands for ``ImageFeatures``: features are a random map of the readings, with a little noise."""

    def __init__(
        self, corpus: Corpus, noise: float = 0.1, unreadable: Sequence[str] = (), mirror: bool = False
    ) -> None:
        draw = np.random.default_rng(1)
        numbers = corpus.sensors.loc[corpus.pairs["sensor"], ["a", "b", "c"]]
        values = ((numbers - numbers.mean()) / numbers.std()).fillna(0).to_numpy()
        rows = values @ draw.normal(size=(3, FEATURES)) + noise * draw.normal(size=(len(values), FEATURES))
        self._rows = dict(zip(corpus.pairs["image"], rows.astype(np.float32), strict=True))
        self._unreadable = set(unreadable)
        self.width, self.dim, self.mirror = FEATURES, FEATURES * (1 + mirror), mirror
        self.fingerprints, self.networks = ["toy"], []

    def ensure(self, ids: Sequence[str]) -> np.ndarray:
        return np.array([item not in self._unreadable for item in ids], dtype=bool)

    def load(self, ids: Sequence[str]) -> np.ndarray:
        rows = self.load_plain(ids)
        return np.concatenate([rows, rows[:, ::-1]], axis=1) if self.mirror else rows  # mirrored, however that looks

    def load_plain(self, ids: Sequence[str]) -> np.ndarray:
        return np.stack([self._rows[item] for item in ids]) if len(ids) else np.empty((0, self.width), np.float32)

    def views(self, alteration: Any, number: int) -> ToyViews:
        return ToyViews(self, number)


class ToyViews:
    """Stands for ``AlteredFeatures``: each view is shifted a little."""

    def __init__(self, features: ToyFeatures, number: int) -> None:
        self._features, self._number = features, number

    def ensure(self, ids: Sequence[str]) -> np.ndarray:
        return self._features.ensure(ids)

    def load(self, ids: Sequence[str]) -> np.ndarray:
        return np.stack([self._features.load_plain(ids) + 0.1 * (view + 1) for view in range(self._number)])


@contextmanager
def toy_features(of: Corpus | None = None, **options: Any) -> Iterator[None]:
    """Let whoever opens the features of photographs get the toy's."""

    def opened(corpus: Corpus, features: Features, *_: Any) -> ToyFeatures:
        return ToyFeatures(of or corpus, mirror=features.mirror, **options)

    with patch.object(ntcir.encoders.frozen, "ImageFeatures", opened):
        yield


def fit(config: Config, folder: Path, *, resume: bool = False, corpus: Corpus | None = None) -> TrainingResult:
    """Train on a toy corpus as the command does, with the toy's features instead of networks and pictures."""
    with toy_features():
        return train(config, lambda: corpus or toy_corpus(), folder, resume=resume)


class Stopped(Exception):
    """Something that goes wrong in the middle of a training."""


def fit_in_two_parts(
    config: Config, folder: Path, stop: int, every: int, corpus: Corpus | None = None
) -> TrainingResult:
    """Train until an error before a step, with a checkpoint at every so many steps, and resume."""
    step_of = Trainer._step

    def stopping(self: Trainer, step: int) -> tuple[float, dict[str, float]]:
        if step == stop:
            raise Stopped
        return step_of(self, step)

    with patch("ntcir.training.trainer.CHECKPOINT_EVERY", every):
        with patch.object(Trainer, "_step", stopping), pytest.raises(Stopped):
            fit(config, folder, corpus=corpus)
        return fit(config, folder, resume=True, corpus=corpus)


def trained_states(
    config: Config, corpus: Corpus, folder: Path, stops: Sequence[int]
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Return the weights of a training that goes through (in ``whole``), and of one that stops and is resumed.

    Args:
        config: with networks of its own, which each part opens anew.
        corpus: that is trained on.
        folder: of both.
        stops: after how many steps the parts end; the last is where both do.
    """

    def through(name: str, parts: Sequence[int]) -> dict[str, torch.Tensor]:
        for iters in parts:
            changed = config.changed({"training.iters": iters})
            trainer = Trainer(changed, corpus, open_pair(changed, corpus), folder / name)
            trainer.run(resume=iters != parts[0])
        return trainer.model.state()

    return through("whole", stops[-1:]), through("pieces", stops)


def toy_trainer(config: Config, folder: Path, corpus: Corpus | None = None, **options: Any) -> Trainer:
    """Return a training that has not begun."""
    corpus = corpus or toy_corpus()
    return Trainer(config, corpus, toy_rows(config, corpus, **options), folder)


def toy_rows(config: Config, corpus: Corpus, **options: Any) -> dict[str, Rows]:
    """Return both modalities of a corpus as encoders see them, photographs as the toy's features."""
    with toy_features(**options):
        return open_pair(config, corpus)


def encode_readings(model: Model, table: pd.DataFrame) -> Vectors:
    """Return a model's vectors of raw readings, one row an item."""
    return model.encode("sensor", model.encoders["sensor"].encode(table))  # type: ignore[attr-defined]


def embed_networks(model: Model) -> None:
    """Make a model's image networks part of it."""
    model.encoders["image"].embed(model.config)  # type: ignore[attr-defined]


def write_pictures(folder: Path, sessions: Sequence[str] = ("s1", "s2", "s3", "s4"), per_session: int = 14) -> Path:
    """Write a records folder whose pictures show their readings: ``warm`` is red, ``wet`` blue, ``noon`` bright below.

    The folder has an ``ntcir.yaml`` with a small random network, as fast as it gets.
    """
    draw = np.random.default_rng(2)
    (folder / "images").mkdir(parents=True)
    lines = ["file,timestamp,session,warm,wet,noon,weather"]
    for day, session in enumerate(sessions, start=1):
        for number in range(per_session):
            name = f"{session}_{number:03d}.png"
            warm, wet, noon = draw.integers(0, 255, 3)
            pixels = np.empty((32, 32, 3), dtype=np.uint8)
            pixels[:] = (warm, 30, wet)
            pixels[16:, :, 1] = noon
            Image.fromarray(pixels).save(folder / "images" / name)
            weather = "" if number % 5 == 0 else "rain" if wet > 127 else "dry"
            lines.append(f"{name},2021-05-{day:02d}T08:{number:02d}:00Z,{session},{warm},{wet},{noon},{weather}")
    (folder / "records.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    backbone = "{arch: squeezenet1_1, weights: random, grid: 2}"
    (folder / "ntcir.yaml").write_text(
        f"name: toy\nfeatures: {{backbones: [{backbone}], size: 64, crop: 64, resize: squash}}\n"
        "towers: {dim: 32, sensor_hidden: 64, image_dropout: 0.1, sensor_dropout: 0.1}\n"
        "training: {batch: 16, near_seconds: 0, lr: 0.003, validate_every: 10}\n"
        f"topics: {{pool: {per_session}}}\n",
        encoding="utf-8",
    )
    return folder


def read_pictures(folder: Path) -> Corpus:
    """Read what ``write_pictures`` wrote, the last sessions for validation and test."""
    return open_corpus(folder, Config().data.split)


def environment() -> dict[str, str]:
    """Return the environment of a child that finds the package and works in one thread."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def command_line(*arguments: str) -> Result:
    """Run a command of ``ntcir`` in this process and folder."""
    return CliRunner().invoke(ntcir.cli.main, arguments)

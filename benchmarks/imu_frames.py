"""Frames of `imu` and ridge regression from their pictures to their readings, trained on chosen sessions.

A regression is exact, has one answer and takes a moment, so that many questions can be asked of it: see `imu_why.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from track_table import WAYS

from ntcir.config import Config
from ntcir.corpora import open_corpus
from ntcir.corpora.corpus import Corpus
from ntcir.features.image_features import ImageFeatures
from ntcir.search.ranking import average_ranks

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
PENALTY = 1e4  # of standardised features; figures hardly differ from 1e3 to 1e4
POOL = 200
# Readings that change their sign where left and right are exchanged. The axis of gyr_x would not, but the sensor is
# tilted, and most of what it reads is the turning about the vertical, as `print_mounting` shows.
MIRRORED = ("acl_x_mean", "gyr_x_mean", "gyr_y_mean", "gyr_z_mean", "steering")


@dataclass(frozen=True)
class Frames:
    """All frames of the corpus in order of time.

    Attributes:
        session: str [frames].
        seconds: float64 [frames].
        pictures: features, float64 [frames, width].
        mirrored: of the mirror images.
        readings: float64 [frames, columns].
        columns: their names.
        paths: of the pictures.
    """

    session: NDArray[np.str_]
    seconds: Floats
    pictures: Floats
    mirrored: Floats
    readings: Floats
    columns: list[str]
    paths: list[str]

    @classmethod
    def of(cls, config: Config) -> Frames:
        """Read the corpus and the features of its pictures; compute those that are not stored."""
        config = config.changed({"features.mirror": True})
        corpus: Corpus = open_corpus(config.data.path, config.data.split)  # type: ignore[arg-type]
        pairs = corpus.pairs.sort_values("timestamp", kind="stable")
        features = ImageFeatures(corpus, config.features)
        features.ensure(pairs["image"].tolist())
        rows = features.load(pairs["image"].tolist()).astype(np.float64)
        columns = [column for column in corpus.sensors.columns if column != "local_hour"]
        return cls(
            pairs["group"].to_numpy(dtype=str),
            (pairs["timestamp"] - pairs["timestamp"].min()).dt.total_seconds().to_numpy(),
            rows[:, : features.width],
            rows[:, features.width :],
            corpus.sensors.loc[pairs["sensor"], columns].to_numpy(dtype=np.float64),
            columns,
            corpus.images.loc[pairs["image"], "path"].tolist(),
        )

    @property
    def sessions(self) -> list[str]:
        """Their names, in order of time."""
        return list(dict.fromkeys(self.session.tolist()))

    def tub(self, session: str) -> Bools:
        """Return which frames are of a session's direction of travel, bool [frames]."""
        return np.char.startswith(self.session, session.split("-")[0])

    def signs(self) -> Floats:
        """Return -1 for columns that change their sign in a mirror, else 1: float64 [columns]."""
        return np.where(np.isin(self.columns, MIRRORED), -1.0, 1.0)


@dataclass(frozen=True)
class Answer:
    """What a regression says of the frames that it is asked about, in units of the training readings' deviation.

    Attributes:
        predicted: readings, float64 [frames, columns].
        actual: the frames' own.
    """

    predicted: Floats
    actual: Floats

    def correlations(self) -> Floats:
        """Return how prediction and reading correlate, float64 [columns]."""
        both = (self.predicted - self.predicted.mean(axis=0), self.actual - self.actual.mean(axis=0))
        covariance, *variances = ((a * b).mean(axis=0) for a, b in ((both[0], both[1]), (both[0],) * 2, (both[1],) * 2))
        return np.asarray(covariance / np.sqrt(variances[0] * variances[1]))

    def ranks(self, pool: int = POOL) -> dict[str, Floats]:
        """Return each frame's reciprocal ranks, by direction, where the nearest reading comes first."""
        distances = ((self.predicted[:, None] - self.actual[None]) ** 2).sum(axis=2)
        return reciprocal_ranks(-distances, pool)


def reciprocal_ranks(scores: Floats, pool: int) -> dict[str, Floats]:
    """Return reciprocal ranks by direction of a square of scores, each frame in a pool drawn for it."""
    frames = len(scores)
    generator = np.random.default_rng(0)
    drawn = [generator.permutation(np.delete(np.arange(frames), own))[: pool - 1] for own in range(frames)]
    pools = np.array([[own, *others] for own, others in enumerate(drawn)])
    first = np.zeros(frames, dtype=int)
    squares = zip(WAYS, (scores, scores.T), strict=True)
    return {way: 1 / average_ranks(np.take_along_axis(square, pools, axis=1), first) for way, square in squares}


def regress(pictures: Floats, readings: Floats) -> Callable[[Floats, Floats], Answer]:
    """Return ridge regression from features to readings, both standardised."""
    centre, scale = pictures.mean(axis=0), pictures.std(axis=0) + 1e-9
    mean, deviation = readings.mean(axis=0), readings.std(axis=0) + 1e-9
    x = (pictures - centre) / scale
    dual = np.linalg.solve(x @ x.T + PENALTY * np.eye(len(x)), (readings - mean) / deviation)
    weights = x.T @ dual
    return lambda asked, actual: Answer((asked - centre) / scale @ weights, (actual - mean) / deviation)


Training = Callable[[Frames, str], tuple[Floats, Floats]]  # a session asked about -> features and readings to learn


def chosen(select: Callable[[Frames, str], Bools]) -> Training:
    """Return a training on the frames that are selected."""
    return lambda frames, session: (
        frames.pictures[select(frames, session)],
        frames.readings[select(frames, session)],
    )


def in_mirror(select: Callable[[Frames, str], Bools]) -> Training:
    """Return a training on mirror images of the frames that are selected, with readings whose signs change."""
    return lambda frames, session: (
        frames.mirrored[select(frames, session)],
        frames.readings[select(frames, session)] * frames.signs(),
    )


def together(one: Training, other: Training) -> Training:
    """Return a training on the frames of both."""

    def learn(frames: Frames, session: str) -> tuple[Floats, Floats]:
        both = one(frames, session), other(frames, session)
        return np.concatenate([each[0] for each in both]), np.concatenate([each[1] for each in both])

    return learn


def others(frames: Frames, session: str) -> Bools:
    """Select all other sessions."""
    return np.asarray(frames.session != session)


def same(frames: Frames, session: str) -> Bools:
    """Select the other sessions of the same tub."""
    return others(frames, session) & frames.tub(session)


def one_of_same(frames: Frames, session: str) -> Bools:
    """Select the next session of the same tub."""
    tub = [each for each in frames.sessions if each.split("-")[0] == session.split("-")[0]]
    return np.asarray(frames.session == tub[(tub.index(session) + 1) % len(tub)])


def opposite(frames: Frames, session: str) -> Bools:
    """Select the sessions of the other tub."""
    return ~frames.tub(session)


TRAININGS: dict[str, Training] = {
    "the five other sessions": chosen(others),
    "two of the same tub": chosen(same),
    "one of the same tub": chosen(one_of_same),
    "three of the other tub": chosen(opposite),
    "three of the other tub, mirrored": in_mirror(opposite),
    "two of the same tub, three mirrored": together(chosen(same), in_mirror(opposite)),
    "the five and their mirror images": together(chosen(others), in_mirror(others)),
}


def ask(frames: Frames, session: str, training: Training) -> Answer:
    """Return what a regression on other sessions says of one."""
    own = frames.session == session
    return regress(*training(frames, session))(frames.pictures[own], frames.readings[own])

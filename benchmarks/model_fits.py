"""Models that methods make of the same pairs, asked the same way: solved, trained, from another's map, averaged."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from caption_models import Opened

from ntcir.config import Config
from ntcir.encoders.encoder import Encoder
from ntcir.measures.reciprocal import Figures
from ntcir.modalities import Direction
from ntcir.model.folder import read_config
from ntcir.model.model import Model, Vectors
from ntcir.retrieval.evaluating import figures_of
from ntcir.training.solving import solve
from ntcir.training.start import Start
from ntcir.training.trainer import Trainer

ByDirection = dict[str, Figures]


@dataclass(frozen=True)
class Method:
    """A way to a model.

    Attributes:
        name: in the table.
        changes: to the configuration of the corpus; dotted keys.
        start: the method whose model a training begins from; None for random weights, and for what is solved.
        average: methods whose cosines are averaged; empty where a model is made.
    """

    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    start: str | None = None
    average: tuple[str, ...] = ()


@dataclass(frozen=True)
class Average:
    """Models whose cosines are averaged: the cosine of all their vectors, one behind the other, is that mean.

    It is asked as a model is; the models have the same encoders.

    Attributes:
        models: two or more.
    """

    models: Sequence[Model]

    @property
    def config(self) -> Config:
        """That of the first."""
        return self.models[0].config

    @property
    def encoders(self) -> dict[str, Encoder]:
        """Those of the first."""
        return self.models[0].encoders

    @property
    def directions(self) -> tuple[Direction, Direction]:
        """Both."""
        return self.models[0].directions

    def encode(self, modality: str, rows: np.ndarray, seen: dict[bytes, int] | None = None) -> Vectors:
        """Return unit vectors, as ``Model.encode`` does."""
        first, *others = self.models
        own = first.encode(modality, rows, seen)
        parts = [own.vectors, *(each.unit_vectors(modality, rows) for each in others)]
        return Vectors(np.concatenate(parts, axis=1) / np.float32(len(parts) ** 0.5), own.twins)

    def in_both_roles(self, vectors: Mapping[str, Vectors]) -> tuple[Mapping[str, Vectors], None]:
        """Return the same vectors for queries and documents, as ``Model.in_both_roles`` does without a bias."""
        return vectors, None


@dataclass(frozen=True)
class Fit:
    """A model that was made, and how long that took without reading features.

    Attributes:
        model: as it was saved.
        seconds: of solving or training, its start not included; of an average, the sum.
    """

    model: Model | Average
    seconds: float


def fits(opened: Opened, methods: Sequence[Method], seeds: int) -> Iterator[tuple[Method, list[Fit]]]:
    """Yield the models of each method, one a seed; what is solved knows no chance and is one.

    Args:
        opened: a corpus with a training split, and the configuration that methods change.
        methods: each behind the one that it begins from.
        seeds: trainings of each.
    """
    made: dict[str, list[Fit]] = {}
    with tempfile.TemporaryDirectory() as kept:
        for method in methods:
            if method.average:
                made[method.name] = _averages([made[name] for name in method.average])
                yield method, made[method.name]
                continue
            config = opened.config.changed(method.changes)
            found = []
            for seed in range(1 if config.solved is not None else seeds):
                changes: dict[str, Any] = {"seed": config.seed + seed}
                if method.start is not None:
                    start = _folder(kept, method.start, seed)
                    start = start if start.is_dir() else _folder(kept, method.start, 0)
                    changes |= {"training.start": str(start), "towers.dim": read_config(start).towers.dim}
                found.append(fit(opened, config.changed(changes), _folder(kept, method.name, seed)))
            made[method.name] = found
            yield method, found


def _averages(parts: Sequence[Sequence[Fit]]) -> list[Fit]:
    """Return the averages of several methods' models, one a seed; what is solved is the same for all seeds."""
    seeds = max(map(len, parts))
    of_seed = [[part[min(seed, len(part) - 1)] for part in parts] for seed in range(seeds)]
    return [Fit(Average([each.model for each in some]), sum(each.seconds for each in some)) for some in of_seed]


def fit(opened: Opened, config: Config, folder: Path) -> Fit:
    """Solve or train on the training split of a corpus."""
    rows = opened.rows()
    start = Start.of(config, folder, resume=False)
    folder.mkdir()
    for name, each in rows.items():  # what is not stored yet is not a method's time
        each.ensure(opened.corpus.pairs[name].tolist())
    started = time.perf_counter()
    if config.solved is not None:
        solve(config, opened.corpus, rows, folder)
    else:
        Trainer(config, opened.corpus, rows, folder, start).run()
    return Fit(Model.load(folder), time.perf_counter() - started)


def answered(opened: Opened, model: Model | Average, split: str, pool: int | None) -> ByDirection:
    """Return the figures of a split, in pools of a group or of the whole of it."""
    rows = opened.rows(model.encoders)
    pairs = opened.corpus.split(split)
    readable = np.logical_and.reduce([each.ensure(pairs[name].tolist()) for name, each in rows.items()])
    return figures_of(model, opened.corpus, rows, pairs[readable], pool, opened.config.seed)


def _folder(kept: str, method: str, seed: int) -> Path:
    return Path(kept) / f"{''.join(letter if letter.isalnum() else '-' for letter in method)}-{seed}"

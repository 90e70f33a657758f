"""Contrastive training of the towers on stored features, resumable to the bit."""

from __future__ import annotations

import hashlib
import json
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from ntcir.checkpoint import LAST, Progress, load_checkpoint, read_progress, save_checkpoint
from ntcir.config import Config, load_config
from ntcir.corpora.corpus import Corpus
from ntcir.encoders.presets import chosen_columns
from ntcir.encoders.readings import ReadingsEncoder
from ntcir.errors import UserError
from ntcir.features.extract import ImageFeatures
from ntcir.files import atomic_write
from ntcir.model import CONFIG, WEIGHTS, Model
from ntcir.objectives.infonce import info_nce
from ntcir.progress import progress, say
from ntcir.ranking import average_ranks, score_candidates
from ntcir.sampling.batches import BatchSampler
from ntcir.sampling.positives import FalseNegatives, group_equal_rows
from ntcir.topics import DIRECTIONS, Direction, sample_pool

METRICS, DROPPED = "metrics.jsonl", "dropped.csv"
CHECKPOINT_EVERY = 100  # steps; what a killed run repeats at most


@dataclass(frozen=True)
class TrainingResult:
    """What a training run came to.

    Attributes:
        folder: where the model lies.
        steps: steps done in all.
        best_step: the step whose weights the model has.
        validation: the validation MRR at that step by direction, empty where there was no validation split.
    """

    folder: Path
    steps: int
    best_step: int
    validation: dict[str, float]

    def sentence(self) -> str:
        """Return the result in one sentence."""
        if not self.validation:
            return f"{self.folder}: {self.steps} steps (there is no validation split; the last weights are kept)."
        measured = ", ".join(f"{direction} {mrr:.4f}" for direction, mrr in self.validation.items())
        return f"{self.folder}: {self.steps} steps; the best, step {self.best_step}, has validation MRR {measured}."


class Validation:
    """MRR on the validation split, in one pool a group like the topics' in which every pair is asked once.

    Args:
        corpus: whose ``val`` split is used.
        features: image features, already extracted for the pairs.
        pairs: the pairs to draw from.
        readings: encodes the readings.
        config: pool size and seed.
    """

    def __init__(
        self,
        corpus: Corpus,
        features: ImageFeatures,
        pairs: pd.DataFrame,
        readings: ReadingsEncoder,
        config: Config,
    ) -> None:
        pools = [
            pairs.loc[sample_pool(rows, config.topics.pool, np.random.default_rng([config.seed, 2, number]))]
            for number, (_, rows) in enumerate(pairs.groupby("group", sort=False))
        ]
        drawn = pd.concat(pools)
        ends = np.cumsum([len(pool) for pool in pools])
        self._pools = [slice(end - len(pool), end) for pool, end in zip(pools, ends, strict=True)]
        # What does not change from one validation to the next is worked out once.
        self._images = features.load(drawn["image"].tolist())
        self._readings = readings.encode(corpus.sensors.loc[drawn["sensor"]])
        self._image_twins, self._reading_twins = group_equal_rows(self._images), group_equal_rows(self._readings)

    def __call__(self, model: Model) -> dict[str, float]:
        """Return the MRR of each direction."""
        images, sensors = model.unit_vectors("image", self._images), model.unit_vectors("sensor", self._readings)
        if not (np.isfinite(images).all() and np.isfinite(sensors).all()):
            raise UserError("The training has diverged (NaN): lower training.lr or raise training.temperature.")
        reciprocal: dict[Direction, list[np.ndarray]] = {direction: [] for direction in DIRECTIONS}
        for pool in self._pools:
            own = np.arange(pool.stop - pool.start)
            to_sensors = score_candidates(images[pool], sensors[pool], self._reading_twins[pool])
            to_images = score_candidates(sensors[pool], images[pool], self._image_twins[pool])
            reciprocal["img2sen"].append(1 / average_ranks(to_sensors, own))
            reciprocal["sen2img"].append(1 / average_ranks(to_images, own))
        return {direction: float(np.concatenate(parts).mean()) for direction, parts in reciprocal.items()}


class Trainer:
    """One training run: the data in memory, the model, the optimizer.

    Args:
        config: resolved.
        corpus: with a training split.
        features: opened for the corpus; missing ones are extracted.
        folder: where everything goes.

    Raises:
        UserError: if the training split is too small or a sensor column is not there.
    """

    def __init__(self, config: Config, corpus: Corpus, features: ImageFeatures, folder: Path) -> None:
        self.config, self.folder = config, folder
        columns = chosen_columns(config.sensors, corpus.sensors, corpus.layout)
        corpus.require_columns(columns.names)
        train, val = corpus.split("train"), corpus.split("val")
        if len(train) < 2:
            raise UserError(
                f"{corpus.root} has {len(train)} pairs in its training split; at least 2 are needed "
                "(see data.split in the configuration)."
            )
        present = features.ensure([*train["image"], *val["image"]])
        train, val = train[present[: len(train)]], val[present[len(train) :]]
        if len(train) < 2:
            raise UserError(
                f"Of the training split of {corpus.root}, {len(train)} photographs can be read; at least 2 are needed."
            )

        readings = ReadingsEncoder.fit(columns, corpus.sensors.loc[train["sensor"]], config.sensors.rare)
        facts = {"corpus": corpus.name, "training_pairs": len(train)}
        self.model = Model(config, readings, features.dim, features.fingerprints, facts)
        images = features.load(train["image"].tolist())
        self.model.standardise_images(images)
        self._images = torch.from_numpy(images)
        encoded = readings.encode(corpus.sensors.loc[train["sensor"]])
        self._readings = torch.from_numpy(encoded)
        options = config.training
        self._false_negatives = FalseNegatives(
            train["image"].to_numpy(),
            train["sensor"].to_numpy(),
            (train["timestamp"] - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy(),
            encoded if options.mask_equal_readings else None,
            options.near_seconds,
        )
        self._sampler = BatchSampler(train["group"].to_numpy(), options.batch, options.batches, config.seed)
        self._validation = Validation(corpus, features, val, readings, config) if len(val) > 1 else None
        parameters = [*self.model.towers.parameters(), self.model.log_temperature]
        # The fused kernel updates all weights in one pass over memory.
        self._optimizer = torch.optim.Adam(
            [parameter for parameter in parameters if parameter.requires_grad],
            lr=options.lr,
            weight_decay=options.weight_decay,
            fused=True,
        )
        self._metrics: list[dict[str, Any]] = []
        trained_on = [features.fingerprints, train["image"].tolist(), train["sensor"].tolist(), readings.to_json()]
        self._digest = hashlib.sha256(json.dumps(trained_on, sort_keys=True).encode()).hexdigest()

    def run(self, *, resume: bool = False, advance: Callable[[int], None] = lambda steps: None) -> TrainingResult:
        """Train for ``training.iters`` steps, or what is left of them.

        A resumed run draws the batches and the dropout that an uninterrupted one would, and so ends with its weights.

        Args:
            resume: go on from the last checkpoint.
            advance: told of steps done.
        """
        progress = Progress(data=self._digest)
        if resume and (self.folder / LAST).is_file():
            progress = load_checkpoint(self.folder, self.model, self._optimizer)
            self._metrics = [row for row in read_metrics(self.folder / METRICS) if row["step"] <= progress.step]
            if progress.data != self._digest:
                raise UserError(
                    f"Cannot resume {self.folder}: the photographs, readings or network weights are not those it was "
                    "begun with; train anew with another --out."
                )
            advance(progress.step)
        else:
            # Before the first model is saved, so that a folder with a model but no checkpoint is a finished one.
            self._checkpoint(progress)
        options = self.config.training
        started = time.perf_counter()
        with _deferred_signals() as interrupted:
            while progress.step < options.iters and not interrupted:
                self._advance(progress, started)
                advance(1)
        if progress.step < options.iters:
            self._checkpoint(progress)
            raise UserError(
                f"Interrupted after step {progress.step} of {options.iters}; nothing is lost: "
                f"the same command with --resume goes on ({self.folder})."
            )
        best = next((row for row in self._metrics if row["step"] == progress.best_step), {})
        validation: dict[str, float] = {name: best[name] for name in DIRECTIONS if name in best}
        return TrainingResult(self.folder, progress.step, progress.best_step, validation)

    def _advance(self, progress: Progress, started: float) -> None:
        """Take one step; validate and write a checkpoint where one is due."""
        options = self.config.training
        loss = self._step(progress.step)
        progress.step += 1
        if not math.isfinite(loss):  # at once: nothing that is not finite may get into a checkpoint
            raise UserError(
                f"The loss is {loss} at step {progress.step}: lower training.lr or raise training.temperature."
            )
        row: dict[str, Any] = {"step": progress.step, "loss": loss}
        last = progress.step == options.iters
        if last or progress.step % options.validate_every == 0:
            row |= self._validate(progress)
            row["seconds"] = round(time.perf_counter() - started, 3)
        self._metrics.append(row)
        if last or progress.step % CHECKPOINT_EVERY == 0:
            self._checkpoint(progress)

    def _step(self, step: int) -> float:
        """Take one step of Adam; return the loss."""
        options = self.config.training
        if options.schedule == "cosine":
            for group in self._optimizer.param_groups:
                group["lr"] = options.lr * 0.5 * (1 + math.cos(math.pi * step / options.iters))
        # Dropout must not depend on where a run was interrupted.
        # torch.manual_seed would also note each call, with its traceback, for a GPU that nobody has started.
        torch.default_generator.manual_seed((self.config.seed * 1_000_003 + step) % 2**63)
        rows = torch.from_numpy(self._sampler(step))
        self.model.towers.train()
        loss = info_nce(
            self.model.towers["image"](self._images[rows]),
            self.model.towers["sensor"](self._readings[rows]),
            self.model.log_temperature.exp(),
            ignored=self._false_negatives.ignored(rows),
            symmetric=options.symmetric,
        )
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        return float(loss.detach())

    def _validate(self, progress: Progress) -> dict[str, float]:
        """Measure, and save the model where it is the best so far (or where there is nothing to measure it by)."""
        row = self._validation(self.model) if self._validation else {}
        mrr = sum(row.values()) / len(row) if row else float(progress.step)
        if mrr > progress.best_mrr:
            progress.best_mrr, progress.best_step = mrr, progress.step
            self.model.card |= {"step": progress.step, "iters": self.config.training.iters, "validation": row}
            self.model.save(self.folder)
        return row

    def _checkpoint(self, progress: Progress) -> None:
        # The metrics first: a resumed run cuts them back to its checkpoint, but could not invent what is missing.
        atomic_write(self.folder / METRICS, "".join(json.dumps(row) + "\n" for row in self._metrics))
        save_checkpoint(self.folder, self.model, self._optimizer, progress)


@contextmanager
def _deferred_signals() -> Iterator[list[int]]:
    """Collect Ctrl-C and SIGTERM instead of being stopped by them within a step; yield the list they go to."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received  # only the main thread may handle signals
        return
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.signal(kind, lambda number, frame: received.append(number)) for kind in kinds}
    try:
        yield received
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def train(config: Config, read_corpus: Callable[[], Corpus], folder: Path, *, resume: bool = False) -> TrainingResult:
    """Train a model in ``folder``: checked before anything is computed, resumable once it is under way.

    Args:
        config: resolved.
        read_corpus: called once the folder is known to be free.
        folder: gets the resolved configuration, the model, the metrics and the list of items left out.
        resume: go on with an interrupted training there; it must have the same configuration but for the steps.

    Raises:
        UserError: if the folder holds another training, or anything is wrong with data or weights.
    """
    _check_folder(config, folder, resume)
    if resume and not (folder / LAST).is_file():
        say(f"There is nothing to resume in {folder}; starting anew.")
    corpus = read_corpus()
    features = ImageFeatures(corpus, config.features)
    trainer = Trainer(config, corpus, features, folder)
    if not resume:
        (folder / LAST).unlink(missing_ok=True)  # of a training that did not come to its first model
    config.save(folder / CONFIG)
    corpus.report.save_dropped(folder / DROPPED)
    with progress("Training", config.training.iters, unit=" steps/s") as advance:
        return trainer.run(resume=resume, advance=advance)


def _check_folder(config: Config, folder: Path, resume: bool) -> None:
    if not (folder / LAST).is_file():
        if (folder / WEIGHTS).is_file():
            raise UserError(f"{folder} already holds a trained model: choose another --out.")
        return
    done = read_progress(folder / LAST).step
    if not resume and done == 0 and not (folder / WEIGHTS).is_file():
        return  # nothing was learnt there
    old = load_config(folder / CONFIG)
    if not resume:
        if is_finished(folder):
            raise UserError(f"{folder} already holds a trained model: choose another --out.")
        raise UserError(
            f"{folder} holds an interrupted training (step {done} of {old.training.iters}): "
            "add --resume to go on, or choose another --out."
        )
    # More steps may be asked for, unless the rates of those that were done would have been others.
    steps = {} if config.training.schedule == "cosine" else {"training.iters": config.training.iters}
    ours, theirs = (value.model_dump(mode="json") for value in (config, old.changed(steps)))
    if ours != theirs:
        key = _first_difference(ours, theirs)
        raise UserError(
            f"Cannot resume {folder} with another configuration: {key} was changed; choose another --out, "
            "or remove the folder to train it again."
        )


def _first_difference(ours: Any, theirs: Any, place: str = "") -> str:
    """Return the dotted key of the first value in which two trees differ."""
    if isinstance(ours, dict) and isinstance(theirs, dict) and ours.keys() == theirs.keys():
        key = next(key for key in ours if ours[key] != theirs[key])
        return _first_difference(ours[key], theirs[key], f"{place}.{key}" if place else key)
    return place


def is_finished(folder: Path) -> bool:
    """Return whether a training in ``folder`` has come to its last step."""
    if not (folder / LAST).is_file():
        return (folder / WEIGHTS).is_file()
    return read_progress(folder / LAST).step >= load_config(folder / CONFIG).training.iters


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a metrics log: ``step``, ``loss``; at validations ``img2sen``, ``sen2img``, ``seconds``."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]

"""Contrastive training of the towers on stored features, resumable to the bit."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ntcir.config import Config, load_config
from ntcir.config.comparison import first_difference
from ntcir.corpora.corpus import Corpus
from ntcir.features.image_features import ImageFeatures
from ntcir.formats.topics import DIRECTIONS
from ntcir.model.metrics import METRICS, read_metrics
from ntcir.model.model import CONFIG, WEIGHTS, Model
from ntcir.objectives.infonce import info_nce
from ntcir.sampling.batches import BatchSampler
from ntcir.sampling.negatives import mine_by_model, renumbered, sample_to_mine, within
from ntcir.sampling.positives import group_equal_rows
from ntcir.system.claims import claimed
from ntcir.system.devices import find_device
from ntcir.system.errors import Interrupted, UserError
from ntcir.system.files import atomic_write, require_writable
from ntcir.system.interruption import deferred
from ntcir.system.parallel import Deserted, any_rank, barrier, by_first, ranks, together
from ntcir.system.progress import progress, say
from ntcir.training.checkpoint import LAST, Progress, load_checkpoint, read_progress, save_checkpoint
from ntcir.training.data_parallel import check_same, embed, share_out, sum_over_parts, whole_batches
from ntcir.training.preparation import Preparation, forbidden
from ntcir.training.sources import ImageSource, LiveImages, StoredImages
from ntcir.training.validation import Validation
from ntcir.training.watching import Watch

DROPPED = "dropped.csv"
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
        if config.encoder.finetune:
            for network in features.networks:  # before anything is encoded
                network.to(find_device(config.encoder.device, "encoder.device", own=True))
        data = Preparation.of(config, corpus, features)
        self._digest = hashlib.sha256(json.dumps(data.facts(), sort_keys=True).encode()).hexdigest()
        facts = {"corpus": corpus.name, "training_pairs": len(data.train)}
        networks = features.networks if config.encoder.finetune else None
        self.model = Model(config, data.readings, features.dim, features.fingerprints, facts, networks)
        images = features.load(data.ids)
        self.model.standardise_images(images)
        self._composer = data.composer(images)
        data.check_negatives(self._composer)
        self._watch = Watch(config)
        options = config.training
        parameters = [*self.model.towers.parameters(), self.model.log_temperature]
        groups = [{"params": [item for item in parameters if item.requires_grad], "lr": options.lr}]
        self._source: ImageSource
        if config.encoder.finetune:
            self._source = live = LiveImages(features, data.ids, config.encoder, data.augmenter)
            groups.append({"params": live.parameters, "lr": config.encoder.lr})
        else:
            self._source = StoredImages(features, images, data.stored_views())
        # The fused kernel updates all weights in one pass over memory.
        self._optimizer = torch.optim.Adam(groups, weight_decay=options.weight_decay, fused=True)
        self._rates = [group["lr"] for group in self._optimizer.param_groups]
        self._learnt = [parameter for group in self._optimizer.param_groups for parameter in group["params"]]
        self._readings = torch.from_numpy(data.encoded)
        self._sampler = BatchSampler(data.train["group"].to_numpy(), options.batch, options.batches, config.seed)
        self._validation = None
        if len(data.val) > 1:
            self._validation = Validation(corpus, self._source.encode, data.val, data.readings, config)
        self._metrics: list[dict[str, Any]] = []
        self._row: dict[str, Any] = {}  # what the step under way has to say in the metrics

    def run(self, *, resume: bool = False, advance: Callable[[int], None] = lambda steps: None) -> TrainingResult:
        """Train for ``training.iters`` steps, or what is left of them.

        A resumed run draws the batches and the dropout that an uninterrupted one would, and so ends with its weights.

        Args:
            resume: go on from the last checkpoint.
            advance: told of steps done.
        """
        check_same(self._digest)
        progress = Progress(data=self._digest)
        if resume and by_first((self.folder / LAST).is_file):
            progress, mined = load_checkpoint(self.folder, self.model, self._optimizer)
            self._take_mined({name: rows.numpy() for name, rows in mined.items()})
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
        with deferred(useless=Deserted) as interrupted:
            while progress.step < options.iters and not any_rank(bool(interrupted)):
                self._advance(progress, started)
                advance(1)
        if progress.step < options.iters:
            self._checkpoint(progress)
            barrier()  # what ends first would end the others, before it is written
            raise Interrupted(
                f"Interrupted after step {progress.step} of {options.iters}; nothing is lost: "
                f"the same command with --resume goes on ({self.folder})."
            )
        best = next((row for row in self._metrics if row["step"] == progress.best_step), {})
        validation: dict[str, float] = {name: best[name] for name in DIRECTIONS if name in best}
        return TrainingResult(self.folder, progress.step, progress.best_step, validation)

    def _advance(self, progress: Progress, started: float) -> None:
        """Take one step; validate and write a checkpoint where one is due."""
        options = self.config.training
        self._row = {}
        loss = self._step(progress.step)
        progress.step += 1
        if not math.isfinite(loss):  # at once: nothing that is not finite may get into a checkpoint
            raise UserError(
                f"The loss is {loss} at step {progress.step}: lower training.lr or raise training.temperature."
            )
        self._watch.loss(loss)
        row: dict[str, Any] = {"step": progress.step, "loss": loss, **self._row}
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
            for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
                group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * step / options.iters))
        if self.config.negatives.model and step and step % self.config.negatives.every == 0:
            self._mine(step)
        # Dropout must not depend on where a run was interrupted.
        # torch.manual_seed would also note each call, with its traceback, for a GPU that nobody has started.
        torch.default_generator.manual_seed((self.config.seed * 1_000_003 + step) % 2**63)
        shown = self._composer(self._sampler(step), step)
        towers = self.model.towers.train()
        loss = info_nce(
            embed(
                towers["image"],
                len(shown.images),
                lambda part: self._source(shown.images[part], shown.views[part], step),
            ),
            embed(
                towers["sensor"], len(shown.sensors), lambda part: self._readings[torch.from_numpy(shown.sensors[part])]
            ),
            self.model.log_temperature.exp(),
            positives=shown.positives,
            ignored=shown.ignored,
            symmetric=options.symmetric,
        )
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._source.backward()
        sum_over_parts(self._learnt, self.model.log_temperature)
        self._optimizer.step()
        return float(loss.detach())

    def _mine(self, step: int) -> None:
        """Look for what the model ranks high and should not, as far as the coming steps will show it."""
        options = self.config.negatives
        coming = [self._sampler(later) for later in range(step, step + options.every)]
        asked, among = sample_to_mine(coming, len(self._readings), options, [self.config.seed, 4, step])
        images = self._source.encode_pairs(among)
        # One process searches for all: what is found must be the same everywhere, to the last digit.
        tables, self._row["mined"] = by_first(lambda: self._search(asked, among, images))
        self._take_mined(tables)

    def _search(self, asked: np.ndarray, among: np.ndarray, features: np.ndarray) -> tuple[dict[str, np.ndarray], Any]:
        """Return the hard negatives of pairs, ``sensors`` and ``images``, and how many there are and why not more.

        Args:
            asked: whose, int64 [any].
            among: where they are looked for, int64 [n].
            features: of the photographs of these, float32 [n, dim].
        """
        images = self.model.unit_vectors("image", features)
        # Equal readings once: encoded in other places of a block, they might differ in the last digit.
        readings = self._readings.numpy()[among]
        _, first, back = np.unique(group_equal_rows(readings), return_index=True, return_inverse=True)
        sensors = self.model.unit_vectors("sensor", readings[first])[back.reshape(-1)]
        relations = {reason: within(relation, among) for reason, relation in forbidden(self._composer).items()}
        found = mine_by_model(images, sensors, relations, self.config.negatives, pairs=np.searchsorted(among, asked))
        mined = dict(zip(("sensors", "images"), found, strict=True))
        self._watch.mined({name: hard.report for name, hard in mined.items()})
        tables = {name: renumbered(hard.rows, among, len(self._readings)) for name, hard in mined.items()}
        return tables, {name: hard.report.counts for name, hard in mined.items()}

    def _take_mined(self, mined: dict[str, np.ndarray]) -> None:
        """Use these hard negatives from now on, ``images`` and ``sensors``, if there are any."""
        if mined:
            self._composer.hard_images["model"] = mined["images"]
            self._composer.hard_sensors["model"] = mined["sensors"]

    def _mined(self) -> dict[str, torch.Tensor]:
        """Return what ``_take_mined`` was given last."""
        tables = {"images": self._composer.hard_images, "sensors": self._composer.hard_sensors}
        return {name: torch.from_numpy(kinds["model"]) for name, kinds in tables.items() if "model" in kinds}

    def _validate(self, progress: Progress) -> dict[str, float]:
        """Measure, and save the model where it is the best so far (or where there is nothing to measure it by)."""
        row = self._validation(self.model) if self._validation else {}
        mrr = sum(row.values()) / len(row) if row else float(progress.step)
        if mrr > progress.best_mrr:
            progress.best_mrr, progress.best_step = mrr, progress.step
            self.model.card |= {"step": progress.step, "iters": self.config.training.iters, "validation": row}
            if ranks().first:
                self.model.save(self.folder)
        return row

    def _checkpoint(self, progress: Progress) -> None:
        if not ranks().first:
            return
        # The metrics first: a resumed run cuts them back to its checkpoint, but could not invent what is missing.
        atomic_write(self.folder / METRICS, "".join(json.dumps(row) + "\n" for row in self._metrics))
        save_checkpoint(self.folder, self.model, self._optimizer, progress, self._mined())


def train(config: Config, read_corpus: Callable[[], Corpus], folder: Path, *, resume: bool = False) -> TrainingResult:
    """Train a model in ``folder``: checked before anything is computed, resumable once it is under way.

    Several processes, as torchrun starts them, train one model together: see ``ntcir.training.data_parallel``.

    Args:
        config: resolved; ``training.batch`` is what one process takes.
        read_corpus: called once the folder is known to be free.
        folder: gets the resolved configuration, the model, the metrics and the list of items left out.
        resume: go on with an interrupted training there; it must have the same configuration but for the steps.

    Raises:
        UserError: if the folder holds another training, or another command is training there, or anything is wrong
            with data or weights, or there are more processes than training pairs.
    """
    with together(), ExitStack() as claims:
        config = whole_batches(config)
        by_first(lambda: claims.enter_context(claimed(folder)))
        by_first(lambda: _check_folder(config, folder, resume))
        corpus = read_corpus()
        share_out(config.training.batch, len(corpus.split("train")))
        trainer = Trainer(config, corpus, ImageFeatures(corpus, config.features), folder)
        by_first(lambda: _begin(config, corpus, folder, resume))
        with progress("Training", config.training.iters, unit=" steps/s") as advance:
            return trainer.run(resume=resume, advance=advance)


def _begin(config: Config, corpus: Corpus, folder: Path, resume: bool) -> None:
    """Write what is known before the first step."""
    if not resume:
        (folder / LAST).unlink(missing_ok=True)  # of a training that did not come to its first model
    config.save(folder / CONFIG)
    corpus.report.save_dropped(folder / DROPPED)


def _check_folder(config: Config, folder: Path, resume: bool) -> None:
    require_writable(folder)
    if not (folder / LAST).is_file():
        if (folder / WEIGHTS).is_file():
            raise UserError(f"{folder} already holds a trained model: choose another --out.")
        if resume:
            say(f"There is nothing to resume in {folder}; starting anew.")
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
        key, *_ = first_difference(ours, theirs)
        asked, done = config.training.batch, old.training.batch
        sizes = f" ({done} pairs, all processes together, to {asked})" if key == "training.batch" else ""
        raise UserError(
            f"Cannot resume {folder} with another configuration: {key} was changed{sizes}; choose another --out, "
            "or remove the folder to train it again."
        )


def is_finished(folder: Path) -> bool:
    """Return whether a training in ``folder`` has come to its last step."""
    if not (folder / LAST).is_file():
        return (folder / WEIGHTS).is_file()
    return read_progress(folder / LAST).step >= load_config(folder / CONFIG).training.iters

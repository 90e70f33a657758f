"""Contrastive training of the towers, resumable to the bit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ntcir.config import Config
from ntcir.corpora.corpus import Corpus
from ntcir.encoders import open_pair
from ntcir.encoders.encoder import Rows
from ntcir.modalities import modality
from ntcir.model.facets import idle_facets
from ntcir.model.metrics import METRICS
from ntcir.model.model import Model
from ntcir.model.widths import require_learnable, require_widths
from ntcir.system.errors import Interrupted, UserError
from ntcir.system.interruption import deferred
from ntcir.system.parallel import Deserted, any_rank, barrier, by_first, ranks, together
from ntcir.system.progress import progress, say
from ntcir.training.carrying import tell_instances
from ntcir.training.checkpoint import LAST, Progress, load_checkpoint, save_checkpoint
from ntcir.training.data import TrainingData
from ntcir.training.data_parallel import check_same, share_out, whole_batches
from ntcir.training.instance_rows import InstanceRows, prepare_objectives
from ntcir.training.log import MetricsLog
from ntcir.training.measured import errors_of, logged, means_of, smoothed
from ntcir.training.mining import BY_MODEL, Miner, from_tensors, to_tensors
from ntcir.training.needs import of_instances
from ntcir.training.preparation import Preparation
from ntcir.training.projections import keep_projections
from ntcir.training.result import TrainingResult
from ntcir.training.run_folder import begin, run_folder
from ntcir.training.solving import solve
from ntcir.training.sources import to_training_device
from ntcir.training.start import Start
from ntcir.training.stepper import Stepper
from ntcir.training.training_queries import keep_queries
from ntcir.training.untrained import save_untrained
from ntcir.training.watching import Diverged, Watch

__all__ = ["CHECKPOINT_EVERY", "Trainer", "TrainingResult", "train"]

CHECKPOINT_EVERY = 100  # steps; what a killed run repeats at most


class Trainer:
    """One training run: the data in memory, the model, the optimizer.

    Args:
        config: resolved.
        corpus: with a training split.
        rows: opened for the corpus, not yet fitted; what is not stored of them is computed.
        folder: where everything goes.
        start: whose towers this training begins from; random ones if None.

    Raises:
        UserError: as ``Preparation.of``, or if the towers do not fit.
    """

    def __init__(
        self, config: Config, corpus: Corpus, rows: Mapping[str, Rows], folder: Path, start: Start | None = None
    ) -> None:
        self.config, self.folder = config, folder
        for each in rows.values():
            to_training_device(each, config.encoder)  # before anything is encoded
        prepared = Preparation.of(config, corpus, rows)
        self._data = TrainingData.of(prepared)
        facts = {"corpus": corpus.name, "training_pairs": len(prepared.train)}
        encoders = {name: each.encoder for name, each in rows.items()}
        instances = int(self._data.instances.max()) + 1
        list(of_instances(config, instances))  # some may be unreadable: are there enough still?
        self.model = Model(config, encoders, facts, instances)
        for sentence in idle_facets(config, encoders):
            say(sentence)
        for name, loaded in prepared.loaded.items():
            self.model.tower(name).fit(loaded)
        tell_instances(self.model, prepared.train, self._data.instances)
        if start is not None:
            start.give_towers(self.model)
        self._instance_rows: InstanceRows | None = InstanceRows.of(self.model, prepared, self._data.instances)
        self._stepper = Stepper(config, self.model, self._data.sources)
        self._miner = Miner(config, self.model)
        self._log = MetricsLog(folder / METRICS)
        self._watch = Watch(config)
        self._ways = [each.name for each in self.model.directions]

    def run(self, *, resume: bool = False, advance: Callable[[int], None] = lambda steps: None) -> TrainingResult:
        """Train for ``training.iters`` steps, or the remaining ones.

        A resumed run draws the batches and the dropout that an uninterrupted one would, and so ends with its weights.

        Args:
            resume: continue from the last checkpoint.
            advance: called with the number of steps done.
        """
        check_same(self._data.digest, self._data.pair)
        progress = self._begin(resume)
        advance(progress.step)
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
                f"Interrupted after step {progress.step} of {options.iters}; nothing is lost: run the same command "
                f"with --resume to continue ({self.folder})."
            )
        self._keep_queries()
        return self._result(progress)

    def _result(self, progress: Progress) -> TrainingResult:
        """Return what the training came to."""
        options, best = self.config.training, self._log.at(progress.best_step)
        return TrainingResult(
            self.folder,
            progress.step,
            progress.best_step,
            means_of(best, self._ways),
            epoch=max(1.0, self._data.pairs / options.batch),
            errors=errors_of(best, self._ways),
            smoothing=options.smoothing if progress.best_mrr >= 0 else 0,
        )

    def _begin(self, resume: bool) -> Progress:
        """Return how far the training has come: as far as the last checkpoint, or nowhere."""
        digest = self._data.digest
        instance_rows, self._instance_rows = self._instance_rows, None  # which may be large
        if not resume or not by_first((self.folder / LAST).is_file):
            progress = Progress(data=digest)
            if instance_rows is not None:
                prepare_objectives(self.model, instance_rows)
            # Before the first model is saved, so that a folder with a model but no checkpoint is a finished one.
            self._checkpoint(progress)
            return progress
        progress, mined = load_checkpoint(self.folder, self.model, self._stepper.optimizer)
        self._data = from_tensors(self._data, mined)
        self._log.resume(progress.step)
        if progress.data != digest:
            left, right = (modality(name).plural for name in self._data.pair)
            raise UserError(
                f"Cannot resume {self.folder}: the {left}, {right} or network weights are not those it was started "
                "with; start a new training with another --out."
            )
        return progress

    def _advance(self, progress: Progress, started: float) -> None:
        """Take one step; mine, validate and write a checkpoint where one is due."""
        options = self.config.training
        found = self._mine(progress.step)
        loss, figures = self._step(progress.step)
        progress.step += 1
        if not math.isfinite(loss):  # at once: nothing that is not finite may get into a checkpoint
            raise Diverged(f"The loss is {loss} at step {progress.step}: {self.config.remedies()}.")
        self._watch.loss(loss)
        row: dict[str, Any] = {"step": progress.step, "loss": loss, **figures, **found}
        last = progress.step == options.iters
        if last or progress.step % options.validate_every == 0:
            row |= self._validate(progress)
            row["seconds"] = round(time.perf_counter() - started, 3)
        self._log.add(row)
        if last or progress.step % CHECKPOINT_EVERY == 0:
            self._checkpoint(progress)

    def _step(self, step: int) -> tuple[float, dict[str, float]]:
        """Take one step; return the loss, and what objectives have noted."""
        return self._stepper(self._data, step)

    def _mine(self, step: int) -> dict[str, Any]:
        """Mine hard negatives before a step if that is due; return what the metrics log is told of it."""
        if not self._miner.is_due(step):
            return {}
        found = self._miner(self._data, step)
        self._data = self._data.with_hard(BY_MODEL, found.hard)
        self._watch.mined(found.reports)
        return {"mined": found.counts}

    def _validate(self, progress: Progress) -> dict[str, float]:
        """Measure, and save the model where it is the best so far (or where there is nothing to measure it by).

        Of equally good ones the first is kept. Until there are ``training.smoothing`` validations, the newest is: what
        is kept must not hang on an early peak.
        """
        validation = self._data.validation
        row = logged(validation.figures(self.model)) if validation else {}
        over, iters = self.config.training.smoothing, self.config.training.iters
        card: dict[str, Any] = {"step": progress.step, "iters": iters, "validation": means_of(row, self._ways)}
        quality, enough = float(progress.step), True
        if validation:
            trailing = smoothed([*self._log.rows, row], self._ways, over)
            quality, enough = trailing.mean, trailing.validations == over
            if over > 1:
                card["smoothed"] = asdict(trailing)
        if not enough or quality > progress.best_mrr:
            progress.best_step = progress.step
            progress.best_mrr = quality if enough else progress.best_mrr
            self.model.card |= card
            if ranks().first:
                self.model.save(self.folder)
        return row

    def _keep_queries(self) -> None:
        """Keep what a bias against hubs needs in the best model, unless it has it already."""
        if not self.config.hubness.beta or by_first(lambda: bool(Model.load(self.folder).training_queries)):
            return
        best = Model.load(self.folder)
        if self.config.encoder.finetune:  # the sources have the networks of the last step
            self.model.load_state(best.state())
        sources = dict(zip(self._data.pair, self._data.sources, strict=True))
        keep_queries(best, {name: source.encode for name, source in sources.items()}, self._data.pairs)
        if ranks().first:
            best.save(self.folder)

    def _checkpoint(self, progress: Progress) -> None:
        if not ranks().first:
            return
        # The metrics first: a resumed run cuts them back to its checkpoint, but could not invent what is missing.
        self._log.save()
        save_checkpoint(self.folder, self.model, self._stepper.optimizer, progress, to_tensors(self._data))


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
    with together():
        config = whole_batches(config)
        with run_folder(config, folder, resume=resume) as config:
            start = Start.of(config, folder, resume=resume)
            corpus = read_corpus()
            if config.training.iters:
                share_out(config.training.batch, len(corpus.split("train")))
            rows = open_pair(config, corpus)
            known = {name: each.encoder for name, each in rows.items() if hasattr(each, "encoder")}
            require_widths(config, known)  # before anything is encoded
            if start is not None:
                start.check_captions(config, rows, corpus.split("train"))
                start.give_projections(rows)
            if resume:
                keep_projections(rows, folder)
            if not config.training.iters:  # as what is solved has none
                by_first(lambda: begin(config, corpus, folder, resume=resume))
                if config.solved is not None:
                    return solve(config, corpus, rows, folder)
                return save_untrained(config, corpus, rows, folder, start)
            require_learnable(config, known)
            trainer = Trainer(config, corpus, rows, folder, start)
            by_first(lambda: begin(config, corpus, folder, resume=resume))
            with progress("Training", config.training.iters, unit=" steps/s") as advance:
                return trainer.run(resume=resume, advance=advance)

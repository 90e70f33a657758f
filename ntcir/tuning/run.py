"""Going through the stages of a tuning: what is known is kept, what is missing is tried."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ntcir.ablation.folds import digest_of_data
from ntcir.ablation.quiet import saying_once
from ntcir.ablation.stores import Stores
from ntcir.corpora.corpus import Corpus
from ntcir.modalities import directions
from ntcir.system.claims import claimed
from ntcir.system.errors import Interrupted, UserError
from ntcir.system.progress import progress, say
from ntcir.tuning.facts import facts_of, require_same, stage_name
from ntcir.tuning.plan import TuningPlan, read_tuning_plan, value_at
from ntcir.tuning.space import as_yaml
from ntcir.tuning.study import STUDY, Ledger, Study, require_optuna
from ntcir.tuning.training import digest_of, measure, without_test
from ntcir.tuning.trials import Stage, Trial, Tuned, best_of
from ntcir.workspace import RUNS, read_corpus

Write = Callable[[Tuned], None]
TRIALS = "trials"  # the folder of models while they are trained


@dataclass(frozen=True)
class _Split:
    """The corpus without its test split, and what is encoded of it."""

    corpus: Corpus
    items: dict[str, list[str]]


def run_tuning(path: Path, data: Path | None, out: Path | None, trials: int | None, write: Write) -> Tuned:
    """Try what is missing of a tuning. Models are measured on the validation split; the test split is not looked at.

    Args:
        path: the tuning's file.
        data: the corpus folder; if None, as everywhere.
        out: where everything goes; ``runs/tune-NAME`` if None.
        trials: of each stage; if None, as the file says.
        write: given what there is, whenever a trial is done.

    Raises:
        UserError: if anything in the file, the data or the weights is wrong, or another command fills the folder, or
            the tuning there was begun with something else; or if a training fails: what was measured is kept.
        Interrupted: if somebody presses Ctrl-C; likewise.
    """
    require_optuna()
    plan = read_tuning_plan(path, data)
    folder = out or RUNS / f"tune-{plan.name}"
    search: Search | None = None
    try:
        with claimed(folder):
            search = Search(plan, folder, trials or plan.tuning.trials)
            return search.run(write)
    except (KeyboardInterrupt, Interrupted):
        done = f"{search.done} trials are done, and " if search else ""
        raise Interrupted(f"Interrupted: {done}nothing is lost; run the same command to continue ({folder}).") from None


class Search:
    """A tuning under way.

    Args:
        plan: resolved.
        folder: gets the study and, while they are trained, models.
        trials: of each stage.

    Raises:
        UserError: if the data lack a validation split, a network's weights cannot be loaded, or the folder holds a
            tuning that was begun with something else.
    """

    def __init__(self, plan: TuningPlan, folder: Path, trials: int) -> None:
        self._plan, self._folder, self._most = plan, folder, trials
        self._seen: set[str] = {"Training", "Solving"}  # the progress of each: there is one bar for all
        with saying_once(self._seen):
            self._split = _without_test(plan)
            self._stores = Stores(plan, [self._split])
        digest = digest_of_data(self._split.corpus, plan.base.features.store, self._split.items)
        networks = {what: self._stores.fingerprints(config) for what, config in plan.configs.items()}
        self._facts = facts_of(plan, digest, networks)
        self._ledger = Ledger(folder / STUDY)
        require_same(self._facts, self._ledger.facts(), folder)
        self._stages: list[Stage] = []

    @property
    def done(self) -> int:
        """Trials that are done."""
        return sum(len(stage.trials) for stage in self._stages)

    def run(self, write: Write) -> Tuned:
        """Try what is missing; see ``run_tuning``."""
        self._stores.fill()
        with progress("Trials", self._most * len(self._plan.stages), unit=" trials/s") as advance:
            for number, keys in enumerate(self._plan.stages, start=1):
                self._run_stage(number, keys, write, advance)
        tuned = self._tuned()
        if tuned.best.found.diverged:
            raise UserError(f"All {self.done} trials diverged: {self._plan.base.remedies()}.")
        write(tuned)
        shutil.rmtree(self._folder / TRIALS, ignore_errors=True)
        return tuned

    def _run_stage(self, number: int, keys: list[str], write: Write, advance: Callable[[float], None]) -> None:
        """Vary some keys; the others are as in the best trial of earlier stages."""
        plan = self._plan
        fixed = best_of(self._tuned().trials).changes if self._stages else {}
        spaces = {key: (plan.tuning.search[key], plan.whole(key)) for key in keys}
        study = self._ledger.stage(stage_name(number, fixed), self._facts, spaces, plan.tuning.seed)
        combinations = study.combinations()
        most = self._most if combinations is None else min(self._most, combinations)
        self._stages.append(Stage(keys, [], {}, most))
        self._take(number, study, most)
        if self._stages[-1].trials:
            there = len(self._stages[-1].trials)
            say(f"Stage {number}: {there} trials are done already.", kind=f"stage {number} is done")
            advance(min(there, most))
        first = {key: value_at(plan.base.changed(fixed), key) for key in keys}
        while len(self._stages[-1].trials) < most:
            values = study.ask(first, most)
            self._try(study, {**fixed, **values}, values)
            self._take(number, study, most)
            self._say(self._stages[-1])
            write(self._tuned())
            advance(1)
        advance(self._most - most)

    def _try(self, study: Study, changes: dict[str, Any], values: dict[str, Any]) -> None:
        """Train and measure, unless that was done."""
        tuning = self._plan.tuning
        config = self._plan.base.changed(changes, f"`search` of {self._plan.path}")
        digest = digest_of(config, tuning.seeds)
        known = self._ledger.measured(digest)
        found = known
        if found is None:
            try:
                with saying_once(self._seen):
                    place = self._folder / TRIALS / digest
                    found = measure(config, self._split.corpus, tuning.seeds, tuning.metric, place)
            except Interrupted:
                raise
            except UserError as error:
                raise UserError(f"With {_typed(values)}: {error}") from error
        study.add(values, changes, found, digest, known is not None)

    def _take(self, number: int, study: Study, most: int) -> None:
        """Take over a stage's trials from its study."""
        trials = [
            Trial(number, at, values, changes, found, again)
            for at, (values, changes, found, again) in enumerate(study.trials(), start=1)
        ]
        self._stages[-1] = Stage(self._stages[-1].keys, trials, study.importances(), max(most, len(trials)))

    def _say(self, stage: Stage) -> None:
        trial, best = stage.trials[-1], best_of(self._tuned().trials)
        came = "diverged" if trial.found.diverged else f"validation MRR {trial.value:.4f}"
        known = ", measured before" if trial.again else ""
        where = f"stage {best.stage}, trial {best.number}"
        say(
            f"Stage {trial.stage}, trial {trial.number} of {stage.of}: {_typed(trial.values)}: {came}{known}; best "
            f"{best.value:.4f} ({where})"
        )

    def _tuned(self) -> Tuned:
        plan, corpus = self._plan, self._split.corpus
        return Tuned(
            plan.name, corpus.name, len(corpus.split("val")), plan.tuning.metric,
            [each.name for each in directions(plan.pair)], plan.tuning.seeds, self._stages, plan.base, self._folder,
            plan.path,
        )  # fmt: skip


def _typed(values: dict[str, Any]) -> str:
    """Return keys and values in a line."""
    return ", ".join(f"{key} = {as_yaml(value)}" for key, value in values.items())


def _without_test(plan: TuningPlan) -> _Split:
    """Read the corpus, and forget its test split.

    Raises:
        UserError: if there is no validation split to measure by.
    """
    corpus = without_test(read_corpus(plan.base))
    corpus.require_pair(plan.pair)
    pairs = len(corpus.split("val"))
    if pairs < 2:
        raise UserError(
            f"A tuning measures on the validation split, and that of {corpus.root} has {pairs or 'no'} "
            f"pair{'s' * (pairs != 1)}: see data.split in the configuration."
        )
    return _Split(corpus, {name: list(dict.fromkeys(corpus.pairs[name])) for name in plan.pair})

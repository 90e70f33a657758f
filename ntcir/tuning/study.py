"""The trials of a tuning in a SQLite file, and what to try next: by Optuna.

The file is a ledger: a trial is entered when it is done, with what came of it, so that a killed command leaves nothing
half-done in it. What is drawn next depends on the trials there are, their number and the seed alone.
"""

from __future__ import annotations

import math
import sqlite3
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ntcir.system.errors import UserError
from ntcir.tuning.space import Drawn, Space
from ntcir.tuning.trials import Measured

STUDY = "study.db"
_FACTS, _FOUND, _DIGEST, _CHANGES, _AGAIN = "facts", "found", "digest", "changes", "again"
_MOST = 10_000  # combinations that are gone through for one that has not been tried
_FEWEST = 4  # trials before anything is said of what mattered
_ENOUGH = 1e-9  # by which figures must differ for anything to matter


class Ledger:
    """The file of a tuning.

    Args:
        path: of the file, which is made if it is not there.

    Raises:
        UserError: if Optuna is not installed, or the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        optuna = _import_optuna()
        self._path = path
        with _using(self._path):
            # By a function: as part of an address, a path could not have just any characters.
            self._storage = optuna.storages.RDBStorage(
                "sqlite://", engine_kwargs={"creator": lambda: sqlite3.connect(path, check_same_thread=False)}
            )

    def facts(self) -> dict[str, Any] | None:
        """Return what the tuning was begun with; None if it is new."""
        optuna = _import_optuna()
        with _using(self._path):
            known = [study.user_attrs.get(_FACTS) for study in optuna.get_all_study_summaries(self._storage)]
        return next((facts for facts in known if isinstance(facts, dict)), None)

    def stage(self, name: str, facts: Mapping[str, Any], spaces: Mapping[str, tuple[Space, bool]], seed: int) -> Study:
        """Return the trials of a stage.

        Args:
            name: of the stage.
            facts: what the tuning is begun with.
            spaces: dotted key -> its values, and whether it is a whole number.
            seed: of drawing values.
        """
        optuna = _import_optuna()
        with _using(self._path):
            study = optuna.create_study(
                storage=self._storage, study_name=name, direction="maximize", load_if_exists=True
            )
            if _FACTS not in study.user_attrs:
                study.set_user_attr(_FACTS, dict(facts))
            return Study(study, spaces, seed, self._path)

    def measured(self, digest: str) -> Measured | None:
        """Return what a configuration came to, in whichever stage; None if it was not measured."""
        optuna = _import_optuna()
        with _using(self._path):
            for study in optuna.get_all_study_names(self._storage):
                for trial in optuna.load_study(study_name=study, storage=self._storage).get_trials(deepcopy=False):
                    if trial.user_attrs.get(_DIGEST) == digest:
                        return Measured.of(trial.user_attrs[_FOUND])
        return None


class Study:
    """The trials of one stage.

    Args:
        study: Optuna's.
        spaces: dotted key -> its values, and whether it is a whole number.
        seed: of drawing values.
        path: of the file that they are kept in.
    """

    def __init__(self, study: Any, spaces: Mapping[str, tuple[Space, bool]], seed: int, path: Path) -> None:
        self._study, self._seed, self._path = study, seed, path
        self._spaces = {key: space for key, (space, _) in spaces.items()}
        self._listed = {key: space.all(whole=whole) for key, (space, whole) in spaces.items()}
        self._distributions = {key: space.distribution(whole=whole) for key, (space, whole) in spaces.items()}

    def trials(self) -> list[tuple[dict[str, Any], dict[str, Any], Measured, bool]]:
        """Return the values of the stage's keys, all changes, what came of them, and whether that was known before."""
        with _using(self._path):
            return [
                (
                    self._values(each.params),
                    each.user_attrs[_CHANGES],
                    Measured.of(each.user_attrs[_FOUND]),
                    bool(each.user_attrs[_AGAIN]),
                )
                for each in self._study.get_trials(deepcopy=False)
            ]

    def combinations(self) -> int | None:
        """Return how many trials there can be; None if they cannot be counted."""
        listed = self._listed.values()
        return None if None in listed else math.prod(len(each) for each in listed if each is not None)

    def ask(self, first: Mapping[str, Any], trials: int) -> dict[str, Any]:
        """Return the values to try next.

        The first trial has those that are given, as far as they are of the space. No combination is tried twice where
        they can be counted; if there are no more of them than trials, the seed draws their order, else the sampler
        chooses.

        Args:
            first: values by key.
            trials: that are asked for.
        """
        optuna = _import_optuna()
        with _using(self._path):
            done = self._study.get_trials(deepcopy=False)
        draw = np.random.default_rng([self._seed, len(self._spaces), len(done)])
        sampler = optuna.samplers.TPESampler(seed=int(draw.integers(2**32)))
        study = optuna.create_study(sampler=sampler, direction="maximize")
        study.add_trials(done)
        if not done:
            study.enqueue_trial(self._known(first))
        params = study.ask(self._distributions).params
        values = self._values(params)
        combinations = self.combinations()
        if done and combinations is not None and combinations <= max(trials, _MOST):
            tried = [self._values(each.params) for each in done]
            if values in tried or combinations <= trials:
                values = self._untried(tried) or values
        return values

    def add(
        self, values: Mapping[str, Any], changes: Mapping[str, Any], found: Measured, digest: str, again: bool
    ) -> None:
        """Enter a trial that is done.

        Args:
            values: of the stage's keys.
            changes: all that differs from the base.
            found: what came of it.
            digest: of its configuration.
            again: whether that was known before.
        """
        optuna = _import_optuna()
        attributes = {_CHANGES: dict(changes), _FOUND: asdict(found), _DIGEST: digest, _AGAIN: again}
        params, value = self._known(values), found.value
        with _using(self._path):
            self._study.add_trial(
                optuna.trial.create_trial(
                    params=params, distributions=self._distributions, value=value, user_attrs=attributes
                )
            )

    def importances(self) -> dict[str, float]:
        """Return how much each key matters for a trial to be among the best: shares that sum to 1.

        By PED-ANOVA (Watanabe et al. 2023). None where there are too few trials to say anything.
        """
        optuna = _import_optuna()
        figures = [each.value for each in self._study.get_trials(deepcopy=False)]
        if len(figures) < _FEWEST or max(figures) - min(figures) < _ENOUGH:
            return {}
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        found = optuna.importance.get_param_importances(self._study, evaluator=evaluator)
        return {key: float(found[key]) for key in self._spaces if key in found}

    def _known(self, values: Mapping[str, Any]) -> dict[str, Drawn]:
        """Return values as the study keeps them, but for those that are not of the space."""
        kept = {key: space.drawn(values[key]) for key, space in self._spaces.items() if key in values}
        return {key: drawn for key, drawn in kept.items() if drawn is not None}

    def _values(self, params: Mapping[str, Drawn]) -> dict[str, Any]:
        """Return the values of the keys that the study keeps so."""
        return {key: space.value(params[key]) for key, space in self._spaces.items()}

    def _untried(self, tried: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
        """Return a combination that has not been tried, the first in an order that the seed draws; None if none is."""
        combinations = product(*(each or () for each in self._listed.values()))
        listed = [dict(zip(self._listed, each, strict=True)) for each in combinations]
        order = np.random.default_rng(self._seed).permutation(len(listed))
        return next((listed[number] for number in order if listed[number] not in tried), None)


@contextmanager
def _using(path: Path) -> Iterator[None]:
    """Tell in a sentence what is wrong with the file of a tuning."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, RuntimeError, ValueError, LookupError, TypeError, AttributeError) as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())[:200].rstrip(".")
        raise UserError(
            f"{path} cannot be used as the record of a tuning ({reason}): choose another --out, or remove the file to "
            "tune anew."
        ) from error


def require_optuna() -> None:
    """Check that Optuna is installed.

    Raises:
        UserError: if it is not.
    """
    _import_optuna()


def _import_optuna() -> Any:
    """Import Optuna, and keep it from reporting.

    Raises:
        UserError: if it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise UserError(
            f"`ntcir tune` needs optuna, which cannot be imported ({error}): pip install 'ntcir[tune]'."
        ) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", module=r"optuna\.", category=UserWarning)
    return optuna

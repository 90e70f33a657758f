"""One configuration, trained with each seed and measured on the validation split."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ntcir.config import Config
from ntcir.config.former import without_later
from ntcir.corpora.corpus import Corpus
from ntcir.model.trained import LAST
from ntcir.system.errors import Interrupted, UserError
from ntcir.training.result import TrainingResult
from ntcir.training.trainer import train
from ntcir.training.watching import Diverged
from ntcir.tuning.plan import MEAN
from ntcir.tuning.trials import Measured


def without_test(corpus: Corpus) -> Corpus:
    """Return a corpus that has only the pairs of the training and of the validation split."""
    return replace(corpus, pairs=corpus.pairs[corpus.pairs["split"].isin(["train", "val"])].reset_index(drop=True))


def digest_of(config: Config, seeds: Sequence[int]) -> str:
    """Return what tells a configuration from others of the same tuning."""
    tree = without_later(config, config.changed({"name": "any"}).model_dump(mode="json"))
    return hashlib.sha256(json.dumps([tree, list(seeds)], sort_keys=True).encode()).hexdigest()[:24]


def measure(config: Config, corpus: Corpus, seeds: Sequence[int], metric: str, folder: Path) -> Measured:
    """Train with each seed.

    A training that was interrupted is continued; the models are removed when all are measured.

    Args:
        config: resolved.
        corpus: without a test split.
        seeds: of the trainings.
        metric: ``mean``, or a direction's name.
        folder: of the models.

    Raises:
        Interrupted: on Ctrl-C.
        UserError: if a training fails, other than by diverging.
    """
    results, seconds = [], 0.0
    diverged = False
    for seed in seeds:
        place = folder / f"seed-{seed}"
        try:
            results.append(_train(config.changed({"seed": seed}), corpus, place))
        except Diverged:
            diverged = True
            break
        seconds += results[-1].clock()
    shutil.rmtree(folder, ignore_errors=True)
    if diverged:
        return Measured({}, [0.0], [], round(seconds, 3), diverged=True)
    names = list(results[0].validation)
    mrr = {name: sum(result.validation[name] for result in results) / len(results) for name in names}
    by_seed = [_metric(result, metric) for result in results]
    return Measured(mrr, by_seed, [result.best_step for result in results], round(seconds, 3))


def _metric(result: TrainingResult, metric: str) -> float:
    return sum(result.validation.values()) / len(result.validation) if metric == MEAN else result.validation[metric]


def _train(config: Config, corpus: Corpus, folder: Path) -> TrainingResult:
    """Train, from where an earlier command was interrupted if it was; what cannot be continued is trained anew."""
    if (folder / LAST).is_file():
        try:
            return train(config, lambda: corpus, folder, resume=True)
        except (Interrupted, Diverged):
            raise
        except UserError:  # damaged, say: a training costs less than a tuning that cannot go on
            pass
    shutil.rmtree(folder, ignore_errors=True)
    return train(config, lambda: corpus, folder)

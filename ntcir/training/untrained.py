"""A model of no steps (``training.iters: 0``): the features of networks as they are, such as those of a CLIP."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ntcir.config import Config
from ntcir.corpora.corpus import Corpus
from ntcir.encoders.encoder import Rows
from ntcir.modalities import modality
from ntcir.model.facets import idle_facets
from ntcir.model.model import Model
from ntcir.sampling.relations import instances
from ntcir.system.errors import UserError
from ntcir.system.parallel import ranks
from ntcir.system.progress import say
from ntcir.training.carrying import tell_instances
from ntcir.training.result import TrainingResult
from ntcir.training.start import Start
from ntcir.training.training_queries import keep_queries, of_table


def save_untrained(
    config: Config, corpus: Corpus, rows: Mapping[str, Rows], folder: Path, start: Start | None
) -> TrainingResult:
    """Save a model that is finished as it begins; only what has statistics to take needs a training split.

    Args:
        config: resolved.
        corpus: whose training split encoders and standardisation are fitted to, where there are any.
        rows: opened for the corpus, not yet fitted.
        folder: gets the model.
        start: whose towers the model has; random ones if None.

    Raises:
        UserError: if something is to be fitted or kept and there are no training pairs, or the towers do not fit.
    """
    train, (left, right) = corpus.split("train"), config.pair
    if config.hubness.beta and train.empty:
        raise UserError(
            f"{corpus.root} has no pairs in its training split, whose queries hubness.beta = {config.hubness.beta:g} "
            "needs: see data.split, or set hubness.beta=0."
        )
    readable = {name: _fitted(name, each, config, corpus, train) for name, each in rows.items()}
    shown = instances(train[left].to_numpy(), train[right].to_numpy())
    classes = int(shown.max(initial=-1)) + 1
    facts = {"corpus": corpus.name, "training_pairs": len(train)}
    model = Model(config, {name: each.encoder for name, each in rows.items()}, facts, classes)
    for sentence in idle_facets(config, model.encoders):
        say(sentence)
    tell_instances(model, train, shown)
    for name, items in readable.items():
        if config.towers.of(name).standardise:
            model.tower(name).fit(rows[name].load(items))
    if start is not None:
        start.give_towers(model)
    else:
        _tell_random(config)
    model.card |= {"step": 0, "iters": 0, "validation": {}}
    if config.hubness.beta:
        asked = _readable(train, rows, corpus)
        keep_queries(model, of_table(rows, asked), len(asked))
    if ranks().first:
        model.save(folder)
    return TrainingResult(folder, 0, 0, {})


def _fitted(name: str, rows: Rows, config: Config, corpus: Corpus, train: pd.DataFrame) -> list[str]:
    """Fit an encoder to training items, where it has something to fit; return the readable ones of these.

    Raises:
        UserError: if there is none.
    """
    if not rows.is_fitted and not config.towers.of(name).standardise:
        return []
    if train.empty:
        tower = config.towers.of(name)
        key = f"towers.{name}.{'pca' if tower.pca is not None else 'standardise'}"
        what = key if not rows.is_fitted or tower.pca is not None else f"the encoder {tower.encoder}"
        raise UserError(
            f"{corpus.root} has no pairs in its training split, to which {what} is fitted: see data.split, or use "
            "features as they are (standardise: false, without pca)."
        )
    items = train[name].tolist()
    rows.check(items)
    items = train[name][rows.ensure(items)].tolist()
    if not items:
        raise UserError(f"None of the {modality(name).plural} in the training split of {corpus.root} can be read.")
    for remark in rows.fit(items):
        say(remark)
    return items


def _readable(train: pd.DataFrame, rows: Mapping[str, Rows], corpus: Corpus) -> pd.DataFrame:
    """Return the training pairs whose items can both be read.

    Raises:
        UserError: if there is none.
    """
    present = np.logical_and.reduce([each.ensure(train[name].tolist()) for name, each in rows.items()])
    if not present.any():
        raise UserError(
            f"None of the {len(train):,} pairs in the training split of {corpus.root} can be read, and hubness.beta "
            "needs their queries: set hubness.beta=0."
        )
    return train[present]


def _tell_random(config: Config) -> None:
    """Say which towers have weights that nothing was ever learnt with."""
    towers = {name: config.towers.of(name) for name in config.pair}
    random = [
        f"towers.{name}.head = cnn" if tower.head == "cnn" else f"towers.{name}.layers = {tower.layers}"
        for name, tower in towers.items()
        if tower.head == "cnn" or tower.layers
    ]
    if random:
        say(
            f"WARNING: training.iters is 0, and {' and '.join(random)}: these layers stay random, which tells little "
            "apart; with 0 layers rows are compared as they are."
        )

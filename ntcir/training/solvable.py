"""Checks that the towers can be solved for, made before anything is encoded."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from ntcir.config import Config
from ntcir.corpora.corpus import Corpus
from ntcir.encoders import encoder_class, open_rows
from ntcir.encoders.encoder import Encoder, Rows
from ntcir.modalities import modality
from ntcir.model.model import Model
from ntcir.system.errors import UserError
from ntcir.system.progress import say
from ntcir.towers.pooling import MaxOverSequence

MOST_COLUMNS = 10_000  # of a side: their second moments are 0.8 GB, and principal axes take minutes


def require_solvable(config: Config, corpus: Corpus, rows: Mapping[str, Rows]) -> None:
    """Check that each side is rows of numbers that one linear layer takes into the shared space.

    What is not solved for and stays random is said.

    Args:
        config: resolved, with an objective that is solved.
        corpus: with a training split.
        rows: opened for the corpus, by modality; they need not be fitted.

    Raises:
        UserError: naming the tower, and what to do.
    """
    found = {name: _encoder(config, corpus, name, each) for name, each in rows.items()}
    encoders = {name: encoder for name, encoder in found.items() if encoder is not None}
    for name, encoder in encoders.items():
        with torch.random.fork_rng(devices=[]):
            _, width = encoder.stem(config.towers.of(name), config)
        if width > MOST_COLUMNS:
            advice = encoder.to_narrow or f"give towers.{name} an encoder with narrower rows"
            raise UserError(
                f"The rows of {modality(name).plural} have {width:,} columns, whose second moments would take "
                f"{width**2 * 8 / 2**30:.1f} GiB; at most {MOST_COLUMNS:,} columns can be solved for: {advice}."
            )
    if len(encoders) < len(rows):
        return
    model = Model(config, encoders)
    for name in config.pair:
        linear_of(model, name)
        if vectors := encoders[name].random_vectors():
            of, setting = vectors
            say(f"WARNING: the {name} tower's vectors of {of} stay random, as nothing trains them: set {setting}.")


def linear_of(model: Model, name: str) -> nn.Linear:
    """Return the one linear layer of a modality's tower.

    Raises:
        UserError: if it has other layers.
    """
    head, encoder = model.tower(name).head, model.encoders[name]
    if isinstance(head, MaxOverSequence):
        raise UserError(
            f"An objective that is solved takes one row for each {modality(name).noun}, and the encoder {encoder.kind} "
            "gives a sequence of them: set texts.form to bag or sum, or choose another objective."
        )
    layers = [layer for layer in head.children() if not isinstance(layer, nn.Dropout)]
    if not isinstance(head, nn.Sequential) or len(layers) != 1 or not isinstance(layers[0], nn.Linear):
        raise UserError(
            f"An objective is solved for one linear layer in each tower, and towers.{name} has a head of another kind "
            f"({type(head).__name__}): give it one layer (towers.{name}.layers=1), or choose another objective."
        )
    return layers[0]


def _encoder(config: Config, corpus: Corpus, name: str, rows: Rows) -> Encoder | None:
    """Return the encoder of a modality, fitted apart where that takes no network; None where it is not known yet."""
    if hasattr(rows, "encoder"):
        return rows.encoder
    if not encoder_class(str(config.towers.of(name).encoder)).repeats:
        return None
    apart = open_rows(config, corpus, name)
    apart.fit(corpus.split("train")[name].tolist())
    return apart.encoder

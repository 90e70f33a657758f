"""A model that has learnt nothing, for whoever saves, loads or asks one."""

from __future__ import annotations

import numpy as np
from helpers import FEATURES, toy_config, toy_corpus

from ntcir.encoders.frozen import FrozenEncoder
from ntcir.encoders.presets import chosen_columns
from ntcir.encoders.readings import ReadingsEncoder
from ntcir.model.model import Model


def make_model(**changes: object) -> Model:
    """Return an untrained model whose statistics are those of the toy corpus."""
    config, corpus = (
        toy_config(**{"sensors__categories": "embedding", "towers__image_dropout": 0.3} | changes),
        toy_corpus(),
    )
    readings = ReadingsEncoder.fit(chosen_columns(config.sensors, corpus.sensors, corpus.layout), corpus.sensors)
    model = Model(
        config, {"image": FrozenEncoder(FEATURES, ["first", "second"]), "sensor": readings}, {"corpus": "toy"}
    )
    model.towers["image"].fit(features(40))
    return model


def features(rows: int) -> np.ndarray:
    return np.random.default_rng(rows).normal(3, 2, (rows, FEATURES)).astype(np.float32)

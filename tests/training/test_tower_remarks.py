"""Settings of towers that do nothing are named before a training begins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ntcir.config import Config
from ntcir.encoders.vocabulary import Vocabulary
from ntcir.encoders.words import WordsEncoder
from ntcir.model.widths import require_widths
from ntcir.training.remarks import idle_settings


def config_of(**changes: Any) -> Config:
    usual = {"pair": ["image", "text"], "texts.form": "sequence", "towers.text.head": "cnn"}
    return Config().changed(usual | {key.replace("__", "."): value for key, value in changes.items()})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, []),
        ({"towers__text__head": "mlp", "towers__text__layers": 2, "towers__text__hidden": 9}, []),
        ({"towers__text__layers": 1, "towers__text__hidden": 512}, []),
        ({"towers__text__layers": 0}, ["towers.text.layers is set but not used"]),
        (
            {"towers__text__layers": 2, "towers__text__hidden": 9},
            ["towers.text.layers, towers.text.hidden are set but not used"],
        ),
    ],
)
def test_layers_and_their_width_are_not_those_of_a_cnn(changes, said):
    found = [sentence for sentence in idle_settings(config_of(**changes), np.array([1000])) if "towers." in sentence]
    assert found == [f"{each}: the layers of a cnn are its blocks and widths." for each in said]


def test_a_cnn_has_layers_whatever_their_number_says():
    config = config_of(towers__text__layers=0, towers__dim=7)
    encoder = WordsEncoder.of(Vocabulary.of(["a dog"], config.texts), config.texts)
    require_widths(config, {"text": encoder})

"""Trainings of gated towers, over words, over cells of pictures and of single vectors: they learn, and are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import fit, fit_in_two_parts, one_thread, toy_config, toy_corpus  # noqa: F401
from safetensors.torch import load_file
from toy_captions import caption_config, captioned

from ntcir.config import Config
from ntcir.corpora.corpus import Corpus
from ntcir.encoders import open_pair
from ntcir.model.folder import WEIGHTS
from ntcir.model.model import Model

pytestmark = pytest.mark.usefixtures("one_thread")
GATED: dict[str, Any] = {"towers__sensor__head": "gmlp", "towers__sensor__layers": 1, "training__iters": 40}
CELLS = {
    # 24 numbers of the toy's features: 6 of each cell.
    "features__backbones": [{"arch": "resnet18", "weights": "random", "grid": 2}], "towers__image__head": "gmlp",
    "towers__image__layers": 2, "towers__image__hidden": 16, "towers__image__power": 0.7, **GATED,
}  # fmt: skip
WORDS = {"texts__form": "sequence", "towers__text__head": "gmlp", "towers__text__hidden": 16, **GATED}


def cells(**more: Any) -> tuple[Config, Corpus]:
    return toy_config(**CELLS, **more), toy_corpus()


def words(**more: Any) -> tuple[Config, Corpus]:
    return caption_config(**WORDS, **more), captioned()


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / WEIGHTS)


@pytest.mark.parametrize("kind", [cells, words])
def test_gated_towers_learn_and_are_the_same_when_they_are_read_again(kind, tmp_path):
    config, corpus = kind()
    result = fit(config, tmp_path / "model", corpus=corpus)
    # Of 20 candidates; guessing has 0.18.
    assert min(result.validation.values()) > 0.35
    model = Model.load(tmp_path / "model")
    name = "text" if "text" in config.pair else "image"
    written, read = tensors(tmp_path / "model"), model.state()
    assert written.keys() == read.keys()
    assert all(torch.equal(written[key], read[key]) for key in written)
    assert written[f"towers.{name}.head.blocks.0.gate.project.weight"].shape == ((64, 64) if name == "text" else (4, 4))
    assert written["towers.sensor.head.1.gate.project.weight"].shape == (16, 16)


def test_captions_are_found_whatever_they_are_asked_with(tmp_path):
    config, corpus = words()
    fit(config.changed({"training.iters": 3}), tmp_path / "model", corpus=corpus)
    model = Model.load(tmp_path / "model")
    rows = open_pair(model.config, corpus, model.encoders)["text"]
    ids = corpus.tables["text"].index[:9].tolist()
    together = model.unit_vectors("text", rows.load(ids))
    for place, item in enumerate(ids):
        assert model.unit_vectors("text", rows.load([item]))[0] == pytest.approx(together[place], abs=1e-6)


@pytest.mark.parametrize("kind", [cells, words])
def test_a_training_that_was_interrupted_ends_as_if_it_had_not_been(kind, tmp_path):
    name = "text" if kind is words else "image"
    dropout = {f"towers__{name}__dropout": 0.2, f"towers__{name}__input_dropout": 0.2, "towers__sensor__dropout": 0.2}
    config, corpus = kind(**dropout)
    config = config.changed({"training.iters": 12})
    whole = fit(config, tmp_path / "whole", corpus=corpus)
    parts = fit_in_two_parts(config, tmp_path / "parts", stop=7, every=5, corpus=corpus)
    assert parts.validation == whole.validation
    one, other = tensors(tmp_path / "whole"), tensors(tmp_path / "parts")
    assert all(torch.equal(one[key], other[key]) for key in one)

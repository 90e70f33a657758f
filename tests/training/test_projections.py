"""Trainings on principal components: resumed, started, solved, without a step, and by several processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from helpers import fit, fit_in_two_parts, one_thread, refusal, toy_config, toy_corpus, toy_rows  # noqa: F401
from safetensors.torch import load_file

from ntcir.config import Config
from ntcir.encoders.projection import Projection
from ntcir.model.folder import WEIGHTS
from ntcir.model.model import Model

pytestmark = pytest.mark.usefixtures("one_thread")


def projected(kept: int = 6, **changes: Any) -> Config:
    options = {"towers__image__pca": kept, "towers__image__standardise": False, "training__iters": 6, **changes}
    return toy_config(**options)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:  # noqa: F811
    folder = tmp_path_factory.mktemp("projected") / "model"
    fit(projected(training__validate_every=3), folder)
    return folder


def rows_of(folder: Path) -> np.ndarray:
    """Return rows of all pictures as a saved model projects them."""
    saved = Model.load(folder)
    rows = toy_rows(saved.config, toy_corpus())["image"]
    return saved.encoders["image"].projected(rows.made(toy_corpus().images.index.tolist()))


def test_a_saved_model_projects_as_it_was_trained(model):
    saved, corpus = Model.load(model), toy_corpus()
    assert saved.tower("image").head[0].in_features == 6
    rows = rows_of(model)
    train = corpus.pairs["split"].to_numpy() == "train"
    assert rows.shape == (len(corpus.images), 6)
    assert np.square(rows[train]).mean() == pytest.approx(1, abs=1e-4)
    whole = saved.unit_vectors("image", rows)
    alone = np.concatenate([saved.unit_vectors("image", row[None]) for row in rows])
    np.testing.assert_allclose(alone, whole, atol=1e-6)


def test_a_resumed_training_has_the_components_that_it_began_with(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    config = projected(training__iters=8)
    fit(config, whole)
    fitted: list[int] = []
    fit_of = Projection.fit

    def counted(self: Projection, *given: Any) -> list[float]:
        fitted.append(1)
        return fit_of(self, *given)

    with patch.object(Projection, "fit", counted):
        fit_in_two_parts(config, parts, 5, 4)
    assert len(fitted) == 1  # not again where it was resumed
    one, other = load_file(whole / WEIGHTS), load_file(parts / WEIGHTS)
    assert any("pca.0.axes" in name for name in one)
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_a_training_that_begins_from_a_model_goes_on_with_its_components(model, tmp_path):
    fewer = toy_corpus(("2020-02-01", "2020-02-03", "2020-03-01", "2020-03-20"))
    config = projected(training__start=str(model), seed=3)
    fit(config, tmp_path / "next", corpus=fewer)
    assert np.array_equal(rows_of(tmp_path / "next"), rows_of(model))
    fit(projected(seed=3), tmp_path / "alone", corpus=fewer)
    assert not np.array_equal(rows_of(tmp_path / "alone"), rows_of(model))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"kept": 5}, "has towers.image.pca = 6, and this training 5: set towers.image.pca=6"),
        ({"towers__image__pca": None}, "has towers.image.pca = 6, and this training null: set towers.image.pca=6"),
        ({"towers__image__power": 0.5}, "has towers.image.power = 1.0, and this training 0.5"),
    ],
)
def test_a_model_of_other_components_is_no_start(model, tmp_path, changes, why):
    config = projected(training__start=str(model), **changes)
    assert why in refusal(fit, config, tmp_path / "next")


def test_a_model_of_other_columns_is_no_start(model, tmp_path, monkeypatch):
    monkeypatch.setattr("helpers.FEATURES", 30)
    sentence = refusal(fit, projected(training__start=str(model)), tmp_path / "next")
    assert f"the image tower of {model} does not fit this configuration: the principal components are those of" in (
        sentence
    )


@pytest.mark.parametrize("kind", ["cca", "procrustes", "least_squares"])
def test_what_is_solved_is_solved_from_components(tmp_path, kind):
    config = toy_config(
        towers__image__pca=6, towers__image__standardise=False, objectives=[{"kind": kind}], towers__dim=4,
        training={"batch": 16}, features__mirror=kind == "cca",
    )  # fmt: skip
    fit(config, tmp_path / "model")
    saved = Model.load(tmp_path / "model")
    assert saved.tower("image").head[0].in_features == 6
    assert rows_of(tmp_path / "model").shape[1] == (12 if kind == "cca" else 6)


def test_a_model_without_a_step_is_fitted_and_needs_a_training_split(tmp_path):
    config = projected(training__iters=0, towers__image__layers=0, towers__dim=6)
    fit(config, tmp_path / "model")
    rows = rows_of(tmp_path / "model")
    found = Model.load(tmp_path / "model").unit_vectors("image", rows)
    np.testing.assert_allclose(found, rows / np.linalg.norm(rows, axis=1, keepdims=True), atol=1e-6)
    only_test = toy_corpus(("2020-03-20",))
    sentence = refusal(fit, config, tmp_path / "none", corpus=only_test)
    assert "no pairs in its training split, to which" in sentence


def test_too_many_components_are_refused_before_training(tmp_path):
    few = toy_corpus(("2020-02-01", "2020-03-01"), per_group=5)
    sentence = refusal(fit, projected(kept=6), tmp_path / "model", corpus=few)
    assert sentence == (
        "towers.image.pca = 6 is more than the 4 principal components that the 5 items of the training split can have: "
        "lower it."
    )
    assert not (tmp_path / "model" / WEIGHTS).exists()

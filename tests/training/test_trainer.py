"""Training learns, keeps the best, and says how it went."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import ToyFeatures, encode_readings, fit, one_thread, refusal, toy_config, toy_corpus, toy_trainer  # noqa: F401
from safetensors.torch import load_file

import ntcir.training.trainer
from ntcir.corpora.corpus import Corpus
from ntcir.model.folder import WEIGHTS
from ntcir.model.metrics import METRICS, read_metrics
from ntcir.model.model import Model
from ntcir.objectives.info_nce import info_nce
from ntcir.system.errors import UserError
from ntcir.training.checkpoint import LAST, read_progress

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("batches", ["all", "day"])
def test_the_loss_falls_and_validation_rises_far_above_random(tmp_path, batches):
    result = fit(toy_config(training__batches=batches), tmp_path / "m")
    rows = read_metrics(tmp_path / "m" / METRICS)
    losses = [row["loss"] for row in rows]
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:5])
    random = np.mean([1 / rank for rank in range(1, 21)])
    assert result.steps == 60
    assert set(result.validation) == {"img2sen", "sen2img"}
    assert min(result.validation.values()) > 3 * random


def test_the_log_has_every_step_and_validations_where_they_are_due(tmp_path):
    result = fit(toy_config(training__iters=25, training__validate_every=10), tmp_path / "m")
    rows = [json.loads(line) for line in (tmp_path / "m" / METRICS).read_text(encoding="utf-8").splitlines()]
    assert [row["step"] for row in rows] == list(range(1, 26))
    assert [row["step"] for row in rows if "img2sen" in row] == [10, 20, 25]
    measured = {row["step"]: (row["img2sen"] + row["sen2img"]) / 2 for row in rows if "img2sen" in row}
    assert result.best_step == max(measured, key=lambda step: measured[step])
    assert str(result.best_step) in result.sentence()


def test_the_model_kept_is_the_one_of_the_best_validation(tmp_path):
    config = toy_config(training__lr=0.3)  # so high that training gets worse at times
    result = fit(config, tmp_path / "m")
    assert result.best_step < 60
    again = toy_trainer(config, tmp_path / "other")
    assert again._data.validation is not None
    assert again._data.validation(Model.load(tmp_path / "m")) == result.validation
    card = Model.load(tmp_path / "m").card
    assert (card["step"], card["validation"]) == (result.best_step, result.validation)
    assert card["corpus"] == "toy"


def test_validation_is_the_mrr_of_pools_worked_out_pair_by_pair(tmp_path):
    config = toy_config(topics__pool=500)  # so that each day is one whole pool
    corpus = toy_corpus(["2020-02-01", "2020-03-01", "2020-03-02"], 12)
    corpus.sensors.iloc[14:17] = corpus.sensors.iloc[13].to_numpy()  # genuine ties
    one = toy_trainer(config, tmp_path, corpus)
    whole = one.model.unit_vectors

    def rounded(modality: Any, rows: np.ndarray) -> np.ndarray:
        """Encode as a machine might that rounds each row otherwise; ties of equal items must be kept."""
        vectors = whole(modality, rows)
        return vectors + np.random.default_rng(0).normal(0, 1e-7, vectors.shape).astype(np.float32)

    one.model.unit_vectors = rounded  # type: ignore[method-assign]
    val = corpus.split("val")
    images = one.model.encode("image", ToyFeatures(corpus).load(val["image"].tolist())).vectors
    sensors = encode_readings(one.model, corpus.sensors.loc[val["sensor"]]).vectors
    reciprocal: dict[str, list[float]] = {"img2sen": [], "sen2img": []}
    for day in ("2020-03-01", "2020-03-02"):
        rows = np.flatnonzero((val["group"] == day).to_numpy())
        for own, (queries, documents, direction) in itertools.product(
            rows, [(images, sensors, "img2sen"), (sensors, images, "sen2img")]
        ):
            scores = {int(row): round(float(queries[own] @ documents[row]), 5) for row in rows}
            better = sum(score > scores[own] for score in scores.values())
            equal = sum(score == scores[own] for score in scores.values())
            reciprocal[direction].append(1 / (better + (equal + 1) / 2))
    assert one._data.validation is not None
    found = one._data.validation(one.model)
    assert found == {direction: pytest.approx(np.mean(values)) for direction, values in reciprocal.items()}


@pytest.mark.parametrize("symmetric", [True, False])
def test_a_step_s_loss_is_that_of_its_batch_without_false_negatives(tmp_path, symmetric):
    corpus = toy_corpus()
    corpus.sensors.iloc[5] = corpus.sensors.iloc[40].to_numpy()
    # Pairs are ten minutes apart: the window takes in one neighbour on each side.
    config = toy_config(training__batch=90, training__near_seconds=600, training__symmetric=symmetric)
    one = toy_trainer(config, tmp_path, corpus)
    train = corpus.split("train")
    images = one.model.unit_vectors("image", ToyFeatures(corpus).load(train["image"].tolist()))
    sensors = one.model.unit_vectors("sensor", one.model.encoders["sensor"].encode(corpus.sensors.loc[train["sensor"]]))
    ignored = np.zeros((90, 90), dtype=bool)
    times = train["timestamp"].tolist()
    for i, j in itertools.permutations(range(90), 2):
        ignored[i, j] = abs(times[i] - times[j]) <= pd.Timedelta(minutes=10) or {i, j} == {5, 40}
    expected = info_nce(
        torch.from_numpy(images), torch.from_numpy(sensors), config.objectives[0].temperature,
        ignored=torch.from_numpy(ignored), symmetric=symmetric,
    )  # fmt: skip
    assert one._step(0)[0] == pytest.approx(expected.item(), rel=1e-4)


def test_the_rate_falls_along_a_cosine_where_asked_to(tmp_path):
    for schedule in ("constant", "cosine"):
        one = toy_trainer(toy_config(training__iters=40, training__schedule=schedule, training__lr=0.01), tmp_path)
        rates = []
        for step in range(40):
            one._step(step)
            rates.append(one._stepper.optimizer.param_groups[0]["lr"])
        expected = [0.01 * (1 + np.cos(np.pi * step / 40)) / 2 if schedule == "cosine" else 0.01 for step in range(40)]
        assert rates == pytest.approx(expected)


def test_weight_decay_keeps_the_weights_small(tmp_path):
    norms = []
    for decay in (0.0, 0.1):
        fit(toy_config(training__weight_decay=decay), tmp_path / str(decay))
        norms.append(load_file(tmp_path / str(decay) / WEIGHTS)["towers.sensor.head.2.weight"].norm().item())
    assert norms[1] < 0.9 * norms[0]


def test_statistics_are_of_the_training_split_alone_each_pair_counted(tmp_path):
    corpus = toy_corpus()
    twice = corpus.pairs["sensor"].where(corpus.pairs.index % 2 == 0, corpus.pairs["sensor"].shift())
    corpus = Corpus(**(vars(corpus) | {"pairs": corpus.pairs.assign(sensor=twice)}))
    one = toy_trainer(toy_config(), tmp_path, corpus)
    own = corpus.sensors.loc[corpus.split("train")["sensor"], "a"]
    assert one.model.encoders["sensor"].statistics["mean"][0] == pytest.approx(own.mean())
    images, encoded = (source.encode(np.arange(one._data.pairs)) for source in one._data.sources)
    encoded = encoded[:, : len(one.model.encoders["sensor"].columns.numeric)]
    assert encoded.mean(axis=0) == pytest.approx(0, abs=1e-5)
    images = one.model.towers["image"].stem(torch.from_numpy(images)).numpy()
    assert images.mean(axis=0) == pytest.approx(0, abs=1e-4)
    assert images.std(axis=0) == pytest.approx(1, abs=1e-4)


def test_nothing_but_the_towers_learns(tmp_path):
    before = toy_trainer(toy_config(), tmp_path).model.state()
    fit(toy_config(), tmp_path / "m")
    after = load_file(tmp_path / "m" / WEIGHTS)
    kept = {name for name in after if torch.equal(before[name], after[name])}
    # The features are fixed: their statistics do not drift from step to step, as BatchNorm's would.
    assert {"towers.image.stem.mean", "towers.image.stem.scale", "learnt.0.log_temperature"} == kept


def test_a_photograph_that_cannot_be_read_is_left_out_of_its_split(tmp_path):
    corpus = toy_corpus()
    bad = [corpus.split("train")["image"].iloc[3], corpus.split("val")["image"].iloc[0]]
    one = toy_trainer(toy_config(), tmp_path, corpus, unreadable=bad)
    images, readings = (source.encode(np.arange(one._data.pairs)) for source in one._data.sources)
    assert len(images) == len(readings) == len(corpus.split("train")) - 1
    left = corpus.split("train").drop(index=corpus.split("train").index[3])
    assert np.array_equal(images, ToyFeatures(corpus).load(left["image"].tolist()))
    assert np.array_equal(readings, one.model.encoders["sensor"].encode(corpus.sensors.loc[left["sensor"]]))


@pytest.mark.parametrize("groups", [["2020-03-01"], ["2020-03-20"]])
def test_without_a_training_split_there_is_one_sentence(tmp_path, groups):
    sentence = refusal(fit, toy_config(), tmp_path / "m", corpus=toy_corpus(groups))
    assert "training split" in sentence
    assert not (tmp_path / "m").exists()


def test_a_training_split_that_cannot_be_read_is_one_sentence(tmp_path):
    corpus = toy_corpus()
    bad = corpus.split("train")["image"].tolist()[1:]
    with pytest.raises(UserError, match="1 pairs can be read"):
        toy_trainer(toy_config(), tmp_path, corpus, unreadable=bad)


def test_without_validation_the_last_weights_are_kept(tmp_path):
    result = fit(toy_config(), tmp_path / "m", corpus=toy_corpus(["2020-02-01", "2020-03-20"]))
    assert (result.validation, result.best_step) == ({}, 60)
    assert "no validation split" in result.sentence()
    assert Model.load(tmp_path / "m").card["step"] == 60


def test_a_loss_that_is_not_finite_is_one_sentence_and_gets_into_no_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(ntcir.training.trainer, "CHECKPOINT_EVERY", 1)
    config = toy_config(training__lr=1e38, training__validate_every=50)
    sentence = refusal(fit, config, tmp_path / "m")
    assert "training.lr" in sentence
    assert "step" in sentence
    states = load_file(tmp_path / "m" / LAST)
    assert read_progress(tmp_path / "m" / LAST).step > 0
    assert all(torch.isfinite(torch.tensor(row["loss"])) for row in read_metrics(tmp_path / "m" / METRICS))
    assert states


def test_a_first_step_that_fails_does_not_bar_the_folder(tmp_path):
    assert "objectives.0.temperature" in refusal(fit, toy_config(training__temperature=1e-40), tmp_path / "m")
    assert fit(toy_config(training__iters=3), tmp_path / "m").steps == 3


def test_the_largest_seed_will_do(tmp_path):
    assert fit(toy_config(seed=2**63 - 1, training__iters=2, towers__image_dropout=0.2), tmp_path / "m").steps == 2

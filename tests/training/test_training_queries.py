"""The training queries that a bias against hubs needs: kept at the end of every kind of training, of the model kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from helpers import Stopped, fit, fit_in_two_parts, one_thread, refusal, toy_config, toy_corpus, toy_features  # noqa: F401
from safetensors.torch import load_file

import ntcir.training.trainer
from ntcir.encoders import open_pair
from ntcir.model.folder import WEIGHTS
from ntcir.model.hubness import settle_bias
from ntcir.model.model import Model
from ntcir.model.trained import is_finished
from ntcir.training.checkpoint import LAST

pytestmark = pytest.mark.usefixtures("one_thread")


def biased(**changes: Any) -> Any:
    return toy_config(**{"training__iters": 10, "training__validate_every": 5, "hubness__beta": 0.7} | changes)


def expected(model: Model, corpus: Any) -> dict[str, torch.Tensor]:
    """Return the vectors of all training pairs, sorted."""
    train = corpus.split("train")
    with toy_features():
        rows = open_pair(model.config, corpus, model.encoders)
    return {
        name: sorted(map(tuple, model.unit_vectors(name, rows[name].load(train[name].tolist())).astype(np.float16)))
        for name in rows
    }


def kept(model: Model) -> dict[str, Any]:
    return {
        name: sorted(map(tuple, np.repeat(each.vectors.numpy(), each.counts.numpy(), axis=0)))
        for name, each in model.training_queries.items()
    }


@pytest.mark.parametrize(
    "config",
    [
        biased(),
        biased(training__lr=0.3, training__iters=40),  # the best step is not the last
        toy_config().changed({"objectives": [{"kind": "procrustes"}], "hubness.beta": 0.7}),
        biased(training__iters=0),
    ],
    ids=["trained", "earlier step", "solved", "no steps"],
)
def test_the_model_that_is_kept_has_its_own_vectors_of_all_training_pairs(tmp_path, config, capsys):
    result = fit(config, tmp_path / "m")
    model = Model.load(tmp_path / "m")
    assert kept(model) == expected(model, toy_corpus())
    assert model.card["hubness"] == {"queries": 90, "validation": "by cosine, without the bias"}
    measured = "; its validation MRR is by cosine, without the bias" if model.card["validation"] else ""
    assert f"the model keeps the vectors of 90 training pairs{measured}.\n" in capsys.readouterr().err
    if config.training.iters == 40:
        assert result.best_step < 40


def test_the_weights_and_the_log_are_those_without_a_bias(tmp_path):
    for name, beta in (("with", 0.7), ("without", 0.0)):
        fit(biased(hubness__beta=beta), tmp_path / name)
    with_bias, without = (load_file(tmp_path / name / WEIGHTS) for name in ("with", "without"))
    assert {name for name in with_bias if not name.startswith("hubness.")} == set(without)
    assert all(torch.equal(with_bias[name], value) for name, value in without.items())
    checkpoints = [load_file(tmp_path / name / LAST) for name in ("with", "without")]
    assert checkpoints[0].keys() == checkpoints[1].keys()


def test_a_sample_is_drawn_by_the_seed(tmp_path):
    found = []
    for name, changes in (("a", {}), ("b", {}), ("c", {"seed": 1})):
        fit(biased(hubness__queries=30, training__iters=0, **changes), tmp_path / name)
        found.append(kept(Model.load(tmp_path / name)))
    assert [len(each["image"]) for each in found] == [30, 30, 30]
    assert found[0] == found[1]
    whole = expected(Model.load(tmp_path / "a"), toy_corpus())
    assert set(found[0]["image"]) < set(whole["image"])
    # Of the same pairs on both sides.
    assert len({whole["image"].index(each) for each in found[0]["image"]}) == 30
    fit(biased(hubness__queries=1000, training__iters=0), tmp_path / "more")
    assert len(kept(Model.load(tmp_path / "more"))["image"]) == 90


def test_a_training_that_is_resumed_ends_with_the_queries_of_one_that_was_not(tmp_path):
    whole, pieces = biased(), biased()
    fit(whole, tmp_path / "whole")
    fit_in_two_parts(pieces, tmp_path / "pieces", stop=7, every=3)
    one, other = (load_file(tmp_path / name / WEIGHTS) for name in ("whole", "pieces"))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_queries_that_a_killed_command_did_not_get_to_are_kept_by_resuming(tmp_path):
    with patch.object(ntcir.training.trainer, "keep_queries", side_effect=Stopped), pytest.raises(Stopped):
        fit(biased(), tmp_path / "m")
    assert is_finished(tmp_path / "m")
    model = Model.load(tmp_path / "m")
    assert not model.training_queries
    assert "let its training end with --resume" in refusal(settle_bias, model, tmp_path / "m")
    fit(biased(), tmp_path / "m", resume=True)
    model = Model.load(tmp_path / "m")
    assert kept(model) == expected(model, toy_corpus())


def test_a_model_that_was_trained_without_a_bias_gets_one_by_resuming(tmp_path):
    fit(biased(hubness__beta=0.0), tmp_path / "m")
    before = load_file(tmp_path / "m" / WEIGHTS)
    fit(biased(), tmp_path / "m", resume=True)
    model = Model.load(tmp_path / "m")
    assert model.config.hubness.beta == 0.7
    assert kept(model) == expected(model, toy_corpus())
    after = load_file(tmp_path / "m" / WEIGHTS)
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert "hubness.temperature was changed" in refusal(
        fit, biased(hubness__temperature=0.2), tmp_path / "m", resume=True
    )


def test_a_model_that_more_steps_improve_gets_queries_anew(tmp_path):
    fit(biased(), tmp_path / "m")
    first = kept(Model.load(tmp_path / "m"))
    fit(biased(training__iters=40), tmp_path / "m", resume=True)
    model = Model.load(tmp_path / "m")
    assert kept(model) == expected(model, toy_corpus())
    assert kept(model) != first


def test_without_training_pairs_a_model_of_no_steps_cannot_have_a_bias(tmp_path):
    corpus = toy_corpus()
    corpus = replace(corpus, pairs=corpus.pairs[corpus.pairs["split"] != "train"])
    told = refusal(fit, biased(training__iters=0), tmp_path / "m", corpus=corpus)
    assert "has no pairs in its training split, whose queries hubness.beta = 0.7 needs" in told

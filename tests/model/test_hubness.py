"""A bias against hubs: what it is, what a model keeps for it, and which model can be asked with it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import fit, one_thread, refusal, toy_config, toy_corpus, toy_features  # noqa: F401
from safetensors.torch import load_file

import ntcir.model.hubness
from ntcir.encoders import open_pair
from ntcir.model.folder import CONFIG, WEIGHTS
from ntcir.model.hubness import TrainingQueries, settle_bias, with_bias
from ntcir.model.model import Model, Vectors
from ntcir.training.checkpoint import LAST

pytestmark = pytest.mark.usefixtures("one_thread")


def unit(seed: int, count: int, dim: int = 12) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def slow(queries: np.ndarray, document: np.ndarray, temperature: float) -> float:
    """Return h of a document, query by query, the greatest term taken out so that nothing overflows."""
    terms = [sum(float(one) * float(other) for one, other in zip(query, document, strict=True)) for query in queries]
    most = max(terms)
    total = sum(math.exp((term - most) / temperature) for term in terms)
    return most + temperature * math.log(total / len(terms))


@pytest.mark.parametrize("blocks", [(1, 1), (3, 5), (1024, 4096)])
@pytest.mark.parametrize("temperature", [0.001, 0.1, 1.0, 100.0])
def test_h_is_that_of_a_plain_loop_over_all_pairs(monkeypatch, blocks, temperature):
    monkeypatch.setattr(ntcir.model.hubness, "_DOCUMENTS", blocks[0])
    monkeypatch.setattr(ntcir.model.hubness, "_QUERIES", blocks[1])
    pairs = unit(0, 9)[[0, 1, 2, 3, 4, 5, 6, 7, 8, 2, 2, 5]].astype(np.float16)  # items in several pairs
    documents = unit(1, 7)
    found = TrainingQueries.of(pairs).hubness(documents, temperature)
    assert found == pytest.approx([slow(pairs, document, temperature) for document in documents], abs=3e-7)


def test_an_item_in_several_pairs_is_kept_once_and_counts_as_often():
    pairs = unit(0, 4).astype(np.float16)[[3, 0, 3, 3]]
    kept = TrainingQueries.of(pairs)
    assert (sorted(kept.counts.tolist()), kept.pairs, kept.vectors.shape) == ([1, 3], 4, (2, 12))


def test_the_same_documents_have_the_very_same_bias():
    documents = unit(1, 5)[[0, 1, 2, 1, 3, 4]]
    documents[3] += np.float32(1e-6)  # a twin that was rounded otherwise: the first one stands for both
    twins = np.array([0, 1, 2, 1, 4, 5])
    documents[5] = documents[0]  # no twin, and in the very same place
    queries = TrainingQueries.of(unit(0, 50).astype(np.float16))
    found = with_bias(documents, Vectors(documents, twins).distinct(), queries, beta=2.0, temperature=0.1)
    assert found.dtype == np.float32
    assert np.array_equal(found[:, :-1], documents)
    assert found[1, -1] == found[3, -1]
    assert found[0, -1] == found[5, -1]
    assert len(np.unique(found[:, -1])) == 4


@pytest.fixture(scope="module")
def biased(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:  # noqa: F811
    folder = tmp_path_factory.mktemp("hubness") / "biased"
    fit(toy_config(training__iters=10, hubness__beta=0.7), folder)
    return folder


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:  # noqa: F811
    folder = tmp_path_factory.mktemp("hubness") / "plain"
    fit(toy_config(training__iters=10), folder)
    return folder


def test_without_a_bias_vectors_are_the_very_same_objects_and_nothing_is_kept(plain):
    model = Model.load(plain)
    vectors = Vectors(unit(0, 3, 32), np.arange(3))
    assert model.as_queries(vectors.vectors) is vectors.vectors
    assert model.as_documents("image", vectors) is vectors
    assert model.in_both_roles({"image": vectors}) == ({"image": vectors}, None)
    assert not [name for name in load_file(plain / WEIGHTS) if name.startswith("hubness")]
    assert "hubness" not in model.card


@pytest.mark.parametrize(("asks", "answers"), [("image", "sensor"), ("sensor", "image")])
def test_an_inner_product_is_the_cosine_less_the_bias_of_the_training_queries(biased, asks, answers):
    model, corpus = Model.load(biased), toy_corpus()
    with toy_features():
        rows = open_pair(model.config, corpus, model.encoders)
    asked, ranked, training = (
        model.unit_vectors(name, rows[name].load(pairs[name].tolist()))
        for name, pairs in (
            (asks, corpus.split("test")),
            (answers, corpus.split("test")),
            (asks, corpus.split("train")),
        )
    )
    found = model.as_queries(asked[:4]) @ model.as_documents(answers, Vectors(ranked, np.arange(len(ranked)))).vectors.T
    for document, scores in zip(ranked[:9], found.T, strict=False):
        bias = 0.7 * slow(training, document, 0.1)
        assert scores == pytest.approx([float(query @ document) - bias for query in asked[:4]], abs=1e-4)
    # And to the last digits by the queries as they are kept.
    kept = model.training_queries[asks]
    again = np.repeat(kept.vectors.numpy().astype(np.float64), kept.counts.numpy(), axis=0)
    for document, scores in zip(ranked[:3], found.T, strict=False):
        bias = 0.7 * slow(again, document, 0.1)
        assert scores == pytest.approx([float(query @ document) - bias for query in asked[:4]], abs=1e-6)


def test_a_model_that_is_saved_again_keeps_its_queries(biased, tmp_path):
    model = Model.load(biased)
    model.save(tmp_path / "again")
    before, after = (load_file(folder / WEIGHTS) for folder in (biased, tmp_path / "again"))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert before["hubness.image.vectors"].dtype == torch.float16


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda found: found.update(vectors=found["vectors"][:, :-1]), "do not fit 32 dimensions"),
        (lambda found: found.update(counts=found["counts"][:-1]), "do not fit 32 dimensions"),
        (lambda found: found.update(vectors=found["vectors"][:0], counts=found["counts"][:0]), "do not fit"),
        (lambda found: found["counts"].zero_(), "the number of its pairs"),
        (lambda found: found.update(vectors=found["vectors"].int()), "the number of its pairs"),
        (lambda found: found.pop("counts"), "counts"),
        (lambda found: found["vectors"].fill_(math.nan), "hold NaN in 'hubness.image.vectors'"),
    ],
)
def test_queries_that_do_not_fit_are_damage(biased, tmp_path, damage, said):
    model = Model.load(biased)
    state = {name: value.clone() for name, value in model.training_queries["image"].state().items()}
    damage(state)
    whole = {name: value for name, value in model.state().items() if not name.startswith("hubness.image")}
    model.state = lambda: whole | {f"hubness.image.{name}": value for name, value in state.items()}  # type: ignore[method-assign]
    model.save(tmp_path / "damaged")
    assert said in refusal(Model.load, tmp_path / "damaged")


# ------------------------------------------------------------------------------------- which beta a model is asked with


def test_beta_may_be_another_than_in_training(biased):
    for typed, expected in ((None, 0.7), (0.0, 0.0), (1.5, 1.5)):
        model = Model.load(biased)
        settle_bias(model, biased, typed)
        assert model.config.hubness.beta == expected


def test_a_model_without_training_queries_is_refused_with_a_bias_and_asked_without(plain, tmp_path):
    model = Model.load(plain)
    settle_bias(model, plain)
    settle_bias(model, plain, 0.0)
    told = refusal(settle_bias, model, plain, 0.5)
    assert f"The model in {plain} keeps no training queries" in told
    assert "add --resume --set hubness.beta=0.5 to the command that trained it, which takes no further step" in told
    (tmp_path / "copied").mkdir()
    for name in ("config.yaml", "encoders.json", "model.json", WEIGHTS):  # without the checkpoint
        (tmp_path / "copied" / name).write_bytes((plain / name).read_bytes())
    told = refusal(settle_bias, Model.load(tmp_path / "copied"), tmp_path / "copied", 0.5)
    assert "train again with --set hubness.beta=0.5" in told
    model.config = model.config.changed({"hubness.beta": 0.5})
    assert "keeps no training queries" in refusal(model.as_documents, "image", Vectors(unit(0, 2, 32), np.arange(2)))


def test_beta_that_was_written_into_the_configuration_of_such_a_model_is_refused_too(plain, tmp_path):
    model = Model.load(plain)
    model.config = model.config.changed({"hubness.beta": 0.7})
    model.save(tmp_path / "m")
    assert "keeps no training queries" in refusal(settle_bias, Model.load(tmp_path / "m"), tmp_path / "m")


def test_other_keys_of_the_bias_stay_as_they_were_in_training(biased, tmp_path):
    model = Model.load(biased)
    model.save(tmp_path / "m")
    model.config.changed({"hubness.temperature": 0.2}).save(tmp_path / "m" / CONFIG)
    assert "hubness.temperature = 0.2, but the model was trained with 0.1" in refusal(Model.load, tmp_path / "m")


def test_an_interrupted_training_is_asked_without_its_bias(biased, tmp_path, capsys):
    folder = tmp_path / "m"
    fit(toy_config(training__iters=10, hubness__beta=0.7), folder)
    model = Model.load(folder)
    model.training_queries = {}
    model.config = model.config.changed({"training.iters": 20})  # of which its checkpoint has 10
    model.save(folder)
    assert (folder / LAST).is_file()
    capsys.readouterr()
    model = Model.load(folder)
    settle_bias(model, folder)
    assert model.config.hubness.beta == 0
    told = capsys.readouterr().err
    assert f"the training in {folder} was interrupted before it kept the training queries" in told
    assert "the bias is left out" in told
    assert "keeps no training queries" in refusal(settle_bias, Model.load(folder), folder, 0.7)

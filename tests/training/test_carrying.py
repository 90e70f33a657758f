"""What objectives have learnt, taken over from the model that a training begins from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import fit, one_thread, toy_config, toy_corpus, toy_rows, toy_trainer  # noqa: F401
from safetensors.torch import load_file
from toy_classes import classes  # noqa: F401

from ntcir.corpora.corpus import Corpus
from ntcir.model.folder import CARD, WEIGHTS
from ntcir.model.model import Model
from ntcir.training.start import Start
from ntcir.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("one_thread", "classes")
CLASSES = [{"kind": "classes"}]
BOTH = [{"kind": "info_nce", "learn_temperature": True}, *CLASSES]
TAKEN = "what the objective classes has learnt is taken from"
ANEW = "what the objective classes learns begins anew: "


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, one_thread: None, classes: None) -> Path:  # noqa: F811
    """A model that was trained on both objectives."""
    folder = tmp_path_factory.mktemp("carrying") / "model"
    fit(toy_config(objectives=BOTH, training__iters=5), folder)
    return folder


def begun(model: Path, folder: Path, corpus: Corpus | None = None, **changes: Any) -> Trainer:
    """Return a training that has not taken a step."""
    config = toy_config(training__start=str(model), seed=5, **{"objectives": CLASSES, **changes})
    start = Start.of(config, folder, resume=False)
    corpus = corpus or toy_corpus()
    return Trainer(config, corpus, toy_rows(config, corpus), folder, start)


def test_a_classifier_goes_on_where_its_classes_are_the_same(model, tmp_path, capsys):
    saved = load_file(model / WEIGHTS)
    one = begun(model, tmp_path, objectives=[*CLASSES, {"kind": "info_nce", "learn_temperature": True}])
    state = one.model.state()
    assert torch.equal(state["learnt.0.weight"], saved["learnt.1.weight"])
    assert state["learnt.1.log_temperature"] == pytest.approx(torch.tensor(0.1).log())  # which begins anew
    assert f"training.start: {TAKEN} {model}." in capsys.readouterr().err


def test_the_first_loss_is_that_of_the_model_it_begins_from(model, tmp_path):
    fit(toy_config(objectives=CLASSES, training__iters=3, seed=5), tmp_path / "one")
    longer = toy_trainer(toy_config(objectives=CLASSES, seed=5), tmp_path / "other")
    for step in range(3):
        longer._step(step)
    assert begun(tmp_path / "one", tmp_path / "on")._step(3)[0] == longer._step(3)[0]


def without_one(corpus: Corpus) -> Corpus:
    return replace(corpus, pairs=corpus.pairs.drop(index=0).reset_index(drop=True))


def exchanged(corpus: Corpus) -> Corpus:
    """Return as many pairs, of which two have exchanged their readings."""
    sensors = corpus.pairs["sensor"].tolist()
    sensors[0], sensors[1] = sensors[1], sensors[0]
    return replace(corpus, pairs=corpus.pairs.assign(sensor=sensors))


@pytest.mark.parametrize(("change", "ours"), [(without_one, 89), (exchanged, 90)])
def test_a_classifier_of_other_instances_begins_anew(model, tmp_path, capsys, change, ours):
    one = begun(model, tmp_path, change(toy_corpus()))
    why = f"the 90 instances that {model} was trained on are not the {ours} of these training pairs."
    assert ANEW + why in capsys.readouterr().err
    assert one.model.state()["learnt.0.weight"].shape == (ours, 32)
    assert_anew(one)


def assert_anew(one: Trainer) -> None:
    """Check that all that objectives learn is as it is without a model to begin from."""
    fresh = Model(one.config, one.model.encoders, {}, one.model.instances)
    state, expected = one.model.learnt.state_dict(), fresh.learnt.state_dict()
    assert all(torch.equal(state[name], value) for name, value in expected.items())


@pytest.mark.parametrize(
    ("theirs", "ours", "why"),
    [
        ([{"kind": "info_nce"}], CLASSES, "has no objectives of this kind."),
        (CLASSES * 2, CLASSES, "has 2 objectives of this kind."),
        (CLASSES, CLASSES * 2, "this training has 2 objectives of this kind."),
        (CLASSES, [{"kind": "classes", "bias": True}], "and this training learns its weight and bias"),
    ],
)
def test_it_is_told_why_a_classifier_begins_anew(tmp_path, capsys, theirs, ours, why):
    fit(toy_config(objectives=theirs, training__iters=1), tmp_path / "start")
    one = begun(tmp_path / "start", tmp_path / "m", objectives=ours)
    said = capsys.readouterr().err
    assert said.count(ANEW) == 1
    assert why in said
    assert_anew(one)


def test_a_model_of_an_earlier_version_does_not_say_what_its_classes_are(model, tmp_path, capsys):
    old = Model.load(model)
    assert old.numbering
    assert "numbering" not in old.card
    old.numbering = ""
    old.save(tmp_path / "old")
    assert "numbering" not in json.loads((tmp_path / "old" / CARD).read_text(encoding="utf-8"))
    begun(tmp_path / "old", tmp_path / "m")
    assert f"{ANEW}{tmp_path / 'old'} does not say which instances it was trained on." in capsys.readouterr().err


def test_a_model_whose_objectives_have_no_classes_says_nothing_of_them(tmp_path, capsys):
    fit(toy_config(training__iters=1), tmp_path / "start")
    card = json.loads((tmp_path / "start" / CARD).read_text(encoding="utf-8"))
    assert "instances" in card
    assert "numbering" not in card
    capsys.readouterr()
    begun(tmp_path / "start", tmp_path / "m", objectives=[{"kind": "info_nce", "learn_temperature": True}])
    assert "objective" not in capsys.readouterr().err


@pytest.mark.parametrize("clusters", [None, 5])
def test_the_instance_loss_goes_on_with_its_classes_and_with_its_clusters(tmp_path, capsys, clusters):
    if clusters is not None:
        pytest.importorskip("sklearn")
    both = [{"kind": "instance", "clusters": clusters}, {"kind": "ranking"}]
    fit(toy_config(objectives=both[:1], training__iters=2), tmp_path / "start")
    assert ("k-means" in capsys.readouterr().err) == (clusters is not None)
    one = begun(tmp_path / "start", tmp_path / "m", objectives=both[::-1])
    one._begin(False)
    said = capsys.readouterr().err
    assert "training.start: what the objective instance has learnt is taken from" in said
    assert "k-means" not in said
    theirs, ours = Model.load(tmp_path / "start").learnt[0].state_dict(), one.model.learnt[1].state_dict()
    assert theirs.keys() == ours.keys()
    assert all(torch.equal(ours[name], value) for name, value in theirs.items())

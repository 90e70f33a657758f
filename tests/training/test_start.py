"""A training that begins from another model's towers."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import (  # noqa: F401
    command_line,
    fit,
    one_thread,
    refusal,
    toy_config,
    toy_corpus,
    toy_rows,
    toy_trainer,
    write_pictures,
)
from safetensors.torch import load_file
from toy_captions import caption_config, captioned

import ntcir.training.start
import ntcir.training.trainer
from ntcir.config import Config, load_config
from ntcir.encoders.presets import Columns
from ntcir.encoders.readings import ReadingsEncoder
from ntcir.model.folder import CONFIG, WEIGHTS
from ntcir.model.model import Model
from ntcir.training.checkpoint import LAST
from ntcir.training.start import Start, check_start
from ntcir.training.start_readings import check_same_readings
from ntcir.training.trainer import Trainer, train

pytestmark = pytest.mark.usefixtures("one_thread")
CNN: dict[str, Any] = {"text.head": "cnn", "text.blocks": [1, 1], "text.widths": [8, 8]}
LEARNING: dict[str, Any] = {"training__learn_temperature": True}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:  # noqa: F811
    """A model, whose temperature was learnt."""
    folder = tmp_path_factory.mktemp("start") / "model"
    fit(toy_config(**LEARNING, training__iters=20), folder)
    return folder


def begun(model: Path, folder: Path, **changes: Any) -> Trainer:
    """Return a training that has not taken a step."""
    config = toy_config(training__start=str(model), seed=5, **LEARNING, **changes)
    start = Start.of(config, folder, resume=False)
    one = toy_trainer(config, folder)
    assert start is not None
    start.give_towers(one.model)
    return one


def test_it_begins_with_the_towers_of_the_other_and_objectives_of_its_own(model, tmp_path):
    saved = load_file(model / WEIGHTS)
    one = begun(model, tmp_path)
    towers = [name for name in saved if name.startswith("towers.")]
    state = one.model.state()
    assert towers
    assert all(torch.equal(state[name], saved[name]) for name in towers)
    assert state["learnt.0.log_temperature"] == pytest.approx(torch.tensor(0.1).log())
    assert state["learnt.0.log_temperature"] != saved["learnt.0.log_temperature"]
    random = toy_trainer(toy_config(seed=5, **LEARNING), tmp_path)
    assert one._step(0)[0] < 0.9 * random._step(0)[0]
    assert any(not torch.equal(one.model.state()[name], saved[name]) for name in towers)


def test_the_command_begins_there_keeps_the_place_and_goes_on_without_it(model, tmp_path, monkeypatch):
    monkeypatch.setattr(ntcir.training.trainer, "CHECKPOINT_EVERY", 5)
    start = tmp_path / "start"
    shutil.copytree(model, start)
    config = toy_config(training__start=str(start), training__iters=15, **LEARNING)
    fit(config, tmp_path / "whole")
    assert load_config(tmp_path / "whole" / CONFIG).training.start == start
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_validate", lambda self, progress: 1 / 0 if progress.step == 10 else {})
        with pytest.raises(ZeroDivisionError):
            fit(config, tmp_path / "resumed")
    shutil.rmtree(start)  # it is not needed any more
    fit(config, tmp_path / "resumed", resume=True)
    whole, resumed = (load_file(tmp_path / place / LAST) for place in ("whole", "resumed"))
    assert all(torch.equal(whole[name], value) for name, value in resumed.items())
    assert "There is no trained model in" in refusal(fit, config, tmp_path / "anew")


def test_towers_of_either_modality_serve_the_pair_in_the_other_order(model, tmp_path):
    config = toy_config(training__start=str(model)).changed({"pair": ["sensor", "image"], "training.iters": 3})
    assert fit(config, tmp_path / "turned").steps == 3


def test_a_relative_place_is_that_of_the_folder_in_which_it_was_typed(tmp_path, monkeypatch):
    write_pictures(tmp_path / "data", per_session=4)
    monkeypatch.chdir(tmp_path)
    train = ["train", "--data", "data", "--iters", "2", "--set", "topics.pool=4"]
    for more in (["--out", "runs/first"], ["--out", "runs/second", "--set", "training.start=runs/first"]):
        done = command_line(*train, *more)
        assert done.exit_code == 0, done.output
    assert load_config(Path("runs/second") / CONFIG).training.start == tmp_path / "runs/first"


GATED = {"towers__sensor__head": "gmlp", "towers__sensor__layers": 2, "towers__sensor_hidden": 8}


@pytest.fixture(scope="module")
def linear(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:  # noqa: F811
    """A model whose towers are linear maps; one is not quite, while it trains."""
    folder = tmp_path_factory.mktemp("start") / "linear"
    fit(toy_config(**LEARNING, towers__sensor__layers=1, towers__image__input_dropout=0.2, training__iters=20), folder)
    return folder


def vectors_of(model: Model, name: str) -> torch.Tensor:
    rows = toy_rows(toy_config(), toy_corpus())[name]
    items = toy_corpus().pairs[name].tolist()
    rows.fit(items)
    return torch.from_numpy(model.unit_vectors(name, rows.load(items)))


def test_gated_towers_begin_as_the_linear_maps_they_start_from(linear, tmp_path):
    gated = GATED | {"towers__image__head": "gmlp", "towers__image__hidden": 12, "towers__sensor__dropout": 0.1}
    one = begun(linear, tmp_path, **gated)
    theirs = Model.load(linear)
    for name in one.model.config.pair:
        before = vectors_of(theirs, name)
        assert torch.equal(vectors_of(one.model, name), before)
    one._step(0)
    assert not torch.equal(vectors_of(one.model, name), before)


def test_gated_towers_begin_from_what_was_solved(tmp_path):
    changes: dict[str, Any] = {
        "objectives": [{"kind": "procrustes"}],
        "training__iters": 0,
        "towers__sensor__layers": 1,
    }
    fit(toy_config(**changes), tmp_path / "solved")
    solved = Model.load(tmp_path / "solved")
    gated = {f"towers__{name}__head": "gmlp" for name in solved.config.pair}
    one = begun(tmp_path / "solved", tmp_path / "on", towers__dim=solved.config.towers.dim, **gated)
    for name in one.model.config.pair:
        assert torch.equal(vectors_of(one.model, name), vectors_of(solved, name))


@pytest.mark.parametrize("head", ["mlp", "gmlp"])
def test_a_training_may_drop_more_or_less_than_the_one_it_begins_from(head, tmp_path):
    less = {"towers__sensor__head": head, "towers__sensor_hidden": 8}
    more = less | {"towers__sensor__dropout": 0.3, "towers__sensor__input_dropout": 0.2}
    for place, theirs, ours in (("less", less, more), ("more", more, less)):
        fit(toy_config(**LEARNING, **theirs, training__iters=3), tmp_path / place)
        one = begun(tmp_path / place, tmp_path / "on", **ours)
        assert torch.equal(vectors_of(one.model, "sensor"), vectors_of(Model.load(tmp_path / place), "sensor"))


def test_gated_towers_begin_from_gated_ones_and_not_from_others(model, linear, tmp_path):
    fit(toy_config(**LEARNING, **GATED, training__iters=5), tmp_path / "gated")
    one = begun(tmp_path / "gated", tmp_path / "on", **GATED)
    assert torch.equal(vectors_of(one.model, "sensor"), vectors_of(Model.load(tmp_path / "gated"), "sensor"))
    for place, changes, key, have in (
        (model, GATED, "head", "mlp"),  # of two layers
        (linear, GATED | {"towers__image__power": 0.5}, "power", "1.0"),
        (tmp_path / "gated", {}, "head", "gmlp"),
        (tmp_path / "gated", GATED | {"towers__sensor__layers": 1}, "layers", "2"),
        (tmp_path / "gated", GATED | {"towers__sensor_hidden": 4}, "hidden", "8"),
    ):
        tower = "image" if key == "power" else "sensor"
        assert f"set towers.{tower}.{key}={have}, or name another model." in refused(place, tmp_path / "m", **changes)


@pytest.mark.parametrize(
    ("theirs", "ours", "key", "have"),
    [
        ({"image.norm": "batch"}, {}, "image.norm", "batch"),
        ({}, {"image.norm": "group"}, "image.norm", "none"),
        ({"image.layers": 1, "image.norm": "batch"}, {"image.head": "gmlp"}, "image.head", "mlp"),
        (CNN, CNN | {"text.blocks": [1, 2]}, "text.blocks", "[1,1]"),
        (CNN, CNN | {"text.widths": [8, 12]}, "text.widths", "[8,8]"),
        (CNN, CNN | {"text.norm": "group"}, "text.norm", "none"),
        (CNN, {}, "text.head", "cnn"),
    ],
)
def test_towers_whose_norms_or_convolutions_are_others_are_refused(tmp_path, monkeypatch, theirs, ours, key, have):
    """As far as settings tell, which is before anything is read."""
    settings = {"pair": ["image", "text"], "towers.text.encoder": "words", "texts.form": "sequence"}
    there, here = (
        Config().changed(settings | {f"towers.{name}": value for name, value in changes.items()})
        for changes in (theirs, ours)
    )
    monkeypatch.setattr(ntcir.training.start, "read_config", lambda place: there)
    check_start(there.changed({"training.start": str(tmp_path)}))
    sentence = refusal(check_start, here.changed({"training.start": str(tmp_path)}))
    assert f"{tmp_path} has towers.{key} = {have}, and this training " in sentence
    assert f": set towers.{key}={have}, or name another model." in sentence


@pytest.mark.parametrize("ours", ["sequence", "sum"])
@pytest.mark.parametrize("theirs", ["sequence", "sum"])
def test_a_gate_over_words_does_not_begin_from_a_map_of_single_vectors(ours, theirs, tmp_path):
    start = caption_config(texts__form=theirs, texts__width=12)
    fit(start.changed({"training.iters": 1}), tmp_path / "start", corpus=captioned())
    config = caption_config(
        texts__form=ours, texts__width=12, towers__text__head="gmlp", towers__text__hidden=8, training__iters=1,
        training__start=str(tmp_path / "start"),
    )  # fmt: skip
    if ours == theirs == "sum":
        assert fit(config, tmp_path / "model", corpus=captioned()).steps == 1
    else:
        sentence = refusal(fit, config, tmp_path / "model", corpus=captioned())
        assert "has towers.text.head = mlp, and this training gmlp: set towers.text.head=mlp, or name" in sentence


# ------------------------------------------------------------------------------------------- what is no start


def refused(model: Path, folder: Path, **changes: Any) -> str:
    config = toy_config(training__start=str(model), **changes)
    sentence = refusal(fit, config, folder)
    assert str(model) in sentence
    assert not (folder / CONFIG).exists()
    return sentence


def test_a_start_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    for place in ("empty", "nowhere"):
        assert "training.start: There is no trained model in" in refused(tmp_path / place, tmp_path / "model")


def test_a_damaged_start_and_one_of_a_later_format_are_refused(model, tmp_path):
    for text, why in (("{", "is damaged (model.json"), ('{"version": 99}', "was saved by a newer ntcir (format 99;")):
        shutil.copytree(model, tmp_path / "other", dirs_exist_ok=True)
        (tmp_path / "other" / "model.json").write_text(text, encoding="utf-8")
        assert why in refused(tmp_path / "other", tmp_path / "model")


def test_a_start_of_another_dimension_is_refused_with_what_to_set(model, tmp_path):
    sentence = refused(model, tmp_path / "model", towers__dim=16)
    assert "has towers.dim = 32, and this training 16: set towers.dim=32, or name another model." in sentence


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("towers.sensor.hidden", 3),
        ("towers.image.layers", 3),
        ("towers.image.standardise", False),
        ("towers.image.power", 0.5),
    ],
)
def test_a_start_whose_towers_are_others_is_refused_before_the_data_are_read(model, tmp_path, key, value):
    config = toy_config(training__start=str(model))
    theirs = load_config(model / CONFIG)
    part, _, leaf = key.rpartition(".")
    have = getattr(theirs.towers.of(part.partition(".")[2]), leaf)
    sentence = refusal(train, config.changed({key: value}), lambda: pytest.fail("read"), tmp_path / "model")
    assert (
        f"training.start: {model} has {key} = {str(have).lower()}, and this training {str(value).lower()}" in sentence
    )
    assert f": set {key}={str(have).lower()}, or name another model." in sentence
    assert not (tmp_path / "model" / CONFIG).exists()


def test_the_width_of_layers_in_between_does_not_matter_where_there_are_none(model, tmp_path):
    assert toy_config().towers.of("image").layers == 1
    config = toy_config(training__start=str(model), towers__image__hidden=7, training__iters=1)
    assert fit(config, tmp_path / "model").steps == 1


def test_a_start_of_other_readings_is_refused(model, tmp_path):
    sentence = refused(model, tmp_path / "model", sensors__exclude=["a"])
    assert f"the sensor tower of {model} has other sensor columns than this training (only there: a)" in sentence
    assert f"set sensors as in {model / CONFIG}, or name another model." in sentence


@pytest.mark.parametrize(("numbers", "said"), [("rbf", "rbf"), (["rbf", "periodic"], "rbf,periodic")])
def test_a_start_of_other_numbers_is_refused(model, tmp_path, numbers, said):
    sentence = refused(model, tmp_path / "model", sensors__numbers=numbers)
    assert f"has sensors.numbers = periodic, and this training {said}: set sensors.numbers=[periodic]," in sentence


def readings_of(table: dict[str, list[object]], **columns: Any) -> ReadingsEncoder:
    return ReadingsEncoder.fit(Columns(**columns), pd.DataFrame(table), rare=1)


@pytest.mark.parametrize(
    ("theirs", "ours", "why"),
    [
        (
            readings_of({"a": [1.0, 2.0], "b": [1.0, 3.0]}, numeric=("a",)),
            readings_of({"a": [1.0, 2.0], "b": [1.0, 3.0]}, numeric=("b",)),
            "has other sensor columns than this training (only there: a, only here: b): set sensors as in",
        ),
        (
            readings_of({"a": [1.0, 2.0], "b": [1.0, 3.0]}, numeric=("a", "b")),
            readings_of({"a": [1.0, 2.0], "b": [1.0, 3.0]}, numeric=("b", "a")),
            "has other sensor columns than this training (the same ones encoded differently): set sensors as in",
        ),
        (
            readings_of({"a": [1.0, 2.0, np.nan], "b": [1.0, 3.0, 2.0]}, numeric=("a", "b")),
            readings_of({"a": [1.0, 2.0, 3.0], "b": [1.0, np.nan, 2.0]}, numeric=("a", "b")),
            "knows other columns with missing values than this training split has",
        ),
        (
            readings_of({"a": ["in", "out"]}, categorical=("a",), categories="embedding"),
            readings_of({"a": ["in", "up"]}, categorical=("a",), categories="embedding"),
            "knows other categories than this training split has: name a model that was trained on the same data.",
        ),
    ],
)
def test_a_start_whose_readings_have_as_many_columns_of_other_meanings_is_refused(theirs, ours, why, tmp_path):
    assert theirs.dim == ours.dim
    assert why in refusal(check_same_readings, "sensor", theirs, ours, tmp_path)


def test_a_start_whose_words_weigh_otherwise_is_refused(tmp_path):
    fit(caption_config(training__iters=1), tmp_path / "start", corpus=captioned())
    config = caption_config(texts__tfidf=True, training__iters=1, training__start=str(tmp_path / "start"))
    sentence = refusal(fit, config, tmp_path / "model", corpus=captioned())
    assert "has texts.tfidf = false, and this training true: set texts.tfidf=false, or name another model." in sentence


CONVOLVED: dict[str, Any] = {
    "texts__form": "sequence", "texts__length": 8, "towers__text__head": "cnn", "towers__text__norm": "batch",
    "towers__text__blocks": [1, 1], "towers__text__widths": [8, 12], "training__iters": 1,
}  # fmt: skip


def test_a_network_over_words_begins_from_one_of_the_same_groups_norms_and_words(tmp_path):
    place = tmp_path / "start"
    fit(caption_config(**CONVOLVED), place, corpus=captioned())
    begun = CONVOLVED | {"training__start": str(place), "towers__text__dropout": 0.5}
    assert fit(caption_config(**begun), tmp_path / "model", corpus=captioned()).steps == 1
    for changes, wanted in (
        ({"towers__text__norm": "group"}, "towers.text.norm=batch"),
        ({"towers__text__blocks": [1, 2]}, "towers.text.blocks=[1,1]"),
        ({"towers__text__widths": [8, 8]}, "towers.text.widths=[8,12]"),
        ({"towers__sensor__norm": "batch"}, "towers.sensor.norm=none"),
        ({"texts__length": 9}, "texts.length=8"),
        ({"texts__width": 13}, "texts.width=12"),
    ):
        sentence = refusal(fit, caption_config(**(begun | changes)), tmp_path / "other", corpus=captioned())
        assert f"set {wanted}" in sentence, changes
        assert "or name another model." in sentence


def test_the_length_of_captions_matters_only_to_what_knows_positions(tmp_path):
    pooled: dict[str, Any] = {"texts__form": "sequence", "texts__length": 8, "training__iters": 1}
    fit(caption_config(**pooled), tmp_path / "start", corpus=captioned())
    longer = pooled | {"training__start": str(tmp_path / "start"), "texts__length": 9}
    assert fit(caption_config(**longer), tmp_path / "model", corpus=captioned()).steps == 1
    sentence = refusal(fit, caption_config(**(longer | {"texts__form": "sum"})), tmp_path / "m", corpus=captioned())
    assert "has texts.form = sequence, and this training sum: set texts.form=sequence, or name another" in sentence


def test_a_start_that_may_know_what_is_held_out_is_told(model, tmp_path, capsys):
    for split, told in (({}, 0), ({"data__split": {"by": "fraction", "train": 0.5, "val": 0.2, "test": 0.3}}, 1)):
        Start.of(toy_config(training__start=str(model), **split), tmp_path, resume=False)
        said = capsys.readouterr().err
        assert said.count(f"WARNING: training.start: {model} was made with another data.split") == told


def test_a_training_does_not_begin_from_itself(tmp_path):
    folder = tmp_path / "model"
    for place in (folder, tmp_path / "." / "model"):
        assert "is the folder of this training: name another model's." in refused(place, folder)


def test_a_start_on_features_of_other_networks_is_told(model, tmp_path, monkeypatch, capsys):
    fit(toy_config(training__start=str(model), training__iters=1), tmp_path / "same")
    assert "other networks" not in capsys.readouterr().err
    import helpers

    kept = helpers.ToyFeatures.__init__

    def other(self: Any, *arguments: Any, **options: Any) -> None:
        kept(self, *arguments, **options)
        self.fingerprints = ["another"]

    monkeypatch.setattr(helpers.ToyFeatures, "__init__", other)
    fit(toy_config(training__start=str(model), training__iters=1), tmp_path / "other")
    assert "WARNING: training.start: the image tower of" in capsys.readouterr().err

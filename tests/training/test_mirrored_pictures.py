"""Trainings on pictures and their mirror images: stored and live, resumed, started, solved, and asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import (
    command_line,
    fit,
    fit_in_two_parts,
    one_thread,  # noqa: F401
    read_pictures,
    refusal,
    toy_config,
    toy_corpus,
    toy_rows,
    toy_trainer,
    trained_states,
    write_pictures,
)
from PIL import Image
from safetensors.torch import load_file
from test_sources import finetuning

from ntcir.config import Augment, Backbone, Config, Encoder, Features
from ntcir.encoders import open_pair
from ntcir.features.image_features import ImageFeatures
from ntcir.features.mirror import MirroredAtRandom
from ntcir.model.folder import CONFIG, WEIGHTS
from ntcir.model.model import Model
from ntcir.sampling.augment import Augmenter
from ntcir.training.remarks import idle_settings
from ntcir.training.sources import LiveImages, StoredRows
from ntcir.training.start import Start

pytestmark = pytest.mark.usefixtures("one_thread")
SQUEEZENET = {"arch": "squeezenet1_1", "weights": "random"}
SMALL = Features(backbones=[Backbone(**SQUEEZENET)], size=32, crop=32, batch=8, precision="fp32", mirror=True)


def write_lopsided(folder: Path) -> Path:
    """Write pictures that do not look like their mirror images."""
    write_pictures(folder, ("s1", "s2", "s3"), 8)
    for number, path in enumerate(sorted((folder / "images").iterdir())):
        with Image.open(path) as opened:
            pixels = np.array(opened)
        pixels[:, : 4 + number % 9] = 255 - pixels[:, : 4 + number % 9]
        Image.fromarray(pixels).save(path)
    return folder


def live_config(folder: Path) -> Config:
    write_lopsided(folder / "data")
    changes: dict[str, Any] = {
        "features.mirror": True,
        "features.backbones": [SQUEEZENET],
        "training.iters": 4,
        "topics.pool": 8,
    }
    return finetuning(folder).changed(changes | {"training.validate_every": 2})


# ------------------------------------------------------------------------------------------- stored features


def test_an_altered_view_stands_for_both_halves():
    rows = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    views = np.random.default_rng(1).normal(size=(2, 9, 2)).astype(np.float16)
    found, _ = StoredRows(rows, views)(np.array([3, 3, 8]), np.array([0, 2, 1]), step=0)
    assert np.array_equal(found.numpy(), [rows[3], np.tile(views[1, 3], 2), np.tile(views[0, 8], 2)])


def test_an_interrupted_training_ends_as_if_it_had_not_been(tmp_path):
    config = toy_config(features__mirror=True, augment__views=2, training__iters=20, towers__image__dropout=0.2)
    fit(config, tmp_path / "whole")
    fit_in_two_parts(config, tmp_path / "parts", stop=13, every=5)
    whole, parts = (load_file(tmp_path / name / WEIGHTS) for name in ("whole", "parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    fit(config.changed({"features.mirror": False}), tmp_path / "plain")
    assert not torch.equal(load_file(tmp_path / "plain" / WEIGHTS)["towers.image.head.0.weight"],
                           whole["towers.image.head.0.weight"])  # fmt: skip


def test_a_saved_model_gives_the_sum_of_both_halves_and_no_other_setting_is_put_in_its_place(tmp_path):
    fit(toy_config(features__mirror=True, training__iters=5), tmp_path / "model")
    model = Model.load(tmp_path / "model")
    rows = np.random.default_rng(0).normal(size=(6, 48)).astype(np.float32)
    tower = model.tower("image").eval()
    with torch.inference_mode():
        halves = [tower.head(tower.stem(torch.from_numpy(half))) for half in (rows[:, :24], rows[:, 24:])]
    expected = torch.nn.functional.normalize(sum(halves), dim=1).numpy()
    np.testing.assert_allclose(model.unit_vectors("image", rows), expected, atol=1e-6)
    place = tmp_path / "model" / CONFIG
    place.write_text(place.read_text().replace("mirror: true", "mirror: false"))
    assert "features.mirror = False, but the model was trained with True" in refusal(Model.load, tmp_path / "model")


@pytest.mark.parametrize("kind", ["procrustes", "least_squares", "cca"])
def test_what_is_solved_is_solved_from_the_mean_of_both_halves(tmp_path, kind):
    config = toy_config(
        features__mirror=True, objectives=[{"kind": kind}], towers__dim=4, training={"batch": 16}, topics__pool=20
    )
    fit(config, tmp_path / "both")
    model, corpus = Model.load(tmp_path / "both"), toy_corpus()
    rows = toy_rows(config, corpus)["image"]
    ids = corpus.images.index.tolist()
    found = model.unit_vectors("image", rows.load(ids))
    # The same layer, given the mean of the standardised halves, gives the same directions.
    tower = model.tower("image").eval()
    with torch.inference_mode():
        one, other = np.split(rows.load(ids), 2, axis=1)
        mean = (tower.stem(torch.from_numpy(one)) + tower.stem(torch.from_numpy(other))) / 2
        expected = torch.nn.functional.normalize(tower.head(mean), dim=1).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)
    # It has centred the means of the training split.
    train = torch.from_numpy(np.flatnonzero(corpus.pairs["split"] == "train"))
    assert tower.head(mean[train]).mean(dim=0).abs().max() < 1e-4


@pytest.mark.parametrize(("theirs", "ours"), [(True, False), (False, True)])
def test_a_model_of_the_other_setting_is_no_start(tmp_path, theirs, ours):
    fit(toy_config(features__mirror=theirs, training__iters=1), tmp_path / "model")
    config = toy_config(features__mirror=ours, training__start=str(tmp_path / "model"))
    sentence = refusal(Start.of, config, tmp_path / "new", resume=False)
    have, want = str(theirs).lower(), str(ours).lower()
    assert f"has features.mirror = {have}, and this training {want}: set features.mirror={have}" in sentence
    same = config.changed({"features.mirror": theirs})
    start = Start.of(same, tmp_path / "new", resume=False)
    assert start is not None
    trainer = toy_trainer(same, tmp_path / "new")
    start.give_towers(trainer.model)
    weights = [model.tower("image").head[0].weight for model in (trainer.model, start.model)]
    assert torch.equal(*weights)


def test_encoders_that_see_no_pictures_have_no_use_for_it():
    of_images = list(idle_settings(toy_config(features__mirror=True), np.array([60])))
    assert not any("mirror" in remark for remark in of_images)
    config = toy_config(features__mirror=True, towers__image__encoder="vectors")
    found = list(idle_settings(config, np.array([60])))
    assert any("features.mirror is set but not used" in each and "vectors and readings" in each for each in found)


# ---------------------------------------------------------------------- networks that are trained along


@pytest.fixture
def live(tmp_path) -> tuple[LiveImages, list[str]]:
    corpus = read_pictures(write_lopsided(tmp_path / "data"))
    ids = corpus.images.index.tolist()
    options = Encoder.model_validate({"finetune": True, "chunk": 5, "precision": "fp32", "device": "cpu"})
    return LiveImages(ImageFeatures(corpus, SMALL), ids, options, Augmenter(Augment(views=1), 32), seed=7), ids


def test_a_step_sees_one_view_of_each_picture_and_an_altered_one_as_it_is(live):
    source, ids = live
    features, rows = source._features, np.arange(len(ids))
    views = (rows % 5 == 4).astype(np.int64)
    found, backward = source(rows, views, step=2)
    assert found.shape == (len(ids), 512)
    draw = MirroredAtRandom(7)
    plain, altered = features.decode_many(ids), features.decode_many(ids, source._alteration, 2)
    chosen = [draw(np.arange(3).reshape(1, 1, 3), item, 2)[0, 0, 0] == 2 for item in ids]
    assert 0 < sum(chosen) < len(ids)
    pictures = [
        altered[row] if views[row] else plain[row].flip(-1) if chosen[row] else plain[row] for row in range(len(ids))
    ]
    with torch.no_grad():
        expected = features.networks[0](torch.stack(pictures))
    torch.testing.assert_close(found.detach(), expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(plain.float(), plain.flip(-1).float())
    found.square().sum().backward()
    backward()
    assert any(parameter.grad.abs().sum() > 0 for parameter in source.parameters)
    # Whoever has a part of the batch mirrors the same pictures.
    part = slice(7, 19)
    torch.testing.assert_close(source(rows[part], views[part], step=2)[0].detach(), found.detach()[part])
    assert not torch.allclose(source(rows, views, step=3)[0].detach(), found.detach(), atol=1e-4)


def test_validation_and_mining_see_both_views(live):
    source, ids = live
    paths = source._features._corpus.images.loc[ids, "path"].tolist()
    expected = source._features.encode_files(paths)
    assert expected.shape == (len(ids), 1024)
    np.testing.assert_allclose(source.encode_ids(ids), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(source.encode(np.array([3, 1])), expected[[3, 1]], rtol=1e-4, atol=1e-5)


def test_an_interrupted_fine_tuning_ends_as_if_it_had_not_been_and_answers_with_both(tmp_path, monkeypatch):
    config = live_config(tmp_path)
    corpus = read_pictures(tmp_path / "data")
    whole, pieces = trained_states(config, corpus, tmp_path, [3, 4])
    assert all(torch.equal(whole[name], pieces[name]) for name in whole)
    model = Model.load(tmp_path / "whole")
    ids = corpus.images.index.tolist()[:3]
    rows = open_pair(model.config, corpus, model.encoders)["image"]
    rows.ensure(ids)
    paths = [corpus.images.loc[item, "path"] for item in ids]
    np.testing.assert_allclose(rows.load(ids), rows.features.encode_files(paths), rtol=1e-4, atol=1e-5)  # type: ignore[attr-defined]
    assert rows.load(ids).shape == (3, 1024)
    monkeypatch.chdir(tmp_path)
    done = command_line("evaluate", "--model", "whole", "--data", "data", "--set", "features.mirror=false")
    assert done.exit_code == 2
    assert "features.mirror" in done.output

"""Models without a step: both sides of a CLIP as they are, and towers without layers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import ROOT, command_line, fit, one_thread, toy_config, toy_corpus  # noqa: F401
from PIL import Image
from safetensors.torch import save_file
from tiny_text_networks import CLIP, CLIP_DIM, clip_model, know_captioned, tiny_clip, write_captioned
from toy_captions import caption_config, captioned

from ntcir.features.text_networks import open_text_network
from ntcir.model.folder import WEIGHTS
from ntcir.model.model import Model
from ntcir.model.trained import LAST, is_finished
from ntcir.system.errors import UserError

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with captioned pictures, a CLIP's weights, and vectors of its size that stand for its image side."""
    home = tmp_path_factory.mktemp("clip")
    write_captioned(home / "data", several=1, per_session=6)
    tiny_clip(home / "models")
    save_file(
        {name: value.contiguous() for name, value in clip_model(3).state_dict().items()}, home / "clip.safetensors"
    )
    names = pd.read_csv(home / "data" / "records.csv")["file"].to_numpy(dtype=str)
    vectors = np.random.default_rng(0).normal(size=(len(names), CLIP_DIM)).astype(np.float32)
    np.savez(home / "vectors.npz", ids=names, vectors=vectors)
    with pytest.MonkeyPatch.context() as patch:
        know_captioned(patch)
        patch.chdir(home)
        yield home


SETTINGS = {
    "pair": "[image, text]", "towers.dim": str(CLIP_DIM), "training.iters": "0", "texts.network": f"open_clip:{CLIP}",
    "texts.weights": "clip.safetensors", "towers.text.encoder": "sentences", "towers.text.layers": "0",
    "towers.image.encoder": "vectors", "towers.image.vectors": "vectors.npz", "towers.image.layers": "0",
    "towers.image.standardise": "false",
}  # fmt: skip


def typed(**changes: str) -> list[str]:
    settings = SETTINGS | {key.replace("__", "."): value for key, value in changes.items()}
    return ["--data", "data", *(word for key, value in settings.items() for word in ("--set", f"{key}={value}"))]


def refused(*arguments: str) -> str:
    done = command_line(*arguments)
    assert done.exit_code == 2, f"{done.output}\n{done.exception!r}"
    return done.stderr.splitlines()[-1]


def test_scores_are_the_cosines_of_both_sides_features(home):
    done = command_line("train", *typed(), "--out", "runs/zero")
    assert done.exit_code == 0, done.output
    assert "runs/zero: no steps; the model is saved as it began (training.iters is 0)." in done.stderr
    assert "Encoding" not in done.stderr  # nothing is fitted, so nothing is looked at
    assert is_finished(home / "runs/zero")
    Path("mine.tsv").write_text("topic_id\ttimestamp\tquery\tdirection\nt\t\ta dim red\ttxt2img\n", encoding="utf-8")
    run = command_line("run", "mine.tsv", "--model", "runs/zero", "--pools", "none", "--split", "all")
    assert run.exit_code == 0, run.output
    found = {line.split()[2]: float(line.split()[4]) for line in run.stdout.splitlines()}
    config = Model.load(home / "runs/zero").config
    query = open_text_network(config.texts, config.features).encode(["a dim red"])[0]
    stored = np.load("vectors.npz")
    for name, row in zip(stored["ids"], stored["vectors"], strict=True):
        cosine = row @ query / np.linalg.norm(row) / np.linalg.norm(query)
        assert found[str(name)] == pytest.approx(float(cosine), abs=1e-5)
    figures = json.loads(command_line("evaluate", "--model", "runs/zero", "--pool", "none", "--json").stdout)
    assert {"img2txt", "txt2img"} <= set(figures)


def test_both_sides_of_a_clip_search_pictures_by_words(home):
    settings = ["--config", str(ROOT / "configs" / "clip-lifelog.yaml"), "--data", "data"]
    network = f"open_clip:{CLIP}"
    for change in (
        f"features.backbones=[{{arch: '{network}', weights: clip.safetensors}}]",
        f"texts.network={network}",
        f"towers.dim={CLIP_DIM}",
    ):
        settings += ["--set", change]
    done = command_line("train", *settings, "--out", "runs/clip")
    assert done.exit_code == 0, done.output
    Path("words.tsv").write_text("topic_id\ttimestamp\tquery\tdirection\nt\t\ta dim red\ttxt2img\n", encoding="utf-8")
    run = command_line("run", "words.tsv", "--model", "runs/clip", "--pools", "none", "--split", "all")
    assert run.exit_code == 0, run.output
    found = {line.split()[2]: float(line.split()[4]) for line in run.stdout.splitlines()}
    assert len(found) == 24
    figures = json.loads(command_line("evaluate", "--model", "runs/clip", "--pool", "none", "--json").stdout)
    assert {"img2txt", "txt2img"} <= set(figures)
    import open_clip

    model, transform = clip_model(3), open_clip.image_transform(32, is_train=False)
    with torch.inference_mode():
        query = model.encode_text(open_clip.get_tokenizer(CLIP)(["a dim red"]), normalize=True)[0]
        for name, score in found.items():
            picture = transform(Image.open(home / "data" / "images" / name))[None]
            assert score == pytest.approx(float(model.encode_image(picture, normalize=True)[0] @ query), abs=0.02)


def test_iters_can_be_given_as_an_option_and_a_training_is_not_overwritten(home):
    assert command_line("train", *typed(training__iters="7"), "--iters", "0", "--out", "runs/option").exit_code == 0
    assert "already holds a trained model" in refused("train", *typed(), "--out", "runs/option")
    assert "already holds a trained model" in refused("train", *typed(), "--out", "runs/option", "--resume")


def test_without_anything_to_fit_no_training_split_is_needed(home):
    split = {"data__split__by": "session", "data__split__test": "[s1, s2, s3, s4]"}
    whole = command_line("train", *typed(**split), "--out", "runs/whole")
    assert whole.exit_code == 0, whole.output
    sentence = refused("train", *typed(**split, towers__image__standardise="true"), "--out", "runs/fitted")
    assert "has no pairs in its training split, to which towers.image.standardise is fitted" in sentence


def test_rows_of_another_width_than_the_space_are_refused_before_anything_is_encoded(home):
    sentence = refused("train", *typed(towers__dim="16"), "--out", "runs/wide")
    assert "towers.image.layers = 0 leaves rows as they are, which are 8 wide, but towers.dim = 16" in sentence
    assert "set towers.dim=8" in sentence
    np.savez("short.npz", ids=np.load("vectors.npz")["ids"], vectors=np.load("vectors.npz")["vectors"][:, :5])
    sentence = refused("train", *typed(towers__image__vectors="short.npz"), "--out", "runs/short")
    assert "those of image are 5 wide and those of text are 8 wide: use the two sides of one model" in sentence
    assert not (home / "runs/wide" / WEIGHTS).exists()


def test_a_training_that_has_nothing_to_learn_is_refused(home):
    sentence = refused("train", *typed(training__iters="5"), "--out", "runs/idle")
    assert "Nothing can be trained, because both towers have layers: 0: set training.iters=0" in sentence


def test_one_tower_without_layers_is_trained_towards(home):
    more = {"towers__image__layers": "1", "training__iters": "3", "training__batch": "8", "training__near_seconds": "0"}
    done = command_line("train", *typed(**more), "--out", "runs/one")
    assert done.exit_code == 0, done.output
    assert not [name for name in Model.load(home / "runs/one").state() if name.startswith("towers.text.")]


# ------------------------------------------------------------------------------------------- on toys in memory


def test_readings_and_standardisation_are_fitted_and_random_layers_are_told(tmp_path, capsys):
    whole = tmp_path / "whole"
    fit(toy_config(training__iters=0), whole)
    assert "towers.image.layers = 1 and towers.sensor.layers = 2: these layers stay random" in capsys.readouterr().err
    fit(toy_config(training__iters=1), tmp_path / "one")
    untrained, trained = Model.load(whole), Model.load(tmp_path / "one")
    assert untrained.encoders["sensor"].to_json() == trained.encoders["sensor"].to_json()
    ours, theirs = untrained.state(), trained.state()
    assert ours.keys() == theirs.keys()
    for name in ("towers.image.stem.mean", "towers.image.stem.scale"):
        assert bool((ours[name] == theirs[name]).all())
    assert untrained.card["step"] == 0


def test_random_convolutions_are_told_as_such(tmp_path, capsys):
    small = {"towers__text__head": "cnn", "towers__text__blocks": [1], "towers__text__widths": [8]}
    config = caption_config(training__iters=0, texts__form="sequence", **small)
    fit(config, tmp_path / "m", corpus=captioned())
    assert "towers.text.head = cnn and towers.sensor.layers = 2: these layers stay" in capsys.readouterr().err


def test_a_model_without_steps_begins_where_another_ended(tmp_path, capsys):
    fit(toy_config(training__iters=2), tmp_path / "before")
    capsys.readouterr()
    fit(toy_config(training__iters=0, training__start=str(tmp_path / "before")), tmp_path / "after")
    assert "stay random" not in capsys.readouterr().err
    before, after = Model.load(tmp_path / "before").state(), Model.load(tmp_path / "after").state()
    assert all(bool((before[name] == value).all()) for name, value in after.items() if name.startswith("towers."))


def test_a_folder_with_a_training_is_not_given_a_model_without_one(tmp_path):
    fit(toy_config(training__iters=2), tmp_path / "run")
    assert (tmp_path / "run" / LAST).is_file()
    with pytest.raises(UserError, match="asks for a model without one"):
        fit(toy_config(training__iters=0), tmp_path / "run", resume=True)


def test_readings_need_a_training_split(tmp_path):
    corpus = toy_corpus(("2020-03-20",), 10)
    with pytest.raises(UserError, match=r"to which towers[.]image[.]standardise is fitted"):
        fit(toy_config(training__iters=0), tmp_path / "none", corpus=corpus)

"""A model's folder: what belongs together, what was changed, and what cannot be read are told apart."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from bundling import small_config, small_model
from forking import python
from helpers import embed_networks, environment, fit, one_thread, refusal, toy_config, toy_corpus  # noqa: F401
from safetensors.torch import load_file, save_file
from untrained import features, make_model

from ntcir.config import Config, Towers, load_config
from ntcir.model.folder import CARD, CONFIG, ENCODERS, WEIGHTS, read_model, write_model
from ntcir.model.model import Model
from ntcir.system.tensor_files import write_tensors
from ntcir.training.checkpoint import LAST, read_progress

pytestmark = pytest.mark.usefixtures("one_thread")


def saved(folder: Path) -> Path:
    make_model().save(folder)
    return folder


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def test_a_changed_weight_is_found_by_the_digest(tmp_path):
    folder = saved(tmp_path / "m")
    data = bytearray((folder / WEIGHTS).read_bytes())
    data[-7] ^= 1
    (folder / WEIGHTS).write_bytes(data)
    sentence = refusal(Model.load, folder)
    assert "is damaged" in sentence
    assert "changed after it was written" in sentence


def test_statistics_of_another_model_are_not_taken_for_its_own(tmp_path):
    folder = saved(tmp_path / "m")
    tree = json.loads((folder / ENCODERS).read_text(encoding="utf-8"))
    tree["sensor"]["statistics"]["mean"][0] += 1
    (folder / ENCODERS).write_text(json.dumps(tree), encoding="utf-8")
    assert "encoders.json is not the file that was saved with the weights" in refusal(Model.load, folder)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("topics.pool", 21, "has topics.pool = 21, but the model was trained with 20"),
        ("seed", 7, "has seed = 7, but the model was trained with 0"),
        ("data.split", {"by": "fraction"}, "has data.split"),
        ("towers.image.standardise", False, "has towers.image.standardise = False"),
        ("training.near_seconds", 3, "has training.near_seconds = 3.0"),
        ("sensors.exclude", ["a"], "has sensors.exclude = ['a']"),
        ("features.backbones.0.arch", "resnet18", "has features.backbones"),
    ],
)
def test_settings_with_which_a_model_was_not_trained_are_refused(tmp_path, key, value, said):
    folder = saved(tmp_path / "m")
    load_config(folder / CONFIG).changed({key: value}).save(folder / CONFIG)
    sentence = refusal(Model.load, folder)
    assert said in sentence
    assert str(folder / CONFIG) in sentence
    assert "damaged" not in sentence


def test_a_model_may_move_to_other_folders_and_machines(tmp_path):
    folder = saved(tmp_path / "m")
    before = Model.load(folder).encode("image", features(5)).vectors
    moved = {
        "name": "another", "data.path": "/elsewhere", "features.store": "/elsewhere/features", "features.batch": 3,
        "features.backend": "eager", "features.device": "cpu", "features.backbones.0.weights": "/elsewhere/net.pth",
        "objects.detector": "/elsewhere/yolo.pt", "objects.batch": 2, "encoder.device": "cpu", "training.iters": 999,
    }  # fmt: skip
    load_config(folder / CONFIG).changed(moved).save(folder / CONFIG)
    assert (Model.load(folder).encode("image", features(5)).vectors == before).all()


class LaterTowers(Towers):
    """With a key that came later."""

    later: float = 0.25


class LaterConfig(Config):
    """With a key and two sections that came later, one of them last."""

    towers: Towers = LaterTowers()
    later: Towers = Towers()
    last: LaterTowers = LaterTowers()


@pytest.mark.parametrize("changes", [{}, {"topics.pool": 21}, {"last.later": 0.5}])
def test_sections_and_keys_that_came_later_have_their_defaults_in_an_earlier_model(tmp_path, monkeypatch, changes):
    folder = saved(tmp_path / "m")
    before = Model.load(folder).encode("image", features(5)).vectors
    monkeypatch.setattr("ntcir.config.experiment.Config", LaterConfig)
    assert (Model.load(folder).encode("image", features(5)).vectors == before).all()
    # Paths may be changed by hand in such a model too, and other settings still may not.
    movable = load_config(folder / CONFIG).changed({"data.path": "/elsewhere", **changes})
    movable.save(folder / CONFIG)
    if changes:
        assert f"has {next(iter(changes))} = " in refusal(Model.load, folder)
    else:
        assert Model.load(folder).config.model_dump()["last"]["later"] == 0.25
    # What is saved today is read back, too.
    again = load_config(folder / CONFIG)
    make_model().save(tmp_path / "new")
    write_model(tmp_path / "new", replace(read_model(tmp_path / "new"), config=again))
    assert read_model(tmp_path / "new").config == again


@pytest.mark.parametrize("section", ["seed", "towers", "encoder", "topics"])
def test_a_configuration_that_is_cut_short_is_found_wherever_it_is_cut(tmp_path, section):
    folder = saved(tmp_path / "m")
    text = (folder / CONFIG).read_text(encoding="utf-8")
    (folder / CONFIG).write_text(text[: text.index(f"\n{section}:") + 1], encoding="utf-8")
    sentence = refusal(Model.load, folder)
    assert "is damaged (config.yaml is truncated: it has no " in sentence


def test_weights_of_this_format_that_vouch_for_nothing_are_damage(tmp_path):
    folder = saved(tmp_path / "m")
    save_file(load_file(folder / WEIGHTS), folder / WEIGHTS)
    assert "model.safetensors does not say which files belong to it" in refusal(Model.load, folder)


def test_the_facts_of_a_model_are_digests_of_its_files_and_its_format(tmp_path):
    folder = saved(tmp_path / "m")
    facts = json.loads((folder / CARD).read_text(encoding="utf-8"))
    digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (CONFIG, ENCODERS)}
    assert facts == {"version": 2, "files": digests, "corpus": "toy"}
    encoders = json.loads((folder / ENCODERS).read_text(encoding="utf-8"))
    assert {modality: tree["kind"] for modality, tree in encoders.items()} == {"image": "frozen", "sensor": "readings"}


def test_facts_that_an_earlier_checkpoint_carries_are_read(tmp_path):
    fit(toy_config(training__iters=10), tmp_path / "m")
    progress = read_progress(tmp_path / "m" / LAST)
    told = json.dumps(vars(progress))  # the oldest had no digest either
    save_file(load_file(tmp_path / "m" / LAST), tmp_path / "m" / LAST, metadata={"progress": told})
    assert read_progress(tmp_path / "m" / LAST) == progress
    assert fit(toy_config(training__iters=20), tmp_path / "m", resume=True).steps == 20


@pytest.mark.parametrize("written", [[CONFIG], [CONFIG, ENCODERS], [CONFIG, ENCODERS, CARD]])
def test_a_kill_between_two_files_of_a_later_model_leaves_the_earlier_one(tmp_path, written):
    fit(toy_config(training__iters=10), tmp_path / "m")
    shutil.copytree(tmp_path / "m", tmp_path / "later")
    fit(toy_config(training__iters=30), tmp_path / "later", resume=True)
    earlier = Model.load(tmp_path / "m")
    for name in written:
        shutil.copy(tmp_path / "later" / name, tmp_path / "m" / name)
    again = Model.load(tmp_path / "m")
    assert (again.card, again.encoders["image"].fingerprints) == (earlier.card, earlier.encoders["image"].fingerprints)
    assert (again.encode("image", features(5)).vectors == earlier.encode("image", features(5)).vectors).all()


def test_the_fingerprints_of_trained_networks_are_those_of_the_weights_at_hand(tmp_path):
    model = small_model(small_config(encoder__finetune=True))
    embed_networks(model)
    model.save(tmp_path / "m")
    later = small_model(small_config(encoder__finetune=True))
    embed_networks(later)
    with torch.no_grad():
        next(later.encoders["image"].networks[0].network.parameters()).add_(1)
    later.save(tmp_path / "later")
    assert later.encoders["image"].fingerprints != model.encoders["image"].fingerprints
    for name in (CONFIG, ENCODERS, CARD):  # a kill after each of them
        shutil.copy(tmp_path / "later" / name, tmp_path / "m" / name)
        assert Model.load(tmp_path / "m").encoders["image"].fingerprints == model.encoders["image"].fingerprints
    encoders = json.loads((tmp_path / "m" / ENCODERS).read_text(encoding="utf-8"))
    edit(tmp_path / "m" / ENCODERS, image=encoders["image"] | {"dim": 3})
    assert "encoders.json is not the file that was saved with the weights" in refusal(Model.load, tmp_path / "m")


def test_the_files_of_another_training_are_not_taken_for_its_own(tmp_path):
    whole, folder = saved(tmp_path / "whole"), saved(tmp_path / "m")
    encoders = json.loads((folder / ENCODERS).read_text(encoding="utf-8"))
    edit(folder / ENCODERS, image=encoders["image"] | {"fingerprints": ["first", "third"]})
    assert "encoders.json is not the file that was saved with the weights" in refusal(Model.load, folder)
    shutil.copy(whole / ENCODERS, folder / ENCODERS)
    make_model(sensors__categories="frequency").save(tmp_path / "other")
    shutil.copy(tmp_path / "other" / CARD, folder / CARD)
    assert "model.json is not the file that was saved with the weights" in refusal(Model.load, folder)


def test_the_same_model_is_written_as_the_same_bytes(tmp_path):
    contents = set()
    for number in range(5):
        make_model().save(tmp_path / str(number))
        contents.add((tmp_path / str(number) / WEIGHTS).read_bytes())
    assert len(contents) == 1


def test_nan_in_a_model_is_called_nan(tmp_path):
    model = make_model()
    with torch.no_grad():
        next(model.towers.parameters())[0] = float("nan")
    model.save(tmp_path / "m")
    sentence = refusal(Model.load, tmp_path / "m")
    assert "hold NaN in 'towers." in sentence
    assert "damaged" not in sentence


@pytest.mark.parametrize("name", [CONFIG, ENCODERS, CARD])
def test_a_folder_in_place_of_a_file_is_not_damage(tmp_path, name):
    folder = saved(tmp_path / "m")
    (folder / name).unlink()
    (folder / name).mkdir()
    sentence = refusal(Model.load, folder)
    assert "is a directory" in sentence
    assert name in sentence
    assert "damaged" not in sentence


def test_what_is_missing_is_named(tmp_path):
    folder = saved(tmp_path / "m")
    (folder / ENCODERS).unlink()
    assert "encoders.json is missing" in refusal(Model.load, folder)


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can become somebody else")
def test_what_may_not_be_read_is_said_to_be_so(tmp_path):
    for place in (*tmp_path.parents, tmp_path):
        if place.is_relative_to("/tmp") and place != Path("/tmp"):
            place.chmod(0o755)
    folders = [saved(tmp_path / str(number)) for number in range(5)]
    for folder, name in zip(folders, [WEIGHTS, ENCODERS, CARD, CONFIG, ""], strict=True):
        (folder / name).chmod(0)
    code = (
        "import os, sys, pathlib\nfrom ntcir.model.model import Model\nfrom ntcir.system.errors import UserError\n"
        "os.setgid(12345); os.setuid(12345)\n"
        "for name in sys.argv[1:]:\n"
        "    try:\n        Model.load(pathlib.Path(name))\n    except UserError as error:\n        print(error)\n"
    )
    told = python(code, *folders)
    lines = told.stdout.splitlines()
    assert len(lines) == 5, told.stderr
    assert all("permission denied" in line and "damaged" not in line for line in lines)


def test_a_folder_whose_name_is_not_utf_8_holds_a_model_like_any_other(tmp_path):
    folder = tmp_path / os.fsdecode(b"mod\xe8le")
    fit(toy_config(training__iters=10), folder)
    assert Model.load(folder).encode("image", features(5)).vectors.shape == (5, 32)
    assert fit(toy_config(training__iters=20), folder, resume=True).steps == 20


@pytest.mark.parametrize("harm", ["a list", "no progress", "an old key", "a text for a number"])
def test_a_checkpoint_whose_facts_are_none_is_one_sentence(tmp_path, harm):
    told = {"step": 1, "best_step": 0, "best_mrr": 0.5, "data": "x"}
    facts = {
        "a list": {"progress": "[]"}, "no progress": {"other": "1"}, "an old key": {"progress": '{"step": 1}'},
        "a text for a number": {"progress": json.dumps(told | {"step": "1"})},
    }[harm]  # fmt: skip
    write_tensors(tmp_path / LAST, {"a": torch.zeros(1)}, facts)
    sentence = refusal(read_progress, tmp_path / LAST)
    assert "is damaged" in sentence
    assert str(tmp_path / LAST) in sentence


@pytest.mark.parametrize("name", [ENCODERS, CARD])
@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 5000, '{"a": 1}'])
def test_of_a_damaged_model_the_file_is_named(tmp_path, name, text):
    folder = saved(tmp_path / "m")
    (folder / name).write_text(text)
    assert name in refusal(Model.load, folder)

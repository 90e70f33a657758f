"""A model on disk is the model in memory, or one sentence."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from bundling import SMALL, small_config, small_model, write_model, write_weights
from helpers import FEATURES, embed_networks, encode_readings, one_thread, refusal, toy_config, toy_corpus  # noqa: F401
from safetensors.torch import load_file
from untrained import features, make_model

from ntcir.model.folder import CARD, CONFIG, ENCODERS, WEIGHTS
from ntcir.model.model import Model
from ntcir.system.tensor_files import read_tensors, write_tensors
from ntcir.workspace import newest_model

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("changes", [{}, {"sensors__categories": "frequency", "training__learn_temperature": True}])
def test_a_loaded_model_gives_the_same_vectors_to_the_bit(tmp_path, changes):
    model = make_model(**changes)
    with torch.no_grad():
        for parameter in model.towers.parameters():
            parameter.add_(torch.randn_like(parameter))
        model.learnt[0].log_temperature.fill_(-1.5)
    model.save(tmp_path / "m")
    torch.manual_seed(99)
    again = Model.load(tmp_path / "m")
    readings = toy_corpus().sensors
    assert (
        again.encode("image", features(40)).vectors.tobytes() == model.encode("image", features(40)).vectors.tobytes()
    )
    assert encode_readings(again, readings).vectors.tobytes() == encode_readings(model, readings).vectors.tobytes()
    assert again.learnt[0].log_temperature.item() == -1.5
    assert (again.config, again.encoders["image"].fingerprints, again.card) == (
        model.config,
        ["first", "second"],
        {"corpus": "toy"},
    )


def test_a_model_is_four_files_none_of_them_a_pickle(tmp_path):
    make_model().save(tmp_path / "m")
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == sorted([WEIGHTS, CONFIG, ENCODERS, CARD])
    assert set(load_file(tmp_path / "m" / WEIGHTS)) == set(make_model().state())
    json.loads((tmp_path / "m" / ENCODERS).read_text(encoding="utf-8"))


def test_new_weights_depend_on_the_seed_alone():
    torch.manual_seed(5)
    one = make_model(seed=1).state()
    drawn = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(3), drawn)  # making a model draws nothing from others' random numbers
    same, other = make_model(seed=1).state(), make_model(seed=2).state()
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_items_are_encoded_alike_in_one_block_and_in_several():
    model = make_model()
    rows = features(5000)
    assert model.encode("image", rows).vectors[4090:4110] == pytest.approx(
        model.encode("image", rows[4090:4110]).vectors, abs=1e-6
    )


def test_nothing_is_encoded_as_no_rows():
    model = make_model()
    assert model.encode("image", np.empty((0, FEATURES), np.float32)).vectors.shape == (0, 32)
    assert encode_readings(model, toy_corpus().sensors.iloc[:0]).vectors.shape == (0, 32)


def test_twins_are_the_items_with_equal_input():
    model, sensors = make_model(), toy_corpus().sensors
    table = sensors.iloc[[0, 1, 0, 2, 1]].assign(unused=range(5))
    twins = encode_readings(model, table).twins
    assert twins[0] == twins[2]
    assert twins[1] == twins[4]
    assert len(set(twins.tolist())) == 3


def test_encoding_is_without_dropout_and_leaves_training_on():
    model = make_model()
    model.towers.train()
    one, other = model.encode("image", features(9)), model.encode("image", features(9))
    assert np.array_equal(one.vectors, other.vectors)
    assert all(part.training for part in model.towers.modules())


# --------------------------------------------------------------------------------------------------- networks inside


def no_fetching(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have whatever looks for weights anywhere fail."""

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("weights were looked for")

    for name in ("download_url_to_file", "load_state_dict_from_url", "get_dir"):
        monkeypatch.setattr(torch.hub, name, refuse)
    for name in ("published_state", "read_checkpoint"):
        monkeypatch.setattr(f"ntcir.features.torchvision_networks.{name}", refuse)


def pictures() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(3).integers(0, 256, (4, 3, 64, 64), dtype=np.uint8))


@pytest.mark.parametrize(
    ("weights", "output"),
    [
        ("random", "pooled"),
        ("random", "logits"),
        ("checkpoint", "pooled"),
        ("checkpoint", "logits"),
        ("headless", "pooled"),
    ],
)
def test_a_model_with_its_frozen_networks_inside_needs_no_other_weights(tmp_path, monkeypatch, capsys, weights, output):
    backbone = {**SMALL, "output": output, "grid": 1}
    if weights != "random":
        path = write_weights(tmp_path / "w" / "weights.pth", head=weights == "checkpoint")
        backbone["weights"] = str(path)
    model = Model.load(write_model(tmp_path / "m", small_config(backbone)))
    assert model.encoders["image"].networks is None
    prints = list(model.encoders["image"].fingerprints)
    embed_networks(model)
    model.save(tmp_path / "full")
    capsys.readouterr()
    no_fetching(monkeypatch)
    again = Model.load(tmp_path / "full")
    assert (
        again.encoders["image"].fingerprints
        == prints
        == [network.meta["fingerprint"] for network in again.encoders["image"].networks]
    )
    assert capsys.readouterr().err == ""  # its weights are what they are, random or not
    for one, other in zip(model.encoders["image"].networks, again.encoders["image"].networks, strict=True):
        assert torch.equal(one(pictures()), other(pictures()))
    again.save(tmp_path / "twice")
    assert (tmp_path / "twice" / WEIGHTS).read_bytes() == (tmp_path / "full" / WEIGHTS).read_bytes()


@pytest.mark.parametrize("arch", ["mnasnet0_5", "shufflenet_v2_x0_5"])
def test_other_architectures_come_back_the_same(tmp_path, arch):
    model = small_model(small_config({"arch": arch, "weights": "random"}))
    embed_networks(model)
    model.save(tmp_path / "m")
    (again,) = Model.load(tmp_path / "m").encoders["image"].networks
    assert again.meta == model.encoders["image"].networks[0].meta
    assert torch.equal(again(pictures()), model.encoders["image"].networks[0](pictures()))


@pytest.mark.parametrize("weights", ["imagenet", "places365", "IMAGENET1K_V1", "gone/from/here.pth", "here.pth"])
def test_what_the_configuration_calls_the_weights_inside_is_only_a_name(tmp_path, monkeypatch, weights):
    model = small_model()
    embed_networks(model)
    model.config = model.config.changed({"features.backbones.0.weights": weights})
    model.save(tmp_path / "m")
    no_fetching(monkeypatch)
    assert Model.load(tmp_path / "m").encoders["image"].fingerprints == model.encoders["image"].fingerprints


def test_the_files_of_a_model_with_frozen_networks_hold_no_weights_of_theirs(tmp_path):
    folder = write_model(tmp_path / "m")
    assert not [name for name in load_file(folder / WEIGHTS) if name.startswith("networks.")]
    assert Model.load(folder).encoders["image"].networks is None


def test_other_weights_than_those_trained_with_are_not_taken_in(tmp_path):
    path = write_weights(tmp_path / "weights.pth")
    model = small_model(small_config({**SMALL, "weights": str(path)}))
    write_weights(path, seed=1)
    assert "other weights" in refusal(embed_networks, model)
    path.unlink()
    assert str(path) in refusal(embed_networks, model)


@pytest.mark.parametrize("harm", ["one is gone", "one is of another shape", "all of the second are gone"])
def test_stored_networks_that_do_not_fit_are_damage(tmp_path, harm):
    config = small_config(features__backbones=[SMALL, {**SMALL, "seed": 1}])
    model = small_model(config)
    embed_networks(model)
    model.save(tmp_path / "m")
    state, told = read_tensors(tmp_path / "m" / WEIGHTS)
    name = "networks.image.1.features.0.weight"
    if harm == "one is of another shape":
        state[name] = torch.zeros(2)
    else:
        gone = [key for key in state if key == name or (harm.startswith("all") and key.startswith("networks.image.1."))]
        state = {key: value for key, value in state.items() if key not in gone}
    write_tensors(tmp_path / "m" / WEIGHTS, state, told)
    sentence = refusal(Model.load, tmp_path / "m")
    assert "damaged" in sentence
    assert str(tmp_path / "m") in sentence


# ----------------------------------------------------------------------------------------------------------- damage


def saved(folder: Path) -> Path:
    make_model().save(folder)
    return folder


def test_a_folder_without_weights_has_no_model(tmp_path):
    assert "ntcir train" in refusal(Model.load, tmp_path)


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG, ENCODERS, CARD])
@pytest.mark.parametrize("damage", ["half", "empty", "noise", "list", "gone"])
def test_a_damaged_model_is_one_sentence_that_names_it(tmp_path, name, damage):
    folder = saved(tmp_path / "m")
    path = folder / name
    whole = path.read_bytes()
    path.write_bytes(
        {"half": whole[: len(whole) // 2], "empty": b"", "noise": os.urandom(200), "list": b"[]"}.get(damage, b"")
    )
    if damage == "gone":
        path.unlink()
    # Half of a YAML file may still be one: a configuration of defaults, which other weights do not fit.
    assert str(folder) in refusal(Model.load, folder)


def test_a_pickle_is_never_read(tmp_path):
    folder = saved(tmp_path / "m")
    torch.save(make_model().state(), folder / WEIGHTS)
    assert "damaged" in refusal(Model.load, folder)


@pytest.mark.parametrize("key", ["version", "files"])
def test_a_card_without_a_fact_is_damage(tmp_path, key):
    folder = saved(tmp_path / "m")
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    del card[key]
    (folder / CARD).write_text(json.dumps(card), encoding="utf-8")
    sentence = refusal(Model.load, folder)
    assert "damaged" in sentence
    assert key in sentence


@pytest.mark.parametrize("change", ["shape", "missing", "unknown"])
def test_weights_that_do_not_fit_are_damage(tmp_path, change):
    folder = saved(tmp_path / "m")
    state, told = read_tensors(folder / WEIGHTS)
    name = next(name for name in state if name.endswith("weight"))
    if change == "shape":
        state[name] = torch.zeros(3, 3)
    elif change == "missing":
        del state[name]
    else:
        state["towers.image.other"] = torch.zeros(1)
    write_tensors(folder / WEIGHTS, state, told)
    assert "damaged" in refusal(Model.load, folder)


def test_a_later_format_is_said_to_be_one_even_with_keys_unknown_here(tmp_path):
    folder = saved(tmp_path / "m")
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    (folder / CARD).write_text(json.dumps(card | {"version": 999}), encoding="utf-8")
    (folder / CONFIG).write_text("a_later_key: 1\n", encoding="utf-8")
    sentence = refusal(Model.load, folder)
    assert "was saved by a newer ntcir (format 999; this one reads formats up to 2): upgrade ntcir." in sentence
    assert "damaged" not in sentence


@pytest.mark.parametrize("version", [0, -1, True, "2", None, 1.5, [2]])
def test_a_format_that_is_none_is_damage(tmp_path, version):
    folder = saved(tmp_path / "m")
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    (folder / CARD).write_text(json.dumps(card | {"version": version}), encoding="utf-8")
    assert "is damaged (model.json has version =" in refusal(Model.load, folder)


def test_the_newest_model_is_the_one_trained_last_not_the_last_by_name(tmp_path):
    for age, name in enumerate(["b", "c", "a"]):
        saved(tmp_path / name)
        os.utime(tmp_path / name / WEIGHTS, (1000 + age, 1000 + age))
    (tmp_path / "z").mkdir()
    assert newest_model(tmp_path) == tmp_path / "a"


def test_without_any_model_the_command_that_makes_one_is_named(tmp_path):
    assert "ntcir train" in refusal(newest_model, tmp_path / "runs")

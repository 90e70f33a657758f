"""Models and checkpoints of format 1 are read, asked, trained on and handed in like those of today."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from bundling import small_config, small_model
from former_models import READINGS, make_former
from helpers import embed_networks, encode_readings, fit, one_thread, refusal, toy_config, toy_corpus  # noqa: F401
from untrained import features, make_model

from ntcir.config import load_config
from ntcir.model.folder import CARD, CONFIG, ENCODERS, WEIGHTS
from ntcir.model.model import Model
from ntcir.model.trained import LAST, is_finished, read_progress
from ntcir.model.version1 import lift_state
from ntcir.submission.bundle import self_contained
from ntcir.system.tensor_files import read_tensors

pytestmark = pytest.mark.usefixtures("one_thread")
STANDARDISED = {
    "towers.image.head.0.mean": "towers.image.stem.mean",
    "towers.image.head.0.scale": "towers.image.stem.scale",
}
EMBEDDED = {
    f"towers.sensor.head.0.tables.{number}.weight": f"towers.sensor.stem.tables.{number}.weight" for number in range(2)
}


def said(model: Model) -> bytes:
    """Return what a model says of features and readings, as bytes."""
    return (
        model.encode("image", features(5)).vectors.tobytes()
        + encode_readings(model, toy_corpus().sensors).vectors.tobytes()
    )


@pytest.mark.parametrize(
    "names",
    [
        {**STANDARDISED, "towers.image.head.1.weight": "towers.image.head.0.weight"},
        {**STANDARDISED, "towers.image.head.2.bias": "towers.image.head.1.bias"},  # with dropout between
        {"towers.image.head.0.weight": "towers.image.head.0.weight"},  # not standardised
        {"towers.image.head.1.weight": "towers.image.head.1.weight"},  # nor that, with dropout
        {
            **EMBEDDED,
            "towers.sensor.head.1.weight": "towers.sensor.head.0.weight",
            "towers.sensor.head.13.weight": "towers.sensor.head.12.weight",
        },
        {
            "towers.sensor.head.0.weight": "towers.sensor.head.0.weight",
            "towers.sensor.head.2.bias": "towers.sensor.head.2.bias",
        },
        {
            "log_temperature": "learnt.0.log_temperature",
            "networks.0.conv1.weight": "networks.image.0.conv1.weight",
            "networks.11.fc.bias": "networks.image.11.fc.bias",
        },
        {"towers.image.other": "towers.image.other", "else": "else"},
    ],
)
def test_each_tensor_has_its_name_of_today_in_its_place(names):
    state = {name: torch.tensor(float(number)) for number, name in enumerate(names)}
    lifted = lift_state(state)
    assert list(lifted) == list(names.values())
    assert all(lifted[new] is state[old] for old, new in names.items())


def test_one_towers_first_layer_says_nothing_of_the_other():
    names = [*STANDARDISED, "towers.image.head.1.weight", "towers.sensor.head.0.weight", "towers.sensor.head.2.weight"]
    assert list(lift_state(dict.fromkeys(names, torch.zeros(1))))[2:] == [
        "towers.image.head.0.weight", "towers.sensor.head.0.weight", "towers.sensor.head.2.weight",
    ]  # fmt: skip


@pytest.mark.parametrize("vouching", [True, False])
@pytest.mark.parametrize(
    "changes",
    [
        {"sensors__categories": "embedding", "towers__image_dropout": 0.0},
        {"sensors__categories": "frequency", "towers__sensor_dropout": 0.1, "towers__sensor_layers": 3},
    ],
)
def test_a_former_model_says_the_same_to_the_bit(tmp_path, changes, vouching):
    model = make_model(**changes)
    with torch.no_grad():
        for parameter in model.towers.parameters():
            parameter.add_(torch.randn_like(parameter))
    model.save(tmp_path / "m")
    again = Model.load(make_former(tmp_path / "m", vouching=vouching))
    assert said(again) == said(model)
    assert (again.card, again.encoders["image"].fingerprints) == (model.card, model.encoders["image"].fingerprints)
    assert again.encoders["sensor"].to_json() == model.encoders["sensor"].to_json()


def test_a_former_model_with_its_networks_inside_is_one_of_today_once_it_is_saved_for_a_bundle(tmp_path):
    model = small_model()
    embed_networks(model)
    model.save(tmp_path / "m")
    former = Model.load(make_former(tmp_path / "m"))
    self_contained(former).save(tmp_path / "bundle")
    assert sorted(path.name for path in (tmp_path / "bundle").iterdir()) == sorted([CARD, CONFIG, ENCODERS, WEIGHTS])
    again = Model.load(tmp_path / "bundle")
    assert again.encoders["image"].fingerprints == model.encoders["image"].fingerprints
    assert said_of_networks(again) == said_of_networks(model)


def said_of_networks(model: Model) -> list[bytes]:
    pictures = torch.arange(2 * 3 * 64 * 64).reshape(2, 3, 64, 64).remainder(256).byte()
    return [network(pictures).numpy().tobytes() for network in model.encoders["image"].networks or ()]


@pytest.mark.parametrize("vouching", [True, False])
def test_a_former_training_goes_on_to_the_weights_of_one_of_today(tmp_path, vouching):
    options = {"sensors__categories": "embedding", "training__learn_temperature": True, "training__validate_every": 5}
    fit(toy_config(training__iters=10, **options), tmp_path / "whole")
    former = make_former(Path(shutil.copytree(tmp_path / "whole", tmp_path / "former")), vouching=vouching)
    assert is_finished(former)
    assert read_progress(former / LAST).step == 10
    for folder in (tmp_path / "whole", former):
        assert fit(toy_config(training__iters=20, **options), folder, resume=True).steps == 20
    for name in (CONFIG, ENCODERS, CARD, WEIGHTS, LAST):
        assert (former / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    assert not (former / READINGS).exists()


@pytest.mark.parametrize("written", [[CONFIG], [CONFIG, ENCODERS], [CONFIG, ENCODERS, CARD]])
def test_a_kill_while_a_former_training_is_saved_as_one_of_today_leaves_the_former_model(tmp_path, written):
    fit(toy_config(training__iters=10), tmp_path / "m")
    former = make_former(tmp_path / "m")
    earlier = Model.load(former)
    shutil.copytree(former, tmp_path / "later")
    fit(toy_config(training__iters=30), tmp_path / "later", resume=True)
    for name in written:
        shutil.copy(tmp_path / "later" / name, former / name)
    again = Model.load(former)
    assert again.card == earlier.card
    assert said(again) == said(earlier)


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def test_the_files_of_another_former_model_are_not_taken_for_its_own(tmp_path):
    make_model().save(tmp_path / "m")
    make_former(tmp_path / "m")
    whole = (tmp_path / "m" / READINGS).read_text(encoding="utf-8")
    edit(tmp_path / "m" / READINGS, columns={})
    assert "sensors.json is not the file that was saved with the weights" in refusal(Model.load, tmp_path / "m")
    (tmp_path / "m" / READINGS).write_text(whole, encoding="utf-8")
    edit(tmp_path / "m" / CARD, fingerprints=["first", "third"])
    assert "model.json is not the file that was saved with the weights" in refusal(Model.load, tmp_path / "m")


def test_former_networks_that_were_trained_along_have_the_fingerprints_of_the_weights_at_hand(tmp_path):
    model = small_model(small_config(encoder__finetune=True))
    embed_networks(model)
    model.save(tmp_path / "m")
    edit(make_former(tmp_path / "m") / CARD, fingerprints=["of networks that were trained on, before a kill"])
    assert Model.load(tmp_path / "m").encoders["image"].fingerprints == model.encoders["image"].fingerprints


@pytest.mark.parametrize("key", ["image_dim", "fingerprints"])
@pytest.mark.parametrize("value", [None, "gone", [3]])
def test_a_former_model_without_its_facts_is_damage(tmp_path, key, value):
    make_model().save(tmp_path / "m")
    make_former(tmp_path / "m", vouching=False)
    edit(tmp_path / "m" / CARD, **{key: value})
    assert f"{key} in model.json is not" in refusal(Model.load, tmp_path / "m")


@pytest.mark.parametrize("vouching", [True, False])
def test_a_former_configuration_that_is_cut_short_or_changed_is_found(tmp_path, vouching):
    make_model().save(tmp_path / "m")
    make_former(tmp_path / "m", vouching=vouching)
    path = tmp_path / "m" / CONFIG
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole[: whole.index("topics:")], encoding="utf-8")
    assert "config.yaml is truncated" in refusal(Model.load, tmp_path / "m")
    path.write_text(whole, encoding="utf-8")
    load_config(path).changed({"topics.pool": 21}).save(path)
    if vouching:
        assert "has topics.pool = 21, but the model was trained with 20" in refusal(Model.load, tmp_path / "m")
    else:  # these models cannot tell
        Model.load(tmp_path / "m")


def test_what_is_missing_is_named(tmp_path):
    make_model().save(tmp_path / "m")
    (make_former(tmp_path / "m") / READINGS).unlink()
    assert "sensors.json is missing" in refusal(Model.load, tmp_path / "m")


def test_the_weights_of_today_bear_the_names_of_today(tmp_path):
    make_model(towers__image_dropout=0.0).save(tmp_path / "m")
    state, _ = read_tensors(tmp_path / "m" / WEIGHTS)
    assert {"towers.image.stem.mean", "towers.image.head.0.weight", "towers.sensor.stem.tables.0.weight"} <= set(state)
    assert lift_state(state) == state

"""A configuration in the spelling of before: what earlier versions kept under it is found."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from ntcir.ablation.folds import Fold
from ntcir.ablation.results import digest_of
from ntcir.config import Config, load_config, parse_config
from ntcir.config.former import as_begun, former_tree
from ntcir.tuning.training import digest_of as tried

RAW = "sensors.numbers=raw"  # as numbers were with every preset
OLD_KEYS = [
    "towers.image_dropout=0.3", "towers.sensor_hidden=8", "towers.sensor_dropout=0.1", "towers.sensor_layers=3",
    "towers.standardise=false", "training.symmetric=false", "training.learn_temperature=true",
    "training.temperature=0.2",
]  # fmt: skip
# As the version before towers had sections named the results of these configurations.
DIGESTS: list[tuple[list[str], str]] = [
    ([RAW], "219c64699e3a95be53630ea3"),
    ([*OLD_KEYS, RAW], "1887e562516204148fe78c2d"),
]


@pytest.mark.parametrize(("settings", "digest"), DIGESTS)
def test_a_result_of_an_earlier_version_keeps_its_name(settings, digest):
    """Fails where a key is new: then ``ntcir.config.former`` must know it."""
    fold = cast(Fold, SimpleNamespace(digest="data"))
    assert digest_of(load_config(None, settings), fold, ["network"]) == digest


def test_results_of_other_pairs_keep_their_names_as_well():
    fold = cast(Fold, SimpleNamespace(digest="data"))
    config = load_config(None, ["pair=[image,text]"])
    assert digest_of(config, fold, ["network"]) == "4f826b519253b96730e54003"
    assert tried(config, [0]) == "ae67c30f6dcfceda5ffdd98f"
    for key, value in (("towers.text.head", "gmlp"), ("towers.image.head", "gmlp")):
        assert digest_of(config.changed({key: value}), fold, ["network"]) != digest_of(config, fold, ["network"])


def test_results_of_objectives_that_have_more_keys_now_keep_their_names():
    fold = cast(Fold, SimpleNamespace(digest="data"))
    config = load_config(None, ["pair=[image,text]", "objectives=[{kind: ranking, warm_up: 5}]"])
    assert digest_of(config, fold, ["network"]) == "ebb27f4e2c79ffd99e268d42"
    assert tried(config, [0]) == "956eb7d9ee24829ebb82c1e3"
    other = config.changed({"objectives.0.negatives": "random"})
    assert tried(other, [0]) != tried(config, [0])


def test_the_earlier_spelling_says_the_same():
    config = load_config(None, [*OLD_KEYS, RAW])
    tree = former_tree(config)
    assert tree is not None
    assert not {"pair", "objectives"} & tree.keys()
    assert tree["towers"] == {
        "dim": 512, "standardise": False, "image_dropout": 0.3, "sensor_hidden": 8, "sensor_layers": 3,
        "sensor_dropout": 0.1,
    }  # fmt: skip
    assert parse_config(tree, "a test") == config.changed({"sensors.numbers": None})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pair", ["sensor", "image"]),
        ("objectives", [{"kind": "info_nce"}] * 2),
        ("objectives.0.weight", 0.5),
        ("towers.image.layers", 2),
        ("towers.sensor.input_dropout", 0.1),
        ("towers.image.encoder", "vectors"),
        ("towers.sensor.head", "gmlp"),
        ("training.start", "/runs/other"),
    ],
)
def test_what_could_not_be_said_before_has_a_name_of_its_own(key: str, value: Any):
    before = load_config(None, [RAW])
    config = before.changed({key: value})
    assert former_tree(config) is None
    fold = cast(Fold, SimpleNamespace(digest="data"))
    assert digest_of(config, fold, []) != digest_of(before, fold, [])


@pytest.mark.parametrize("key", ["sensors.preset", "towers.sensor.layers"])  # with the former spelling, and without
@pytest.mark.parametrize("preset", ["ymx2l", "organisers", "none", "auto", "full"])
def test_a_result_of_raw_numbers_is_not_taken_for_one_of_periodic_ones(preset, key):
    changes = {"sensors.preset": preset, key: preset if key == "sensors.preset" else 1}
    raw, left_open, periodic = (
        Config().changed({**changes, "sensors.numbers": numbers}) for numbers in ("raw", None, "periodic")
    )
    same = periodic if preset in {"auto", "full"} else raw
    fold = cast(Fold, SimpleNamespace(digest="data"))
    for digest in (lambda config: digest_of(config, fold, []), lambda config: tried(config, [0])):
        assert digest(left_open) == digest(same)
        assert digest(raw) != digest(periodic)


@pytest.mark.parametrize(("preset", "meant"), [("ymx2l", "raw"), ("auto", "periodic"), ("full", "periodic")])
def test_numbers_of_what_was_saved_before_they_could_be_anything_else_are_raw(preset, meant):
    config = Config().changed({"sensors.preset": preset})
    tree = config.model_dump(mode="json")
    assert as_begun(config, tree).sensors.numbers == [meant]
    del tree["sensors"]["numbers"]
    assert as_begun(config, tree).sensors.numbers == ["raw"]
    captions = Config().changed({"pair": ["image", "text"]})
    assert as_begun(captions, {"sensors": {}}) == captions

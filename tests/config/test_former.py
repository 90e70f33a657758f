"""A configuration in the spelling of before: what earlier versions kept under it is found."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from ntcir.ablation.folds import Fold
from ntcir.ablation.results import digest_of
from ntcir.config import Config, load_config, parse_config
from ntcir.config.former import former_tree
from ntcir.tuning.training import digest_of as tried

OLD_KEYS = [
    "towers.image_dropout=0.3", "towers.sensor_hidden=8", "towers.sensor_dropout=0.1", "towers.sensor_layers=3",
    "towers.standardise=false", "training.symmetric=false", "training.learn_temperature=true",
    "training.temperature=0.2",
]  # fmt: skip
# As the version before towers had sections named the results of these configurations.
DIGESTS: list[tuple[list[str], str]] = [([], "219c64699e3a95be53630ea3"), (OLD_KEYS, "1887e562516204148fe78c2d")]


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
    config = load_config(None, OLD_KEYS)
    tree = former_tree(config)
    assert tree is not None
    assert not {"pair", "objectives"} & tree.keys()
    assert tree["towers"] == {
        "dim": 512, "standardise": False, "image_dropout": 0.3, "sensor_hidden": 8, "sensor_layers": 3,
        "sensor_dropout": 0.1,
    }  # fmt: skip
    assert parse_config(tree, "a test") == config


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
    config = Config().changed({key: value})
    assert former_tree(config) is None
    fold = cast(Fold, SimpleNamespace(digest="data"))
    assert digest_of(config, fold, []) != digest_of(Config(), fold, [])

"""The configuration: read, changed, saved, and what is said of what is not valid."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import pytest

from ntcir.config import Backbone, Config, DateSplit, FractionSplit, SessionSplit, load_config, parse_config
from ntcir.system.errors import UserError


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(UserError) as caught:
        load_config(written(tmp_path, text))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_without_a_file_the_defaults_are_the_posters():
    config = load_config()
    assert config == Config()
    assert [backbone.weights for backbone in config.features.backbones] == ["imagenet", "places365"]
    assert (config.training.iters, config.training.batch, config.towers.dim) == (500, 256, 512)
    assert DateSplit().val == (dt.date(2020, 3, 1), dt.date(2020, 3, 16))


@pytest.mark.parametrize(
    "config",
    [
        Config(),
        Config.model_validate({"data": {"path": "/some/where/größer", "split": {"by": "date"}}, "name": "a.b-c_1"}),
        Config.model_validate({"data": {"split": {"by": "session", "val": ["007", "null", "1e3"], "test": ["no"]}}}),
        Config.model_validate({"data": {"split": {"by": "fraction", "train": 0.1, "val": 0.2, "test": 0.3}}}),
        Config.model_validate(
            {
                "sensors": {"numeric": ["größe (m): x", "#"], "cyclic": {"heading": 360.0}, "categories": "embedding"},
                "features": {"backbones": [{"arch": "vit_b_16", "weights": "~/w.pth", "output": "logits"}]},
                "training": {"lr": 1e-05, "temperature": 0.1 + 0.2, "learn_temperature": True},
            }
        ),
    ],
)  # fmt: skip
def test_a_saved_configuration_is_read_back_as_it_was(tmp_path, config):
    config.save(tmp_path / "deep" / "config.yaml")
    assert load_config(tmp_path / "deep" / "config.yaml") == config


def test_an_empty_file_is_the_defaults(tmp_path):
    assert load_config(written(tmp_path, "# nothing yet\n")) == Config()
    assert load_config(written(tmp_path, "\ufeffseed: 3\n")).seed == 3


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ("trainning: {}", "'trainning'", "did you mean 'training'?"),
        ("training: {itres: 5}", "'training.itres'", "did you mean 'iters'?"),
        ("features: {backbones: [{arch: resnet18}, {wieghts: random}]}", "'features.backbones.1.wieghts'", "'weights'"),
        ("data: {split: {by: date, trian: [2020-01-01, 2020-01-02]}}", "'data.split.trian'", "did you mean 'train'?"),
        ("data: {split: {by: fraction, valid: 0.1}}", "'data.split.valid'", "did you mean 'val'?"),
        ("data: {split: {train: 0.5, by: auto}}", "'data.split.train'", "known here: by"),
        ("topics: {zzz: 1}", "'topics.zzz'", "known here: pool, per_day"),
    ],
)
def test_an_unknown_key_is_named_with_its_path_and_a_near_one(tmp_path, text, key, hint):
    sentence = refusal(tmp_path, text)
    assert f"Unknown key {key} in " in sentence
    assert hint in sentence


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (
            "texts: {stop_words: englisch}",
            "texts.stop_words = 'englisch' is not valid: give none, english or a list of",
        ),
        ("texts: {stop_words: {a: 1}}", "texts.stop_words is not valid: give none, english or a list of words."),
        (
            "texts: {stop_words: [a, no]}",
            "texts.stop_words = ['a', False] is not valid: false in the list is not a text",
        ),
        ("sensors: {numbers: []}", "sensors.numbers = [] is not valid: name one or more of raw, periodic and rbf"),
        ("sensors: {numbers: [rbf, rbf]}", "is not valid: name one or more of raw, periodic and rbf, each once"),
        ("training: {batch: 1}", "training.batch = 1 is not valid: input should be greater than or equal to 2"),
        ("training: {iters: many}", "training.iters = 'many' is not valid"),
        ("training: {lr: -0.1}", "training.lr = -0.1 is not valid"),
        ("training: {lr: .inf}", "training.lr = inf is not valid"),
        ("training: {lr: .nan}", "training.lr = nan is not valid"),
        ("training: {near_seconds: .inf}", "training.near_seconds = inf is not valid"),
        ("features: {size: 100, crop: 101}", "crop (101) must not exceed size (100)"),
        ("features: {backbones: []}", "features.backbones = [] is not valid"),
        ("features: {backbones: [{output: both}]}", "features.backbones.0.output = 'both' is not valid"),
        ("features: {resize: crop}", "'squash' or 'shorter'"),
        ("name: a/b", "name = 'a/b' is not valid"),
        ("sensors: {cyclic: {heading: 0}}", "sensors.cyclic.heading = 0 is not valid"),
        ("data: {split: {by: moon}}", "'auto', 'date', 'session', 'fraction'"),
        ("data: {split: {by: fraction, train: 0.9}}", "must not sum to more than 1"),
        ("data: {split: {by: session, train: [a], test: [a]}}", "a session may be in one split only"),
        ("data: {split: {by: date, val: [2020-02-29, 2020-03-02]}}", "must not overlap"),
        ("{encoder: {finetune: true}, features: {precision: bf16}}", "features.precision must be auto or fp32"),
        ("data: {split: {by: date, val: [2020-03-02, 2020-03-01]}}", "from its first day to its last"),
        ("data: {split: {by: date, val: [2020-03-01]}}", "data.split.val"),
        ("data: {split: {by: date, train: [2020-02-31, 2020-03-01]}}", "day is out of range for month"),
        ("towers: 3", "towers = 3 is not valid: expected keys and values."),
        ("towers: {image: 3}", "towers.image = 3 is not valid: expected keys and values."),
        ("towers: {sensor: {standardise: true}}", "towers.sensor is not valid: readings are standardised by their"),
        ("towers: {image: {vectors: x.npy}}", "the encoder frozen reads no vectors: leave the file out"),
        ("training: {start: 3}", "training.start = 3 is not valid: expected a path."),
        ("objectives: {}", "objectives is not valid: expected a list."),
        ("objectives: []", "objectives = [] is not valid: give at least 1."),
        ("objectives: [{}]", "objectives.0 is not valid: give keys and values, with a kind; there are: info_nce, "),
        ("objectives: [{weight: 2}]", "objectives.0 is not valid: give keys and values, with a kind"),
        ("objectives: [info_nce]", "objectives.0 = 'info_nce' is not valid: give keys and values, with a kind"),
        ("- 1\n- 2", "must hold keys and values, not list"),
        ("just words", "must hold keys and values, not str"),
        ("false", "must hold keys and values, not bool"),
        ("a: [1", "is not YAML"),
        ("{1: 2}", "config.yaml"),
    ],
)
def test_an_impossible_value_is_named_with_what_would_do(tmp_path, text, part):
    assert part in refusal(tmp_path, text)


@pytest.mark.parametrize("precision", ["auto", "fp32"])
def test_networks_may_be_fine_tuned_with_any_precision_but_bf16_of_the_frozen_ones(tmp_path, precision):
    (tmp_path / "config.yaml").write_text(f"{{encoder: {{finetune: true}}, features: {{precision: {precision}}}}}")
    config = load_config(tmp_path / "config.yaml")
    assert config.encoder.finetune
    assert config.features.precision == precision


def test_of_several_mistakes_the_first_is_told_and_the_others_counted(tmp_path):
    assert "(2 more after it)" in refusal(tmp_path, "seed: -1\nnamme: x\ntraining: {lr: 0}")


def test_a_configuration_that_cannot_be_read_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"Cannot read the configuration .*absent\.yaml: no such file or directory"):
        load_config(tmp_path / "absent.yaml")
    with pytest.raises(UserError, match=r"Cannot read the configuration .*: is a directory"):
        load_config(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    with pytest.raises(UserError, match=r"latin\.yaml is not YAML"):
        load_config(tmp_path / "latin.yaml")


def test_set_changes_one_key_and_is_parsed_as_yaml():
    config = load_config(
        None,
        [
            "training.iters=100", "training.lr=1e-4", "training.symmetric=false", "data.path=/a b/c=d", " seed = 7",
            "sensors.numeric=[speed, 'heading (deg)']", "sensors.cyclic.heading=360", "features.backbones.1.grid=2",
            "sensors.categories=",
        ],
    )  # fmt: skip
    assert (config.training.iters, config.training.lr, config.objectives[0].symmetric) == (100, 1e-4, False)
    assert (config.data.path, config.seed) == (Path("/a b/c=d"), 7)
    assert config.sensors.numeric == ["speed", "heading (deg)"]
    assert config.sensors.cyclic == {"heading": 360}
    assert [backbone.grid for backbone in config.features.backbones] == [1, 2]
    assert config.sensors.categories is None


def test_set_is_stronger_than_the_file_and_the_last_of_two_wins(tmp_path):
    path = written(tmp_path, "seed: 1\ntraining: {iters: 10, batch: 20}\n")
    config = load_config(path, ["training.iters=30", "seed=2", "seed=3"])
    assert (config.seed, config.training.iters, config.training.batch) == (3, 30, 20)


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        (["seed"], "--set 'seed' is not of the form key.sub=value"),
        (["=5"], "--set '=5' is not of the form"),
        (["seed=[1"], "--set 'seed=[1': the value is not YAML"),
        (["data.split={by: date, val: [2020-02-31, 2020-03-01]}"], "the value is not YAML"),
        (["training.itres=5"], "Unknown key 'training.itres' in --set training.itres=5 (did you mean 'iters'?)"),
        (["features.backbones.7.arch=vgg11"], "There is no configuration key 'features.backbones.7.arch'"),
        (["objectives.1.temperature=0.2"], "its list has 1 entry, counted from 0, and none is '1'."),
        (["features.backbones.x.grid=2"], "its list has 2 entries, counted from 0, and none is 'x'."),
        ([f"objectives.{'9' * 5000}.weight=2"], "There is no configuration key 'objectives.999"),
        (["features.backbones.7=vgg11"], "There is no configuration key 'features.backbones.7'"),
        (["seed=x", "name=y"], "--set seed=x: seed = 'x' is not valid"),
        (["seed.deep=1"], "seed"),
    ],
)
def test_a_setting_that_will_not_do_is_named(settings, part):
    with pytest.raises(UserError) as caught:
        load_config(None, settings)
    assert part in str(caught.value)


def test_settings_that_only_do_together_are_taken_together():
    config = load_config(None, ["features.crop=384", "features.size=400"])
    assert (config.features.crop, config.features.size) == (384, 400)
    split = load_config(None, ["data.split.train=0.9", "data.split.by=fraction", "data.split.val=0.1",
                               "data.split.test=0"]).data.split  # fmt: skip
    assert split == FractionSplit(train=0.9, val=0.1, test=0)


def test_another_kind_of_split_starts_from_its_own_defaults(tmp_path):
    path = written(tmp_path, "data: {split: {by: date, train: [2019-01-01, 2019-12-31]}}\n")
    assert load_config(path, ["data.split.by=session"]).data.split == SessionSplit()
    kept = load_config(path, ["data.split.by=date"]).data.split
    assert isinstance(kept, DateSplit)
    assert kept.train == (dt.date(2019, 1, 1), dt.date(2019, 12, 31))
    assert load_config(path, ["data.split.by=fraction", "data.split.train=0.6"]).data.split == FractionSplit(train=0.6)


def test_changed_leaves_the_original_as_it_was_and_checks_the_whole():
    config = Config()
    other = config.changed({"features.backbones": [{"arch": "vgg11"}], "seed": 5})
    assert (config.seed, other.seed) == (0, 5)
    assert other.features.backbones == [Backbone(arch="vgg11")]
    with pytest.raises(UserError, match="seed = -1 is not valid"):
        config.changed({"seed": -1})


def test_a_configuration_from_a_tree_names_its_origin():
    with pytest.raises(UserError, match="Unknown key 'sede' in the model's card"):
        parse_config({"sede": 1}, "the model's card")


def test_no_value_can_be_infinite():
    with pytest.raises(UserError, match="inf"):
        Config().changed({"training.weight_decay": math.inf})

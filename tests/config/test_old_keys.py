"""Old spellings of keys: where they stay valid, and that nobody has to guess which of two counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers import refusal

from ntcir.ablation.grid import read_plan
from ntcir.config import Config, load_config, parse_config
from ntcir.config.old_keys import RENAMED

VALUES: dict[str, Any] = {
    "towers.standardise": False, "towers.image_dropout": 0.25, "towers.sensor_hidden": 77, "towers.sensor_layers": 3,
    "towers.sensor_dropout": 0.5, "training.temperature": 0.3, "training.learn_temperature": True,
    "training.symmetric": False,
}  # fmt: skip
each_key = pytest.mark.parametrize("old", RENAMED)


def new_of(old: str) -> str:
    return RENAMED[old].replace("objective.", "objectives.0.")


def tree_of(key: str, value: Any) -> dict[str, Any]:
    *sections, last = key.split(".")
    tree: dict[str, Any] = {last: value}
    for section in reversed(sections):
        tree = {section: tree}
    return tree


def in_yaml(old: str) -> dict[str, Any]:
    """Return a tree in which an old key and the new one are given."""
    new, value = RENAMED[old], VALUES[old]
    if new.startswith("objective."):
        return tree_of(old, value) | {"objectives": [{"kind": "info_nce", new.split(".")[1]: value}]}
    _, modality, leaf = new.split(".")
    return {"towers": {old.split(".")[1]: value, modality: {leaf: value}}}


@each_key
def test_an_old_spelling_says_what_the_new_one_says(old, tmp_path):
    expected = Config().changed({new_of(old): VALUES[old]})
    assert expected != Config()
    (tmp_path / "old.yaml").write_text(yaml.safe_dump(tree_of(old, VALUES[old])), encoding="utf-8")
    for found in (
        parse_config(tree_of(old, VALUES[old]), "a test"),
        load_config(tmp_path / "old.yaml"),
        load_config(None, [f"{old}={VALUES[old]}"]),
        Config().changed({old: VALUES[old]}),
    ):
        assert found == expected
    assert old.split(".")[1] not in (expected.to_yaml().partition(f"{old.split('.')[0]}:")[2]).split()


def both(old: str) -> str:
    return f"{old} is the old spelling of {new_of(old)}, and both are given: remove one."


@each_key
def test_a_file_with_both_spellings_is_refused(old, tmp_path):
    path = tmp_path / "both.yaml"
    path.write_text(yaml.safe_dump(in_yaml(old)), encoding="utf-8")
    assert refusal(load_config, path) == f"{path}: {both(old)}"


@each_key
def test_settings_with_both_spellings_are_refused_in_either_order(old):
    value = VALUES[old]
    one, other = f"{old}={value}", f"{new_of(old)}={value}"
    assert refusal(load_config, None, [one, other]) == f"--set {one} --set {other}: {both(old)}"
    assert refusal(load_config, None, [other, one]).endswith(both(old))


@pytest.mark.parametrize(
    ("settings", "old"),
    [
        (["towers.image={standardise: false}", "towers.standardise=true"], "towers.standardise"),
        (["towers={sensor_hidden: 3}", "towers.sensor.hidden=4"], "towers.sensor_hidden"),
        (["towers={sensor_hidden: 3, sensor: {hidden: 3}}"], "towers.sensor_hidden"),
        (["training={temperature: 0.2}", "objectives.0.temperature=0.1"], "training.temperature"),
        (["objectives=[{kind: info_nce, temperature: 1}]", "training.temperature=0.1"], "training.temperature"),
    ],
)
def test_a_section_that_is_given_as_a_whole_counts_as_well(settings, old):
    assert refusal(load_config, None, settings).endswith(both(old))


def test_what_is_set_is_stronger_than_the_file_in_either_spelling(tmp_path):
    path = tmp_path / "old.yaml"
    path.write_text("training: {temperature: 0.3}\n", encoding="utf-8")
    for key in ("training.temperature", "objectives.0.temperature"):
        assert load_config(path, [f"{key}=0.7"]).objectives[0].temperature == 0.7
    path.write_text("objectives: [{kind: info_nce, temperature: 0.3}]\n", encoding="utf-8")
    assert load_config(path, ["training.temperature=0.7"]).objectives[0].temperature == 0.7
    found = load_config(None, ["objectives=[{kind: info_nce, symmetric: false}]", "training.temperature=0.7"])
    assert (found.objectives[0].temperature, found.objectives[0].symmetric) == (0.7, False)


def grid(folder: Path, **parts: Any) -> Path:
    (folder / "data").mkdir(exist_ok=True)
    path = folder / "grid.yaml"
    path.write_text(yaml.safe_dump({"base": {}, **parts}), encoding="utf-8")
    return path


TWICE = {"training.temperature": 0.2, "objectives.0.temperature": 0.3}


@pytest.mark.parametrize(
    ("parts", "place"),
    [
        ({"base": in_yaml("training.temperature")}, "the base of"),
        ({"changes": TWICE}, "`changes` of"),
        ({"methods": {"hot": TWICE}}, "the method 'hot' of"),
        ({"weights": {"hot": TWICE}}, "the weights 'hot' of"),
    ],
)
def test_a_grid_with_both_spellings_in_one_place_is_refused(tmp_path, parts, place):
    sentence = refusal(read_plan, grid(tmp_path, **parts), tmp_path / "data")
    assert place in sentence
    assert sentence.endswith(both("training.temperature"))


def test_in_a_grid_the_later_part_is_stronger_in_either_spelling(tmp_path):
    parts = {
        "base": {"training": {"temperature": 0.2}}, "changes": {"objectives.0.temperature": 0.3},
        "methods": {"hot": {"training.temperature": 0.4}, "two": {"objectives": [{"kind": "info_nce", "weight": 2}]}},
    }  # fmt: skip
    plan = read_plan(grid(tmp_path, **parts), tmp_path / "data")
    hot, two = plan.configs.values()
    assert plan.base.objectives[0].temperature == 0.3
    assert hot.objectives[0].temperature == 0.4
    assert (two.objectives[0].temperature, two.objectives[0].weight) == (0.1, 2)
    sentence = refusal(read_plan, grid(tmp_path, methods={"x": {"pair": ["image", "sensor"]}}), tmp_path / "data")
    assert "The method 'x' of" in sentence
    assert "changes 'pair', but all are asked the same topics" in sentence


def test_an_old_key_of_what_is_not_there_is_named(tmp_path):
    sentence = refusal(load_config, None, ["towers.sensor_hidden=3", "pair=[image, sesnor]"])
    assert "There is no modality 'sesnor'" in sentence
    with_other = {"objectives": [], "training": {"temperature": 0.1}}
    assert "training.temperature is a setting of the objective info_nce, which is not among the objectives" in refusal(
        parse_config, with_other, "a test"
    )


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"pair": ["image", "image"]}, "pair needs two different modalities, not image twice."),
    ({"pair": ["image", "sesnor"]}, "There is no modality 'sesnor' (did you mean 'sensor'?); there are: image, "),
    ({"pair": ["image", "sensor", "image"]}, "pair = ['image', 'sensor', 'image'] is not valid: give two modalities"),
    ({"pair": ["image"]}, "pair = ['image'] is not valid"),
    ({"pair": "image"}, "pair = 'image' is not valid"),
    ({"pair": None}, "pair = None is not valid"),
    ({"pair": ["image", 3]}, "pair = ['image', 3] is not valid"),
    (
        {"towers": {"sensor": {"encoder": "frozen"}}},
        "towers.sensor.encoder = 'frozen' is not an encoder of readings; there are: readings, vectors.",
    ),
    (
        {"towers": {"image": {"encoder": "vektors"}}},
        "towers.image.encoder = 'vektors' is not an encoder of photographs (did you mean 'vectors'?).",
    ),
    ({"towers": {"caption": {"hidden": 3}}}, "unknown key 'towers.caption'"),
    ({"objectives": [{"kind": "info_nse"}]}, "there is no objective 'info_nse' (did you mean 'info_nce'?)."),
    ({"objectives": {"kind": "info_nce"}, "training": {"temperature": 1}}, "objectives is not valid"),
]


@pytest.mark.parametrize(("tree", "part"), WRONG)
def test_what_a_configuration_cannot_be_is_one_sentence_by_file_and_by_setting(tmp_path, tree, part):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    sentence = refusal(load_config, path)
    assert part in sentence
    assert ".." not in sentence
    assert str(path) in sentence
    texts = {key: yaml.safe_dump(value, default_flow_style=True, width=1000) for key, value in tree.items()}
    settings = [f"{key}={text.splitlines()[0]}" for key, text in texts.items()]
    assert part in refusal(load_config, None, settings)

"""Objectives that are solved: what they exclude, and configurations that change from training to solving and back."""

from __future__ import annotations

from typing import Any

import pytest
from helpers import ROOT, refusal

from ntcir.config import Config, load_config, parse_config

PROCRUSTES = "objectives=[{kind: procrustes}]"


def shape(config: Config) -> tuple[int, ...]:
    """Return the steps, and the layers of both towers."""
    return (config.training.iters, *(config.towers.of(name).layers for name in config.pair))


def test_what_is_solved_has_no_steps_and_one_layer_a_side():
    config = load_config(settings=[PROCRUSTES])
    assert shape(config) == (0, 1, 1)
    assert config.solved is config.objectives[0]
    assert config.losses == []
    assert Config().solved is None
    assert parse_config({"objectives": [{"kind": "procrustes"}]}, "a file") == config
    assert parse_config(config.model_dump(mode="json"), "a saved one") == config


@pytest.mark.parametrize("name", ["demo", "ymx2l", "flickr8k", "track-single"])
def test_a_configuration_is_switched_to_solving_and_back(name):
    config = load_config(ROOT / f"configs/{name}.yaml")
    solved = config.changed({"objectives": [{"kind": "procrustes"}]})
    assert shape(solved) == (0, 1, 1)
    assert load_config(ROOT / f"configs/{name}.yaml", [PROCRUSTES]) == solved
    back = solved.changed({"objectives": [{"kind": "info_nce"}]})
    assert shape(back) == (500, *shape(Config().changed({"pair": list(config.pair)}))[1:])


@pytest.mark.parametrize("key", ["objectives", "objectives.0"])
def test_defaults_follow_the_objective_whichever_way_it_is_given_and_whatever_the_order(key):
    value: Any = {"kind": "procrustes"}
    whole = {key: [value] if key == "objectives" else value}
    assert shape(Config().changed(whole)) == (0, 1, 1)
    assert shape(Config().changed({"pair": ["image", "text"], **whole})) == (0, 1, 1)
    assert shape(Config().changed({**whole, "pair": ["text", "sensor"]})) == (0, 1, 1)
    solved = Config().changed(whole)
    trained = {key: [{"kind": "info_nce"}] if key == "objectives" else {"kind": "info_nce"}}
    assert shape(solved.changed(trained)) == (500, 1, 2)
    # What the same change gives stays, before or behind it.
    assert shape(solved.changed({"training.iters": 7, **trained, "towers.sensor.layers": 1})) == (7, 1, 1)


@pytest.mark.parametrize(
    ("before", "kind", "after"),
    [
        ("info_nce", "procrustes", {}),
        ("procrustes", "cca", {}),  # not the pairs that procrustes has by default
        ("procrustes, pairs: all", "least_squares", {"pairs": "all"}),
        ("cca, unit: false", "info_nce", None),
        ("cca", "info_nce", {}),
        ("info_nce, weight: 2", "triplet", {"weight": 2}),
        ("triplet", "soft_margin", {"negatives": "random"}),  # as ever, where both are trained
    ],
)
def test_an_objective_that_becomes_one_of_another_kind_leaves_its_defaults_behind(before, kind, after):
    config = load_config(settings=[f"objectives=[{{kind: {before}}}]"])
    if after is None:
        assert "objectives.0.unit = False is not valid: unknown key" in refusal(
            config.changed, {"objectives.0.kind": kind}
        )
        return
    expected = config.changed({"objectives": [{"kind": kind, **after}]})
    assert config.changed({"objectives.0.kind": kind}) == expected


def test_what_is_set_along_with_another_kind_stays_in_any_order():
    for order in (1, -1):
        changes = {"objectives.0.power": 0, "objectives.0.pairs": "means", "objectives.0.kind": "cca"}
        for config in (Config(), load_config(settings=[PROCRUSTES])):  # which has the same pairs by default
            cca = config.changed(dict(list(changes.items())[::order])).objectives[0]
            assert cca.model_dump() | {"power": 0, "pairs": "means"} == cca.model_dump()


def test_layers_that_somebody_chose_are_not_taken_away_in_silence(tmp_path):
    config = tmp_path / "deep.yaml"
    config.write_text("towers: {sensor: {layers: 3}}\n", encoding="utf-8")
    said = refusal(load_config, config, [PROCRUSTES])
    assert "procrustes solves for the one linear layer of each tower, and towers.sensor.layers = 3" in said
    assert said.endswith("set towers.sensor.layers=1.")
    assert shape(load_config(config, [PROCRUSTES, "towers.sensor.layers=1"])) == (0, 1, 1)
    said = refusal(load_config, ROOT / "configs/nuswide.yaml", [PROCRUSTES])
    assert said.endswith("set towers.image.layers=1 and towers.text.layers=1.")


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("training.iters=100", "procrustes is solved, not trained, so it has no steps"),
        ("towers.image.layers=0", "towers.image.layers = 0: set towers.image.layers=1"),
        ("training.start=runs/other", "training.start is a part of training"),
        ("encoder.finetune=true", "encoder.finetune is a part of training"),
        ("training.temperature=0.1", "a setting of the objective info_nce, which is not among the objectives"),
    ],
)
def test_what_has_no_place_where_nothing_is_trained_is_refused_by_name(setting, why):
    assert why in refusal(load_config, ROOT / "configs/ymx2l.yaml", [PROCRUSTES, setting])


@pytest.mark.parametrize(
    ("options", "why"),
    [("pairs: some", "objectives.0.pairs = 'some' is not valid"), ("weight: 2", "known here: kind, pairs, unit")],
)
def test_its_own_keys_are_checked(options, why):
    assert why in refusal(load_config, None, [f"objectives=[{{kind: procrustes, {options}}}]"])


def test_it_stands_alone():
    said = refusal(load_config, None, ["objectives=[{kind: info_nce}, {kind: procrustes}]"])
    assert "procrustes is solved, not trained, and stands alone: leave the other objectives out." in said


@pytest.mark.parametrize(("kind", "meant"), [("CCA", "cca"), ("Procrustes", "procrustes"), ("InfoNCE", "info_nce")])
def test_a_kind_in_capitals_is_told_what_may_be_meant(kind, meant):
    said = refusal(lambda: load_config(settings=[f"objectives=[{{kind: {kind}}}]"]))
    assert f"there is no objective '{kind}' (did you mean '{meant}'?)" in said

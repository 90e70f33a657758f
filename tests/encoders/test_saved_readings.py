"""Saved statistics that do not fit their columns are one phrase, not other numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from helpers import refusal, toy_config, toy_corpus

from ntcir.encoders.presets import chosen_columns
from ntcir.encoders.readings import ReadingsEncoder
from ntcir.encoders.saved_readings import check_saved
from ntcir.model.folder import read_model, write_model
from ntcir.model.model import Model

Tree = dict[str, Any]


def encoder(**changes: object) -> ReadingsEncoder:
    config, corpus = toy_config(sensors__cyclic={"a": 24}, **changes), toy_corpus()
    return ReadingsEncoder.fit(chosen_columns(config.sensors, corpus.sensors, corpus.layout), corpus.sensors)


def tree(categories: str = "embedding") -> Tree:
    found: Tree = json.loads(json.dumps(encoder(sensors__categories=categories).to_json()))
    return found


@pytest.mark.parametrize("categories", ["embedding", "frequency"])
def test_what_was_saved_is_accepted(categories):
    check_saved(tree(categories))


HARMS: dict[str, Callable[[Tree], object]] = {
    "a shorter mean": lambda t: t["statistics"]["mean"].pop(),
    "a shorter deviation": lambda t: t["statistics"]["deviation"].pop(),
    "a longer mean": lambda t: t["statistics"]["mean"].append(0.0),
    "a column less": lambda t: t["columns"]["numeric"].pop(),
    "a column twice": lambda t: t["columns"]["numeric"].append("a"),
    "no statistics": lambda t: t.pop("statistics"),
    "no columns": lambda t: t.update(columns=[]),
    "no shares": lambda t: t["statistics"].pop("shares"),
    "no cyclic": lambda t: t["columns"].pop("cyclic"),
    "shares of another column": lambda t: t["statistics"].update(shares={"other": {}}),
    "no vocabulary": lambda t: t["statistics"].update(vocabularies={}),
    "a vocabulary with a number": lambda t: t["statistics"]["vocabularies"]["place"].append(3),
    "a word twice": lambda t: t["statistics"]["vocabularies"].update(place=["home", "home"]),
    "an indicator of no column": lambda t: t["statistics"]["indicators"].append("other"),
    "a mean that is text": lambda t: t["statistics"]["mean"].__setitem__(0, "0"),
    "a mean that is not finite": lambda t: t["statistics"]["mean"].__setitem__(0, float("nan")),
    "a deviation below zero": lambda t: t["statistics"]["deviation"].__setitem__(0, -1.0),
    "a period that is text": lambda t: t["columns"]["cyclic"].update(a="24"),
    "other categories": lambda t: t["columns"].update(categories="moon"),
    "half a location": lambda t: t["columns"].update(location=["a"]),
    "a location without origin": lambda t: t["columns"].update(location=["a", "b"]),
}


@pytest.mark.parametrize("harm", HARMS)
def test_what_does_not_fit_is_said_when_a_model_is_loaded(tmp_path, harm):
    from untrained import make_model

    make_model(sensors__cyclic={"a": 24}).save(tmp_path / "m")
    saved = read_model(tmp_path / "m")
    found = saved.encoders["sensor"]
    HARMS[harm](found)
    with pytest.raises(ValueError, match="it has"):
        check_saved(found)
    write_model(tmp_path / "m", saved)
    sentence = refusal(Model.load, tmp_path / "m")
    assert "is damaged (the encoder of the modality sensor: it has" in sentence


@pytest.mark.parametrize("harm", ["frequency: no share", "frequency: a vocabulary too many"])
def test_frequencies_have_shares_and_no_vocabulary(harm):
    found = tree("frequency")
    found["statistics"].update({"shares": {}} if "no share" in harm else {"vocabularies": {"place": []}})
    with pytest.raises(ValueError, match="it has"):
        check_saved(found)

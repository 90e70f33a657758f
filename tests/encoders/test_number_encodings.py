"""Numbers as sines, cosines and bumps: as a loop by hand computes them, whatever the number is."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import refusal

from ntcir.config import Config, load_config
from ntcir.encoders.presets import Columns
from ntcir.encoders.readings import LIMIT, ReadingsEncoder
from ntcir.encoders.saved_readings import check_saved

TABLE = pd.DataFrame(
    {"a": [1.0, np.nan, 3.0, 8.0], "flat": [2.0] * 4, "place": ["home", "home", "home", None],
     "hour": [0.0, 6.0, 12.0, 3.0]}
)  # fmt: skip
KINDS = [("raw",), ("periodic",), ("rbf",), ("periodic", "rbf"), ("rbf", "raw", "periodic")]


def encoder(*encodings: str, **columns: Any) -> ReadingsEncoder:
    chosen = {"numeric": ("a", "flat"), "categorical": ("place",), "cyclic": {"hour": 24.0}, **columns}
    return ReadingsEncoder.fit(Columns(**chosen, encodings=encodings), TABLE, rare=1)


def by_hand(z: list[float], name: str) -> list[float]:
    """Return what an encoding makes of one reading's standardised numbers."""
    if name == "periodic":
        turns = [(wave, rate) for rate in (math.pi / 4, math.pi / 2) for wave in (math.sin, math.cos)]
        return [wave(rate * each) for wave, rate in turns for each in z]
    if name == "rbf":
        centres = [-2 + 4 * step / 7 for step in range(8)]
        return [math.exp(-(((each - centre) / (4 / 7)) ** 2) / 2) for centre in centres for each in z]
    return []


@pytest.mark.parametrize("categories", ["frequency", "embedding"])
@pytest.mark.parametrize("encodings", KINDS)
def test_numbers_are_encoded_as_a_loop_by_hand_does(encodings, categories):
    asked = pd.DataFrame(
        {"a": [1.0, 4.5, np.nan, 1e300, -1e300], "flat": [2.0, 99.0, np.nan, 1e300, 2.0],
         "place": ["home", None, "never seen", "home", "home"], "hour": [1.0, np.nan, 3.0, 4.0, 5.0]}
    )  # fmt: skip
    plain = encoder("raw", categories=categories)
    encoded = encoder(*encodings, categories=categories).encode(asked)
    numbers = 3 if categories == "frequency" else 2  # the frequency of a category is a number as well
    deviation, shares = np.std([1.0, 3.0, 8.0]), np.array([0.75, 0.75, 0.75, 0.0])
    for row, raw in zip(encoded, plain.encode(asked), strict=True):
        place = numbers
        z = [float(each) for each in raw[:numbers]]
        assert row[:numbers].tolist() == z
        for name in encodings:
            expected = by_hand(z, name)
            # z was rounded to float32 here, and 1e4 is many turns.
            assert row[place : place + len(expected)] == pytest.approx(expected, abs=1e-6 if max(z) < 99 else 1e-2)
            place += len(expected)
        assert row[place:].tolist() == raw[numbers:].tolist()  # hour, indicators, codes
    assert encoded[:, 0] == pytest.approx([-3 / deviation, 0.5 / deviation, 0, LIMIT, -LIMIT])
    assert (encoded[:, 1] == 0).all()
    if categories == "frequency":
        assert encoded[:, 2] == pytest.approx((np.array([0.75, 0, 0, 0.75, 0.75]) - shares.mean()) / shares.std())


def test_a_missing_number_is_a_mean_with_its_indicator():
    missing, mean = encoder("periodic", "rbf").encode(pd.DataFrame({"a": [np.nan, 4.0], "hour": 1.0}))
    assert np.flatnonzero(missing != mean).tolist() == [len(missing) - 1]
    assert missing[-1] == 1


@pytest.mark.parametrize("encodings", KINDS)
def test_equal_readings_have_equal_bytes_among_others_and_alone(encodings):
    made = encoder(*encodings)
    draw = np.random.default_rng(0)
    table = pd.DataFrame({"a": draw.normal(4, 3, 37), "flat": -0.0, "place": "home", "hour": draw.uniform(0, 24, 37)})
    table.loc[36] = table.loc[0]
    whole = made.encode(table)
    assert whole[0].tobytes() == whole[36].tobytes()
    assert all(made.encode(table.iloc[[at]]).tobytes() == whole[at].tobytes() for at in range(len(table)))
    assert whole.shape == (37, made.dim)


@pytest.mark.parametrize("categories", ["frequency", "embedding"])
@pytest.mark.parametrize("encodings", KINDS)
def test_facets_are_rows_of_one_encoding_with_all_that_is_not_a_number(encodings, categories):
    whole = encoder(*encodings, categories=categories, location=("a", "hour"))
    facets = whole.facets(Config())
    assert [facet.name for facet in facets] == list(encodings)
    for facet in facets:
        alone = encoder(facet.name, categories=categories, location=("a", "hour"))
        assert facet.columns.dtype == np.int64
        assert (np.diff(facet.columns) > 0).all()
        assert np.array_equal(whole.encode(TABLE)[:, facet.columns], alone.encode(TABLE))
        assert facet.encoder.dim == len(facet.columns) == alone.dim
        assert isinstance(facet.encoder, ReadingsEncoder)
        assert facet.encoder.vocabulary_sizes == alone.vocabulary_sizes
    assert set(np.concatenate([facet.columns for facet in facets])) == set(range(whole.dim))


@pytest.mark.parametrize("categories", ["frequency", "embedding"])
def test_what_is_made_of_a_number_is_known_to_come_from_its_column(categories):
    made = encoder("periodic", "rbf", categories=categories)
    places = made.places()
    assert sorted(place for some in places.values() for place in some) == list(range(made.dim))
    for column, own in places.items():
        other = TABLE.assign(**{column: "elsewhere" if column == "place" else [5.0, 1.0, 7.0, 2.5]})
        changed = np.flatnonzero((made.encode(other) != made.encode(TABLE)).any(axis=0))
        assert set(changed) <= set(own)
    means = made.means(TABLE)
    assert means[: made.continuous] == pytest.approx(made.encode(TABLE)[:, : made.continuous].mean(axis=0), abs=1e-6)


@pytest.mark.parametrize("encodings", KINDS)
def test_from_json_the_encoder_is_the_same_to_the_bit(encodings):
    made = encoder(*encodings)
    tree = json.loads(json.dumps(made.to_json()))
    assert ReadingsEncoder.from_json(tree).encode(TABLE).tobytes() == made.encode(TABLE).tobytes()
    # Of raw numbers, the JSON is what it was before there were others: trainings are told apart by it.
    assert ("numbers" in tree["columns"]) == (encodings != ("raw",))


@pytest.mark.parametrize("numbers", [[], "periodic", ["moon"], ["rbf", "rbf"], [1], {"rbf": 1}, None])
def test_other_encodings_than_there_are_make_a_damaged_model(numbers):
    tree = encoder("rbf").to_json()
    tree["columns"]["numbers"] = numbers
    with pytest.raises(ValueError, match="'numbers'"):
        check_saved(tree)


@pytest.mark.parametrize("numbers", ["moon", "[]", "[rbf, rbf]", "[raw, 3]"])
def test_other_encodings_than_there_are_cannot_be_asked_for(numbers):
    assert "sensors.numbers" in refusal(load_config, None, [f"sensors.numbers={numbers}"])

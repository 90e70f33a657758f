"""Raw readings become numbers: standardised, never NaN, the same again from JSON."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers import refusal
from hypothesis import given, settings
from hypothesis import strategies as st

from ntcir.config import Sensors
from ntcir.encoders.presets import PRESETS, Columns, chosen_columns
from ntcir.encoders.readings import LIMIT, METRES_PER_DEGREE, MISSING, UNKNOWN, WAVELENGTHS, ReadingsEncoder
from ntcir.system.errors import shown

quick = settings(deadline=None, max_examples=80)
# Whatever may stand in a cell of a hand-written or damaged table.
cells = st.one_of(
    st.floats(width=64),
    st.integers(),
    st.none(),
    st.booleans(),
    st.text(max_size=4),
    st.sampled_from(["NaN", "-inf", "1e999", "12", "", pd.NA, np.nan, 10**400, -1e308, 5e-324]),
)


def lifelog_table(rows: int = 60, seed: int = 0) -> pd.DataFrame:
    """Return readings as a lifelog's corpus has them, with every column of the `full` preset and gaps in most."""
    draw = np.random.default_rng(seed)
    full = PRESETS["full"]
    table = pd.DataFrame({column: draw.normal(50, 10, rows) for column in full.numeric})
    table["local_hour"] = draw.uniform(0, 24, rows)
    table["new_lat"], table["new_lng"] = draw.normal(53.3, 0.05, rows), draw.normal(-6.2, 0.05, rows)
    for column in full.categorical:
        table[column] = pd.Categorical(draw.choice(["HOME", "WORK", "CAFÉ", "PARK"], rows, p=[0.7, 0.2, 0.08, 0.02]))
    gaps = draw.random(table.shape) < 0.15
    gaps[:, 0] = False
    return table.where(~gaps)


# -------------------------------------------------------------------------------------------------------- numbers


def test_numbers_have_mean_0_and_deviation_1_over_the_training_rows_whatever_their_size():
    draw = np.random.default_rng(0)
    scales = {
        "tiny": (0.0, 1e-9),
        "degrees": (53.3, 1e-4),
        "rate": (75, 12),
        "seconds": (1.6e9, 1.0),
        "huge": (0, 1e30),
    }
    table = pd.DataFrame({name: draw.normal(mean, deviation, 500) for name, (mean, deviation) in scales.items()})
    encoded = ReadingsEncoder.fit(Columns(numeric=tuple(scales)), table).encode(table)
    assert encoded.dtype == np.float32
    assert encoded.mean(axis=0) == pytest.approx(0, abs=1e-5)
    assert encoded.std(axis=0) == pytest.approx(1, abs=1e-5)


def test_a_reading_counts_as_often_as_it_trains():
    table = pd.DataFrame({"a": [0.0, 0.0, 0.0, 4.0]})
    encoder = ReadingsEncoder.fit(Columns(numeric=("a",)), table)
    assert encoder.encode(pd.DataFrame({"a": [1.0]}))[0, 0] == 0
    assert encoder.encode(pd.DataFrame({"a": [4.0]}))[0, 0] == pytest.approx(math.sqrt(3))


def test_statistics_are_of_the_readings_that_are_there():
    table = pd.DataFrame({"a": [1.0, np.nan, 3.0, np.nan, np.inf, -np.inf]})
    encoded = ReadingsEncoder.fit(Columns(numeric=("a",)), table).encode(table)
    assert encoded[:, 0].tolist() == [-1, 0, 1, 0, 0, 0]
    assert encoded[:, 1].tolist() == [0, 1, 0, 1, 1, 1]


def test_a_column_without_variance_is_0_everywhere_even_for_a_value_never_seen():
    # 0.1 is not exact: the sum of many leaves a deviation of rounding errors that must not be divided by.
    encoder = ReadingsEncoder.fit(Columns(numeric=("a", "b")), pd.DataFrame({"a": [0.1] * 9999, "b": range(9999)}))
    assert encoder.encode(pd.DataFrame({"a": [0.1, 99.0], "b": [0, 0]}))[:, 0].tolist() == [0, 0]


def test_a_column_that_is_always_missing_is_0_without_an_indicator():
    encoder = ReadingsEncoder.fit(Columns(numeric=("a", "b")), pd.DataFrame({"a": [np.nan] * 3, "b": [1.0, 2.0, 3.0]}))
    assert encoder.dim == 2
    assert encoder.encode(pd.DataFrame({"a": [np.nan, 7.0], "b": [2.0, 2.0]})).tolist() == [[0, 0], [0, 0]]


def test_only_columns_that_lack_readings_in_training_have_an_indicator():
    encoder = ReadingsEncoder.fit(
        Columns(numeric=("whole", "holed")), pd.DataFrame({"whole": [1.0, 3.0, 2.0], "holed": [1.0, np.nan, 3.0]})
    )
    assert encoder.dim == encoder.continuous == 3
    encoded = encoder.encode(pd.DataFrame({"whole": [np.nan, 3.0], "holed": [3.0, np.nan]}))
    # A missing number is the mean; that of `holed` is told to the network as well.
    assert encoded[0].tolist() == [0, 1, 0]
    assert encoded[1, 1:].tolist() == [0, 1]


def test_a_column_read_as_number_and_as_category_keeps_the_number_s_indicator():
    columns = Columns(numeric=("a",), categorical=("a",))
    encoder = ReadingsEncoder.fit(columns, pd.DataFrame({"a": [1.0, np.nan, 3.0]}))
    assert encoder.encode(pd.DataFrame({"a": [np.nan, 1.0]}))[:, -1].tolist() == [1, 0]


@quick
@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=12), st.lists(st.tuples(cells, cells), max_size=12))
def test_no_cell_ever_makes_a_nan(training, asked):
    columns = Columns(numeric=("x", "y"), cyclic={"y": 24.0}, location=("x", "y"))
    # One number a column; a column of nothing but text is refused.
    training = pd.DataFrame([(1.5, 2.5), *training], columns=["x", "y"], dtype=object)
    encoder = ReadingsEncoder.fit(columns, training)
    for table in (training, pd.DataFrame(asked, columns=["x", "y"], dtype=object)):
        encoded = encoder.encode(table)
        assert encoded.shape == (len(table), encoder.dim)
        assert np.isfinite(encoded).all()
        assert np.abs(encoded).max(initial=0) <= LIMIT


@quick
@given(st.lists(st.one_of(st.floats(-1e15, 1e15), st.just(np.nan)), min_size=2, max_size=40))
def test_any_column_is_standardised_or_flat(values):
    encoded = ReadingsEncoder.fit(Columns(numeric=("a",)), pd.DataFrame({"a": values})).encode(
        pd.DataFrame({"a": values})
    )[:, 0]
    there = encoded[~np.isnan(values)].astype(np.float64)
    if there.any():
        assert there.mean() == pytest.approx(0, abs=1e-3)
        assert there.std() == pytest.approx(1, abs=1e-3)
    elif len(there):
        spread = np.nanmax(values) - np.nanmin(values)
        assert spread <= max(1e-99, 1e-10 * np.nanmax(np.abs(values)))


def test_a_reading_far_outside_training_stays_finite_and_keeps_its_sign():
    encoder = ReadingsEncoder.fit(Columns(numeric=("a",)), pd.DataFrame({"a": [1.0, 2.0, 3.0]}))
    asked = pd.DataFrame({"a": [1e300, -1e300, 1e6, 10**400]}, dtype=object)
    assert encoder.encode(asked)[:, 0].tolist() == [LIMIT, -LIMIT, LIMIT, 0]


def test_a_column_of_text_is_not_standardised_but_refused():
    table = pd.DataFrame({"movement": ["Inside", "Car"], "rate": [60.0, 70.0]})
    sentence = refusal(ReadingsEncoder.fit, Columns(numeric=("rate", "movement")), table)
    assert "'movement'" in sentence
    assert "sensors.categorical" in sentence


def test_without_columns_there_is_nothing_to_encode():
    assert "sensors.numeric" in refusal(ReadingsEncoder.fit, Columns(), pd.DataFrame({"a": [1.0]}))


def test_a_row_is_encoded_alike_among_others_and_alone():
    table = lifelog_table()
    encoder = ReadingsEncoder.fit(chosen_columns(Sensors(preset="full"), table, "lifelog"), table)
    alone = np.concatenate([encoder.encode(table.iloc[[row]]) for row in range(len(table))])
    assert np.array_equal(alone, encoder.encode(table))


def test_a_column_the_table_lacks_is_missing_throughout():
    table = lifelog_table()
    encoder = ReadingsEncoder.fit(chosen_columns(Sensors(preset="full"), table, "lifelog"), table)
    lacking = encoder.encode(table.drop(columns=["calories", "city"]))
    assert np.array_equal(lacking, encoder.encode(table.assign(calories=np.nan, city=None)))


def test_minus_zero_is_encoded_as_zero():
    encoder = ReadingsEncoder.fit(Columns(numeric=("a",), cyclic={"a": 7.0}), pd.DataFrame({"a": [-1.0, 1.0]}))
    both = encoder.encode(pd.DataFrame({"a": [0.0, -0.0]}))
    assert both[0].tobytes() == both[1].tobytes()


# ------------------------------------------------------------------------------------------------------ categories


def test_frequencies_are_shares_of_the_training_rows_as_a_loop_counts_them():
    draw = random.Random(0)
    training = [draw.choice(["home", "work", "cafe", None]) for _ in range(50)]
    encoder = ReadingsEncoder.fit(Columns(categorical=("place",)), pd.DataFrame({"place": training}, dtype=object))
    asked = ["home", "work", "cafe", None, "never seen", np.nan]
    shares = [sum(word == other for other in training if other is not None) / 50 for word in asked[:3]] + [0, 0, 0]
    own = [sum(word == other for other in training) / 50 if word is not None else 0.0 for word in training]
    expected = [(share - np.mean(own)) / np.std(own) for share in shares]
    encoded = encoder.encode(pd.DataFrame({"place": asked}, dtype=object))
    assert encoded[:, 0] == pytest.approx(expected, abs=1e-5)
    assert encoder.dim == 1


def test_embedded_categories_have_codes_and_missing_unknown_and_rare_ones_have_their_own():
    training = pd.DataFrame({"place": ["home"] * 5 + ["work"] * 3 + ["once"] + [None], "n": range(10)})
    columns = Columns(numeric=("n",), categorical=("place",), categories="embedding")
    encoder = ReadingsEncoder.fit(columns, training, rare=2)
    assert encoder.vocabulary_sizes == [4]
    assert (encoder.continuous, encoder.dim) == (1, 2)
    codes = encoder.encode(pd.DataFrame({"place": ["home", "work", "once", "never seen", None, np.nan], "n": 0}))[:, 1]
    assert len({*codes[:2]}) == 2
    assert set(codes[:2]) == {2, 3}
    assert codes[2:].tolist() == [UNKNOWN, UNKNOWN, MISSING, MISSING]
    assert ReadingsEncoder.fit(columns, training, rare=1).vocabulary_sizes == [5]


@pytest.mark.parametrize("categories", ["frequency", "embedding"])
def test_a_category_that_is_a_number_is_the_same_as_a_number_and_as_text(categories):
    columns = Columns(categorical=("lane",), categories=categories)
    encoder = ReadingsEncoder.fit(columns, pd.DataFrame({"lane": [1.0] * 2 + [2.0] * 3 + [2.5] * 4}))
    asked = encoder.encode(pd.DataFrame({"lane": [1, 1.0, "1", np.int64(1), 2.5, "2.5", 3]}, dtype=object))[:, 0]
    assert len({*asked[:4]}) == 1
    assert asked[4] == asked[5]
    assert len({asked[0], asked[4], asked[6]}) == 3


def test_categorical_columns_of_pandas_and_plain_text_are_encoded_alike():
    words = ["home", "work", None, "home"]
    columns = Columns(categorical=("place",), categories="embedding")
    plain, typed = pd.DataFrame({"place": words}), pd.DataFrame({"place": pd.Categorical(words)})
    encoder = ReadingsEncoder.fit(columns, typed, rare=1)
    assert np.array_equal(encoder.encode(plain), encoder.encode(typed))
    assert encoder.statistics == ReadingsEncoder.fit(columns, plain, rare=1).statistics


# ----------------------------------------------------------------------------------------------- place and hour


def waves(places: list[tuple[float | None, float | None]]) -> np.ndarray:
    """Return the sines and cosines of positions given in metres north and east of a town."""
    degrees = [
        (None if n is None else 53.3 + n / METRES_PER_DEGREE,
         None if e is None else -6.2 + e / METRES_PER_DEGREE / math.cos(math.radians(53.3)))
        for n, e in places
    ]  # fmt: skip
    columns = Columns(location=("lat", "lng"))
    around = pd.DataFrame([(53.3, -6.2), (53.5, -6.0), (53.1, -6.4)], columns=["lat", "lng"])
    encoder = ReadingsEncoder.fit(columns, around)
    assert encoder.dim == 4 * len(WAVELENGTHS)
    return encoder.encode(pd.DataFrame(degrees, columns=["lat", "lng"], dtype=object))


@pytest.mark.parametrize("angle", [0, 45, 90, 200])
def test_nearer_positions_are_more_alike_from_metres_to_kilometres(angle):
    north, east = math.sin(math.radians(angle)), math.cos(math.radians(angle))
    steps = [0, 3, 12, 150, 1700, 17000]
    encoded = waves([(step * north, step * east) for step in steps])
    away = np.linalg.norm(encoded - encoded[0], axis=1)
    assert (np.diff(away) > 0).all()
    assert away[2] > 0.5  # a room's width can be told


def test_a_missing_position_is_zeros_which_no_position_is():
    encoded = waves([(None, None), (0, 0), (800, -300)])
    assert not encoded[0].any()
    assert (np.linalg.norm(encoded[1:], axis=1) > 1).all()


def test_half_a_position_keeps_the_half_that_is_known():
    encoded = waves([(500, None), (500, 0), (None, 0)])
    assert np.where(encoded[0] != 0, encoded[1], 0) == pytest.approx(encoded[0])
    assert encoded[0].any()
    assert encoded[0] + encoded[2] == pytest.approx(encoded[1], abs=1e-6)


def test_a_minute_before_midnight_is_near_a_minute_after():
    columns = Columns(cyclic={"local_hour": 24.0})
    encoder = ReadingsEncoder.fit(columns, pd.DataFrame({"local_hour": [1.0, 5.0]}))
    before, after, noon, later, missing = encoder.encode(
        pd.DataFrame({"local_hour": [24 - 1 / 60, 1 / 60, 12.0, 24 + 1 / 60, np.nan]})
    )
    assert np.linalg.norm(before - after) < 0.01
    assert np.linalg.norm(before - noon) > 1.99
    assert later == pytest.approx(after, abs=1e-6)
    assert missing.tolist() == [0, 0]
    assert np.linalg.norm(noon) == pytest.approx(1)


# ------------------------------------------------------------------------------------------------------------ JSON


@pytest.mark.parametrize("preset", ["ymx2l", "organisers", "full"])
@pytest.mark.parametrize("categories", ["frequency", "embedding"])
@pytest.mark.parametrize("location", ["raw", "fourier"])
def test_from_json_the_encoder_is_the_same_to_the_bit(preset, categories, location):
    table = lifelog_table()
    options = Sensors(preset=preset, categories=categories, location=location)
    encoder = ReadingsEncoder.fit(chosen_columns(options, table, "lifelog"), table)
    again = ReadingsEncoder.from_json(json.loads(json.dumps(encoder.to_json())))
    other = lifelog_table(seed=1)
    assert again.encode(other).tobytes() == encoder.encode(other).tobytes()
    assert (again.dim, again.names, again.vocabulary_sizes) == (encoder.dim, encoder.names, encoder.vocabulary_sizes)
    assert np.isfinite(again.encode(other)).all()


@pytest.mark.parametrize("key", ["shares", "vocabularies", "origin", "mean", "deviation", "indicators"])
def test_statistics_that_are_not_whole_are_found_when_read_not_when_used(key):
    tree = ReadingsEncoder.fit(Columns(numeric=("a",)), pd.DataFrame({"a": [1.0, 2.0]})).to_json()
    del tree["statistics"][key]
    with pytest.raises(ValueError, match=key):
        ReadingsEncoder.from_json(tree)


# ----------------------------------------------------------------------------------------------- readings by hand


def by_hand() -> ReadingsEncoder:
    table = pd.DataFrame({"heart_rate": [60.0, 70.0, 80.0, np.nan], "place": ["home", "home", "work", "work"]})
    return ReadingsEncoder.fit(Columns(numeric=("heart_rate",), categorical=("place",)), table)


def test_an_unknown_reading_is_refused_with_a_suggestion():
    sentence = refusal(by_hand().table, [{"heart_rte": 61}], ["heart_rate", "place", "calories"])
    assert "'heart_rte'" in sentence
    assert "did you mean 'heart_rate'?" in sentence
    assert "heart_rate, place" in sentence


@pytest.mark.parametrize("value", ["fast", True, "", "n/a", "1,234", "inf", float("inf"), 10**400, [61]])
def test_a_number_is_needed_where_a_number_is_read(value):
    sentence = refusal(by_hand().table, [{"heart_rate": 61}, {"heart_rate": value}], [], ["t1", "t2"])
    assert "'heart_rate' of the topic t2 must be a number" in sentence
    assert shown(value) in sentence


@pytest.mark.parametrize("value", [62.5, "62.5", "62,5", " 62.5 ", "62,5 bpm", "6.25e1"])
def test_a_number_written_as_text_is_a_number(value):
    encoder = by_hand()
    asked = encoder.encode(encoder.table([{"heart_rate": value, "place": "home"}], []))
    assert asked.tolist() == encoder.encode(pd.DataFrame({"heart_rate": [62.5], "place": ["home"]})).tolist()


def test_null_and_keys_that_are_left_out_are_missing_readings():
    encoder = by_hand()
    null, absent, given = encoder.encode(
        encoder.table(
            [{"heart_rate": None, "place": "work"}, {"place": "work"}, {"heart_rate": 70, "place": "work"}], []
        )
    )
    assert null.tolist() == absent.tolist()
    assert null[-1] == 1
    assert given[-1] == 0


def test_a_reading_of_the_corpus_that_the_model_does_not_use_may_be_given():
    encoder = by_hand()
    table = encoder.table([{"heart_rate": 60, "place": "home", "calories": 3}], ["calories"])
    assert list(table.columns) == ["heart_rate", "place"]
    assert (
        encoder.encode(table).tolist() == encoder.encode(pd.DataFrame({"heart_rate": [60.0], "place": "home"})).tolist()
    )


# ------------------------------------------------------------------------------------ what comes from which column


def test_encoded_columns_are_known_by_the_raw_column_that_they_come_from():
    table = pd.DataFrame({"n": [1.0, None, 3.0], "hour": [1.0, 7.0, 13.0], "place": ["a", "a", "b"]})
    table["lat"], table["lng"] = [53.0, 53.1, 53.2], [-6.0, -6.1, -6.3]
    columns = Columns(("n", "hour"), ("place",), {"hour": 24.0}, ("lat", "lng"), "frequency")
    encoder = ReadingsEncoder.fit(columns, table)
    # n, hour, place; hour's sine and cosine; 7 waves of each coordinate, first sines and then cosines; n's indicator.
    waves = list(range(5, 5 + 28))
    expected = {"n": [0, 33], "hour": [1, 3, 4], "place": [2], "lat": waves[::2], "lng": waves[1::2]}
    assert encoder.places() == expected
    assert encoder.dim == 34


@pytest.mark.parametrize("categories", ["frequency", "embedding"])
def test_a_change_of_a_raw_column_changes_only_what_comes_from_it(categories):
    table = lifelog_table()
    columns = replace(chosen_columns(Sensors(preset="full"), table, "lifelog"), categories=categories)
    encoder = ReadingsEncoder.fit(columns, table)
    places = encoder.places()
    assert sorted(place for some in places.values() for place in some) == list(range(encoder.dim))
    for column, own in places.items():
        other = table.copy()
        other[column] = "elsewhere" if column in columns.categorical else other[column].fillna(0) + 7.3
        changed = (encoder.encode(other) != encoder.encode(table)).any(axis=0)
        assert set(np.flatnonzero(changed)) <= set(own)
        assert changed.any()


def test_the_means_are_those_of_training_and_unknown_categories():
    table = lifelog_table()
    columns = chosen_columns(Sensors(preset="full"), table, "lifelog")  # with embeddings
    encoder = ReadingsEncoder.fit(columns, table)
    means = encoder.means(table)
    encoded = encoder.encode(table).astype(np.float64)
    np.testing.assert_allclose(means[: encoder.continuous], encoded[:, : encoder.continuous].mean(axis=0), atol=1e-6)
    assert (means[encoder.continuous :] == UNKNOWN).all()
    assert (means[: len(columns.numeric)] == 0).all()
    assert means.dtype == np.float32
    # Of no readings at all, the average is not known: what a missing hour or place is.
    none = encoder.means(table.iloc[:0])
    assert not none[: encoder.continuous].any()

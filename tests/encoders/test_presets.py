"""Named choices of sensor columns, and what a configuration adds and takes away."""

from __future__ import annotations

import pandas as pd
import pytest
from helpers import refusal

from ntcir.config import Sensors
from ntcir.encoders.presets import PRESETS, Columns, chosen_columns

ORGANISERS = [
    "heart_rate(bpm)", "heart_rate_conf", "calories", "distance", "minutesAsleep", "minutesAwake",
    "minutesAfterWakeup", "timeInBed", "sleep_efficiency", "new_lat", "new_lng", "semantic_name", "categories",
    "movement", "city",
]  # fmt: skip


EVERYTHING = pd.DataFrame(columns=PRESETS["full"].names)  # a lifelog's table with no column absent


def records_table() -> pd.DataFrame:
    return pd.DataFrame(
        {"steering": [0.1, 0.2], "road": pd.Categorical(["a", "b"]), "lat": [1.0, 2.0], "lng": [1.0, 2.0],
         "local_hour": [1.0, 2.0]}
    )  # fmt: skip


def test_ymx2l_is_heart_rate_and_position():
    columns = chosen_columns(Sensors(preset="ymx2l"), pd.DataFrame(), "lifelog")
    assert columns == Columns(numeric=("heart_rate(bpm)", "new_lat", "new_lng"))


def test_the_organisers_have_their_fifteen_columns_with_categories_by_frequency():
    columns = chosen_columns(Sensors(preset="organisers"), pd.DataFrame(), "lifelog")
    assert columns.names == ORGANISERS
    assert columns.categorical == ("semantic_name", "categories", "movement", "city")
    assert (columns.categories, columns.location, columns.cyclic) == ("frequency", None, {})


def test_full_has_all_of_the_organisers_and_encodes_place_hour_and_categories_richly():
    columns = chosen_columns(Sensors(preset="full"), EVERYTHING, "lifelog")
    assert set(ORGANISERS) < set(columns.names)
    assert (columns.categories, columns.location) == ("embedding", ("new_lat", "new_lng"))
    assert columns.cyclic == {"local_hour": 24}


def test_auto_is_ymx2l_for_a_lifelog_and_every_reading_for_records():
    ymx2l = chosen_columns(Sensors(preset="ymx2l", numbers=["periodic"]), pd.DataFrame(), "lifelog")
    assert chosen_columns(Sensors(), pd.DataFrame(), "lifelog") == ymx2l
    assert chosen_columns(Sensors(), records_table(), "records") == Columns(
        numeric=("steering", "lat", "lng"), categorical=("road",), encodings=("periodic",)
    )


def test_lists_add_to_the_preset_and_exclude_takes_away():
    options = Sensors(
        preset="ymx2l", numeric=["calories", "new_lat"], categorical=["city"], cyclic={"local_hour": 24},
        exclude=["new_lng"],
    )  # fmt: skip
    columns = chosen_columns(options, pd.DataFrame(), "lifelog")
    assert columns.names == ["heart_rate(bpm)", "new_lat", "calories", "city", "local_hour"]
    assert columns.cyclic == {"local_hour": 24}


def test_excluded_positions_and_hours_are_not_encoded_in_other_ways():
    options = Sensors(preset="full", exclude=["new_lat", "local_hour", "city"])
    columns = chosen_columns(options, EVERYTHING, "lifelog")
    assert columns.location is None
    assert not {"new_lat", "local_hour", "city"} & set(columns.names)


def test_full_is_content_with_the_columns_there_are():
    columns = chosen_columns(Sensors(preset="full"), EVERYTHING[["calories", "new_lat", "city"]], "lifelog")
    assert columns == Columns(
        numeric=("calories", "new_lat"), categorical=("city",), categories="embedding", encodings=("periodic",)
    )


@pytest.mark.parametrize(
    ("preset", "encodings"),
    [("auto", "periodic"), ("full", "periodic"), ("ymx2l", "raw"), ("organisers", "raw"), ("none", "raw")],
)
def test_what_becomes_of_numbers_is_the_preset_s_where_it_is_left_open(preset, encodings):
    assert chosen_columns(Sensors(preset=preset), EVERYTHING, "lifelog").encodings == (encodings,)
    for asked in (["raw"], ["rbf", "periodic"]):
        assert chosen_columns(Sensors(preset=preset, numbers=asked), EVERYTHING, "lifelog").encodings == tuple(asked)


def test_location_can_be_asked_for_and_declined():
    fourier = chosen_columns(Sensors(preset="ymx2l", location="fourier"), pd.DataFrame(), "lifelog")
    assert fourier.location == ("new_lat", "new_lng")
    assert chosen_columns(Sensors(location="fourier"), records_table(), "records").location == ("lat", "lng")
    assert chosen_columns(Sensors(preset="full", location="raw"), EVERYTHING, "lifelog").location is None


def test_location_without_a_position_is_refused():
    table = records_table().drop(columns="lng")
    assert "sensors.location" in refusal(chosen_columns, Sensors(location="fourier"), table, "records")


def test_a_column_to_exclude_that_is_none_is_refused_with_a_suggestion():
    sentence = refusal(chosen_columns, Sensors(exclude=["stering"]), records_table(), "records")
    assert "'stering'" in sentence
    assert "did you mean 'steering'?" in sentence
    # A preset's column may be excluded though the corpus lacks it.
    assert (
        "calories"
        not in chosen_columns(Sensors(preset="organisers", exclude=["calories"]), records_table(), "records").names
    )

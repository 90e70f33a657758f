"""Timestamps: what is unambiguous is read, all else is a reason with an example."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ntcir.corpora.times import Times, read_times

TEN_THIRTY = "2021-05-01 10:30:00"


def read(*texts: str) -> Times:
    return read_times(pd.Series(list(texts), dtype=object))


def utc(*texts: str) -> list[str]:
    return [str(time).removesuffix("+00:00") for time in read(*texts).utc]


@pytest.mark.parametrize(
    ("written", "expected"),
    {
        "2021-05-01T10:30:00Z": TEN_THIRTY,
        "2021-05-01t10:30:00z": TEN_THIRTY,
        "2021-05-01 10:30:00 UTC": TEN_THIRTY,
        "2021-05-01 10:30:00,250": f"{TEN_THIRTY}.250000",
        "2021-05-01 12:30:00 +02:00": TEN_THIRTY,
        "20210501T103000": TEN_THIRTY,
        "20210501_103000": TEN_THIRTY,
        "20210501103000": TEN_THIRTY,
        "1619865000": TEN_THIRTY,
        "1619865000.25": f"{TEN_THIRTY}.250000",
        "1619865000123": f"{TEN_THIRTY}.123000",
        "1619865000123.75": f"{TEN_THIRTY}.123750",
        "1619865000123456": f"{TEN_THIRTY}.123456",
        "1619865000123456789": f"{TEN_THIRTY}.123456",
        "2021:05:01 10:30:00": TEN_THIRTY,
        "2021:05:01 10:30:00.25": f"{TEN_THIRTY}.250000",
        "2021:05:01 12:30:00+02:00": TEN_THIRTY,
        "2021:05:01 06:30:00 -04:00": TEN_THIRTY,
        "16/05/2021 4:50 PM": "2021-05-16 16:50:00",
        "5/16/2021, 12:05:01.5 a.m.": "2021-05-16 00:05:01.500000",
        "16.05.2021 16:50": "2021-05-16 16:50:00",
        "05-16-2021": "2021-05-16 00:00:00",
    }.items(),
)
def test_one_time_in_many_spellings(written, expected):
    assert utc(written) == [expected]
    assert read(written).utc.dtype == "datetime64[us, UTC]"


def test_the_local_hour_is_the_writers_in_every_spelling():
    times = read("2021-05-01T10:30:00-4", "2021:05:01 10:30:00+05:45", "2021-05-01T10:30:00-04:00", "bad")
    np.testing.assert_array_equal(times.local_hour, [10.5, 10.5, 10.5, np.nan])


@pytest.mark.parametrize(
    "written",
    ["now", "today", "NaT", "tomorrow", "-1", "0", "1", "12.5", "2021", "-0001-01-01", "2021-13-01", "43906.7",
     "637000000000000000", "700000000", "1e9", "45/45/2021", "16/05/2021 13:00 PM", "inf", "2021-05-01T25:00:00",
     "99999999999999999999999999"],
)  # fmt: skip
def test_words_counts_and_impossible_dates_are_no_times(written):
    times = read(written, "2021-05-01")
    assert times.utc.isna().tolist() == [True, False]
    [(reason, rows)] = times.problems.items()
    assert reason.startswith(f"timestamp cannot be read, such as '{written}'")
    assert rows == [0]


@pytest.mark.parametrize(
    "written",
    ["9999-12-31T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "0001-01-01", "1600-01-01", "2262-04-12", "1899-12-31",
     "2200-01-01", "0000:00:00 00:00:00", "31/12/9999"],
)  # fmt: skip
def test_years_in_which_nanoseconds_do_not_hold_are_left_out(written):
    times = read(written, "2199-12-31", "1900-01-01", "16/05/2021")
    assert times.problems == {f"timestamp is outside 1900 to 2199, such as '{written}'": [0]}
    kept = times.utc.dropna()
    assert len(kept) == 3
    assert (kept - pd.Timestamp(0, tz="UTC")).dt.total_seconds().notna().all()  # as training does


@pytest.mark.parametrize(
    ("column", "reason"),
    {
        ("03/04/2020", "05/06/2020 10:00"): "no row shows which",
        ("13/04/2020", "04/13/2020", "01/02/2020"): "the column has both",
    }.items(),
)
def test_dates_of_an_order_that_nothing_proves_are_not_guessed(column, reason):
    times = read(*column)
    assert times.utc.isna().all()
    [(told, rows)] = times.problems.items()
    assert told.startswith("timestamp may be day/month or month/day")
    assert reason in told
    assert f"such as '{column[0]}'" in told
    assert rows == list(range(len(column)))


@pytest.mark.parametrize(
    ("proof", "second", "order"),
    [("13/04/2020", "2020-05-03", "day/month/year"), ("04/13/2020", "2020-03-05", "month/")],
)
def test_one_row_proves_the_order_of_the_column_and_that_is_said(proof, second, order):
    times = read("03/05/2020", proof, "2020-01-01")
    assert utc("03/05/2020", proof, "2020-01-01")[0] == f"{second} 00:00:00"
    [note] = times.notes
    assert note.startswith(f"2 timestamps read as {order}")
    assert "(first: 03/05/2020)" in note


def test_numbers_are_epoch_times_where_the_column_agrees():
    times = read("1619865000", "1619865001", "2021-05-01", "1619865000000")
    assert times.utc.notna().tolist() == [True, True, True, False]
    [(reason, rows)] = times.problems.items()
    assert (reason, rows) == (
        "timestamp is a number where most rows are epoch times in seconds, such as '1619865000000'",
        [3],
    )
    assert times.notes[0].startswith("2 timestamps read as epoch times in seconds")
    assert read("1619865000", "1619865000000").utc.isna().all()


def test_a_column_of_iso_8601_needs_no_word():
    times = read("2021-05-01T10:30:00Z", "2021-05-01", "")
    assert (times.notes, times.problems) == ([], {"timestamp is missing": [2]})
    assert read().utc.empty

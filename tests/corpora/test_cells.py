"""What a cell of text says: one cell by itself, and a column in which the others decide what is open."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from ntcir.corpora.cells import is_missing, number
from ntcir.corpora.numbers import NumberColumn, read_numbers

# ------------------------------------------------------------------------------------------------------- one cell


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("62", 62), ("-0.5", -0.5), ("+5", 5), (".5", 0.5), ("5.", 5), ("1e5", 1e5), ("1.5E-3", 0.0015), ("00012", 12),
        (" 62\t", 62), ("\u00a062\u202f", 62), ("\ufeff62", 62), ("\u22125", -5), ("\u20135", -5), ("- 5", -5),
        ("\uff16\uff12", 62), ("62,3", 62.3), ("-0,123", -0.123), (",5", 0.5), ("1234,567", 1234.567), ("1,5e3", 1500),
        ("1,234.5", 1234.5), ("1,234,567", 1234567), ("1 234,5", 1234.5), ("1\u202f234", 1234), ("1'234.5", 1234.5),
        ("1.234,5", 1234.5), ("62 bpm", 62), ("62bpm", 62), ("62,3 bpm", 62.3), ("45%", 45), ("45 %", 45),
        ("21 °C", 21), ("3 m/s\u00b2", 3), ("12.5km/h", 12.5), ("60 W", 60), ("53.1N", 53.1), ("53.1 °N", 53.1),
        ("6.2W", -6.2), ("33.9° S", -33.9), ("N53.1", 53.1), ("W 6.2", -6.2),
    ],
)  # fmt: skip
def test_a_number_is_read_in_each_of_its_spellings(text, value):
    assert number(text) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize(
    "text",
    ["", " ", "--", "n/a", "fast", "1,234", "1_000", "0x1F", "1.2.3", "12,", "1,2,3", "inf", "-Infinity", "1e400",
     "nan", "12:30", "2020-03-16", "5 min 30 s", "1st", "12A", "N12", "-6.2W", "5e", "e5", "62 (rest)", "<5",

     "1 23", "True"],
)  # fmt: skip
def test_what_is_not_one_number_is_none(text):
    assert number(text) is None


@pytest.mark.parametrize("text", ["", "n/a", "N/A", "NA", "--", "-", "null", "None", " nan ", "?", ".", "N.A.", "ERR"])
def test_the_usual_words_for_a_missing_value_are_known(text):
    assert is_missing(text)


# --------------------------------------------------------------------------------------------------------- a column


def read(*cells: object) -> NumberColumn:
    return read_numbers(pd.Series(list(cells), dtype=object))


def in_row(row: int) -> str:
    return f"row {row + 2}"


@pytest.mark.parametrize("stray", ["--", "n/a", "N/A", "oops", "12:30", "inf", "1e400", "?"])
def test_one_stray_cell_is_missing_and_named_and_the_column_stays_numeric(stray):
    cells: list[object] = [str(0.5 * number) for number in range(3344)]
    cells[15] = stray
    column = read(*cells)
    assert column.numeric
    assert math.isnan(column.values[15])
    assert np.isfinite(np.delete(column.values, 15)).all()
    assert column.remarks(in_row) == [
        f"1 of 3,344 values is not a number and counts as missing (first: {stray!r} in row 17)"
    ]


@pytest.mark.parametrize(
    ("stray", "value", "how"),
    [
        ("12,5", 12.5, "a decimal comma"),
        ("62 bpm", 62, "the unit 'bpm'"),
        ("53.1N", 53.1, "a letter N, S, E or W"),
        ("1,234.5", 1234.5, "thousands separators"),
        ("\u22125", -5, "typographic characters"),
    ],
)
def test_one_cell_in_another_spelling_is_read_and_named(stray, value, how):
    column = read(*map(str, range(300)), stray)
    assert column.numeric
    assert column.values[-1] == value
    assert column.remarks(in_row) == [
        f"1 value is read as a number with {how} (first: {stray!r} in row 302, as {value:.10g})"
    ]


def test_many_cells_are_counted_and_the_first_different_ones_are_shown():
    column = read("62,3", "62,3", "63,1", "--", "64", "n/a", None, " ")
    assert column.remarks() == [
        "3 values are read as numbers with a decimal comma (first: '62,3', as 62.3; also '63,1')",
        "2 of 6 values are not numbers and count as missing (first: '--'; also 'n/a')",
    ]
    assert column.numeric  # a word for a missing value is no argument against numbers


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1,234", "1,234,567"], [1234, 1234567]),
        (["1,234", "998.5"], [1234, 998.5]),
        (["1,234", "12,5"], [1.234, 12.5]),
        (["1,234", "0,5"], [1.234, 0.5]),
        (["1,234", "998"], [None, 998]),
        (["1,234", "1,234,567", "12,5"], [None, 1234567, 12.5]),
        (["1,234", "0.5", "-0.2"], [None, 0.5, -0.2]),  # a thousand times what else is there
        (["1.234", "1.234,5"], [1234, 1234.5]),
        (["1.234", "62.5", "1.234,5"], [1.234, 62.5, None]),
    ],
)
def test_what_a_comma_or_point_is_for_the_column_decides_or_it_is_named(cells, values):
    column = read(*cells)
    np.testing.assert_array_equal(column.values, np.array(values, dtype=float))
    if None in values:
        assert f"first: {cells[values.index(None)]!r}" in column.remarks()[-1]


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1.2 km", "300 m", "4 km"], [1.2, None, 4]),
        (["62 bpm", "63", "64 BPM"], [62, 63, 64]),
        (["0.4", "0.5", "45%"], [0.4, 0.5, None]),
        (["45%", "46%", "1"], [45, 46, 1]),
        (["1.2", "1.3", "300 m"], [1.2, 1.3, None]),
        (["-6.2", "-6.1", "6.3W"], [-6.2, -6.1, -6.3]),
        (["60", "61", "60.5W"], [60, 61, None]),  # a power, or an unsigned longitude
        (["6.2W", "6.1E", "53.0N"], [-6.2, 6.1, None]),
    ],
)
def test_units_are_not_mixed(cells, values):
    column = read(*cells)
    np.testing.assert_array_equal(column.values, np.array(values, dtype=float))
    if None in values:
        assert f"first: {cells[values.index(None)]!r}" in column.remarks()[-1]


def test_words_that_begin_with_a_number_do_not_make_a_numeric_column():
    assert not read("12A", "12B", "14C").numeric
    assert not read("99 Problems", "7 Seconds", "22 Acacia Avenue").numeric
    assert read("10A", "12A").share == 0


@pytest.mark.parametrize(("numbers", "numeric"), [(100, True), (95, True), (94, False), (50, False), (0, False)])
def test_a_column_is_numeric_when_nearly_all_of_its_filled_cells_are_numbers(numbers, numeric):
    cells = [str(number) for number in range(numbers)] + ["word"] * (100 - numbers) + [None] * 900
    assert read(*cells).numeric == numeric


def test_numbers_texts_and_counts_of_json_are_read_together():
    cells = pd.Series([62, "62,5", None, 10**400, float("inf"), 1.5, "x", ""], dtype=object)
    column = read_numbers(cells, [1, 2, 3, 4, 5, 6, 7, 8])
    np.testing.assert_array_equal(column.values, [62, 62.5, *[math.nan] * 3, 1.5, math.nan, math.nan])
    assert (column.filled, column.numbers, column.unread.count) == (25, 9, 16)

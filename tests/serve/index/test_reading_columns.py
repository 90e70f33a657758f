"""Which columns of readings a person can narrow by."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ntcir.serve.index.catalogue import Labels
from ntcir.serve.index.columns import MOST_VALUES, Columns, Partners, numbers_of, single_labels


def added(rows: list[int] | None = None, **columns: list[object]) -> Columns:
    """Return the columns of a table, of which each item has the row of its own number, or those given."""
    table = pd.DataFrame(columns)
    found = Columns()
    found.add(Partners(table, np.arange(len(table)) if rows is None else np.array(rows)))
    return found


def test_an_item_has_the_reading_of_its_partner():
    found = added([1, -1, 0, 1], heat=[1.5, 2.5, 9.0], place=["a", "b", "c"])
    assert np.array_equal(found.numbers["heat"], np.array([2.5, np.nan, 1.5, 2.5], np.float32), equal_nan=True)
    place = found.labels["place"]
    assert place.codes.tolist() == [0, -1, 1, 0]
    assert list(place.values) == ["b", "a"]  # the most frequent first, and none that no item has
    assert place.codes.dtype == np.int32


def test_no_item_may_have_a_reading():
    assert added([-1, -1], heat=[1.0], place=["a"]).left_out == {"no value": ["heat", "place"]}
    assert added([-1, -1], heat=[], place=[]).left_out == {"no value": ["heat", "place"]}


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([np.nan, np.nan], "no value"),
        ([None, None], "no value"),
        ([3.0, np.nan], "the same value throughout"),
        ([float("inf"), float("-inf")], "no value"),
        (["x", "x"], "the same value throughout"),
        ([f"name {number}" for number in range(40)], "values that differ nearly everywhere"),
        ([f"{number:024x}" for number in range(30)] * 3, "codes that only a machine reads"),
        ([f"{number // 2} Main Street" for number in range(2 * MOST_VALUES + 2)], "more than 2,000 values"),
    ],
)
def test_what_is_of_no_use_is_left_out_and_named(values, why):
    found = added(x=values)
    assert found.left_out == {why: ["x"]}
    assert found.remarks() == [f"The column x is not offered: {why}."]
    assert not found.numbers
    assert not found.labels


@pytest.mark.parametrize(
    "values", [["light", None], ["a", "b"], [f"{n}" for n in range(15)], ["decade", "facade", "decade"]]
)
def test_few_words_are_a_choice(values):
    assert "x" in added(x=values).labels


def test_several_columns_are_named_together():
    found = added(a=[1.0, 1.0], b=[2, 2], c=[1, 2])
    assert found.remarks() == ["Columns a, b are not offered: the same value throughout."]


def test_numbers_are_in_single_precision():
    found = numbers_of(np.array([1e300, 0.1, np.nan]))
    assert found == "the same value throughout"  # what single precision cannot hold is missing
    kept = numbers_of(np.array([0.1, 0.2, 1e300]))
    assert isinstance(kept, np.ndarray)
    assert kept.dtype == np.float32
    assert np.isnan(kept[2])


def test_items_of_one_category_each_have_it_as_a_word():
    categories = pd.DataFrame({"art": [1, 0, 0], "war": [0, 1, 0]}, index=["a", "b", "c"])
    found = single_labels(categories, pd.Index(["b", "x", "a", "c"]))
    assert isinstance(found, Labels)
    assert [found.values[code] if code >= 0 else None for code in found.codes] == ["war", None, "art", None]
    categories.loc["b", "art"] = 1
    assert single_labels(categories, pd.Index(["a", "b"])) == "items are in several at once"

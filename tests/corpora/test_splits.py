"""Which pairs are for training, validation and topics."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pandas as pd
import pytest

from ntcir.config import AutoSplit, DateSplit, FractionSplit, SessionSplit
from ntcir.corpora.splits import assign_splits
from ntcir.system.errors import UserError


def pairs(times: Sequence[str], groups: Sequence[str] | None = None) -> pd.DataFrame:
    stamps = pd.to_datetime(pd.Series(list(times)), utc=True, format="ISO8601")
    names = list(groups) if groups is not None else [time[:10] for time in times]
    return pd.DataFrame({"group": pd.Series(names, dtype=object), "timestamp": stamps})


def split(table: pd.DataFrame, how, *, groups_are_days: bool = True) -> list[str]:
    return assign_splits(table, how, groups_are_days=groups_are_days).tolist()


def test_a_split_by_date_takes_the_first_and_the_last_day_whole():
    how = DateSplit(
        train=(dt.date(2020, 1, 5), dt.date(2020, 1, 6)),
        val=(dt.date(2020, 1, 7), dt.date(2020, 1, 7)),
        test=(dt.date(2020, 1, 9), dt.date(2020, 1, 10)),
    )
    times = [
        "2020-01-04T23:59:59.999", "2020-01-05T00:00:00", "2020-01-06T23:59:59.999", "2020-01-07T00:00:00",
        "2020-01-07T23:59:59", "2020-01-08T12:00:00", "2020-01-09T00:00:00", "2020-01-10T23:59:59", "2020-01-11T00:00",
    ]  # fmt: skip
    assert split(pairs(times), how) == ["", "train", "train", "val", "val", "", "test", "test", ""]


def test_named_sessions_go_where_they_are_named_and_the_others_train():
    table = pairs(["2021-01-01"] * 5, ["a", "b", "c", "a", "d"])
    how = SessionSplit(val=["b"], test=["c"])
    assert split(table, how, groups_are_days=False) == ["train", "val", "test", "train", "train"]
    only = SessionSplit(train=["a"], val=["b"], test=["c"])
    assert split(table, only, groups_are_days=False) == ["train", "val", "test", "train", ""]


def test_unnamed_sessions_are_split_in_time_with_a_seventh_each_for_validation_and_topics():
    table = pairs(["2021-01-01"] * 14, [f"s{number:02}" for number in range(14)])
    assert split(table, SessionSplit(), groups_are_days=False) == ["train"] * 10 + ["val"] * 2 + ["test"] * 2
    three = pairs(["2021-01-01"] * 3, ["x", "y", "z"])
    assert split(three, SessionSplit(), groups_are_days=False) == ["train", "val", "test"]


def test_an_unknown_session_is_refused():
    with pytest.raises(UserError, match="There is no session 'z' in the data; there are: a, b"):
        split(pairs(["2021-01-01"] * 2, ["a", "b"]), SessionSplit(train=["z"]), groups_are_days=False)


def test_a_split_by_fraction_is_in_one_piece_each_and_leaves_the_rest_out():
    table = pairs(["2021-01-01"] * 20)
    assert split(table, FractionSplit(train=0.5, val=0.25, test=0.25)) == ["train"] * 10 + ["val"] * 5 + ["test"] * 5
    assert split(table, FractionSplit(train=0.5, val=0.1, test=0.2)) == (
        ["train"] * 10 + ["val"] * 2 + ["test"] * 4 + [""] * 4
    )


def test_auto_is_by_date_where_days_reach_into_the_posters_training_days():
    assert split(pairs(["2020-02-29", "2020-03-01", "2020-03-31", "2020-04-01"]), AutoSplit()) == [
        "train", "val", "test", ""
    ]  # fmt: skip


def test_auto_is_by_session_where_there_are_three_and_else_by_fraction():
    days = ["2021-01-01", "2021-01-02", "2021-01-03", "2021-01-04"]
    assert split(pairs(days), AutoSplit()) == ["train", "train", "val", "test"]
    # Sessions that happen to lie in the poster's days are still sessions.
    table = pairs(["2020-02-01"] * 3, ["a", "b", "c"])
    assert split(table, AutoSplit(), groups_are_days=False) == ["train", "val", "test"]
    two = pairs(["2021-01-01"] * 20, ["a"] * 10 + ["b"] * 10)
    assert split(two, AutoSplit(), groups_are_days=False) == ["train"] * 14 + ["val"] * 3 + ["test"] * 3


def test_no_pair_has_no_split():
    for how in (AutoSplit(), DateSplit(), SessionSplit(), FractionSplit()):
        assert split(pairs([]), how) == []

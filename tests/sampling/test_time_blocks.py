"""Neighbours in time are put into blocks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ntcir.sampling.time_blocks import time_blocks


def pairs_of(groups: dict[str, int]) -> pd.DataFrame:
    """Return pairs of groups of so many, a second apart, in random order; the index tells the order in time."""
    rows = [(name, second) for name, number in groups.items() for second in range(number)]
    table = pd.DataFrame(rows, columns=["group", "second"])
    table["timestamp"] = pd.Timestamp("2021-05-01", tz="UTC") + pd.to_timedelta(table["second"], unit="s")
    return table.sample(frac=1, random_state=0)


def test_consecutive_pairs_of_one_group_are_a_block_whatever_their_order_in_the_table():
    table = pairs_of({"a": 45, "b": 20, "c": 3})
    table["block"] = time_blocks(table, 20)
    sizes = {}
    for group, rows in table.groupby("group"):
        blocks = rows.sort_values("timestamp")["block"].to_numpy()
        assert (np.diff(blocks) >= 0).all()
        sizes[group] = np.unique(blocks, return_counts=True)[1].tolist()
    assert sizes == {"a": [23, 22], "b": [20], "c": [3]}
    assert table["block"].nunique() == 4  # none is of two groups


@pytest.mark.parametrize("known", [0, 1, 30])
def test_pairs_without_a_time_come_last_and_without_any_time_there_are_no_blocks(known):
    table = pairs_of({"a": 40}).sort_values("timestamp")
    table.loc[table.index[known:], "timestamp"] = pd.NaT
    blocks = time_blocks(table, 10)
    if not known:
        assert blocks is None
    else:
        assert blocks is not None
        assert blocks.tolist() == np.repeat(range(4), 10).tolist()

"""Queries of a split that are neighbours in time, or of one picture, are drawn together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers import toy_corpus

from ntcir.sampling.drawn_together import DrawnTogether, in_pools, in_whole
from ntcir.sampling.galleries import WholeSplit

PAIR = ("image", "sensor")


def pairs_of(seconds, images, sensors, groups=None) -> pd.DataFrame:
    times = pd.Timestamp("2021-05-01", tz="UTC") + pd.to_timedelta(pd.Series(seconds, dtype=float), unit="s")
    return pd.DataFrame({"image": images, "sensor": sensors, "group": groups or "day", "timestamp": times})


def single(number: int) -> pd.DataFrame:
    names = [str(each) for each in range(number)]
    return pairs_of(range(number), names, names)


def test_pairs_in_pools_are_blocks_by_time_whatever_their_order():
    pairs = single(60).sample(frac=1, random_state=0)
    found = in_pools(pairs, PAIR, toy_corpus())
    assert list(found.codes) == list(PAIR)
    for codes in found.codes.values():
        in_time = codes[np.argsort(pairs["timestamp"].to_numpy())]
        assert (np.diff(in_time) != 0).nonzero()[0].tolist() == list(range(5, 59, 6))
    assert found.notes() == (
        "Intervals draw 10 blocks of neighbouring queries, which are not independent: at least 6 of a direction that "
        "follow one another in time, fewer before a gap of over an hour.",
    )


def test_a_block_is_of_one_session():
    found = in_pools(single(60).assign(group=["a"] * 27 + ["b"] * 33), PAIR, toy_corpus())
    sizes = np.bincount(found.codes["image"])
    assert sizes.tolist() == [6, 6, 6, 6, 3, 6, 6, 6, 6, 6, 3]


def test_an_item_of_a_whole_split_has_the_time_of_its_first_pair_and_both_directions_share_blocks():
    # Four photographs a reading; one reading comes again much later.
    images = [f"i{each}" for each in range(40)]
    sensors = [f"s{each // 4}" for each in range(40)]
    pairs = pairs_of([5 * (each // 4) for each in range(40)], images, sensors)
    again = pairs.iloc[:1].assign(image="late", timestamp=pairs["timestamp"].iloc[-1] + pd.Timedelta("90min"))
    pairs = pd.concat([again, pairs], ignore_index=True)
    whole = WholeSplit.of(pairs, PAIR)
    found = in_whole(pairs, whole, toy_corpus())
    block = {name: dict(zip(whole.items[name], found.codes[name], strict=True)) for name in PAIR}
    for image, sensor in zip(images, sensors, strict=True):
        assert block["image"][image] == block["sensor"][sensor]
    assert list(block["image"].values()).count(block["image"]["late"]) == 1


@pytest.mark.parametrize("timed", [True, False])
def test_captions_of_a_picture_stay_together(timed):
    images = [f"p{each // 5}" for each in range(100)]
    pairs = pairs_of(range(100), images, [f"c{each}" for each in range(100)])
    if not timed:
        pairs["timestamp"] = pd.Series(pd.NaT, index=pairs.index, dtype="datetime64[ns, UTC]")
    whole = WholeSplit.of(pairs, PAIR)
    found = in_whole(pairs, whole, replace(toy_corpus(), shared_are_positive=True))
    assert found.codes["sensor"].tolist() == np.repeat(found.codes["image"], 5).tolist()
    assert len(np.unique(found.codes["image"])) == (10 if timed else 20)  # blocks of two pictures
    if not timed:
        assert found.notes() == ()
        assert {name: codes.tolist() for name, codes in found.codes.items()} == {
            name: codes.tolist() for name, codes in whole.clusters().items()
        }


def test_without_times_and_clusters_each_query_is_drawn_by_itself():
    pairs = single(30)
    pairs["timestamp"] = pd.Series(pd.NaT, index=pairs.index, dtype="datetime64[ns, UTC]")
    assert in_pools(pairs, PAIR, toy_corpus()) == DrawnTogether()

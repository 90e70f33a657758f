"""How far local time is ahead of UTC."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers import one_thread  # noqa: F401
from lifelogs import photograph_ids
from serving import indexed, know_digests

from ntcir.serve.index.catalogue import UNKNOWN
from ntcir.serve.index.local_time import carried, offsets_by_hour, offsets_by_zone


def seconds(*times: str) -> np.ndarray:
    return np.array([np.datetime64(time, "s") for time in times]).astype(np.int64)


def hours(times: np.ndarray, *zones: list[object]) -> tuple[list[float], list[bool]]:
    offsets, known = offsets_by_zone(times, [pd.Series(zone, dtype=object) for zone in zones])
    assert offsets.dtype == np.int32
    return (offsets / 3600).tolist(), known.tolist()


def test_zones_have_summer_time_and_half_hours():
    spring = seconds("2020-03-29T00:59:59", "2020-03-29T01:00:00", "2020-10-25T00:59:59", "2020-10-25T01:00:00")
    assert hours(spring, ["Europe/Dublin"] * 4) == ([0, 1, 1, 0], [True] * 4)
    assert hours(spring, ["Asia/Kolkata", "America/St_Johns", "Asia/Tokyo", "Pacific/Kiritimati"])[0] == [
        5.5, -2.5, 9, 14
    ]  # fmt: skip


def test_the_better_zone_counts_and_what_is_none_is_missing():
    times = np.append(seconds("2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04"), UNKNOWN)
    better = ["Asia/Tokyo", np.nan, "uninhabited", "", "Asia/Tokyo"]
    worse = ["Europe/Paris", "Europe/Paris", "Europe/Paris", np.nan, "Europe/Paris"]
    assert hours(times, better, worse) == ([9, 1, 1, 0, 0], [True, True, True, False, False])
    assert hours(times, ["../../etc/passwd", "/etc/passwd", 5, "\0", "x" * 300])[1] == [False] * 5


@pytest.mark.parametrize("ahead", [-11.5, -4, 0, 5.75, 11, 12])
def test_the_hour_on_a_clock_tells_the_offset(ahead):
    times = seconds("2020-01-01T00:00:01", "2020-06-01T13:14:15", "1969-12-31T23:00:00")
    clock = (times / 3600 + ahead) % 24
    offsets, known = offsets_by_hour(np.append(times, [UNKNOWN, 0]), np.append(clock, [3.0, np.nan]))
    assert (offsets[:3] / 3600).tolist() == [ahead] * 3
    assert offsets[3:].tolist() == [0, 0]
    assert known.tolist() == [True, True, True, False, False]


def test_where_no_zone_is_known_that_of_the_item_before_counts():
    offsets = np.array([0, 7, 0, 0, 9, 0], dtype=np.int32)
    known = np.array([False, True, False, False, True, False])
    assert carried(offsets, known).tolist() == [7, 7, 7, 7, 9, 9]
    assert carried(offsets, np.zeros(6, dtype=bool)).tolist() == [0] * 6


# In an index


@pytest.fixture
def digests(monkeypatch: pytest.MonkeyPatch) -> None:
    know_digests(monkeypatch)


@pytest.mark.usefixtures("one_thread", "digests")
def test_a_lifelog_has_the_zones_of_its_readings(tmp_path, make_lifelog):
    names = photograph_ids(("2020-03-28", "2020-03-29"), 2)
    zones = ["Europe/Dublin", "uninhabited", "", "America/New_York"]
    located = [{"ImageID": name, "new_timezone": zone} for name, zone in zip(names, zones, strict=True)]
    minutes = [{"minute_id": name[:13], "time_zone": ""} for name in names]
    minutes[2]["time_zone"] = "Europe/Dublin"
    index = indexed(tmp_path, make_lifelog(tmp_path / "log", located=located, minutes=minutes))
    assert (index.catalogue.offsets / 3600).tolist() == [0, 0, 1, -4]
    assert index.catalogue.zoned
    assert "1 photograph has no known time zone: that of the photograph before counts." in index.remarks


@pytest.mark.usefixtures("one_thread", "digests")
@pytest.mark.parametrize(("suffix", "ahead"), [("-04:00", -4), ("+05:45", 5.75), ("Z", 0), ("", 0)])
def test_records_have_the_offset_of_their_timestamps(tmp_path, make_records, suffix, ahead):
    rows = [{"file": f"{at}.png", "timestamp": f"2020-01-01T1{at}:00:00{suffix}", "heat": at} for at in range(2)]
    index = indexed(tmp_path, make_records(tmp_path / "data", rows))
    assert (index.catalogue.offsets / 3600).tolist() == [ahead] * 2
    assert index.catalogue.zoned == bool(ahead)
    assert ("No time zone is known: days and hours are those of UTC." in index.remarks) == (not ahead)

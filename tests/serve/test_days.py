"""Days: photographs, readings and ways, on ordinary days and on those on which the clock changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from small_index import catalogue as bare
from small_site import SmallRanker, client

from ntcir.serve import days as days_module
from ntcir.serve.days import Days
from ntcir.serve.index.catalogue import UNKNOWN, Catalogue
from ntcir.serve.routes import days as routes

HOUR = 3600


def at(*moments: str) -> np.ndarray:
    """Return moments in UTC, such as ``2020-03-16 08:00``, as seconds."""
    read = (datetime.strptime(each, "%Y-%m-%d %H:%M").replace(tzinfo=UTC) for each in moments)
    return np.array([int(each.timestamp()) for each in read])


def known(times: np.ndarray, offsets: list[int] | int = 0, **columns) -> Catalogue:
    hours = np.broadcast_to(np.array(offsets), len(times))
    given = {name: np.array(values, dtype=np.float32) for name, values in columns.items()}
    return replace(bare(times), offsets=(hours * HOUR).astype(np.int32), zoned=True, numbers=given)


def described(catalogue: Catalogue, day: str, ranges=None):
    return Days(catalogue, ranges or {}).describe(date.fromisoformat(day))


def clocks(day):
    return [each["clock"] for each in day["photographs"]]


def test_a_day_is_local_and_knows_its_neighbours():
    days = known(at("2020-03-15 22:30", "2020-03-16 08:00", "2020-03-16 23:30", "2020-03-20 08:00"), 1)
    day = described(days, "2020-03-16")
    assert (day["day"], day["weekday"], day["zone"]) == ("2020-03-16", "Monday", "local")
    assert (day["previous"], day["next"]) == ("2020-03-15", "2020-03-17")
    assert day["photographs"] == [{"id": "item-1", "clock": "09:00:00", "seconds": 9 * HOUR, "event": 1}]
    assert (day["length"], len(day["ticks"])) == (24 * HOUR, 24)
    assert day["ticks"][9] == {"seconds": 9 * HOUR, "clock": "09:00"}


@pytest.mark.parametrize(
    ("day", "previous", "following"),
    [
        ("2020-03-15", None, "2020-03-16"),
        ("2020-03-17", "2020-03-16", "2020-03-18"),
        ("2020-03-18", "2020-03-16", None),
        ("2021-01-01", "2020-03-18", None),
    ],
)
def test_a_day_without_photographs_is_empty_and_leads_to_others(day, previous, following):
    times = np.r_[at("2020-03-16 08:00", "2020-03-18 08:00"), UNKNOWN]
    found = described(known(times), day)
    assert (found["previous"], found["next"]) == (previous, following)
    assert found["total"] == len(found["photographs"]) == (day == "2020-03-18")


# When the clock is put forward at 01:00 UTC, back at 01:00 UTC, and on a flight east and one west.
@pytest.mark.parametrize(
    ("day", "moments", "offsets", "wall", "seconds", "length"),
    [
        ("2020-03-29", ["00:30", "01:00", "02:00"], [0, 1, 1], ["00:30", "02:00", "03:00"], [0.5, 1, 2], 23),
        ("2020-10-25", ["00:30", "01:30", "02:30"], [1, 0, 0], ["01:30", "01:30", "02:30"], [1.5, 2.5, 3.5], 25),
        ("2020-06-01", ["06:00", "09:00"], [0, 8], ["06:00", "17:00"], [6, 9], 16),
        ("2020-06-01", ["06:00", "20:00"], [0, -8], ["06:00", "12:00"], [6, 20], 32),
    ],
)
def test_time_only_goes_forward_when_the_clock_does_not(day, moments, offsets, wall, seconds, length):
    found = described(known(at(*(f"{day} {each}" for each in moments)), offsets), day)
    assert clocks(found) == [f"{each}:00" for each in wall]
    assert [each["seconds"] / HOUR for each in found["photographs"]] == seconds
    assert found["length"] == length * HOUR
    ticks = found["ticks"]
    assert all(one["seconds"] < other["seconds"] for one, other in pairwise(ticks))
    whole = {each["clock"]: each["seconds"] / HOUR for each in ticks}  # of an hour shown twice, the second
    assert whole[wall[-1][:3] + "00"] == seconds[-1] - int(wall[-1][3:]) / 60


def test_times_without_zones_are_said_to_be_utc():
    found = described(replace(known(at("2020-03-16 08:00")), zoned=False), "2020-03-16")
    assert (found["zone"], clocks(found)) == ("UTC", ["08:00:00"])


def test_readings_are_those_that_change_and_tell_most_first():
    columns = {
        "steps": [1, 2, 3], "still": [5, 5, 5], "unknown": [np.nan] * 3, "one": [np.nan, 4, np.nan],
        "heart_rate(bpm)": [60, np.nan, 90.123456],
    }  # fmt: skip
    catalogue = known(at("2020-03-16 08:00", "2020-03-16 08:01", "2020-03-16 08:02"), **columns)
    ranges = {"heart_rate(bpm)": {"least": 40.0, "most": 180.0, "low": 50.0, "high": 120.0, "known": 9}}
    found = described(catalogue, "2020-03-16", ranges)["readings"]
    assert found["times"] == [8 * HOUR, 8 * HOUR + 60, 8 * HOUR + 120]
    heart, steps = found["series"]
    assert heart == {
        "name": "heart_rate(bpm)", "values": [60.0, None, 90.1235], "least": 40, "most": 180, "low": 50, "high": 120,
    }  # fmt: skip
    assert steps == {"name": "steps", "values": [1.0, 2.0, 3.0]}


def test_the_way_of_a_day_is_told_where_it_moved():
    catalogue = known(at(*(f"2020-03-16 08:0{minute}" for minute in range(5))))
    nan = np.nan
    where = np.array([[nan, nan], [53.5, -6.25], [53.5, -6.25], [nan, 1], [53.75, -6.25]], dtype=np.float32)
    found = described(replace(catalogue, positions=where), "2020-03-16")
    assert found["track"] == [[53.5, -6.25, 8 * HOUR + 60], [53.75, -6.25, 8 * HOUR + 240]]
    assert described(catalogue, "2020-03-16")["track"] == []


@pytest.mark.parametrize("shown", [None, *range(9)])
def test_of_very_many_photographs_some_are_shown_with_the_one_that_is_asked_for(monkeypatch, shown):
    monkeypatch.setattr(days_module, "MOST_SHOWN", 4)
    catalogue = known(at(*(f"2020-03-16 08:0{minute}" for minute in range(9))))
    found = Days(catalogue, {}).describe(date(2020, 3, 16), shown)
    ids = [each["id"] for each in found["photographs"]]
    assert found["total"] == 9
    assert len(set(ids)) == 4
    assert ids == sorted(ids)
    assert shown is None or f"item-{shown}" in ids


class Facets:
    """An index of three days and one item whose time is not known."""

    corpus = "toy"
    facets: dict[str, object] = {}  # noqa: RUF012

    def __init__(self, timed: bool = True) -> None:
        times = np.r_[at("2020-03-16 08:00", "2020-03-17 08:00", "2020-03-17 09:00"), UNKNOWN]
        self.catalogue = known(times if timed else np.full(4, UNKNOWN))


def asked(address: str, timed: bool = True, total: int = 4):
    site = SimpleNamespace(index=Facets(timed), ranker=SmallRanker(total))
    answer = client(routes.router(site)).get(address)
    return answer.json() if answer.status_code == 200 else (answer.status_code, answer.json()["error"])


def test_a_day_is_asked_for_by_its_date_or_by_an_item():
    assert asked("/day?day=2020-03-17")["total"] == 2
    assert asked("/day?id=item-1") == asked("/day?day=2020-03-17")
    assert asked("/day?id=item-1&day=2020-03-16")["day"] == "2020-03-16"


@pytest.mark.parametrize(
    ("address", "timed", "words"),
    [
        ("/day", True, "Which day"),
        ("/day?day=yesterday", True, "write a day as 2020-03-16"),
        ("/day?id=item-9", True, "no 'item-9'"),
        ("/day?id=item-3", True, "The time of 'item-3' is not known"),
        ("/day?day=2020-03-17", False, "toy has no times"),
        ("/day/hits?day=17.3.", True, "write a day as 2020-03-16"),
    ],
)
def test_what_is_no_day_is_refused_in_a_sentence(address, timed, words):
    status, sentence = asked(address, timed)
    assert status == 400
    assert words in sentence


def test_hits_of_a_day_are_those_that_pass_or_the_best(monkeypatch):
    assert asked("/day/hits?day=2020-03-17")["ranks"] == {}  # everything is one
    passing = asked("/day/hits?day=2020-03-17&hours=8-9", total=2)
    assert passing == {"ranks": {"item-1": 2}, "ranked": False, "looked": 2, "total": 2}
    best = asked("/day/hits?day=2020-03-17&q=tea")
    assert best == {"ranks": {"item-1": 2, "item-2": 3}, "ranked": True, "looked": 4, "total": 4}
    monkeypatch.setattr(routes, "_FEWEST", 2)
    assert asked("/day/hits?day=2020-03-17&q=tea") == best | {"ranks": {"item-1": 2}, "looked": 2}

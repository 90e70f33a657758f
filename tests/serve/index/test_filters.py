"""What passes each thing that a person narrows by, and what a form offers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers import refusal

from ntcir.serve.index.catalogue import UNKNOWN, Catalogue, Labels
from ntcir.serve.index.facets import MOST, facets_of, read_facets
from ntcir.serve.index.filters import passing
from ntcir.serve.state import Narrow, State

NAN = float("nan")


class Listed(list[str]):
    """Texts by row."""

    def find(self, text: str) -> int | None:
        return self.index(text) if text in self else None


class Quality:
    """What is known of two photographs."""

    def blurred(self) -> np.ndarray:
        return np.array([True, False])

    def dark(self) -> np.ndarray:
        return np.array([False, True])


def catalogue_of(
    times: Sequence[str | None], *, ahead: float = 0.0, positions: Sequence[tuple[float, float]] | None = None,
    numbers: Mapping[str, Sequence[float]] | None = None, labels: Mapping[str, Sequence[str]] | None = None,
) -> Catalogue:  # fmt: skip
    """Return a catalogue in memory: UTC times, hours that local time is ahead, readings by column."""
    count = len(times)
    seconds = [UNKNOWN if time is None else np.datetime64(time, "s").astype(np.int64) for time in times]
    words = {}
    for column, values in (labels or {}).items():
        distinct = sorted({value for value in values if value}, key=lambda value: (-list(values).count(value), value))
        codes = [distinct.index(value) if value else -1 for value in values]
        words[column] = Labels(np.array(codes, dtype=np.int32), distinct)
    return Catalogue(
        modality="photograph",
        ids=Listed(map(str, range(count))),
        contents=Listed(map(str, range(count))),
        times=np.array(seconds, dtype=np.int64),
        offsets=np.full(count, round(3600 * ahead), dtype=np.int32),
        zoned=bool(ahead),
        positions=np.array(positions or [(NAN, NAN)] * count, dtype=np.float32).reshape(count, 2),
        numbers={column: np.array(values, dtype=np.float32) for column, values in (numbers or {}).items()},
        labels=words,
        captions=None,
        events=np.arange(count, dtype=np.int32),
    )


def rows(catalogue: Catalogue, *typed: tuple[str, str], quality: Any = None) -> list[int]:
    """Return what passes an address."""
    found = passing(State.of(typed).narrow, catalogue, quality)
    assert found is not None
    assert found.dtype == bool
    return np.flatnonzero(found).tolist()


def test_where_nothing_is_narrowed_nothing_is_worked_out():
    assert passing(Narrow(), catalogue_of(["2020-01-01"]), None) is None


# 2020-03-15 is a Sunday.
TIMES = ["2020-03-15T22:30", "2020-03-15T23:30", "2020-03-16T03:59:59", "2020-03-16T04:00", None, "1969-12-31T12:00"]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ([("from", "2020-03-16")], [2, 3]),
        ([("to", "2020-03-15")], [0, 1, 5]),
        ([("from", "2020-03-15"), ("to", "2020-03-15")], [0, 1]),
        ([("weekday", "sun")], [0, 1]),
        ([("weekday", "mon"), ("weekday", "wed")], [2, 3, 5]),
        ([("hours", "22-4")], [0, 1, 2]),
        ([("hours", "23.5-4")], [1, 2]),
        ([("hours", "3-12")], [2, 3]),
        ([("hours", "0-24")], [0, 1, 2, 3, 5]),
        ([("hours", "22-24"), ("weekday", "mon")], []),
    ],
)
def test_times(typed, expected):
    assert rows(catalogue_of(TIMES), *typed) == expected


def test_days_and_hours_are_local():
    there = catalogue_of(TIMES, ahead=1)
    assert rows(there, ("from", "2020-03-16"), ("to", "2020-03-16")) == [1, 2, 3]
    assert rows(there, ("hours", "0-1")) == [1]
    assert rows(there, ("weekday", "sun")) == [0]
    behind = catalogue_of(TIMES, ahead=-4)
    assert rows(behind, ("from", "2020-03-16")) == [3]
    assert rows(catalogue_of(["2020-03-15T18:29", "2020-03-15T18:30"], ahead=5.5), ("hours", "0-1")) == [1]


def test_places():
    where = [(53.3, -6.2), (10, 179.5), (-10, -179.5), (0, 0), (NAN, NAN), (90, -180)]
    there = catalogue_of([None] * 6, positions=where)
    assert rows(there, ("box", "53,-7,54,-6")) == [0]
    assert rows(there, ("box", "-20,170,20,-170")) == [1, 2]
    assert rows(there, ("box", "-20,170,20,190")) == [1, 2]  # a map that was moved over the date line
    assert rows(there, ("box", "-20,-190,20,-170")) == [1, 2]
    assert rows(there, ("box", "-90,-180,90,180")) == [0, 1, 2, 3, 5]
    assert rows(there, ("box", "-90,-500,90,500")) == [0, 1, 2, 3, 5]
    assert rows(there, ("box", "-20,350,20,370")) == [3]


def test_ranges_of_numbers():
    there = catalogue_of([None] * 4, numbers={"heat": [0.1, 36.6, NAN, -5]})
    assert rows(there, ("min.heat", "0.1")) == [0, 1]
    assert rows(there, ("max.heat", "0.1")) == [0, 3]
    assert rows(there, ("min.heat", "-5"), ("max.heat", "36.6")) == [0, 1, 3]
    assert rows(there, ("min.heat", "1e300")) == []
    assert rows(there, ("max.heat", "1e300")) == [0, 1, 3]


def test_words():
    there = catalogue_of([None] * 4, labels={"place": ["café", "home", "", "home"], "move": ["", "bus", "bus", "car"]})
    assert rows(there, ("label.place", "home")) == [1, 3]
    assert rows(there, ("label.place", "home"), ("label.place", "café")) == [0, 1, 3]
    assert rows(there, ("label.place", "home"), ("label.move", "bus")) == [1]


def test_blurred_and_dark_photographs():
    there = catalogue_of([None] * 2)
    assert rows(there, ("sharp", "1"), quality=Quality()) == [1]
    assert rows(there, ("bright", "1"), quality=Quality()) == [0]
    assert rows(there, ("sharp", "1"), ("bright", "1"), quality=Quality()) == []


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (("min.heta", "1"), "There is no column of numbers 'heta' (did you mean 'heat'?); there are: heat."),
        (("label.heat", "1"), "There is no column of words 'heat'; there are: place."),
        (("label.place", "hme"), "No item has place = 'hme' (did you mean 'home'?)."),
        (("label.place", "\x1b[2J"), "No item has place = '\\x1b[2J'; the most frequent are: home, café."),
        (("hours", "8-8"), "hours=8-8 is empty: the two hours must differ."),
        (("sharp", "1"), "Nothing is known of how sharp"),
    ],
)
def test_what_is_not_there_is_refused(typed, told):
    there = catalogue_of([None] * 3, numbers={"heat": [1, 2, 3]}, labels={"place": ["home", "home", "café"]})
    narrow = State.of([typed]).narrow
    assert told in refusal(passing, narrow, there, None)


def test_a_form_offers_days_words_and_ranges():
    there = catalogue_of(
        TIMES[:5], ahead=1, numbers={"heat": [5, 1, NAN, 3, 2]}, labels={"place": ["b", "a", "a", "", "c"]}
    )
    facets = facets_of(there)
    assert facets["days"] == [{"day": "2020-03-15", "count": 1}, {"day": "2020-03-16", "count": 3}]
    assert [(each["value"], each["count"]) for each in facets["labels"]["place"]] == [("a", 2), ("b", 1), ("c", 1)]
    assert facets["numbers"]["heat"] == {"known": 4, "least": 1, "most": 5, "low": 1, "high": 5}
    assert read_facets(json.loads(json.dumps(facets))) == facets


def test_a_form_offers_only_the_most_frequent_words():
    words = [f"w{number:03d}" for number in range(MOST + 5)]
    there = catalogue_of([None] * (MOST + 6), labels={"place": [*words, words[-1]]})
    offered = facets_of(there)["labels"]["place"]
    assert len(offered) == MOST
    assert offered[0] == {"value": words[-1], "count": 2}
    assert rows(there, ("label.place", words[-2])) == [MOST + 3]  # one that is not offered can be asked for


def test_an_empty_catalogue_has_nothing_to_offer():
    nothing = catalogue_of([])
    assert facets_of(nothing) == {"days": [], "labels": {}, "numbers": {}}
    assert rows(nothing, ("from", "2020-01-01")) == []
    assert rows(replace(nothing, numbers={}), ("box", "0,0,1,1")) == []

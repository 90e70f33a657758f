"""The address of the page, read and written."""

from __future__ import annotations

from datetime import date
from urllib.parse import parse_qsl

import pytest

from ntcir.serve.state import Ask, Narrow, State, Then
from ntcir.serve.typed import Area
from ntcir.system.errors import UserError

FULL = State(
    ask=Ask("a cup of tea", ("a/1.jpg", "ü 2.jpg"), ("0" * 32,), (("heart_rate(bpm)", "80"), ("city", "<b>"))),
    then=Then(Ask("a bus"), 90.5, "before"),
    right=("a/1.jpg",),
    wrong=("b&c=d.jpg", "e"),
    narrow=Narrow(
        date(2020, 2, 29), date(2020, 3, 1), (22.0, 4.5), frozenset({0, 6}), (("city", ("Cork", "a,b")), ("x", ("1",))),
        (("heart_rate(bpm)", 60.0, 90.25), ("calories", -1.5, float("inf"))), Area(-1, 170, 2.5, -170), True, True,
    ),
    floor=-0.25,
    grouped=True,
)  # fmt: skip


@pytest.mark.parametrize("state", [State(), FULL, State(narrow=Narrow(hours=(8, 12))), State(then=Then(Ask("x")))])
def test_what_is_written_is_read_again(state):
    assert State.of(parse_qsl(state.address())) == state


def test_an_empty_form_asks_nothing():
    state = State.of([("q", "  "), ("from", ""), ("r.city", ""), ("token", "x"), ("utm", "y"), ("then.within", "30")])
    assert state == State(then=Then(minutes=30))
    assert not state.ranked
    assert not state.narrow


def test_blanks_count_once_and_the_last_of_a_single_value_counts():
    state = State.of([("q", "x"), ("q", " a   cup "), ("hours", "1-2"), ("hours", " 8.5 - 12 ")])
    assert state.ask.words == "a cup"
    assert state.narrow.hours == (8.5, 12)


def test_all_weekdays_are_no_filter():
    every = [("weekday", day) for day in ("mon", "tue", "wed", "thu", "fri", "sat", "SUN")]
    assert not State.of(every).narrow
    assert State.of(every[5:]).narrow.weekdays == {5, 6}


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("hours", "8", "write hours as 8-12"),
        ("hours", "8-25", "between 0 and 24"),
        ("hours", "a-b", "not a number"),
        ("from", "16.3.2020", "write a day as 2020-03-16"),
        ("to", "2020-02-30", "write a day"),
        ("weekday", "monday", "one of mon, tue"),
        ("box", "1,2,3", "south,west,north,east"),
        ("box", "3,2,1,4", "the south first"),
        ("box", "-91,0,0,0", "-90 and 90"),
        ("floor", "nan", "finite"),
        ("floor", "1e999", "finite"),
        ("min.hr", "fast", "not a number"),
        ("then.within", "0", "at most 10080 minutes"),
        ("then.within", "-5", "more than 0"),
        ("then.order", "during", "after or before"),
        ("group", "day", "event or none"),
        ("sharp", "yes", "0 or 1"),
    ],
)
def test_a_value_that_is_not_valid_is_named_with_what_would_do(key, value, told):
    with pytest.raises(UserError, match=told) as refused:
        State.of([(key, value)])
    assert key in str(refused.value)


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        ([("from", "2020-03-02"), ("to", "2020-03-01")], "the first is after the last"),
        ([("min.hr", "90"), ("max.hr", "60")], "range of hr is empty"),
        ([("right", str(number)) for number in range(201)], "At most 200 items can be marked right, and 201 are"),
    ],
)
def test_values_that_leave_nothing_are_named(pairs, told):
    with pytest.raises(UserError, match=told):
        State.of(pairs)


def test_what_was_typed_is_shortened_and_escaped_in_a_complaint():
    with pytest.raises(UserError) as refused:
        State.of([("hours", "\x1b]0;" + "x" * 500)])
    assert "\x1b" not in str(refused.value)
    assert len(str(refused.value)) < 200

"""The usual blocks: how long they are, and that a session ends one."""

from __future__ import annotations

import numpy as np
import pytest

from ntcir.significance.neighbours import neighbours


@pytest.mark.parametrize(
    ("number", "dense", "length"),
    [
        (3, False, None),  # blocks of one topic
        (30, False, 3),
        (200, False, 6),
        (8000, False, 20),
        (30, True, 3),
        (100, True, 10),  # a tenth, so that there are ten blocks
        (200, True, 20),
        (1000, True, 20),
        (27_000, True, 30),
    ],
)
def test_the_length_of_blocks(number, dense, length):
    found = neighbours(np.arange(number, dtype=float), np.zeros(number, dtype=int), dense=dense)
    assert (found.length if found else None) == length
    if found:
        assert np.bincount(found.codes)[:-1].tolist() == [length] * found.codes.max()
        assert bool(found.remarks()) == (found.codes.max() + 1 < 10)


def test_a_block_is_of_one_session_also_where_sessions_run_at_the_same_time():
    times, sessions = np.tile(np.arange(40.0), 2), np.repeat([3, 1], 40)
    found = neighbours(times, np.zeros(80, dtype=int), sessions)
    assert found is not None
    assert found.length == 4
    assert found.codes.tolist() == np.repeat(np.arange(20), 4).tolist()
    merged = neighbours(times, np.zeros(80, dtype=int))
    assert merged is not None
    assert merged.codes.tolist() == np.tile(np.repeat(np.arange(20), 2), 2).tolist()


def test_one_topic_a_day_is_drawn_singly_unless_both_directions_ask_at_the_same_time():
    days, asked = np.repeat(np.arange(10.0), 2) * 86_400, np.tile([0, 1], 10)
    assert neighbours(days + np.tile([0, 600], 10), asked) is None
    found = neighbours(days, asked)
    assert found is not None
    assert found.codes.tolist() == np.repeat(np.arange(10), 2).tolist()


def test_topics_without_a_time_are_counted_and_all_of_them_in_one_second_are_drawn_singly():
    times = np.array([0.0, 1, 2, 3, np.nan, np.nan, 9000, 9001])
    found = neighbours(times, np.zeros(8, dtype=int))
    assert found is not None
    assert found.codes.tolist() == [0, 0, 1, 1, 2, 3, 4, 4]
    assert found.described("topic", "topics").startswith("5 blocks of neighbouring topics, which are not independent")
    assert found.described("topic", "topics").endswith("; 2 topics have no time and are blocks of their own")
    assert neighbours(np.zeros(8), np.zeros(8, dtype=int)) is None
    assert neighbours(np.full(8, np.nan), np.zeros(8, dtype=int)) is None

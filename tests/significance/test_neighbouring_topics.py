"""The usual blocks: how long they are, and that a session ends one."""

from __future__ import annotations

import numpy as np
import pytest

from ntcir.significance.neighbours import neighbours


@pytest.mark.parametrize(
    ("number", "dense", "length"),
    [
        (9, False, None),  # at least five blocks
        (10, False, 2),
        (9, True, None),
        (30, False, 3),
        (200, False, 6),
        (8000, False, 20),
        (30, True, 3),
        (100, True, 10),  # a tenth
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
        assert len(found.remarks()) == (number < 20)


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
    days, asked = np.repeat(np.arange(20.0), 2) * 86_400, np.tile([0, 1], 20)
    assert neighbours(days + np.tile([0, 600], 20), asked) is None
    found = neighbours(days, asked)
    assert found is not None
    assert found.codes.tolist() == np.repeat(np.arange(20), 2).tolist()


def test_topics_without_a_time_are_counted_and_all_of_them_in_one_second_are_drawn_singly():
    times = np.concatenate([np.arange(19.0), [np.nan, np.nan, 9000, 9001]])
    found = neighbours(times, np.zeros(23, dtype=int))
    assert found is not None
    assert found.codes.tolist() == [*np.repeat(np.arange(7), 3)[:19], 7, 8, 9, 9]
    assert found.described("topic", "topics").startswith("10 blocks of neighbouring topics, which are not independent")
    assert found.described("topic", "topics").endswith("; 2 topics have no time and are blocks of their own")
    assert neighbours(np.zeros(23), np.zeros(23, dtype=int)) is None
    assert neighbours(np.full(23, np.nan), np.zeros(23, dtype=int)) is None


def test_few_blocks_are_told_where_many_topics_are_of_one_second():
    found = neighbours(np.repeat(np.arange(4.0), 10), np.zeros(40, dtype=int))
    assert found is not None
    assert found.remarks() == ("With only 4 blocks, intervals are rough and rather too narrow.",)

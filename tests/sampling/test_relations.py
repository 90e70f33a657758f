"""Relations of pairs, against what they are by definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ntcir.sampling.relations import (
    either_way,
    equal_rows,
    group_equal_rows,
    instances,
    near_in_time,
    same_item,
    swapped,
    within,
)

quick = settings(deadline=None, max_examples=60)


@quick
@given(st.data())
def test_rows_have_the_same_number_just_where_they_are_equal(data):
    shape = (data.draw(st.integers(0, 12)), data.draw(st.integers(0, 3)))
    rows = data.draw(
        arrays(np.float32, shape, elements=st.sampled_from(np.array([0, -0.0, 1, 1.5], np.float32).tolist()))
    )
    numbers = group_equal_rows(rows)
    assert numbers.dtype == np.int64
    for i in range(len(rows)):
        for j in range(len(rows)):
            assert (numbers[i] == numbers[j]) == np.array_equal(rows[i], rows[j])


def test_rows_are_numbered_through_over_blocks():
    rows = np.random.default_rng(0).integers(0, 2, (50, 4)).astype(np.float32)
    seen: dict[bytes, int] = {}
    parts = [group_equal_rows(rows[start : start + 7], seen) for start in range(0, 50, 7)]
    assert np.array_equal(np.concatenate(parts), group_equal_rows(rows))


def test_the_layout_in_memory_does_not_matter():
    rows = np.random.default_rng(0).integers(0, 2, (20, 3)).astype(np.float32)
    assert np.array_equal(group_equal_rows(np.asfortranarray(rows)), group_equal_rows(rows))
    assert np.array_equal(group_equal_rows(np.repeat(rows, 2, axis=1)[:, ::2]), group_equal_rows(rows))


def everything(relation, count):
    own = np.arange(count)
    return relation(own[:, None], own[None, :]).astype(int).tolist()


def test_pairs_that_share_either_item_are_of_the_same_item():
    found = everything(same_item(["p", "p", "q", "01"], ["a", "b", "b", "1"]), 4)
    assert found == [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1]]


def test_a_window_takes_its_ends_in_and_equal_rows_are_equal():
    assert everything(near_in_time(np.array([0, 60, 121]), 60), 3) == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    assert everything(equal_rows(np.array([[0.0, 1], [-0.0, 1], [0, 2]])), 3) == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]


def test_relations_are_turned_round_and_asked_of_a_sample():
    def follows(left, right):
        return left + 3 == right

    two, five = np.array([2]), np.array([5])
    assert [bool(follows(two, five)), bool(swapped(follows)(two, five))] == [True, False]
    assert bool(either_way(follows)(five, two))
    related = within(follows, np.array([3, 5, 8]))
    assert related(np.array([1, 0]), np.array([2, 2])).tolist() == [True, False]


@quick
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=14))
def test_instances_are_what_shared_items_link(pairs):
    left, right = ([str(pair[side]) for pair in pairs] for side in (0, 1))
    linked = np.eye(len(pairs), dtype=bool)
    for i in range(len(pairs)):
        for j in range(len(pairs)):
            linked[i, j] |= left[i] == left[j] or right[i] == right[j]
    for _ in pairs:
        linked = linked @ linked
    numbers = instances(left, right)
    assert np.array_equal(numbers[:, None] == numbers[None, :], linked)
    assert sorted(set(numbers.tolist())) == list(range(len(set(numbers.tolist()))))


@pytest.mark.parametrize("length", [1, 2, 20_001])
def test_a_long_chain_is_one_instance_and_soon_found(length):
    numbers = np.random.default_rng(0).permutation(length)
    found = instances((numbers // 2).astype(str), ((numbers + 1) // 2).astype(str))
    assert found.dtype == np.int64
    assert not found.any()

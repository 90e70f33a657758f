"""False negatives: cells of a batch that must not be contrasted."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ntcir.sampling.positives import FalseNegatives, group_equal_rows

quick = settings(deadline=None, max_examples=60)
few = st.sampled_from([0.0, -0.0, 1.0, 1.5, -2.0])


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


@quick
@given(st.data(), st.booleans(), st.sampled_from([0.0, 1.0, 60.0]))
def test_ignored_cells_are_those_a_double_loop_finds(data, compare, near):
    pairs = data.draw(st.integers(2, 14))
    images = data.draw(st.lists(st.sampled_from(["i1", "i2", "i3", "i1.jpg"]), min_size=pairs, max_size=pairs))
    sensors = data.draw(st.lists(st.sampled_from(["s1", "s2", "s10", "s3"]), min_size=pairs, max_size=pairs))
    seconds = np.array(
        data.draw(st.lists(st.sampled_from([0, 0.5, 1.0, 60.0, 61.5, 1e9]), min_size=pairs, max_size=pairs))
    )
    readings = data.draw(arrays(np.float64, (pairs, 2), elements=few))
    rows = data.draw(st.lists(st.integers(0, pairs - 1), min_size=1, max_size=10))
    known = FalseNegatives(images, sensors, seconds, readings if compare else None, near)
    found = known.ignored(torch.tensor(rows))
    for a, i in enumerate(rows):
        for b, j in enumerate(rows):
            expected = a != b and (
                images[i] == images[j]
                or sensors[i] == sensors[j]
                or (near > 0 and abs(seconds[i] - seconds[j]) <= near)
                or (compare and np.array_equal(readings[i], readings[j]))
            )
            assert bool(found[a, b]) == expected


def test_a_window_of_0_seconds_is_no_window():
    known = FalseNegatives(["a", "b"], ["c", "d"], np.zeros(2), None, 0)
    assert not known.ignored(torch.arange(2)).any()


@pytest.mark.parametrize("near", [0.0, 60.0])
def test_seconds_are_told_apart_in_an_era_of_nanoseconds(near):
    # float32 would know the time of 2020 to two minutes only.
    seconds = np.array([1.58e9, 1.58e9 + 61, 1.58e9 + 121])
    ignored = FalseNegatives(list("abc"), list("def"), seconds, None, near).ignored(torch.arange(3))
    assert ignored.tolist() == [[False, False, False], [False, False, near > 0], [False, near > 0, False]]

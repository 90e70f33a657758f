"""Batches: known from the seed and the step alone."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntcir.sampling.batches import BatchSampler

GROUPS = ["d1"] * 40 + ["d2"] * 25 + ["d3"] * 10 + ["alone"] + ["d4"] * 25


@settings(deadline=None)
@given(st.integers(2, 60), st.integers(2, 20), st.integers(0, 5))
def test_all_shows_each_pair_at_most_once_an_epoch_and_leaves_less_than_a_batch_out(pairs, batch, seed):
    sampler = BatchSampler(["d"] * pairs, batch, "all", seed)
    steps = max(1, pairs // batch)
    for epoch in range(3):
        rows = np.concatenate([sampler(step) for step in range(epoch * steps, (epoch + 1) * steps)])
        assert len(set(rows.tolist())) == len(rows)
        assert pairs - len(rows) < min(batch, pairs)
        assert rows.min() >= 0
        assert rows.max() < pairs


def test_no_pair_is_left_out_of_every_epoch():
    sampler = BatchSampler(["d"] * 10, 4, "all", 0)
    assert {row for step in range(40) for row in sampler(step).tolist()} == set(range(10))


@pytest.mark.parametrize("mode", ["all", "day"])
def test_a_step_draws_the_same_pairs_whatever_was_drawn_before(mode):
    in_order = BatchSampler(GROUPS, 8, mode, 3)
    batches = [in_order(step).tolist() for step in range(60)]
    anew = BatchSampler(GROUPS, 8, mode, 3)
    for step in np.random.default_rng(0).permutation(60):
        assert anew(int(step)).tolist() == batches[step]


@pytest.mark.parametrize("mode", ["all", "day"])
def test_other_seeds_and_steps_draw_other_pairs(mode):
    one, other = BatchSampler(GROUPS, 8, mode, 0), BatchSampler(GROUPS, 8, mode, 1)
    assert [one(step).tolist() for step in range(5)] != [other(step).tolist() for step in range(5)]
    assert len({tuple(one(step).tolist()) for step in range(30)}) == 30


def test_all_mixes_the_days():
    sampler = BatchSampler(GROUPS, 30, "all", 0)
    assert len({GROUPS[row] for row in sampler(0)}) > 2


def test_day_keeps_to_one_day_and_repeats_no_pair_in_a_batch():
    sampler = BatchSampler(GROUPS, 16, "day", 0)
    for step in range(200):
        rows = sampler(step)
        [day] = {GROUPS[row] for row in rows}
        assert len(set(rows.tolist())) == len(rows) == min(16, GROUPS.count(day))


def test_days_are_drawn_in_proportion_to_their_pairs_and_those_of_one_pair_never():
    sampler = BatchSampler(GROUPS, 4, "day", 0)
    steps = 4000
    drawn = Counter(GROUPS[sampler(step)[0]] for step in range(steps))
    assert set(drawn) == {"d1", "d2", "d3", "d4"}
    for day, count in drawn.items():
        share = GROUPS.count(day) / 100
        # Four standard deviations of a binomial share.
        assert abs(count / steps - share) < 4 * np.sqrt(share * (1 - share) / steps)


def test_each_pair_of_a_day_is_drawn_in_the_end():
    sampler = BatchSampler(GROUPS, 5, "day", 0)
    drawn = {row for step in range(400) for row in sampler(step).tolist()}
    assert drawn == {row for row, day in enumerate(GROUPS) if day != "alone"}


@pytest.mark.parametrize("mode", ["all", "day"])
def test_fewer_pairs_than_a_batch_make_one_batch(mode):
    sampler = BatchSampler(["d", "d", "d"], 256, mode, 0)
    assert sorted(sampler(0).tolist()) == sorted(sampler(7).tolist()) == [0, 1, 2]


def test_where_every_day_has_one_pair_the_batches_mix_them():
    assert sorted(BatchSampler(["a", "b", "c"], 256, "day", 0)(0).tolist()) == [0, 1, 2]


def test_groups_are_told_apart_by_their_whole_name():
    names = np.array(["2020-02-01", "2020-02-01b", "2020-02-01", "2020-02-01b"], dtype=object)
    sampler = BatchSampler(names, 2, "day", 0)
    assert {tuple(sorted(sampler(step).tolist())) for step in range(40)} == {(0, 2), (1, 3)}

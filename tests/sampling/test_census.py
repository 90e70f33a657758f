"""Negatives counted before the first step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from helpers import toy_config

from ntcir.modalities import DEFAULT_PAIR
from ntcir.sampling.batches import BatchSampler
from ntcir.sampling.census import coming_batches, remedy, take_census
from ntcir.sampling.positives import FalseNegatives
from ntcir.sampling.relations import NEAR, reasons

SAME, EQUAL, _ = reasons(DEFAULT_PAIR)


def relations(seconds: Sequence[float], readings: Sequence[int] | None = None, near: float = 60.0) -> Any:
    names = [str(number) for number in range(len(seconds))]
    rows = None if readings is None else np.array(readings, dtype=np.float32)[:, None]
    return FalseNegatives(names, names, np.array(seconds, dtype=float), rows, near, pair=DEFAULT_PAIR).relations


def test_negatives_are_counted_as_by_hand():
    draw = np.random.default_rng(0)
    seconds, readings = draw.uniform(0, 600, 40), draw.integers(0, 5, 40)
    related = relations(seconds, readings)
    batches = [draw.permutation(40)[:12] for _ in range(5)]
    census = take_census(related, batches, DEFAULT_PAIR)
    expected, near, equal = [], 0, 0
    for rows in batches:
        for own in rows:
            others = [other for other in rows if other != own]
            close = [abs(seconds[own] - seconds[other]) <= 60 for other in others]
            same = [readings[own] == readings[other] for other in others]
            expected.append(sum(not (a or b) for a, b in zip(close, same, strict=True)))
            near, equal = near + sum(close), equal + sum(same)
    assert census.negatives.tolist() == expected
    assert (census.others == 11).all()
    assert census.masked == pytest.approx({SAME: 0, NEAR: near / (60 * 11), EQUAL: equal / (60 * 11)})
    assert census.without == expected.count(0)


def test_many_large_batches_are_counted_in_no_time():
    sampler = BatchSampler(["day"] * 30_000, 8192, "all", 0)
    batches = coming_batches(sampler, 500)
    assert 1 <= len(batches) <= 3
    assert coming_batches(sampler, 1)[0].tolist() == sampler(0).tolist()
    assert len(coming_batches(BatchSampler(["day"] * 20, 4, "all", 0), 7)) == 7


@pytest.mark.parametrize(
    ("seconds", "readings", "settings"),
    [
        (range(0, 45, 3), None, ["training.near_seconds"]),
        (range(0, 4500, 300), [1] * 8 + [2] * 7, []),
        ([0.0] * 15, None, []),  # all at once: no window but none at all helps
        (range(0, 4500, 300), [1] * 15, []),  # all the same: there is nothing to learn
    ],
)
def test_the_remedy_is_what_helps(seconds, readings, settings):
    training = toy_config(training__near_seconds=60).training
    times = np.array(list(seconds), dtype=float)
    related = relations(times, readings)
    batches = [np.arange(len(times))]
    words = remedy(related, batches, batches, times, training, DEFAULT_PAIR)
    for setting in settings:
        assert setting in words
    for word in (
        words.removeprefix("--set ").split(" --set ")
        if words and take_census(related, batches, DEFAULT_PAIR).without
        else []
    ):
        key, value = word.split("=")
        assert key == "training.near_seconds"
        assert take_census(relations(times, readings, float(value)), batches, DEFAULT_PAIR).is_fine


def test_of_days_of_a_moment_the_remedy_is_to_mix_them():
    seconds = np.repeat(np.arange(6) * 86_400.0, 4) + np.tile([0, 0, 0, 0], 6)
    training = toy_config(training__near_seconds=60, training__batches="day").training
    related = {**relations(seconds), SAME: lambda left, right: seconds[left] == seconds[right]}
    days = [np.arange(4 * day, 4 * day + 4) for day in range(6)]
    assert take_census(related, days, DEFAULT_PAIR).is_empty
    assert remedy(related, days, [np.arange(24)], seconds, training, DEFAULT_PAIR) == "--set training.batches=all"


def test_equal_readings_on_the_left_are_named_and_remedied_too():
    readings = np.repeat([1.0, 2.0], 8)[:, None]
    names, seconds = [str(number) for number in range(16)], np.arange(16) * 300.0
    pair = ("sensor", "image")
    known = FalseNegatives(names, names, seconds, None, 60, left_rows=readings, pair=pair).relations
    batches = [np.arange(8), np.arange(8), np.arange(16)]
    census = take_census(known, batches, pair)
    training = toy_config(training__near_seconds=60).training
    assert "are with an equal reading (training.mask_equal_readings)" in census.reasons(training)
    assert census.sentence().startswith("Each reading has")
    assert "other photographs of its batch" in census.sentence()
    assert remedy(known, batches, batches, seconds, training, pair) == "--set training.mask_equal_readings=false"

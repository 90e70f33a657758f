"""Means, intervals and differences, against loops that are slow and plain."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ntcir.ablation.grid import Cell
from ntcir.ablation.results import Result
from ntcir.ablation.rows import make_row, topic_means
from ntcir.ablation.training import _whole_seconds

DIRECTIONS = ("img2sen", "sen2img")


def result(draw: np.random.Generator, topics: int, seconds: float = 1.0) -> Result:
    names = [f"{number:02d}" for number in range(topics)]
    reciprocal: Any = {
        direction: dict(zip(names, (1 / draw.integers(1, 50, topics)).tolist(), strict=True))
        for direction in DIRECTIONS
    }
    return Result(reciprocal, seconds, 1, {})


def slow_interval(values: list[float], draws: int = 4000) -> tuple[float, float]:
    """Return the percentile bootstrap by hand, from other random numbers."""
    draw = np.random.default_rng(99)
    means = []
    for _ in range(draws):
        total = 0.0
        for _ in values:
            total += values[draw.integers(len(values))]
        means.append(total / len(values))
    means.sort()
    return means[int(0.025 * draws)], means[int(0.975 * draws)]


def test_intervals_and_paired_differences_are_those_of_a_slow_reference():
    draw = np.random.default_rng(0)
    ours = {"a": [result(draw, 12, 2.0), result(draw, 12, 4.0)], "b": [result(draw, 9), result(draw, 9)]}
    theirs = {fold: [result(draw, len(some[0].reciprocal["img2sen"])) for _ in range(2)] for fold, some in ours.items()}
    row = make_row(Cell("w", 5, "m"), ours, theirs, "x.yaml")
    assert row.topics == 21
    assert row.seconds == 2.0
    for direction in DIRECTIONS:
        values, differences = [], []
        for fold, (one, two) in ours.items():
            for topic in one.reciprocal[direction]:
                own = (one.reciprocal[direction][topic] + two.reciprocal[direction][topic]) / 2
                other = sum(some.reciprocal[direction][topic] for some in theirs[fold]) / 2
                values.append(own)
                differences.append(own - other)
        assert row.mrr[direction].value == pytest.approx(sum(values) / 21)
        assert row.difference[direction].value == pytest.approx(sum(differences) / 21)
        for estimate, numbers in ((row.mrr, values), (row.difference, differences)):
            low, high = slow_interval(numbers)
            width = high - low
            assert estimate[direction].low == pytest.approx(low, abs=0.08 * width)
            assert estimate[direction].high == pytest.approx(high, abs=0.08 * width)
        by_seed = [
            np.mean([value for some in ours.values() for value in some[seed].reciprocal[direction].values()])
            for seed in range(2)
        ]
        assert row.deviation[direction] == pytest.approx(abs(by_seed[0] - by_seed[1]) / 2**0.5)


def test_the_same_answers_differ_by_exactly_nothing_and_a_constant_gain_is_real():
    draw = np.random.default_rng(0)
    base = {"": [result(draw, 10)]}
    same = make_row(Cell("w", 5, "m"), base, base, "x").difference["img2sen"]
    assert (same.value, same.low, same.high, same.is_real) == (0, 0, 0, False)
    better: Any = {
        direction: {topic: value + 0.01 for topic, value in base[""][0].reciprocal[direction].items()}
        for direction in DIRECTIONS
    }
    gain = make_row(Cell("w", 5, "m"), {"": [Result(better, 1, 1, {})]}, base, "x").difference["img2sen"]
    assert gain.is_real
    assert gain.low == pytest.approx(0.01)
    assert make_row(Cell("w", 5, "m"), base, None, "x").difference == {}


def test_a_topic_asked_of_more_seeds_is_still_one_topic():
    draw = np.random.default_rng(0)
    one = result(draw, 10)
    thrice = topic_means({"": [one, one, one]}, "img2sen")
    assert thrice == pytest.approx(topic_means({"": [one]}, "img2sen"))
    assert thrice.shape == (10,)


def test_the_seconds_of_a_training_do_not_depend_on_where_it_was_interrupted():
    before = Result({}, 10.0, 100, {"iterations": 100})
    assert _whole_seconds(30.0, 100, 400, before) == 40.0
    assert _whole_seconds(10.0, 300, 400, before) == 40.0, "killed at 300, which took 20 seconds that nobody noted"
    assert _whole_seconds(40.0, 0, 400, before) == 40.0, "begun anew"
    assert _whole_seconds(40.0, 0, 400, None) == 40.0
    assert _whole_seconds(7.0, 100, 100, None) == 7.0, "trained, but not measured before it was killed"

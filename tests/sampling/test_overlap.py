"""The weighted overlap of class counts against its definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from helpers import refusal

from ntcir.sampling.overlap import ObjectOverlap, class_weights


def test_overlap_is_the_sum_of_minima_over_the_sum_of_maxima():
    draw = np.random.default_rng(0)
    counts = draw.poisson(1.2, (40, 6))
    counts[3], counts[4] = 0, counts[5]
    weights = draw.uniform(0, 3, 6).astype(np.float32)
    found = ObjectOverlap(counts, weights).between(np.arange(40), np.arange(40))
    for i in range(40):
        for j in range(40):
            both = sum(w * min(a, b) for w, a, b in zip(weights, counts[i], counts[j], strict=True))
            either = sum(w * max(a, b) for w, a, b in zip(weights, counts[i], counts[j], strict=True))
            assert found[i, j] == pytest.approx(both / either if either else 0, abs=1e-6)
    assert found[3].max() == 0
    assert found[4, 5] == pytest.approx(1)


def test_a_crowd_counts_as_one_of_255():
    counts = np.array([[255, 1], [1000, 1], [0, 1]])
    found = ObjectOverlap(counts, np.ones(2)).between(np.arange(3), np.arange(3))
    assert found[0, 1] == pytest.approx(1)
    assert found[0, 2] == pytest.approx(1 / 256)


def test_fewer_objects_than_asked_for_are_none():
    overlap = ObjectOverlap(np.array([[1, 0], [1, 1], [2, 0]]), np.ones(2), least=2)
    assert overlap.shows.tolist() == [False, True, True]
    assert overlap.between(np.array([0, 1]), np.array([0, 1, 2])).tolist() == [[0, 0, 0], [0, 1, pytest.approx(1 / 3)]]


def test_pairs_one_by_one_are_as_all_with_all():
    counts = np.random.default_rng(1).poisson(1.0, (30, 5))
    overlap = ObjectOverlap(counts, np.ones(5), least=1)
    left, right = np.random.default_rng(2).integers(0, 30, (2, 4, 7))
    whole = overlap.between(np.arange(30), np.arange(30))
    assert overlap.elementwise(left, right) == pytest.approx(whole[left, right])
    assert overlap.elementwise(left[:, :1], right).shape == (4, 7)


def test_no_class_at_all_overlaps_with_nothing():
    overlap = ObjectOverlap(np.zeros((3, 0), dtype=np.int64), np.ones(0))
    assert not overlap.between(np.arange(3), np.arange(3)).any()
    assert not overlap.shows.any()


def test_rare_classes_weigh_more():
    counts = np.array([[1, 3, 0], [1, 0, 0], [2, 0, 0], [1, 0, 0]])
    names = ["person", "cup", "dog"]
    assert class_weights(counts, names).tolist() == pytest.approx([1, 1 + math.log(4), 1 + math.log(4)])
    assert class_weights(counts, names, "equal", {"dog": 0.5}).tolist() == [1, 1, 0.5]


def test_a_weight_for_a_class_that_is_not_counted_is_refused():
    sentence = refusal(class_weights, np.zeros((1, 2)), ["cup", "person"], "equal", {"persn": 1.0})
    assert "persn" in sentence
    assert "did you mean 'person'" in sentence
    assert "(there are cup, person)" in refusal(class_weights, np.zeros((1, 2)), ["cup", "person"], "equal", {"x": 1.0})

"""Which pairs are no negatives of each other, and which are pseudo-positives, against double loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ntcir.config import Positives
from ntcir.modalities import DEFAULT_PAIR
from ntcir.sampling import positives
from ntcir.sampling.overlap import ObjectOverlap
from ntcir.sampling.positives import FalseNegatives, ObjectPositives

quick = settings(deadline=None, max_examples=60)
few = st.sampled_from([0.0, -0.0, 1.0, 1.5, -2.0])


@quick
@given(st.data(), st.booleans(), st.sampled_from([0.0, 1.0, 60.0]))
def test_ignored_cells_are_those_a_double_loop_finds(data, compare, near):
    compare_left = data.draw(st.booleans())
    pairs = data.draw(st.integers(2, 14))
    images = data.draw(st.lists(st.sampled_from(["i1", "i2", "i3", "i1.jpg"]), min_size=pairs, max_size=pairs))
    sensors = data.draw(st.lists(st.sampled_from(["s1", "s2", "s10", "s3"]), min_size=pairs, max_size=pairs))
    seconds = np.array(
        data.draw(st.lists(st.sampled_from([0, 0.5, 1.0, 60.0, 61.5, 1e9]), min_size=pairs, max_size=pairs))
    )
    readings = data.draw(arrays(np.float64, (pairs, 2), elements=few))
    rows = data.draw(st.lists(st.integers(0, pairs - 1), min_size=1, max_size=10))
    features = data.draw(arrays(np.float64, (pairs, 1), elements=few))
    known = FalseNegatives(
        images,
        sensors,
        seconds,
        readings if compare else None,
        near,
        left_rows=features if compare_left else None,
        pair=DEFAULT_PAIR,
    )
    chosen = np.array(rows)
    found = known(chosen[:, None], chosen[None, :])
    assert np.array_equal(
        found, np.logical_or.reduce([same(chosen[:, None], chosen) for same in known.relations.values()])
    )
    for a, i in enumerate(rows):
        for b, j in enumerate(rows):
            expected = (
                images[i] == images[j]
                or sensors[i] == sensors[j]
                or (near > 0 and abs(seconds[i] - seconds[j]) <= near)
                or (compare and np.array_equal(readings[i], readings[j]))
                or (compare_left and np.array_equal(features[i], features[j]))
            )
            assert bool(found[a, b]) == expected


def test_reports_call_relations_by_the_words_of_the_modalities():
    rows = np.zeros((2, 1))
    known = FalseNegatives(["a", "b"], ["c", "d"], np.zeros(2), rows, 60, pair=DEFAULT_PAIR)
    assert list(known.relations) == ["of the same photograph or minute", "near in time", "with an equal reading"]
    known = FalseNegatives(["a", "b"], ["c", "d"], np.zeros(2), None, 0, left_rows=rows, pair=("sensor", "image"))
    assert list(known.relations) == ["of the same reading or photograph", "with an equal reading"]


def test_a_window_of_0_seconds_is_no_window():
    known = FalseNegatives(["a", "b"], ["c", "d"], np.zeros(2), None, 0, pair=DEFAULT_PAIR)
    assert known(np.arange(2)[:, None], np.arange(2)).tolist() == [[True, False], [False, True]]


@pytest.mark.parametrize("near", [0.0, 60.0])
def test_seconds_are_told_apart_in_an_era_of_nanoseconds(near):
    # float32 would know the time of 2020 to two minutes only.
    seconds = np.array([1.58e9, 1.58e9 + 61, 1.58e9 + 121])
    known = FalseNegatives(list("abc"), list("def"), seconds, None, near, pair=DEFAULT_PAIR)(
        np.arange(3)[:, None], np.arange(3)
    )
    assert known.tolist() == [[True, False, False], [False, True, near > 0], [False, near > 0, True]]


def matching(counts, weights, groups, seconds, options: Positives, i: int, j: int) -> float | None:
    """The definition: the overlap of two pairs if they match, else None."""
    weighing = [sum(c for c, w in zip(counts[row], weights, strict=True) if w > 0) for row in (i, j)]
    if i == j or min(weighing) < options.least:
        return None
    near = groups[i] == groups[j]
    if options.within_seconds is not None:
        near = abs(seconds[i] - seconds[j]) <= options.within_seconds
    both = sum(w * min(a, b) for w, a, b in zip(weights, counts[i], counts[j], strict=True))
    either = sum(w * max(a, b) for w, a, b in zip(weights, counts[i], counts[j], strict=True))
    return both / either if near and either > 0 and both / either >= options.overlap - 1e-9 else None


@quick
@given(st.data())
def test_matches_are_those_a_double_loop_finds(data):
    pairs = data.draw(st.integers(1, 40))
    draw = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    counts = draw.poisson(data.draw(st.sampled_from([0.2, 0.8, 2.0])), (pairs, 4))
    weights = draw.choice([0.0, 0.5, 1.0, 2.25], 4).astype(np.float32)
    groups = draw.choice(["a", "b", "c"], pairs)
    seconds = draw.integers(0, 40, pairs) * 30.0
    options = Positives(
        overlap=data.draw(st.sampled_from([0.2, 0.5, 0.75, 1.0])),
        within_seconds=data.draw(st.sampled_from([None, 90.0, 300.0])),
        least=data.draw(st.integers(1, 3)),
        most=data.draw(st.sampled_from([1, 3, 50])),
    )
    found = ObjectPositives(ObjectOverlap(counts, weights, options.least), groups, seconds, options)
    own = np.arange(pairs)
    everything, gathered = found(own[:, None], own[None, :]), found(np.repeat(own, pairs), np.tile(own, pairs))
    assert np.array_equal(everything.ravel(), gathered)
    for i in range(pairs):
        shared = {j: matching(counts, weights, groups, seconds, options, i, j) for j in range(pairs)}
        best = sorted((j for j in shared if shared[j] is not None),
                      key=lambda j: (-round(shared[j], 4), abs(seconds[i] - seconds[j]), j))  # fmt: skip
        assert everything[i].nonzero()[0].tolist() == sorted(best)
        assert [j for j in found.matches[i].tolist() if j >= 0] == best[: options.most]


def test_many_pairs_are_matched_in_blocks_as_at_once(monkeypatch):
    draw = np.random.default_rng(3)
    counts, seconds = draw.poisson(0.6, (300, 5)), draw.permutation(300) * 20.0
    overlap = ObjectOverlap(counts, np.ones(5, dtype=np.float32), 1)
    for options in (Positives(least=1, overlap=0.6, most=4), Positives(least=1, overlap=0.6, within_seconds=500)):
        groups = draw.choice(["a", "b"], 300)
        whole = ObjectPositives(overlap, groups, seconds, options).matches
        with monkeypatch.context() as patch:
            patch.setattr(positives, "_BLOCK", 7)
            assert np.array_equal(ObjectPositives(overlap, groups, seconds, options).matches, whole)


def test_nothing_matches_out_of_emptiness():
    # Three photographs without any object, two with one, which is fewer than are asked for.
    counts = np.array([[0, 0], [0, 0], [0, 0], [1, 0], [1, 0]])
    options = Positives(overlap=0.1, least=2)
    found = ObjectPositives(ObjectOverlap(counts, np.ones(2), options.least), ["day"] * 5, np.zeros(5), options)
    own = np.arange(5)
    assert not found(own[:, None], own[None, :]).any()
    assert (found.matches == -1).all()
    assert "0 of 5 photographs" in found.sentence()

"""Hard negatives by objects, against loops over all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import refusal
from hypothesis import given, settings
from hypothesis import strategies as st

from ntcir.config import Negatives
from ntcir.sampling import negatives_by_objects
from ntcir.sampling.negatives_by_objects import SAME_OBJECTS, mine_by_objects
from ntcir.sampling.overlap import ObjectOverlap

quick = settings(deadline=None, max_examples=80)


def listed(mined):
    """Return the rows without what fills them up, which must come last."""
    rows = [[j for j in row if j >= 0] for row in mined.rows.tolist()]
    assert all(j == -1 for row, kept in zip(mined.rows.tolist(), rows, strict=True) for j in row[len(kept) :])
    return rows


def objects_by_loops(seconds, groups, features, counts, weights, forbidden, options, most_near=256):
    """Return the rows and how many were refused why."""
    spread = features.astype(np.float64)
    spread = (spread - spread.mean(axis=0)) / np.where(spread.std(axis=0) > 0, spread.std(axis=0), 1)
    looks = spread / np.maximum(np.linalg.norm(spread, axis=1, keepdims=True), 1e-12)
    refused = dict.fromkeys([*forbidden, SAME_OBJECTS], 0)
    shows = [any(weight > 0 and count > 0 for count, weight in zip(row, weights, strict=True)) for row in counts]
    rows = []
    for i in range(len(seconds)):
        rows.append([])
        members = [j for j in range(len(seconds)) if groups[j] == groups[i] and shows[j]]
        if not shows[i]:
            continue
        near = sorted(members, key=lambda j: (seconds[j], j))
        near = [j for j in near if abs(seconds[j] - seconds[i]) <= options.near_seconds]
        taken = min(len(near), most_near)
        candidates = {near[place * len(near) // taken] for place in range(taken)}
        similarity = [float(looks[i] @ row) for row in looks]
        alike = sorted((j for j in members if j != i), key=lambda j: (-similarity[j], j))
        kept = []
        for j in (candidates | set(alike[: options.similar])) - {i}:
            shared = sum(w * min(a, b) for a, b, w in zip(counts[i], counts[j], weights, strict=True))
            either = sum(w * max(a, b) for a, b, w in zip(counts[i], counts[j], weights, strict=True))
            reason = next((name for name, holds in forbidden.items() if holds(i, j) or holds(j, i)), None)
            if reason is None and shared / either > options.max_overlap + 1e-5:
                reason = SAME_OBJECTS
            if reason is None:
                kept.append(j)
            else:
                refused[reason] += 1
        rows[i] = sorted(kept, key=lambda j: (-similarity[j], j))[: options.most]
    return rows, refused


def scenes(pairs, seed):
    """Return times, groups, features, counts and weights of photographs, some without objects, some out of order."""
    draw = np.random.default_rng(seed)
    seconds = draw.integers(0, 20, pairs) * 30.0
    groups = draw.choice(["d1", "d2", "d10"], pairs)
    features = draw.normal(size=(pairs, 6)).astype(np.float32) * [1, 10, 0.1, 3, 1, 0] + 5
    counts = draw.integers(0, 3, (pairs, 5)) * draw.integers(0, 2, (pairs, 5))
    return seconds, groups, features.astype(np.float32), counts, np.array([1, 2.5, 0.3, 1, 0], dtype=np.float32)


@quick
@given(st.integers(0, 1000), st.integers(1, 40), st.sampled_from([0, 30, 90, 1e6]), st.integers(0, 5), st.booleans())
def test_negatives_by_objects_are_what_loops_find(seed, pairs, near, similar, thinned):
    seconds, groups, features, counts, weights = scenes(pairs, seed)
    options = Negatives(near_seconds=near, similar=similar, max_overlap=[0.0, 0.2, 0.5][seed % 3], most=1 + seed % 7)
    forbidden = {
        "near in time": lambda left, right: abs(seconds[left] - seconds[right]) <= 30,
        "one way": lambda left, right: (left % 5 == 0) & (right % 7 == 1),
    }
    with pytest.MonkeyPatch.context() as patch:
        if thinned:
            patch.setattr(negatives_by_objects, "_NEAR", 3)
        mined = mine_by_objects(seconds, groups, features, ObjectOverlap(counts, weights), forbidden, options)
    rows, refused = objects_by_loops(
        seconds, groups, features, counts.tolist(), weights.tolist(), forbidden, options, 3 if thinned else 256
    )
    assert listed(mined) == rows
    assert mined.report.refused == refused
    assert mined.report.kept == sum(map(len, rows))
    assert mined.report.without == pairs - sum(map(bool, rows))
    assert mined.rows.shape == (pairs, options.most)


def test_pictures_that_are_equal_are_taken_in_their_order():
    features = np.zeros((30, 4), dtype=np.float32)
    counts = np.eye(30, dtype=np.int64)
    options = Negatives(near_seconds=0, similar=6)
    mined = mine_by_objects(
        np.arange(30) * 100.0, ["d"] * 30, features, ObjectOverlap(counts, np.ones(30)), {}, options
    )
    assert listed(mined)[10] == [0, 1, 2, 3, 4, 5]
    assert listed(mined)[2] == [0, 1, 3, 4, 5, 6]


def test_no_photograph_at_all_is_no_trouble():
    none = np.empty((0, 5))
    mined = mine_by_objects(none[:, 0], [], none, ObjectOverlap(none.astype(np.int64), np.ones(5)), {}, Negatives())
    assert mined.rows.shape == (0, 20)


def test_features_that_are_not_finite_are_refused():
    seconds, groups, features, counts, weights = scenes(10, 0)
    features[4, 2] = np.nan
    overlap = ObjectOverlap(counts, weights)
    assert "features.store" in refusal(mine_by_objects, seconds, groups, features, overlap, {}, Negatives())

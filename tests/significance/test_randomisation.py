"""The paired randomisation test against slow loops, and Holm's correction against examples by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ntcir.significance.randomisation import holm, sign_flip_test, smallest_p


def by_hand(differences) -> float:
    """Return the share of all signs with a sum as far from 0 as the one found."""
    found = abs(sum(differences))
    sums = [
        abs(sum(sign * value for sign, value in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(differences))
    ]
    return float(np.mean([each >= found - 1e-9 for each in sums]))


@pytest.mark.parametrize(
    "differences",
    [[1.0], [1.0, 2.0], [0.5, -0.25, 1.0], [0.1] * 6, [1, -1, 1, -1], [0.3, 0.1, -0.7, 0.2, 0.9, 0.4, -0.1, 0.05, 0.6]],
)
def test_few_topics_have_all_signs_tried(differences):
    assert sign_flip_test(np.array(differences, dtype=np.float64)) == pytest.approx(by_hand(differences), abs=1e-12)


def test_a_difference_of_0_changes_nothing():
    few = [0.3, 0.1, -0.2, 0.4]
    assert sign_flip_test(np.array(few + [0.0] * 30)) == by_hand(few)
    assert sign_flip_test(np.zeros(5)) == 1


def test_many_topics_have_signs_drawn(monkeypatch):
    values = np.random.default_rng(2).normal(0.25, 1, 40)
    p = sign_flip_test(values, 10_000, 3)
    generator = np.random.default_rng(9)
    sums = [abs((generator.choice([-1, 1], size=40) * values).sum()) for _ in range(4000)]
    assert p == pytest.approx(np.mean(np.array(sums) >= abs(values.sum())), abs=0.02)
    assert 0.02 < p < 0.5
    assert sign_flip_test(values, 10_000, 3) == p
    assert sign_flip_test(-values, 10_000, 3) == p
    monkeypatch.setattr("ntcir.significance.randomisation._SIGNS_AT_ONCE", 40 * 8)
    assert sign_flip_test(values, 10_000, 3) == pytest.approx(p, abs=0.02)


def test_no_p_is_0():
    assert sign_flip_test(np.ones(500)) == pytest.approx(1 / 10_001)
    assert smallest_p(500) == pytest.approx(1 / 10_001)
    assert smallest_p(4) == sign_flip_test(np.ones(4)) == 0.125
    assert smallest_p(13) == sign_flip_test(np.ones(13))


@pytest.mark.parametrize(
    ("p", "corrected"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),  # 0.005 x 4, 0.01 x 3, 0.03 x 2, no less than that
        ([0.04], [0.04]),
        ([0.5, 0.9], [1.0, 1.0]),
        ([0.02, 0.02], [0.04, 0.04]),
        ([], []),
    ],
)
def test_holm_by_hand(p, corrected):
    assert holm(p) == pytest.approx(corrected)

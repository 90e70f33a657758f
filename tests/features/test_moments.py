"""Mean and deviation of columns, in blocks."""

from __future__ import annotations

import numpy as np
import pytest

from ntcir.features.moments import moments, moments_of


@pytest.mark.parametrize("rows", [1, 2, 1023, 1024, 1025, 3000])
def test_they_are_those_of_the_whole_whatever_the_blocks(rows):
    features = np.random.default_rng(rows).normal(3, 2, (rows, 5)).astype(np.float32)
    mean, deviation = moments(features)
    assert mean == pytest.approx(features.mean(axis=0, dtype=np.float64))
    assert deviation == pytest.approx(features.std(axis=0, dtype=np.float64), abs=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6])
def test_a_column_that_does_not_vary_has_no_deviation(value):
    features = np.full((5000, 2), value, dtype=np.float32)
    features[:, 1] = np.arange(5000)
    _, deviation = moments(features)
    assert deviation[0] == 0
    assert deviation[1] == pytest.approx(np.std(np.arange(5000)))


def test_blocks_of_whole_thousands_have_the_very_bits_of_the_whole():
    features = np.random.default_rng(0).normal(3, 2, (5000, 5)).astype(np.float32)
    blocks = (features[start : start + 2048] for start in range(0, 5000, 2048))
    for whole, streamed in zip(moments(features), moments_of(blocks), strict=True):
        assert np.array_equal(whole, streamed)

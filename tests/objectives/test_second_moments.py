"""Second moments of rows, against numpy's."""

from __future__ import annotations

import numpy as np
import pytest

from ntcir.objectives.second_moments import add_squares, centred, mirror, products_of


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape) + sum(shape)).normal(size=shape)


# A panel has 512 columns.
@pytest.mark.parametrize("columns", [1, 2, 511, 512, 513, 1100])
@pytest.mark.parametrize("pairs", [0, 1, 20])
def test_halves_of_squares_add_up_to_numpys_and_are_symmetric_to_the_last_digit(columns, pairs):
    blocks = [drawn(pairs, columns), drawn(pairs + 1, columns)]
    total = np.zeros((columns, columns))
    for rows in blocks:
        add_squares(total, rows)
    mirror(total)
    expected = sum(rows.T @ rows for rows in blocks)
    assert np.allclose(total, expected, rtol=1e-12, atol=1e-12)
    assert np.array_equal(total, total.T)


@pytest.mark.parametrize("unit", [False, True])
def test_products_of_blocks_are_those_of_all_rows_at_once(unit):
    x, y = drawn(50, 9).astype(np.float32), drawn(50, 4).astype(np.float32)
    means = x.mean(axis=0, dtype=np.float64), y.mean(axis=0, dtype=np.float64)
    away = [rows - mean for rows, mean in zip((x, y), means, strict=True)]
    if unit:
        away = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in away]
    left, right = away
    found = products_of([(x[:7], y[:7]), (x[7:7], y[7:7]), (x[7:], y[7:])], means, unit=unit)
    for sums, expected in zip(found, (left.T @ left, right.T @ right, left.T @ right), strict=True):
        assert np.allclose(sums, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int64])
def test_rows_are_centred_in_double_precision_and_stay_as_they_were(kind):
    rows = np.arange(12).reshape(4, 3).astype(kind)
    before = rows.copy()
    found = centred(rows, np.array([0.1, 0.2, 0.3]), unit=False)
    assert found.dtype == np.float64
    assert np.array_equal(found, before.astype(np.float64) - [0.1, 0.2, 0.3])
    assert np.array_equal(rows, before)


def test_a_row_that_is_the_mean_stays_zero():
    rows = np.array([[1, 2], [1, 5], [4, 6]], dtype=np.float32)
    found = centred(rows, np.array([1.0, 2.0]), unit=True)
    assert found.tolist() == [[0, 0], [0, 1], [0.6, 0.8]]


def test_columns_that_are_equal_have_equal_moments_and_those_of_fewer_rows_than_columns_keep_their_rank():
    rows = drawn(30, 600)
    rows[:, 599] = rows[:, 0]
    total = np.zeros((600, 600))
    add_squares(total, rows)
    mirror(total)
    assert np.allclose(total[599], total[0], rtol=1e-13, atol=1e-13)
    assert np.linalg.matrix_rank(total, hermitian=True) == 30

"""Eigenvalues, axes and singular values, against numpy and scipy on matrices that are awkward."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import torch

from ntcir.objectives.decompositions import eigenvalues, principal_axes, singular_axes

DRAW = np.random.default_rng(5)
ROWS = DRAW.normal(size=(40, 12)) * np.linspace(1, 3, 12)


def moments(rows: np.ndarray) -> np.ndarray:
    found: np.ndarray = rows.T @ rows / len(rows)
    return found


AWKWARD = {
    "plain": moments(ROWS),
    "one column": moments(ROWS[:, :1]),
    "fewer rows than columns": moments(ROWS[:5]),
    "columns twice": moments(ROWS[:, [0, 1, 2, 0, 1, 2]]),
    "a constant column": moments(ROWS * (np.arange(12) > 0)),
    "nearly no scale": moments(1e-9 * ROWS),
    "scales far apart": moments(ROWS * np.logspace(-6, 6, 12)),
    "all directions alike": np.eye(6),
    "nothing": np.zeros((3, 3)),
}
each_matrix = pytest.mark.parametrize("matrix", AWKWARD.values(), ids=AWKWARD.keys())


@each_matrix
def test_eigenvalues_are_scipys_and_never_negative(matrix):
    expected = scipy.linalg.eigvalsh(matrix)
    found = eigenvalues(matrix)
    assert np.allclose(found, expected, rtol=1e-12, atol=1e-13 * expected[-1])
    assert (found >= 0).all()


def test_eigenvalues_of_a_matrix_that_lies_otherwise_in_memory_are_the_same():
    assert np.array_equal(eigenvalues(AWKWARD["plain"].T), eigenvalues(AWKWARD["plain"]))
    inner = np.zeros((20, 20))
    inner[4:16, 4:16] = AWKWARD["plain"]
    before = inner.copy()
    assert np.array_equal(eigenvalues(inner[4:16, 4:16]), eigenvalues(AWKWARD["plain"]))
    assert np.array_equal(inner, before)


def test_threads_are_as_many_as_before_whatever_happens():
    before = torch.get_num_threads()
    eigenvalues(AWKWARD["plain"])
    with pytest.raises(RuntimeError):
        eigenvalues(np.zeros((2, 3)))
    assert torch.get_num_threads() == before


@each_matrix
def test_axes_are_orthonormal_and_no_others_have_more_of_the_variance(matrix):
    values = scipy.linalg.eigvalsh(matrix)
    for dim in range(1, len(matrix) + 1):
        axes = principal_axes(matrix, dim)
        assert axes.shape == (dim, len(matrix))
        assert np.allclose(axes @ axes.T, np.eye(dim), atol=1e-12)
        assert np.trace(axes @ matrix @ axes.T) == pytest.approx(values[::-1][:dim].sum(), rel=1e-12, abs=1e-300)


def test_the_first_axis_has_the_most_variance():
    axes = principal_axes(AWKWARD["plain"], 4)
    variances = np.diag(axes @ AWKWARD["plain"] @ axes.T)
    assert np.allclose(variances, scipy.linalg.eigvalsh(AWKWARD["plain"])[::-1][:4])


def test_all_axes_are_the_columns_themselves():
    assert np.array_equal(principal_axes(AWKWARD["plain"], 12), np.eye(12))


@pytest.mark.parametrize(("rows", "rank"), [(ROWS[:, :6], 6), (ROWS[:3, :6], 3), (ROWS[:, [0, 1, 0]], 2)])
def test_singular_axes_are_scipys_but_for_those_of_nothing(rows, rank):
    _, sizes, axes = scipy.linalg.svd(rows, full_matrices=False)
    values, found = singular_axes(rows.T @ rows, 10)
    assert len(values) == found.shape[1] == rank
    assert np.allclose(values, sizes[:rank])
    assert np.allclose(np.abs(np.sum(found * axes[:rank].T, axis=0)), 1)
    assert np.array_equal(singular_axes(rows.T @ rows, 2)[0], values[:2])


def test_a_matrix_of_zeros_has_no_singular_axes():
    values, axes = singular_axes(np.zeros((4, 4)), 3)
    assert (values.shape, axes.shape) == ((0,), (4, 0))

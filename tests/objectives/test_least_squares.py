"""Ridge regression of one side on the other, held to the normal equations and to scikit-learn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from paired import away, moments_of, products, rows
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.preprocessing import normalize

from ntcir.objectives.cross_validation import GREATEST, best_strength, generalised_error
from ntcir.objectives.least_squares import LeastSquares
from ntcir.objectives.linear_maps import LinearMaps, Problem
from ntcir.objectives.second_moments import PairMoments

X, Y = rows()


def solved(moments: PairMoments, dim: int = 64, **settings: Any) -> LinearMaps:
    return LeastSquares(**settings).solve(Problem(moments, dim))


def normal_equations(x: np.ndarray, y: np.ndarray, r: float) -> np.ndarray:
    """Return W, as the equations are written."""
    covariance = x.T @ x / len(x)
    regularised = covariance + r * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    found: np.ndarray = (x.T @ y / len(x)).T @ np.linalg.inv(regularised)
    return found


@pytest.mark.parametrize("unit", [True, False])
@pytest.mark.parametrize("r", [0.0, 0.5, 20.0])
def test_it_is_ridge_regression_of_either_side_on_the_other(unit, r):
    x, y = away(X, Y, unit=unit)
    moments = moments_of(X, Y, unit=unit)
    left, right = (solved(moments, maps=way, regularisation=r) for way in ("left", "right"))
    assert np.allclose(left.left, normal_equations(x, y, r))
    assert np.allclose(right.right, normal_equations(y, x, r))
    assert np.array_equal(left.right, np.eye(5))
    assert np.array_equal(right.left, np.eye(7))
    penalty = r * np.sum(x**2) / x.shape[1]  # scikit-learn adds to the sums of products, not to their means
    assert np.allclose(left.left, Ridge(alpha=penalty, fit_intercept=False).fit(x, y).coef_)


@pytest.mark.parametrize("way", ["left", "right"])
def test_in_fewer_dimensions_it_predicts_the_first_principal_axes_of_the_other_side(way):
    x, y = away(X, Y)
    maps = solved(moments_of(X, Y), dim=2, maps=way, regularisation=1)
    mapped, target = (maps.left, maps.right) if way == "left" else (maps.right, maps.left)
    source, predicted = (x, y) if way == "left" else (y, x)
    _, _, axes = np.linalg.svd(predicted)
    signs = np.sign(np.sum(target * axes[:2], axis=1, keepdims=True))
    assert np.allclose(target, signs * axes[:2])
    assert np.allclose(mapped, target @ normal_equations(source, predicted, 1))


def test_both_ways_are_added_up_in_units_of_a_mean_square_of_one():
    x, y = away(X, Y)
    maps = solved(moments_of(X, Y), maps="both", regularisation=[0.5, 2])
    forth, back = x @ normal_equations(x, y, 0.5).T, y @ normal_equations(y, x, 2).T

    def scaled(vectors: np.ndarray) -> np.ndarray:
        return vectors / np.sqrt((vectors**2).sum(axis=1).mean())

    expected = scaled(forth) @ scaled(y).T + scaled(x) @ scaled(back).T
    assert np.allclose(products(maps, x, y), expected)
    assert (maps.left.shape, maps.right.shape) == ((5, 7), (5, 5))


def test_in_fewer_dimensions_the_sum_is_the_nearest_there_is():
    whole, few = (solved(moments_of(X, Y), dim=dim, maps="both", regularisation=1) for dim in (64, 2))
    u, values, v = np.linalg.svd(whole.left.T @ whole.right)
    assert np.allclose(few.left.T @ few.right, u[:, :2] * values[:2] @ v[:2])
    assert np.allclose(few.left @ few.left.T, np.diag(values[:2]))  # both sides have an equal share of it
    assert np.allclose(few.right @ few.right.T, np.diag(values[:2]))


@pytest.mark.parametrize(("way", "other"), [("left", "right"), ("both", "both")])
def test_left_and_right_are_alike(way, other):
    x, y = away(X, Y)
    moments = moments_of(X, Y)
    maps, mirrored = solved(moments, maps=way), solved(moments.mirrored, maps=other)
    assert np.allclose(products(maps, x, y), products(mirrored, y, x).T)


def test_the_strength_means_the_same_on_any_scale():
    large = moments_of(1000 * X, Y)
    assert best_strength(large) == best_strength(moments_of(X, Y))
    assert np.allclose(
        1000 * solved(large, maps="left", regularisation=3).left,
        solved(moments_of(X, Y), maps="left", regularisation=3).left,
    )


@pytest.mark.parametrize("pairs", [6, 20, 60])
@pytest.mark.parametrize("r", [0.01, 1.0, 30.0])
def test_generalised_cross_validation_is_that_of_the_hat_matrix_of_a_regression_with_an_intercept(pairs, r):
    x, _ = away(X[:pairs], Y[:pairs])
    added = r * np.sum(x**2) / x.shape[1]
    with_ones = np.hstack([x, np.ones((pairs, 1))])
    penalty = np.diag([added] * x.shape[1] + [0.0])
    away_from_it = np.eye(pairs) - with_ones @ np.linalg.solve(with_ones.T @ with_ones + penalty, with_ones.T)
    error = np.mean(np.sum((away_from_it @ Y[:pairs]) ** 2, axis=1))
    expected = error / (np.trace(away_from_it) / pairs) ** 2
    assert generalised_error(moments_of(X[:pairs], Y[:pairs]), r) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("noise", [0.3, 3.0, 10.0])
@pytest.mark.parametrize("pairs", [12, 25, 80])  # of 20 columns
def test_the_chosen_strength_is_the_one_of_the_least_error_and_near_that_of_leaving_one_out(pairs, noise):
    x, y = rows(pairs, 20, 4, noise)
    moments = moments_of(x, y)
    grid = [10 ** (quarters / 4) for quarters in range(-12, 13)]
    chosen = best_strength(moments)
    assert chosen == pytest.approx(min(grid, key=lambda r: generalised_error(moments, r)), rel=1e-2)
    unit = np.sum(away(x, y)[0] ** 2) / x.shape[1]
    left_out = RidgeCV(np.array(grid) * unit).fit(x.astype(np.float64), y.astype(np.float64)).alpha_ / unit
    assert 0.1 < chosen / left_out < 10


@pytest.mark.parametrize("pairs", [15, 30, 60])
def test_with_fewer_pairs_than_columns_it_is_not_taken_in_by_a_perfect_fit(pairs):
    x, y = rows(pairs + 200, 120, 40, 6.0)
    moments = moments_of(x[:pairs], y[:pairs], unit=True)
    chosen = best_strength(moments)
    assert 0.3 < chosen < 100
    assert rank_of_partners(x, y, pairs, chosen) < rank_of_partners(x, y, pairs, 0.01)


def rank_of_partners(x: np.ndarray, y: np.ndarray, pairs: int, r: float) -> float:
    """Return how many items are nearer than the partner, by what the first pairs say of the others."""
    maps = solved(moments_of(x[:pairs], y[:pairs], unit=True), regularisation=r)
    left, right = ((side[pairs:] - side[:pairs].mean(axis=0)) for side in (x, y))
    scores = normalize(left @ maps.left.T) @ normalize(right @ maps.right.T).T
    return float((scores > np.diag(scores)[:, None]).sum(axis=1).mean())


def test_what_says_nothing_of_the_other_side_is_regularised_as_strongly_as_can_be():
    moments = moments_of(X, Y)
    assert best_strength(replace(moments, across=1e-6 * moments.across)) == GREATEST


def test_as_many_degrees_of_freedom_as_pairs_leave_nothing_to_judge_by():
    moments = moments_of(*rows(4, 7, 5))
    assert generalised_error(replace(moments, count=3), 1e-9) == float("inf")

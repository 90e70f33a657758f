"""Canonical correlation analysis, held to scikit-learn, to scipy's generalised eigenproblem and to its definition."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from paired import away, moments_of, products, rows
from scipy.linalg import block_diag, eigh
from sklearn.cross_decomposition import CCA

from ntcir.config import load_config
from ntcir.objectives.cca import Cca
from ntcir.objectives.linear_maps import LinearMaps, Problem
from ntcir.objectives.second_moments import PairMoments
from ntcir.system.errors import UserError

X, Y = rows()


def solved(moments: PairMoments, dim: int = 64, **settings: Any) -> LinearMaps:
    return Cca(**settings).solve(Problem(moments, dim))


def regularised(covariance: np.ndarray, r: float) -> np.ndarray:
    added: np.ndarray = covariance + r * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    return added


@pytest.mark.parametrize(("one", "other"), [((X, Y), "left"), ((Y, X), "right")], ids=["wide left", "wide right"])
def test_without_regularisation_it_is_that_of_scikit_learn(one, other):
    x, y = away(*one)
    maps = solved(moments_of(*one), regularisation=0, power=0)
    theirs = CCA(n_components=5, scale=False, max_iter=5000, tol=1e-12).fit(x, y)
    for ours, projected in zip((x @ maps.left.T, y @ maps.right.T), theirs.transform(x, y), strict=True):
        correlations = np.corrcoef(ours.T, projected.T)[:5, 5:]
        assert np.allclose(np.abs(correlations), np.eye(5), atol=1e-4)
    theirs_found = [np.corrcoef(a, b)[0, 1] for a, b in zip(*(each.T for each in theirs.transform(x, y)), strict=True)]
    assert maps.facts["correlations"] == pytest.approx(theirs_found, abs=1e-4)


@pytest.mark.parametrize("strengths", [(0.5, 0.5), (3.0, 0.1), (0.01, 30.0)])
def test_regularised_it_is_a_generalised_eigenproblem(strengths):
    moments = moments_of(X, Y, unit=True)
    sides = regularised(moments.left, strengths[0]), regularised(moments.right, strengths[1])
    between = np.block([[np.zeros((7, 7)), moments.across], [moments.across.T, np.zeros((5, 5))]])
    values, vectors = eigh(between, block_diag(*sides))
    maps = solved(moments, regularisation=strengths, power=0)
    assert maps.facts["correlations"] == pytest.approx(values[::-1][:5], abs=1e-4)
    for place in range(5):
        theirs = vectors[:, ::-1][:, place] * np.sqrt(2)  # a and b, each of unit length in its own metric
        ours = np.concatenate([maps.left[place], maps.right[place]])
        assert np.allclose(ours, np.sign(ours @ theirs) * theirs)
    assert np.allclose(maps.left @ sides[0] @ maps.left.T, np.eye(5))
    assert np.allclose(maps.right @ sides[1] @ maps.right.T, np.eye(5))


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_directions_are_weighed_by_a_power_of_their_correlations(power):
    moments = moments_of(X, Y)
    alike, weighed = (solved(moments, regularisation=1, power=each) for each in (0, power))
    correlations = np.diag(alike.left @ moments.across @ alike.right.T)
    assert alike.facts["correlations"] == pytest.approx(correlations, abs=1e-4)
    for one, other in ((weighed.left, alike.left), (weighed.right, alike.right)):
        assert np.allclose(one, correlations[:, None] ** power * other)


@pytest.mark.parametrize("dim", [1, 3])
def test_the_first_directions_are_those_of_the_largest_correlations(dim):
    moments = moments_of(X, Y)
    whole, few = solved(moments), solved(moments, dim)
    assert np.allclose(few.left, whole.left[:dim])
    assert np.allclose(few.right, whole.right[:dim])


def test_left_and_right_are_alike():
    x, y = away(X, Y)
    moments = moments_of(X, Y)
    maps = solved(moments, regularisation=[2, 0.3])
    mirrored = solved(moments.mirrored, regularisation=[0.3, 2])
    assert np.allclose(products(maps, x, y), products(mirrored, y, x).T)


def test_directions_without_correlation_are_not_used():
    moments = moments_of(X, Y)
    u, values, v = np.linalg.svd(moments.across, full_matrices=False)
    two = replace(moments, across=u[:, :2] * values[:2] @ v[:2])
    maps = solved(two, regularisation=1)
    assert maps.left.shape == (2, 7)
    assert maps.right.shape == (2, 5)


def test_of_few_pairs_there_are_fewer_directions_than_pairs():
    maps = solved(moments_of(*rows(4, 30, 20)))
    assert len(maps.left) == len(maps.right) == 3
    assert np.isfinite(maps.left).all()


def test_sides_without_anything_in_common_are_refused():
    moments = moments_of(X, Y)
    with pytest.raises(UserError, match="nothing in common"):
        solved(replace(moments, across=0 * moments.across))


@pytest.mark.parametrize("power", [-1, "much", float("nan")])
def test_a_power_that_is_none_is_refused(power):
    with pytest.raises(UserError, match="power"):
        load_config(settings=[f"objectives=[{{kind: cca, power: {power}}}]"])

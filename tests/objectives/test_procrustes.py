"""The orthogonal map, held to scipy's and scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes
from scipy.stats import ortho_group
from sklearn.decomposition import PCA

from ntcir.objectives.linear_maps import LinearMaps, Problem
from ntcir.objectives.procrustes import Procrustes
from ntcir.objectives.second_moments import PairMoments, products_of, sums_of

PAIRS = 60


def drawn(left: int, right: int, pairs: int = PAIRS) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of both sides that have something to do with each other."""
    draw = np.random.default_rng(left + right)
    common = draw.normal(size=(pairs, max(left, right))) * np.linspace(2, 0.5, max(left, right))
    x = common @ draw.normal(size=(max(left, right), left)) + 0.5 * draw.normal(size=(pairs, left)) + 3
    y = common @ draw.normal(size=(max(left, right), right)) + 0.5 * draw.normal(size=(pairs, right)) - 1
    return x.astype(np.float32), y.astype(np.float32)


def moments(x: np.ndarray, y: np.ndarray, *, unit: bool = True) -> PairMoments:
    count, *sums = sums_of([(x, y)])
    means = sums[0] / count, sums[1] / count
    return PairMoments(count, *means, *(each / count for each in products_of([(x, y)], means, unit=unit)))


def solved(x: np.ndarray, y: np.ndarray, dim: int = 512, *, unit: bool = True) -> LinearMaps:
    return Procrustes(unit=unit).solve(Problem(moments(x, y, unit=unit), dim))


def centred(rows: np.ndarray, *, unit: bool = True) -> np.ndarray:
    """Return what the equations are about, by another way than the code's."""
    away = rows.astype(np.float64) - rows.astype(np.float64).mean(axis=0)
    return np.array([row / np.sqrt(row @ row) for row in away]) if unit else away


def cosines(maps: LinearMaps, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    sides = [(rows - rows.astype(np.float64).mean(axis=0)) @ map_.T for rows, map_ in ((x, maps.left), (y, maps.right))]
    left, right = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in sides)
    return left @ right.T


@pytest.mark.parametrize("unit", [True, False])
def test_of_spaces_of_one_width_it_is_scipys(unit):
    x, y = drawn(7, 7)
    maps = solved(x, y, unit=unit)
    expected, _ = orthogonal_procrustes(centred(x, unit=unit), centred(y, unit=unit))
    assert maps.left == pytest.approx(expected.T, abs=1e-9)
    assert maps.right == pytest.approx(np.eye(7))


@pytest.mark.parametrize(("left", "right"), [(11, 5), (5, 11)])
def test_the_wider_side_is_first_projected_on_its_principal_axes(left, right):
    x, y = drawn(left, right)
    maps = solved(x, y)
    sides = {len(map_.T): (map_, centred(rows)) for map_, rows in ((maps.left, x), (maps.right, y))}
    (wide, rows), (narrow, others) = sides[11], sides[5]
    pca = PCA(5, svd_solver="full")
    # Rows of unit length are not centred again here, whereas sklearn's PCA would do that.
    pca.fit(np.concatenate([rows, -rows]))
    projected = rows @ pca.components_.T
    expected, _ = orthogonal_procrustes(projected, others)
    assert wide == pytest.approx(expected.T @ pca.components_, abs=1e-9)
    assert narrow == pytest.approx(np.eye(5))


@pytest.mark.parametrize(("left", "right", "dim"), [(6, 6, 512), (9, 4, 512), (4, 9, 512), (9, 6, 3), (6, 6, 3)])
def test_rows_of_the_maps_are_orthonormal_and_as_many_as_asked_or_possible(left, right, dim):
    maps = solved(*drawn(left, right), dim)
    kept = min(left, right, dim)
    for map_, width in ((maps.left, left), (maps.right, right)):
        assert map_.shape == (kept, width)
        assert map_ @ map_.T == pytest.approx(np.eye(kept), abs=1e-9)


def test_no_other_rotation_brings_the_sides_nearer():
    x, y = drawn(6, 6)
    maps = solved(x, y)

    def distance(turn: np.ndarray) -> float:
        return float(np.square(centred(x) @ turn.T - centred(y)).sum())

    assert all(
        distance(maps.left) < distance(turn) for turn in ortho_group.rvs(6, 50, random_state=np.random.default_rng(0))
    )


def test_fewer_dimensions_are_those_in_which_the_sides_agree_most():
    x, y = drawn(8, 8)
    whole, some = solved(x, y), solved(x, y, 3)
    second = centred(y).T @ centred(x) / PAIRS
    sizes = np.linalg.svd(second, compute_uv=False)
    agreement = np.diag(some.right @ second @ some.left.T)
    assert agreement == pytest.approx(sizes[:3])
    assert np.trace(whole.right @ second @ whole.left.T) == pytest.approx(sizes.sum())


def test_a_turned_shifted_and_stretched_space_is_the_same_space():
    x, y = drawn(6, 5)
    turn = ortho_group.rvs(6, random_state=np.random.default_rng(1))
    other = (x @ turn.T * 7 + 100).astype(np.float64)
    assert cosines(solved(x, y), x, y) == pytest.approx(cosines(solved(other, y), other, y), abs=1e-6)


def test_left_and_right_may_be_exchanged():
    x, y = drawn(9, 4)
    one, other = solved(x, y), solved(y, x)
    assert one.left == pytest.approx(other.right, abs=1e-9)
    assert one.right == pytest.approx(other.left, abs=1e-9)


@pytest.mark.parametrize(
    ("kind", "expected"), [("few pairs", 4), ("a constant column", 5), ("a column twice", 5), ("nothing", 6)]
)
def test_what_the_pairs_do_not_determine_is_left_out(kind, expected):
    x, y = drawn(8, 6, 5 if kind == "few pairs" else PAIRS)
    if kind == "a constant column":
        y[:, 2] = 0.1 + 1e-8 * np.random.default_rng(0).normal(size=PAIRS)  # but for rounding
    if kind == "a column twice":
        y[:, 2] = y[:, 4]
    maps = solved(x, y)
    assert len(maps.left) == len(maps.right) == expected
    assert np.isfinite(cosines(maps, x, y)).all()

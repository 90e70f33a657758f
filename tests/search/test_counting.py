"""Ranks of partners both ways, counted tile by tile."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ntcir.search import counting
from ntcir.search.counting import Side, ranks_both_ways, ranks_one_way
from ntcir.search.ranking import average_ranks

Ranks = tuple[np.ndarray, np.ndarray]


def slow(left: np.ndarray, right: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> Ranks:
    """Return the ranks by the whole matrix, worked out in double precision and rounded to single."""
    scores = (left.astype(np.float64) @ right.astype(np.float64).T).astype(np.float32)
    return average_ranks(scores[rows], columns), average_ranks(scores.T[columns], rows)


def drawn(seed: int, *, twins: bool) -> tuple[Side, Side, np.ndarray, np.ndarray, Ranks]:
    """Return two sides, some pairs of them, and the ranks of these."""
    draw = np.random.default_rng(seed)
    sizes = draw.integers(1, 40, 2)
    sides, vectors = [], []
    for size in sizes:
        numbers = draw.integers(0, size, size) if twins else np.arange(size)
        rows = draw.normal(size=(size, 6)).astype(np.float32)
        vectors.append(rows[np.unique(numbers, return_index=True)[1]][np.unique(numbers, return_inverse=True)[1]])
        sides.append(Side(rows, numbers))  # of twins the first stands for all, whatever the others are
    cells = draw.choice(sizes[0] * sizes[1], draw.integers(1, sizes[0] * sizes[1] + 1), replace=False)
    rows, columns = cells // sizes[1], cells % sizes[1]
    return sides[0], sides[1], rows, columns, slow(vectors[0], vectors[1], rows, columns)


@pytest.mark.parametrize("twins", [False, True])
@pytest.mark.parametrize("tile", [1, 7, 2048])
@pytest.mark.parametrize("seed", range(8))
def test_ranks_are_those_of_the_whole_matrix(monkeypatch, seed, tile, twins):
    monkeypatch.setattr(counting, "_TILE", tile)
    left, right, rows, columns, expected = drawn(seed, twins=twins)
    found = ranks_both_ways(left, right, rows, columns)
    assert [each.tolist() for each in found] == [each.tolist() for each in expected]


@pytest.mark.parametrize("best", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_one_way_the_ranks_are_those_of_both_ways_also_with_biases_that_outweigh_cosines(monkeypatch, seed, best):
    monkeypatch.setattr(counting, "_TILE", 7)
    left, right, rows, columns, _ = drawn(seed, twins=True)
    draw = np.random.default_rng(seed)
    left.vectors = np.concatenate([left.vectors, np.ones((len(left.vectors), 1))], axis=1, dtype=np.float32)
    bias = -5 * draw.uniform(size=(len(right.vectors), 1))
    right.vectors = np.concatenate([right.vectors, bias], axis=1, dtype=np.float32)
    found = ranks_one_way(left, right, rows, columns, best=best)
    assert found.tolist() == ranks_both_ways(left, right, rows, columns, best=best)[0].tolist()
    expected, _ = slow(left.vectors[left.place], right.vectors[right.place], rows, columns)
    looked_at = np.isfinite(found)
    assert found[looked_at].tolist() == expected[looked_at].tolist()
    assert looked_at.all() or best


@pytest.mark.parametrize("twins", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_only_the_best_partners_are_looked_for_where_that_is_enough(monkeypatch, seed, twins):
    monkeypatch.setattr(counting, "_TILE", 7)
    left, right, rows, columns, expected = drawn(seed, twins=twins)
    found = ranks_both_ways(left, right, rows, columns, best=True)
    for asking, some, all_ in zip((rows, columns), found, expected, strict=True):
        for item in np.unique(asking):
            assert some[asking == item].min() == all_[asking == item].min()
            assert np.isfinite(some[asking == item]).sum() == 1


@pytest.mark.parametrize("most", [1, 50, counting._NEAR])
@pytest.mark.parametrize("share", [counting._MOST_NEAR, 1.0])
@pytest.mark.parametrize("spread", [1e-8, 1e-7, 1e-6, 1e-3])
def test_scores_that_single_precision_cannot_tell_apart_are_worked_out_again(monkeypatch, spread, share, most):
    monkeypatch.setattr(counting, "_NEAR", most)
    monkeypatch.setattr(counting, "_MOST_NEAR", share)
    draw = np.random.default_rng(0)
    rows = draw.normal(size=64) + spread * draw.normal(size=(60, 64))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    left, right, pairs = rows[:30], rows[30:], (np.arange(30), draw.permutation(30))
    found = ranks_both_ways(Side(left, np.arange(30)), Side(right, np.arange(30)), *pairs)
    assert [each.tolist() for each in found] == [each.tolist() for each in slow(left, right, *pairs)]


def test_more_rows_than_a_byte_counts_are_counted():
    left, right = np.ones((700, 2), np.float32), np.ones((600, 2), np.float32)
    left[0], right[0] = [2, 0.5], [3, 3]
    pairs = np.array([0, 1, 699]), np.array([0, 5, 599])
    found = ranks_both_ways(Side(left, np.arange(700)), Side(right, np.arange(600)), *pairs)
    assert [each.tolist() for each in found] == [each.tolist() for each in slow(left, right, *pairs)]


def test_a_score_that_is_not_finite_never_helps():
    left, right = np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)
    right[1] = np.nan
    places = np.arange(3)
    forth, back = ranks_both_ways(Side(left, places), Side(right, places), places, places)
    assert forth.tolist() == [2, 3.5, 2]  # what is not a number counts as better than all
    assert back[1] == 3.5


def test_no_matrix_is_in_memory_as_a_whole(monkeypatch):
    monkeypatch.setattr(counting, "_TILE", 16)
    sizes = []
    usual = torch.mm

    def watched(one, other, **options):
        sizes.append(len(one) * other.shape[1])
        return usual(one, other, **options)

    monkeypatch.setattr(torch, "mm", watched)
    rows = np.random.default_rng(0).normal(size=(100, 4)).astype(np.float32)
    places = np.arange(100)
    ranks_both_ways(Side(rows, places), Side(rows, places), places, places)
    assert max(sizes) == 256
    assert sum(sizes) == 100 * 100  # one product for both ways

"""Exact search: what it finds is what sorting all scores finds, however it went about it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ntcir.sampling import search
from ntcir.sampling.keys import best, best_of_ragged, read_keys, sort_keys
from ntcir.sampling.search import HalfProduct, SingleProduct, dots, nearest, nearest_others

PAIRS, DIM, K = 400, 40, 7


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def exact(queries, documents):
    return (queries.astype(np.float64) @ documents.astype(np.float64).T).astype(np.float32)


def by_sorting(queries, documents, k):
    scores = exact(queries, documents)
    rows = np.array([sorted(range(len(documents)), key=lambda j: (-row[j], j))[:k] for row in scores])
    return rows, np.take_along_axis(scores, rows, axis=1)


def embeddings(kind):
    draw = np.random.default_rng(0)
    spread = draw.normal(size=(PAIRS, DIM))
    if kind == "spread":
        return unit(draw.normal(size=(PAIRS, DIM))), unit(spread)
    if kind == "apart":  # all scores are negative
        return unit(0.1 * spread + 1), unit(0.1 * draw.normal(size=(PAIRS, DIM)) - 1)
    if kind == "crowded":  # too near for bf16
        return unit(draw.normal(size=(PAIRS, DIM))), unit(1 + 1e-3 * spread)
    if kind == "collapsed":  # too near for single precision
        return unit(1 + 1e-6 * draw.normal(size=(PAIRS, DIM))), unit(1 + 1e-6 * spread)
    if kind == "halfway":  # bf16 is as wrong as it can be, and always in the same direction
        signs = draw.choice([1, 1 + 2**-8 - 2**-20, 1 + 2**-8 + 2**-20], (2, PAIRS, DIM))
        return tuple((signs * np.float32(1 / np.sqrt(DIM))).astype(np.float32))
    if kind == "lengths":
        length = 10 ** draw.uniform(-3, 3, (2, PAIRS, 1))
        return tuple(
            (rows * long).astype(np.float32) for rows, long in zip((spread, spread[::-1]), length, strict=True)
        )
    rounded = np.round(spread[:, :4])  # "few": many of them equal
    return unit(draw.normal(size=(PAIRS, 4))), unit(rounded + 0.5)


KINDS = ["spread", "apart", "crowded", "collapsed", "halfway", "lengths", "few"]


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_the_nearest_are_those_that_sorting_finds(kind, half, monkeypatch):
    monkeypatch.setattr(search, "has_fast_bf16", lambda: half)
    queries, documents = embeddings(kind)
    rows, scores = by_sorting(queries, documents, K)
    for cells in (1, 1000, 1 << 25):
        found, found_scores = nearest(queries, documents, K, cells=cells)
        assert np.array_equal(found, rows)
        assert np.array_equal(found_scores, scores)
        assert (found.dtype, found_scores.dtype) == (np.int64, np.float32)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_do_not_matter(threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        queries, documents = embeddings("crowded")
        assert np.array_equal(nearest(queries, documents, K)[0], by_sorting(queries, documents, K)[0])
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(("kind", "left"), [("spread", (0, 0)), ("crowded", (PAIRS, 0)), ("collapsed", (PAIRS, PAIRS))])
def test_a_finer_precision_is_used_where_it_must_be(kind, left):
    queries, documents = embeddings(kind)
    for product, expected in zip((HalfProduct, SingleProduct), left, strict=True):
        keys = np.zeros((PAIRS, K), dtype=np.int64)
        rest = search._settle(product(queries, documents), queries, documents, np.arange(PAIRS), 92, 1 << 25, keys)
        assert len(rest) == expected
        done = np.setdiff1d(np.arange(PAIRS), rest)
        assert np.array_equal(read_keys(keys[done])[0], by_sorting(queries, documents, K)[0][done])


@pytest.mark.parametrize("product", [HalfProduct, SingleProduct])
@pytest.mark.parametrize("kind", KINDS)
def test_no_candidate_is_lost_to_rounding(product, kind):
    queries, documents = embeddings(kind)
    fast = product(queries, documents)
    cells = fast.cells(np.arange(PAIRS)).copy()
    kth = np.sort(cells, axis=1)[:, -K]
    least, sure = fast.least(np.arange(PAIRS), kth)
    scores = exact(queries, documents)
    needed = scores >= np.sort(scores, axis=1)[:, -K, None]
    assert (cells >= least[:, None])[needed & sure[:, None]].all()
    if kind == "spread" or product is SingleProduct:
        assert sure.all()
    if kind == "apart" and product is HalfProduct:
        assert not sure.any()


def test_a_tiny_error_may_make_a_great_difference_in_bf16():
    # Between 1 and 1 + 2^-7 bf16 has nothing. Rounding its third number lifts the worse document above the middle and
    # pushes the better one below, though their scores differ by 6 of 2^22 only.
    worse = [1, 15 * 2.0**-12, 2.0**-12 * (1 + 2.0**-8 + 2.0**-16), -7 * 2.0**-22]
    better = [1, 15 * 2.0**-12, 2.0**-12 * (1 + 2.0**-7 + 2.0**-8 - 2.0**-16), -9 * 2.0**-22]
    documents = np.array([worse] * 9 + [better] * 9 + [[0.0] * 4] * 200, dtype=np.float32)
    queries = np.ones((3, 4), dtype=np.float32)
    product = HalfProduct(queries, documents)
    cells = product.cells(np.arange(3))
    assert (cells[:, :9] > cells[:, 9:18]).all()
    least, sure = product.least(np.arange(3), np.sort(cells, axis=1)[:, -K])
    assert sure.all()
    assert (cells[:, :18] >= least[:, None]).all()
    assert np.array_equal(nearest(queries, documents, K)[0], np.tile(np.arange(9, 9 + K), (3, 1)))


@pytest.mark.parametrize("k", [1, 399, 400, 1000])
def test_any_number_may_be_asked_for(k):
    queries, documents = embeddings("few")
    found, _ = nearest(queries[:9], documents, k)
    assert np.array_equal(found, by_sorting(queries[:9], documents, k)[0])


def test_long_rows_are_scored_in_parts():
    draw = np.random.default_rng(3)
    queries, documents = (unit(draw.normal(size=(200, 1100))) for _ in range(2))
    rows, scores = by_sorting(queries, documents, 3)
    found = nearest(queries, documents, 3)
    assert np.array_equal(found[0], rows)
    assert np.array_equal(found[1], scores)


def test_dots_are_those_of_the_cells_asked_for():
    draw = np.random.default_rng(4)
    queries, documents = draw.normal(size=(5, 600)).astype(np.float32), draw.normal(size=(8, 600)).astype(np.float32)
    starts, columns = np.array([0, 2, 2, 3, 7, 7]), np.array([7, 0, 3, 1, 1, 2, 6])
    expected = exact(queries, documents)[[0, 0, 2, 3, 3, 3, 3], columns]
    assert np.array_equal(dots(queries, documents, starts, columns), expected)


@pytest.mark.parametrize("cells", [1, 1 << 25])
@pytest.mark.parametrize("kind", KINDS)
def test_the_own_document_is_left_out_and_equal_ones_are_not(kind, cells):
    queries, documents = embeddings(kind)
    asked = np.array([3, 0, 399, 77])
    found, scores = nearest_others(queries, documents, asked, 30, cells=cells)
    every = exact(queries, documents)
    for i, row, values in zip(asked, found, scores, strict=True):
        expected = sorted((j for j in range(PAIRS) if j != i), key=lambda j: (-every[i, j], j))[:30]
        assert row.tolist() == expected
        assert values.tolist() == every[i, expected].tolist()


values = st.floats(-(2.0**100), 2.0**100, width=32) | st.sampled_from([0.0, -0.0, 1.0, -1.0])


@settings(deadline=None)
@given(arrays(np.float32, 12, elements=values), st.integers(1, 15))
def test_keys_sort_by_score_and_then_by_row(scores, k):
    keys = sort_keys(scores, np.arange(12))
    rows, found = read_keys(best(keys[None], k)[0])
    expected = sorted(range(12), key=lambda j: (-scores[j], j))[:k]
    assert rows.tolist() == expected + [-1] * (k - 12)
    assert found[:12].tolist() == scores[expected].tolist()


def test_rows_of_different_lengths_are_filled_up():
    keys = sort_keys(np.array([3, 1, 2, 5, 4, 4], dtype=np.float32), np.array([0, 1, 2, 9, 8, 7]))
    rows, scores = read_keys(best_of_ragged(keys, np.array([3, 0, 1, 2]), 2))
    assert rows.tolist() == [[0, 2], [-1, -1], [9, -1], [7, 8]]
    assert scores[1].tolist() == [-np.inf, -np.inf]

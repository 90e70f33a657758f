"""Exact search: what it finds is what sorting all scores finds, however it went about it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from searching import KINDS, by_sorting, embeddings, exact, unit

from ntcir.search.keys import Best, best, best_of_ragged, read_keys, sort_keys
from ntcir.search.nearest import candidates, nearest
from ntcir.search.products import DoubleProduct, HalfProduct, SingleProduct, products

K = 7
PRODUCTS = [HalfProduct, SingleProduct, DoubleProduct]


@pytest.mark.parametrize("fast", [0, 1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_the_nearest_are_those_that_sorting_finds(kind, fast, monkeypatch):
    monkeypatch.setattr("ntcir.search.nearest.products", lambda: [product() for product in PRODUCTS[fast:]])
    queries, documents = embeddings(kind)
    rows, scores = by_sorting(queries, documents, K)
    for block, chunk in ((None, None), (1, None), (30, 7), (128, 400), (399, 1)):
        some = slice(20) if 1 in (block, chunk) else slice(None)
        found, found_scores = nearest(queries[some], documents, K, block=block, chunk=chunk)
        assert np.array_equal(found, rows[some])
        assert np.array_equal(found_scores, scores[some])
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


@pytest.mark.parametrize("dim", [1, 2, 3, 17, 127, 128, 129, 1100, 2048])
@pytest.mark.parametrize("queries", [1, 5])
def test_rows_of_any_length_are_searched(dim, queries):
    draw = np.random.default_rng(dim)
    asked, documents = (draw.normal(size=(rows, dim)).astype(np.float32) for rows in (queries, 230))
    expected = by_sorting(asked, documents, 3)
    for block in (None, 100):
        found = nearest(asked, documents, 3, block=block)
        assert np.array_equal(found[0], expected[0])
        assert np.array_equal(found[1], expected[1])


@pytest.mark.parametrize("k", [1, 20, 399, 400, 1000])
@pytest.mark.parametrize("kind", ["few", "spread", "apart"])
@pytest.mark.parametrize("block", [None, 150])
def test_any_number_may_be_asked_for(k, kind, block):
    queries, documents = embeddings(kind)
    found, scores = nearest(queries[:9], documents, k, block=block)
    expected = by_sorting(queries[:9], documents, k)
    assert np.array_equal(found, expected[0])
    assert np.array_equal(scores, expected[1])


def test_nothing_is_found_where_nothing_is_asked_or_there():
    some, none = np.ones((3, 4), dtype=np.float32), np.empty((0, 4), dtype=np.float32)
    for queries, documents, k, shape in (
        (some, none, 5, (3, 0)),
        (none, some, 2, (0, 2)),
        (none, none, 2, (0, 0)),
        (some, some, 0, (3, 0)),
    ):
        rows, scores = nearest(queries, documents, k)
        assert rows.shape == scores.shape == shape
        assert (rows.dtype, scores.dtype) == (np.int64, np.float32)


@pytest.mark.parametrize("scale", [1e-25, 1e-19, 1e-12, 1e12, 1e18])
def test_numbers_may_be_very_small_or_great(scale):
    draw = np.random.default_rng(7)
    queries = draw.normal(size=(5, 24)).astype(np.float32)
    documents = (draw.normal(size=(300, 24)) * scale).astype(np.float32)
    for left, right in ((queries, documents), (documents[:5], queries), (documents[:9], documents)):
        if scale > 1e15 and left is not queries and right is documents:
            continue  # overflows
        right = np.concatenate([right] * (1 + 200 // len(right)))
        expected = by_sorting(left, right, K)
        found = nearest(left, right, K, block=120)
        assert np.array_equal(found[0], expected[0])
        assert np.array_equal(found[1], expected[1])


@pytest.mark.parametrize("order", ["rising", "falling"])
def test_documents_may_come_in_the_order_of_their_scores(order):
    draw = np.random.default_rng(5)
    queries, documents = unit(draw.normal(size=(3, 16))), unit(draw.normal(size=(4000, 16)))
    by_first = np.argsort(exact(queries[:1], documents)[0])
    documents = documents[by_first if order == "rising" else by_first[::-1]]
    rows, scores = by_sorting(queries, documents, K)
    found = nearest(queries, documents, K, block=500)
    assert np.array_equal(found[0], rows)
    assert np.array_equal(found[1], scores)


@pytest.mark.parametrize("same", [1, 2, 50])
def test_of_thousands_that_are_alike_the_lower_rows_come_first(same):
    draw = np.random.default_rng(6)
    queries, few = unit(draw.normal(size=(4, 32))), unit(draw.normal(size=(same, 32)))
    alike = np.concatenate([few[draw.integers(0, same, 3000)], few[draw.integers(0, same, 3000)] + np.float32(1e-7)])
    alike = alike[draw.permutation(len(alike))].astype(np.float32)
    expected = by_sorting(queries, alike, 40)
    for block in (None, 700):
        found = nearest(queries, alike, 40, block=block)
        assert np.array_equal(found[0], expected[0])
        assert np.array_equal(found[1], expected[1])


def test_documents_may_lie_on_disk_or_in_strides(tmp_path):
    queries, documents = embeddings("spread")
    expected = by_sorting(queries, documents, K)[0]
    documents.tofile(tmp_path / "rows")
    mapped = np.memmap(tmp_path / "rows", dtype=np.float32, mode="r", shape=documents.shape)
    assert np.array_equal(nearest(queries, mapped, K, block=150)[0], expected)
    wide = np.repeat(documents, 2, axis=1)[:, ::2]
    assert not wide.flags.c_contiguous
    assert np.array_equal(nearest(queries, wide, K, block=150)[0], expected)
    assert np.array_equal(nearest(np.asfortranarray(queries), np.asfortranarray(documents), K)[0], expected)


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("queries", [1, 300])
def test_no_candidate_is_lost_to_rounding(product, kind, queries):
    asked, documents = embeddings(kind)
    asked = asked[:queries]
    fast = product()
    fast.load(torch.from_numpy(documents), queries)
    cells, error = fast.cells(torch.from_numpy(asked))
    cells = cells.numpy()
    scores = asked.astype(np.float64) @ documents.astype(np.float64).T
    needed = np.sort(scores, axis=1)[:, -K]
    floors, sure = fast.floors(needed, error)
    assert (floors[:, None] <= cells.T)[(scores >= needed[:, None]) & sure[:, None]].all()
    for row in (0, 100, -1):
        assert (fast.worth(cells[row], error) <= scores[:, row]).all()
    assert not fast.floors(np.full(queries, -np.inf), error)[1].any() or product is DoubleProduct
    if kind == "spread" or product is not HalfProduct:
        assert sure.all()
    if kind == "apart" and product is HalfProduct:
        assert not sure.any()


@pytest.mark.parametrize(("kind", "settled"), [("spread", (1, 1, 1)), ("crowded", (0, 1, 1)), ("collapsed", (0, 0, 1))])
def test_a_finer_precision_is_used_where_it_must_be(kind, settled):
    queries, documents = embeddings(kind)
    needed = np.full(len(queries), -np.inf)
    for product, expected in zip(PRODUCTS, settled, strict=True):
        fast = product()
        fast.load(torch.from_numpy(documents), len(queries))
        limit = len(documents) if product is DoubleProduct else 92
        found = candidates(fast, torch.from_numpy(queries), needed, K, limit)
        assert found.settled.mean() == expected
        assert (found.counts >= K * expected).all()
        assert len(found.columns) == found.counts.sum()


def test_a_tiny_error_may_make_a_great_difference_in_bf16():
    # Between 1 and 1 + 2^-7 bf16 has nothing. Rounding its third number lifts the worse document above the middle and
    # pushes the better one below, though their scores differ by 6 of 2^22 only.
    worse = [1, 15 * 2.0**-12, 2.0**-12 * (1 + 2.0**-8 + 2.0**-16), -7 * 2.0**-22]
    better = [1, 15 * 2.0**-12, 2.0**-12 * (1 + 2.0**-7 + 2.0**-8 - 2.0**-16), -9 * 2.0**-22]
    documents = np.array([worse] * 9 + [better] * 9 + [[0.0] * 4] * 200, dtype=np.float32)
    queries = np.ones((3, 4), dtype=np.float32)
    product = HalfProduct()
    product.load(torch.from_numpy(documents), 3)
    cells = product.cells(torch.from_numpy(queries))[0].numpy()
    assert (cells[:9] > cells[9:18]).all()
    found = candidates(product, torch.from_numpy(queries), np.full(3, -np.inf), K, 92)
    assert found.settled.all()
    assert set(range(18)) <= set(found.columns[: found.counts[0]].tolist())
    assert np.array_equal(nearest(queries, documents, K)[0], np.tile(np.arange(9, 9 + K), (3, 1)))


def test_scores_that_single_precision_cannot_tell_apart_tie():
    # 1 + 2^-24 lies halfway between two numbers of single precision, and is rounded to the even one, 1.
    draw = np.random.default_rng(8)
    tiny = draw.choice([0.0, 2.0**-26, 2.0**-24, 2.0**-24 + 2.0**-40, 2.0**-23], 2000)
    documents = np.stack([np.ones(2000), tiny], axis=1).astype(np.float32)
    queries = np.ones((2, 2), dtype=np.float32)
    expected = by_sorting(queries, documents, 30)
    for block in (None, 300):
        assert np.array_equal(nearest(queries, documents, 30, block=block)[0], expected[0])


@pytest.mark.parametrize("precision", ["highest", "medium"])
def test_single_precision_is_left_out_where_torch_would_cut_it_short(precision):
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        kinds = [type(product) for product in products()]
    finally:
        torch.set_float32_matmul_precision(before)
    assert (SingleProduct in kinds) == (precision == "highest")
    assert kinds[-1] is DoubleProduct


values = st.floats(-(2.0**100), 2.0**100, width=32) | st.sampled_from([0.0, -0.0, 1.0, -1.0])
small = st.sampled_from([0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 1 + 2.0**-9, 1 - 2.0**-9, 2.0**-130])


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_hard_numbers_are_searched_exactly(data):
    dim = data.draw(st.integers(1, 3))
    queries = data.draw(arrays(np.float32, (3, dim), elements=small.map(np.float32)))
    documents = data.draw(arrays(np.float32, (data.draw(st.integers(70, 90)), dim), elements=small.map(np.float32)))
    k, block = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 90))
    expected = by_sorting(queries, documents, k)
    found = nearest(queries, documents, k, block=block)
    assert np.array_equal(found[0], expected[0])
    assert np.array_equal(found[1], expected[1])


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


@settings(deadline=None)
@given(st.data())
def test_the_best_of_what_comes_bit_by_bit_are_kept(data):
    k = data.draw(st.integers(1, 5))
    kept = Best(4, k)
    all_ = [[] for _ in range(4)]
    for _ in range(data.draw(st.integers(0, 4))):
        rows = sorted(data.draw(st.sets(st.integers(0, 3))))
        new = [data.draw(st.lists(st.integers(-50, 50), max_size=6, unique=True)) for _ in rows]
        for row, keys in zip(rows, new, strict=True):
            all_[row] += [(score, len(all_[row]) + place) for place, score in enumerate(keys)]
        parts = [all_[row][len(all_[row]) - len(keys) :] for row, keys in zip(rows, new, strict=True)]
        flat = [pair for part in parts for pair in part]
        scores = np.array([score for score, _ in flat], dtype=np.float32)
        keys = sort_keys(scores, np.array([row for _, row in flat], dtype=np.int64))
        kept.add(np.array(rows, dtype=np.int64), np.array([len(part) for part in parts], dtype=np.int64), keys)
    found, scores = kept.read()
    for row in range(4):
        expected = sorted(all_[row], key=lambda pair: (-pair[0], pair[1]))[:k]
        assert found[row].tolist() == [row for _, row in expected] + [-1] * (k - len(expected))
        assert kept.kth()[row] == (expected[-1][0] if len(expected) == k else -np.inf)
        assert scores[row][: len(expected)].tolist() == [score for score, _ in expected]

"""Scores to ranks: ties kept, the order trec_eval has."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ntcir.search.ranking import average_ranks, rank_all, score_candidates, top_k

quick = settings(deadline=None, max_examples=100)
tied = st.sampled_from([-1.0, -0.5, 0.0, -0.0, 0.25, 1.0])


@quick
@given(st.data())
def test_ranks_with_ties_are_those_a_slow_loop_finds(data):
    shape = (data.draw(st.integers(1, 6)), data.draw(st.integers(1, 12)))
    scores = data.draw(arrays(np.float32, shape, elements=tied.map(float)))
    targets = np.array(data.draw(st.lists(st.integers(0, shape[1] - 1), min_size=shape[0], max_size=shape[0])))
    ranks = average_ranks(scores, targets)
    assert ranks.dtype == np.float64
    for row, target, rank in zip(scores.tolist(), targets.tolist(), ranks.tolist(), strict=True):
        ordered = sorted(row, reverse=True)
        places = [place for place, score in enumerate(ordered, start=1) if score == row[target]]
        assert rank == sum(places) / len(places)


def test_the_best_alone_has_rank_1_and_all_equal_share_the_middle():
    assert average_ranks(np.array([[0.9, 0.1, 0.3]]), np.array([0])).tolist() == [1]
    assert average_ranks(np.zeros((1, 200)), np.array([17])).tolist() == [100.5]


def unit(draw: np.random.Generator, *shape: int) -> np.ndarray:
    rows = draw.normal(size=shape).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


@pytest.mark.parametrize("candidates", [3, 200, 1003])
def test_twins_have_the_very_same_score_wherever_they_stand(candidates):
    draw = np.random.default_rng(candidates)
    distinct = unit(draw, max(2, candidates // 4), 512)
    twins = draw.integers(0, len(distinct), candidates)
    # As if rounded otherwise at each place: twins must be found by their number, not by their vectors.
    vectors = distinct[twins] * (1 + draw.choice([-1, 0, 1], (candidates, 1)).astype(np.float32) * 6e-8)
    query = unit(draw, 512)
    scores = score_candidates(query, vectors.astype(np.float32), twins)
    assert scores.dtype == np.float32
    for number in range(len(distinct)):
        assert len(set(scores[twins == number].tolist())) <= 1
    assert scores == pytest.approx(distinct[twins] @ query, abs=1e-5)


def test_several_queries_are_scored_like_each_alone():
    draw = np.random.default_rng(0)
    queries, candidates, twins = unit(draw, 7, 32), unit(draw, 20, 32), draw.integers(0, 12, 20)
    together = score_candidates(queries, candidates, twins)
    assert together.shape == (7, 20)
    for query, scores in zip(queries, together, strict=True):
        assert scores == pytest.approx(score_candidates(query, candidates, twins), abs=1e-6)
        assert all(len(set(scores[twins == number].tolist())) <= 1 for number in range(12))


def test_no_candidate_is_no_score():
    nothing = score_candidates(np.ones(4, np.float32), np.empty((0, 4), np.float32), np.empty(0, np.int64))
    assert nothing.shape == (0,)


@quick
@given(st.lists(tied, min_size=1, max_size=15), st.integers(1, 20))
def test_the_best_are_those_of_a_whole_sort_by_score_and_then_id(scores, k):
    ids = np.array([f"{7 * number % 15:02d}" for number in range(len(scores))], dtype=object)
    best = top_k(np.array(scores, dtype=np.float32), ids, k)
    expected = sorted(range(len(scores)), key=lambda row: (scores[row], ids[row]), reverse=True)[:k]
    assert best.tolist() == expected


def test_of_ties_at_the_cut_the_greater_ids_are_kept():
    scores = np.array([0.5, 0.9, 0.5, 0.5, 0.1], dtype=np.float32)
    ids = np.array(["a", "b", "c", "d", "e"], dtype=object)
    assert ids[top_k(scores, ids, 2)].tolist() == ["b", "d"]
    assert ids[top_k(scores, ids, 3)].tolist() == ["b", "d", "c"]


def test_a_nan_never_helps_a_rank():
    nan = np.nan
    scores = np.array([[nan, nan, nan], [0.5, nan, 0.1], [nan, 0.5, 0.1]])
    assert (average_ranks(scores, np.array([0, 0, 0])) >= [3, 2, 3]).all()


@pytest.mark.parametrize("k", [1, 20, 300, 1000])
@pytest.mark.parametrize("distinct", [1, 40, 300])
def test_several_queries_are_ranked_as_by_scoring_all_and_sorting(k, distinct):
    draw = np.random.default_rng(k + distinct)
    few, queries, twins = unit(draw, distinct, 24), unit(draw, 5, 24), draw.integers(0, distinct, 300)
    few[: distinct // 2] = few[distinct - distinct // 2 :]  # ties that are no twins
    ids = draw.permutation(np.array([f"{number:04d}" for number in range(300)], dtype=object))
    rankings = list(rank_all(queries, few[twins], twins, ids, k))
    assert len(rankings) == 5
    for query, (rows, scores) in zip(queries, rankings, strict=True):
        every = np.array([np.float32(np.dot(few[twin].astype(np.float64), query.astype(np.float64))) for twin in twins])
        expected = sorted(range(300), key=lambda row: (every[row], ids[row]), reverse=True)[:k]
        assert rows.tolist() == expected
        assert scores.dtype == np.float32
        assert scores.tolist() == every[expected].tolist()


def test_many_queries_are_ranked_in_parts(monkeypatch):
    draw = np.random.default_rng(1)
    queries, candidates = unit(draw, 7, 8), unit(draw, 30, 8)
    ids = np.array([f"{number:02d}" for number in range(30)], dtype=object)
    whole = list(rank_all(queries, candidates, np.arange(30), ids, 10))
    monkeypatch.setattr("ntcir.search.ranking._KEYS", 25)
    parts = list(rank_all(queries, candidates, np.arange(30), ids, 10))
    assert all(
        np.array_equal(one, other) for pair in zip(whole, parts, strict=True) for one, other in zip(*pair, strict=True)
    )
    assert len(parts) == 7


def test_of_no_candidates_none_are_ranked():
    [(rows, scores)] = rank_all(
        np.ones((1, 4), np.float32), np.empty((0, 4), np.float32), np.empty(0, int), np.empty(0, object), 3
    )
    assert rows.shape == scores.shape == (0,)

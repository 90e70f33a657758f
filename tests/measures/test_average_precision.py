"""Average precision against loops over all orders of ties, and against scikit-learn where nothing ties."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from ntcir.measures.average_precision import average_precisions, random_average_precisions


def in_order(relevant: Sequence[bool]) -> float:
    """Return the average precision of a ranking, best first."""
    precisions = [sum(relevant[:rank]) / rank for rank in range(1, len(relevant) + 1) if relevant[rank - 1]]
    return sum(precisions) / len(precisions)


def slow(scores: np.ndarray, relevant: np.ndarray) -> float:
    """Return the mean average precision of all orders that agree with the scores."""
    orders = [each for each in permutations(range(len(scores))) if all(np.diff(scores[list(each)]) <= 0)]
    return sum(in_order([bool(relevant[place]) for place in order]) for order in orders) / len(orders)


def drawn(queries: int, candidates: int, values: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return scores, of so many different values if given, and which candidates are relevant, at least one."""
    draw = np.random.default_rng(candidates)
    size = (queries, candidates)
    scores = draw.normal(size=size) if values is None else draw.integers(0, values, size) - values // 2
    relevant = draw.random(size) < 0.4
    relevant[:, 0] = True
    return scores.astype(np.float32), relevant


def test_without_ties_it_is_that_of_scikit_learn_and_of_the_plain_loop() -> None:
    scores, relevant = drawn(20, 50, None)
    found = average_precisions(scores, relevant)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, [average_precision_score(*each) for each in zip(relevant, scores, strict=True)])
    np.testing.assert_allclose(
        found, [in_order(own[np.argsort(-each)].tolist()) for own, each in zip(relevant, scores, strict=True)]
    )


@pytest.mark.parametrize("values", [1, 2, 3, 20])
@pytest.mark.parametrize("candidates", [1, 2, 5, 6])
def test_ties_have_the_mean_over_all_of_their_orders(candidates: int, values: int) -> None:
    scores, relevant = drawn(8, candidates, values)
    np.testing.assert_allclose(
        average_precisions(scores, relevant), [slow(*each) for each in zip(scores, relevant, strict=True)]
    )


def test_the_order_of_the_candidates_does_not_matter() -> None:
    scores, relevant = drawn(5, 40, 6)
    order = np.random.default_rng(0).permutation(40)
    np.testing.assert_array_equal(
        average_precisions(scores, relevant), average_precisions(scores[:, order], relevant[:, order])
    )


def test_zero_and_minus_zero_tie_and_so_do_infinities() -> None:
    for scores in ([0.0, -0.0], [np.inf, np.inf], [-np.inf, -np.inf]):
        assert average_precisions(np.array([scores], np.float32), np.array([[True, False]])).tolist() == [0.75]


def test_a_score_that_is_not_a_number_never_helps() -> None:
    scores = np.array([[np.nan, -5, 7], [1, np.nan, 0]], dtype=np.float32)
    relevant = np.array([[True, False, False], [True, False, False]])
    np.testing.assert_allclose(average_precisions(scores, relevant), [1 / 3, 1 / 2])


def test_a_query_without_a_relevant_candidate_has_none() -> None:
    scores, relevant = drawn(2, 4, None)
    relevant[1] = False
    assert np.isnan(average_precisions(scores, relevant)).tolist() == [False, True]
    assert np.isnan(random_average_precisions(relevant.sum(axis=1), 4)).tolist() == [False, True]


@pytest.mark.parametrize(("size", "relevant"), [(1, 1), (2, 1), (6, 1), (6, 3), (6, 6)])
def test_random_orders_have_the_mean_over_all_orders(size: int, relevant: int) -> None:
    expected = slow(np.zeros(size), np.arange(size) < relevant)
    assert random_average_precisions(np.array([relevant]), size)[0] == pytest.approx(expected)


def test_no_query_is_no_fault() -> None:
    assert average_precisions(np.empty((0, 3), np.float32), np.empty((0, 3), bool)).shape == (0,)

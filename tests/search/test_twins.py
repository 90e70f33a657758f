"""Search among documents of which many are the same."""

from __future__ import annotations

import numpy as np
import pytest
from searching import KINDS, by_sorting, embeddings, unit

from ntcir.search.twins import nearest_with_twins


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", [1, 30, 399, 1000])
def test_twins_have_the_score_of_the_first_of_them(kind, k):
    draw = np.random.default_rng(1)
    queries, documents = embeddings(kind)
    twins = draw.integers(0, 90, len(documents)) * 7 - 30
    first = {}
    same = documents[[first.setdefault(number, row) for row, number in enumerate(twins.tolist())]]
    # Their own vectors do not matter, as rounding may have changed them.
    rows, scores = nearest_with_twins(queries[:25], documents, twins, k)
    expected = by_sorting(queries[:25], same, k)
    assert np.array_equal(rows, expected[0])
    assert np.array_equal(scores, expected[1])


def test_distinct_documents_are_searched_as_they_are():
    draw = np.random.default_rng(2)
    queries, documents = unit(draw.normal(size=(4, 9))), unit(draw.normal(size=(50, 9)))
    rows, scores = nearest_with_twins(queries, documents, draw.permutation(50), 6)
    expected = by_sorting(queries, documents, 6)
    assert np.array_equal(rows, expected[0])
    assert np.array_equal(scores, expected[1])


def test_no_document_is_nothing_found():
    none = np.empty((0, 3), dtype=np.float32)
    rows, scores = nearest_with_twins(np.ones((2, 3), dtype=np.float32), none, np.empty(0, dtype=np.int64), 4)
    assert rows.shape == scores.shape == (2, 0)

"""The documents most similar to each query, other than its own."""

from __future__ import annotations

import numpy as np
import pytest

from ntcir.sampling.neighbours import nearest_others

PAIRS = 300


@pytest.mark.parametrize("kind", ["spread", "few", "one"])
def test_the_own_document_is_left_out_and_equal_ones_are_not(kind):
    draw = np.random.default_rng(0)
    queries, documents = draw.normal(size=(2, PAIRS, 12)).astype(np.float32)
    if kind == "few":
        documents = np.round(documents[:, :2])
        queries = queries[:, :2].copy()
    if kind == "one":
        documents[:] = documents[0]
    asked = np.array([3, 0, 299, 77])
    every = (queries.astype(np.float64) @ documents.astype(np.float64).T).astype(np.float32)
    for k in (1, 30, 299, 500):
        found, scores = nearest_others(queries, documents, asked, k)
        for i, row, values in zip(asked, found, scores, strict=True):
            expected = sorted((j for j in range(PAIRS) if j != i), key=lambda j: (-every[i, j], j))[:k]
            assert row.tolist() == expected
            assert values.tolist() == every[i, expected].tolist()

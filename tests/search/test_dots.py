"""Scores of chosen cells."""

from __future__ import annotations

import numpy as np
from searching import exact

from ntcir.search.dots import dots


def test_dots_are_those_of_the_cells_asked_for():
    draw = np.random.default_rng(4)
    queries, documents = draw.normal(size=(5, 600)).astype(np.float32), draw.normal(size=(8, 600)).astype(np.float32)
    starts, columns = np.array([0, 2, 2, 3, 7, 7]), np.array([7, 0, 3, 1, 1, 2, 6])
    expected = exact(queries, documents)[[0, 0, 2, 3, 3, 3, 3], columns]
    assert np.array_equal(dots(queries, documents, starts, columns), expected)


def test_no_cell_is_no_score():
    rows = np.ones((3, 4), dtype=np.float32)
    assert dots(rows, rows, np.zeros(4, dtype=np.int64), np.empty(0, dtype=np.int64)).shape == (0,)


def test_equal_rows_have_the_very_same_score_wherever_they_stand():
    draw = np.random.default_rng(5)
    query, row = draw.normal(size=(1, 700)).astype(np.float32), draw.normal(size=700).astype(np.float32)
    documents = draw.normal(size=(301, 700)).astype(np.float32)
    documents[::3] = row
    every = dots(query, documents, np.array([0, 301]), np.arange(301))
    some = dots(query, documents, np.array([0, 2]), np.array([3, 150]))
    assert set(every[::3].tolist()) == set(some.tolist())
    assert len(set(every.tolist())) == 201

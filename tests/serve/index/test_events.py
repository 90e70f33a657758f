"""Which neighbours in time are one event."""

from __future__ import annotations

import numpy as np
import pytest

from ntcir.serve.index import events
from ntcir.serve.index.catalogue import UNKNOWN
from ntcir.serve.index.events import events_of

START = np.datetime64("2020-03-16T09:00", "s").astype(np.int64)


def scenes(lengths: list[int], noise: float = 0.15, dim: int = 24) -> np.ndarray:
    """Return unit vectors of scenes one after the other."""
    draw = np.random.default_rng(3)
    centres = draw.normal(size=(len(lengths), dim)) / np.sqrt(dim)
    vectors = np.repeat(centres, lengths, axis=0) + noise * draw.normal(size=(sum(lengths), dim)) / np.sqrt(dim)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def starts(times: np.ndarray, vectors: np.ndarray, offset: int = 0) -> list[int]:
    """Return at which items events begin."""
    offsets = np.full(len(times), offset, dtype=np.int32)
    found = events_of(times, offsets, lambda rows: vectors[rows])
    assert found.dtype == np.int32
    assert found.tolist() == np.unique(found, return_inverse=True)[1].tolist()  # from 0, ascending, without holes
    return np.flatnonzero(np.diff(found, prepend=-1)).tolist()


def every_minute(count: int) -> np.ndarray:
    return START + 60 * np.arange(count)


@pytest.mark.parametrize("block", [8192, 5, 3])
def test_a_new_scene_begins_an_event(monkeypatch, block):
    monkeypatch.setattr(events, "_BLOCK", block)
    lengths = [20, 15, 30, 9, 26]
    assert starts(every_minute(100), scenes(lengths)) == [0, 20, 35, 65, 74]


def test_one_photograph_that_differs_does_not():
    vectors = scenes([40, 40])
    vectors[60] = -vectors[60]
    found = starts(every_minute(80), vectors)
    assert 40 in found
    assert len(found) <= 4


def test_vectors_of_any_model_will_do():
    vectors = scenes([20, 15, 30])
    near = vectors + 5 * vectors.mean(axis=0)  # every cosine is high
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    assert starts(every_minute(65), near) == starts(every_minute(65), vectors) == [0, 20, 35]


def test_gaps_and_days_begin_an_event_whatever_is_seen():
    vectors = np.ones((6, 4), dtype=np.float32) / 2
    times = START + np.array([0, 600, 1201, 1300, 1400, 1500])
    assert starts(times, vectors) == [0, 2]
    midnight = np.datetime64("2020-03-16T23:58", "s").astype(np.int64) + 60 * np.arange(6)
    assert starts(midnight, vectors) == [0, 2]
    assert starts(midnight, vectors, offset=3600) == [0]
    assert starts(midnight, vectors, offset=-120) == [0, 4]


def test_items_without_a_time_are_events_of_their_own():
    vectors = np.ones((5, 4), dtype=np.float32) / 2
    times = np.array([START, START + 60, UNKNOWN, UNKNOWN, UNKNOWN])
    assert starts(times, vectors) == [0, 2, 3, 4]
    assert starts(np.full(5, UNKNOWN), vectors) == [0, 1, 2, 3, 4]
    assert starts(times[:0], vectors[:0]) == []
    assert starts(times[:1], vectors[:1]) == [0]

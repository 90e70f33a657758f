"""Who asks during a scan takes part in the next one, memory is bounded, and what goes wrong reaches all."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ntcir.serve.ranking.scanning import Scans


class Vectors:
    """Counts scans, the first of which waits."""

    def __init__(self, gate=None):
        self.scans, self.gate, self.begun = [], gate, threading.Event()

    def __len__(self):
        return 10

    def approximate(self, queries):
        self.scans.append(len(queries))
        self.begun.set()
        if self.gate and len(self.scans) == 1:
            self.gate.wait(5)
        if (queries < 0).any():
            raise RuntimeError("broken")
        return np.repeat(queries, 10, axis=1), np.full(len(queries), 0.5)


def query(number):
    return np.array([number], dtype=np.float32)


def test_queries_that_come_during_a_scan_share_the_next_one():
    vectors = Vectors(threading.Event())
    scans = Scans(vectors, together=16)
    with ThreadPoolExecutor(40) as people:
        first = people.submit(scans.approximate, query(0))
        vectors.begun.wait(5)
        others = [people.submit(scans.approximate, query(1 + number % 20)) for number in range(39)]
        while len(scans._waiting) < 20:
            threading.Event().wait(0.001)
        vectors.gate.set()
        assert first.result()[0].tolist() == [0] * 10
        for number, other in enumerate(others):
            found, error = other.result()
            assert (found.tolist(), error) == ([1 + number % 20] * 10, 0.5)
    assert vectors.scans == [1, 16, 4]


def test_who_asks_what_is_just_scanned_waits_for_that_scan():
    vectors = Vectors(threading.Event())
    scans = Scans(vectors)
    with ThreadPoolExecutor(3) as people:
        first = people.submit(scans.approximate, query(3))
        vectors.begun.wait(5)
        others = [people.submit(scans.approximate, query(3)) for _ in range(2)]
        threading.Timer(0.05, vectors.gate.set).start()  # when they have asked
        assert all(other.result()[0] is first.result()[0] for other in others)
    assert vectors.scans == [1]


def test_scores_are_kept_in_bounded_memory():
    vectors = Vectors()
    scans = Scans(vectors, kept_bytes=3 * 40)
    for number in (0, 1, 2, 0, 3, 0, 1):
        scans.approximate(query(number))
    assert len(vectors.scans) == 5  # 1 was the oldest when 3 came
    assert len(scans._kept) == 3
    assert scans.kept(b"sum", lambda: scans.approximate(query(1))) is scans.kept(b"sum", pytest.fail)
    assert len(scans._kept) == 3


def test_a_scan_that_fails_is_tried_again():
    vectors = Vectors()
    scans = Scans(vectors)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="broken"):
            scans.approximate(query(-1))
    assert scans.approximate(query(1))[0].tolist() == [1] * 10
    assert vectors.scans == [1, 1, 1]


def test_several_queries_of_one_person_are_one_scan_and_what_is_kept_is_not_scanned_again():
    vectors = Vectors()
    scans = Scans(vectors)
    scans.approximate(query(2))
    found = scans.approximate_all([query(1), query(2), query(1), query(3)])
    assert [scores[0] for scores, _ in found] == [1, 2, 1, 3]
    assert vectors.scans == [1, 2]
    with pytest.raises(RuntimeError, match="broken"):
        scans.approximate_all([query(2), query(-1)])

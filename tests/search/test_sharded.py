"""Search over several processes: the answer is that of one."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch.distributed as dist
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import exit_codes
from searching import by_sorting, embeddings

from ntcir.search.nearest import nearest
from ntcir.search.sharded import merge, nearest_sharded

PARTS = {"even": 200, "none first": 0, "none last": 400, "one": 399}  # documents of the first process


def search_parts(folder: Path) -> None:
    """Search as one of two processes that have a part of the documents each."""
    dist.init_process_group("gloo")
    rank = dist.get_rank()

    def gather(value: Any) -> list[Any]:
        found = [None, None]
        dist.all_gather_object(found, value)
        return found

    given = np.load(folder / "given.npz")
    for name, cut in PARTS.items():
        part = given["documents"][:cut] if rank == 0 else given["documents"][cut:]
        rows, scores = nearest_sharded(given["queries"], part, 30, gather)
        np.savez(folder / f"{name} {rank}.npz", rows=rows, scores=scores)
    dist.destroy_process_group()


def test_two_processes_find_what_one_does(tmp_path):
    queries, documents = embeddings("few")  # many ties, within and across parts
    np.savez(tmp_path / "given.npz", queries=queries, documents=documents)
    ends, said = exit_codes(2, search_parts, tmp_path)
    assert ends == [0, 0], said
    expected = nearest(queries, documents, 30)
    for name in PARTS:
        for rank in range(2):
            found = np.load(tmp_path / f"{name} {rank}.npz")
            assert np.array_equal(found["rows"], expected[0])
            assert np.array_equal(found["scores"], expected[1])
            assert (found["rows"].dtype, found["scores"].dtype) == (np.int64, np.float32)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 400), max_size=4), st.integers(1, 500))
def test_parts_are_merged_into_what_the_whole_has(cuts, k):
    queries, documents = embeddings("few")
    queries = queries[:5]
    edges = [0, *sorted(cuts), 400]
    parts = [(start, documents[start:stop]) for start, stop in pairwise(edges)]
    found = [nearest(queries, part, k) for _, part in parts]
    rows, scores = merge([(rows + start, scores) for (start, _), (rows, scores) in zip(parts, found, strict=True)], k)
    expected = by_sorting(queries, documents, k)
    assert np.array_equal(rows, expected[0])
    assert np.array_equal(scores, expected[1])


def test_parts_must_answer_the_same_queries():
    one = (np.zeros((2, 3), dtype=np.int64), np.zeros((2, 3), dtype=np.float32))
    with pytest.raises(ValueError, match="the same queries"):
        merge([one, (one[0][:1], one[1][:1])], 2)
    with pytest.raises(ValueError, match="at least one part"):
        merge([], 2)


def test_one_process_has_all():
    queries, documents = embeddings("spread")
    for gather in (None, lambda value: [value]):
        found = nearest_sharded(queries, documents, 9, gather)
        assert np.array_equal(found[0], by_sorting(queries, documents, 9)[0])

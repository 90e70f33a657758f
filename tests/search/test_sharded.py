"""Search over several processes: the answer is that of one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import by_sorting, embeddings

from ntcir.search.nearest import nearest
from ntcir.search.sharded import merge, nearest_sharded

ROOT = Path(__file__).resolve().parents[2]

WORKER = """
import sys
import numpy as np
import torch.distributed as dist
from ntcir.search.sharded import nearest_sharded

rank, folder = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", rank=rank, world_size=2)

def gather(value):
    found = [None, None]
    dist.all_gather_object(found, value)
    return found

given = np.load(f"{folder}/given.npz")
for name, cut in (("even", 200), ("none first", 0), ("none last", 400), ("one", 399)):
    part = given["documents"][:cut] if rank == 0 else given["documents"][cut:]
    rows, scores = nearest_sharded(given["queries"], part, 30, gather)
    np.savez(f"{folder}/{name} {rank}.npz", rows=rows, scores=scores)
dist.destroy_process_group()
"""


def test_two_processes_find_what_one_does(tmp_path):
    queries, documents = embeddings("few")  # many ties, within and across parts
    np.savez(tmp_path / "given.npz", queries=queries, documents=documents)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    changes = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, str(rank), str(tmp_path)], env=os.environ | changes)
        for rank in range(2)
    ]
    try:
        assert [worker.wait(timeout=120) for worker in workers] == [0, 0]
    finally:
        for worker in workers:
            worker.kill()
    expected = nearest(queries, documents, 30)
    for name in ("even", "none first", "none last", "one"):
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

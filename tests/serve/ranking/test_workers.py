"""A few threads, in each of which torch has one, and other threads keep theirs."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from ntcir.serve.ranking.workers import Workers


def test_torch_has_one_thread_in_each_worker_and_as_many_as_before_elsewhere():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        workers = Workers(3)
        assert workers.do(torch.get_num_threads) == 1
        assert torch.get_num_threads() == 2
        with ThreadPoolExecutor(1) as later:
            assert later.submit(torch.get_num_threads).result() == 2
    finally:
        torch.set_num_threads(before)


def test_a_call_within_a_call_is_part_of_it():
    workers, own = Workers(1), threading.get_ident()
    outer, inner = workers.do(lambda: (threading.get_ident(), workers.do(threading.get_ident)))
    assert outer == inner != own
    with pytest.raises(ZeroDivisionError):
        workers.do(lambda: 1 // 0)

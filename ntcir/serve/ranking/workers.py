"""A few threads for what takes memory and time, however many people ask at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, local
from typing import TypeVar

from ntcir.system.machine import give_back_at_once

Found = TypeVar("Found")
_LARGE = 1 << 20  # bytes


class Workers:
    """Runs calls in a few threads: each thread keeps memory that it has used once, and a server has dozens of them.

    torch works in one thread within each. What is done here is short, or waits for memory: several threads would spend
    most of their time waiting for each other, the more the busier the machine is.

    Args:
        count: of the threads.
    """

    def __init__(self, count: int) -> None:
        import torch

        give_back_at_once(_LARGE)
        self._own, begun = local(), Barrier(count + 1)
        self._pool = ThreadPoolExecutor(count, "ntcir-serve", initializer=self._begin)
        for _ in range(count):
            self._pool.submit(begun.wait)
        begun.wait()
        torch.set_num_threads(torch.get_num_threads())  # of this thread; others that begin later get as many

    def _begin(self) -> None:
        import torch

        self._own.works = True
        torch.set_num_threads(1)  # of this thread, and of those that begin later
        torch.get_num_threads()  # only now has this thread begun, for torch

    def do(self, call: Callable[[], Found]) -> Found:
        """Return what a call returns, or raise what it raises; one from within another is part of that."""
        return call() if getattr(self._own, "works", False) else self._pool.submit(call).result()

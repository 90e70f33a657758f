"""Work in stages that go on at the same time: each a pool of threads that is some items ahead of the next."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass
class Clock:
    """How much time the stages took, in seconds of their threads, which run at the same time."""

    seconds: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Count the body's time as the stage's."""
        start = time.perf_counter()
        try:
            yield
        finally:
            taken = time.perf_counter() - start
            with self._lock:
                self.seconds[stage] = self.seconds.get(stage, 0.0) + taken

    def sentence(self, lanes: Mapping[str, int]) -> str:
        """Return the split in words; ``lanes`` says of which stages there were several at a time."""
        parts = []
        for stage, seconds in self.seconds.items():
            several = f" in {lanes[stage]} threads" if lanes.get(stage, 1) > 1 else ""
            parts.append(f"{stage} {seconds:.1f} s{several}")
        return ", ".join(parts)


def ahead(pool: ThreadPoolExecutor, work: Callable[[T], R], items: Iterable[T], number: int) -> Iterator[R]:
    """Yield ``work`` of each item, in order, worked out by a pool for so many items ahead.

    Items are drawn from ``items`` only when one is to be begun.
    """
    waiting = iter(items)
    futures: deque[Future[R]] = deque(pool.submit(work, item) for item in islice(waiting, number))
    while futures:
        result = futures.popleft().result()
        futures.extend(pool.submit(work, item) for item in islice(waiting, 1))
        yield result


def in_lanes(
    begin: Callable[[T], Callable[[], R]], items: Iterable[T], number: int, keep: Callable[[T, R], None]
) -> None:
    """Begin work on items, so many at a time, and give each with its result, in order, to ``keep``.

    Items are drawn from ``items`` only when one is to be begun; results that were waited for have been kept by then.

    Args:
        begin: returns what waits for the item's result.
        items: in order.
        number: how many are under way at a time.
        keep: takes an item and its result, in this thread.
    """
    waiting = iter(items)
    running: deque[tuple[T, Callable[[], R]]] = deque((item, begin(item)) for item in islice(waiting, number))
    while running:
        item, result = running.popleft()
        keep(item, result())
        running.extend((item, begin(item)) for item in islice(waiting, 1))


@contextmanager
def pool(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Yield a pool that, where something goes wrong, drops what has not begun."""
    executor = ThreadPoolExecutor(max_workers=threads)
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, cancel_futures=True)

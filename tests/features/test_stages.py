"""Stages of work: in order, no further ahead than asked for, and over when something goes wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from ntcir.features.stages import Clock, ahead, in_lanes, pool


def numbers(drawn: list[int], count: int) -> Iterator[int]:
    for number in range(count):
        drawn.append(number)
        yield number


def test_results_come_in_order_however_long_each_takes():
    def slowly(number: int) -> int:
        time.sleep(0.02 if number % 3 == 0 else 0)
        return number * number

    with pool(4) as threads:
        assert list(ahead(threads, slowly, range(20), 6)) == [number * number for number in range(20)]
        assert list(ahead(threads, slowly, [], 6)) == []
        assert list(ahead(threads, slowly, [2], 6)) == [4]


def test_items_are_drawn_only_when_one_is_to_be_begun():
    drawn: list[int] = []
    with pool(2) as threads:
        results = ahead(threads, lambda number: number, numbers(drawn, 10), 3)
        assert drawn == []
        for number in range(10):
            assert next(results) == number
            assert drawn == list(range(min(10, number + 4)))
        assert list(results) == []


def test_items_are_drawn_by_the_one_who_asks_for_results():
    seen: set[int] = set()

    def drawing() -> Iterator[int]:
        for number in range(8):
            seen.add(threading.get_ident())
            yield number

    with pool(3) as threads:
        workers = set(ahead(threads, lambda _: threading.get_ident(), drawing(), 3))
    assert seen == {threading.get_ident()}
    assert threading.get_ident() not in workers


def test_an_error_comes_in_its_place_and_what_has_not_begun_is_dropped():
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 2:
            raise ValueError("the third")
        time.sleep(0.02)
        return number

    results: list[int] = []
    with pytest.raises(ValueError, match="the third"), pool(1) as threads:
        results.extend(ahead(threads, work, range(100), 30))
    assert results == [0, 1]
    assert len(begun) < 10
    with pool(1) as threads, pytest.raises(KeyError):
        list(ahead(threads, lambda number: number, iter_that_fails(), 3))


def test_in_lanes_a_result_is_kept_before_more_is_begun_than_there_are_lanes():
    log: list[str] = []

    def begin(item: int) -> Callable[[], int]:
        log.append(f"begin {item}")
        return lambda: item * item

    in_lanes(begin, range(4), 2, lambda item, result: log.append(f"{item} gave {result}"))
    assert log == [
        "begin 0", "begin 1", "0 gave 0", "begin 2", "1 gave 1", "begin 3", "2 gave 4", "3 gave 9",
    ]  # fmt: skip


def iter_that_fails() -> Iterator[int]:
    yield 1
    raise KeyError("no more")


def test_the_clock_adds_up_what_several_threads_take_and_what_fails():
    clock = Clock()

    def work(_: int) -> None:
        with clock.timed("decode"):
            time.sleep(0.05)

    with pool(4) as threads:
        list(threads.map(work, range(8)))
    with pytest.raises(ValueError, match="wrong"), clock.timed("write"):
        raise ValueError("wrong")
    assert 0.4 <= clock.seconds["decode"] < 4
    assert 0 <= clock.seconds["write"] < 0.2
    assert clock.seconds.keys() == {"decode", "write"}
    clock.seconds |= {"decode": 1.25, "write": 0.04, "network": 3.0}
    assert clock.sentence({"decode": 4, "network": 1}) == "decode 1.2 s in 4 threads, write 0.0 s, network 3.0 s"
    assert Clock().sentence({}) == ""

"""From decoded batches to written blocks, whatever decodes and whatever runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers import refusal

from ntcir.features.blocks import Batch, Block, Rows
from ntcir.features.decode import UnreadableImage
from ntcir.features.pipeline import resumable, run_pipeline

SECOND = UnreadableImage("cut off")


def batches() -> Iterator[Batch[int]]:
    """Two blocks of three items, in batches of at most two; a picture is a number, and that of "b" cannot be read."""
    for number, items in enumerate(("abc", "def")):
        block = Block(number, [set(items)], list(items))
        for part in (items[:2], items[2:]):
            yield Batch(block, list(part), [SECOND if item == "b" else ord(item) for item in part])


def network(batch: Batch[int]) -> Callable[[], Rows]:
    return lambda: [{item: np.array([picture], np.float32) for item, picture in batch.decoded.items()}]


def contents(block: Block) -> tuple[int, dict[str, float], dict[str, UnreadableImage]]:
    return block.number, {item: float(row[0]) for item, row in block.rows[0].items()}, block.failed


@pytest.mark.parametrize("lanes", [1, 2, 9])
def test_a_block_is_written_once_all_of_it_is_done(lanes):
    written: list[object] = []
    steps: list[float] = []
    done = run_pipeline(batches(), network, lanes, lambda block: written.append(contents(block)), steps.append)
    assert written == [(0, {"a": 97, "c": 99}, {"b": SECOND}), (1, {"d": 100, "e": 101, "f": 102}, {})]
    assert (done, steps) == (6, [2, 1, 2, 1])


@pytest.mark.parametrize("keeps_parts", [False, True])
def test_an_interrupted_block_is_written_as_far_as_it_is_done_where_that_is_asked_for(keeps_parts):
    written: list[object] = []

    def stopped(batch: Batch[int]) -> Callable[[], Rows]:
        def wait() -> Rows:
            raise KeyboardInterrupt

        return wait if batch.items == ["f"] else network(batch)

    with pytest.raises(KeyboardInterrupt):
        run_pipeline(
            batches(), stopped, 1, lambda block: written.append(contents(block)), lambda steps: None,
            keeps_parts=keeps_parts,
        )  # fmt: skip
    part = [(1, {"d": 100, "e": 101}, {})] if keeps_parts else []
    assert written == [(0, {"a": 97, "c": 99}, {"b": SECOND}), *part]


def test_what_is_being_written_when_somebody_interrupts_is_written_again():
    tried: list[int] = []

    def write(block: Block) -> None:
        tried.append(block.number)
        if len(tried) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_pipeline(batches(), network, 1, write, lambda steps: None, keeps_parts=True)
    assert tried == [0, 0]


def test_an_interruption_says_where_the_same_command_goes_on():
    def interrupted() -> None:
        with resumable(Path("store")):
            raise KeyboardInterrupt

    sentence = refusal(interrupted)
    assert sentence == "Interrupted; nothing is lost: run the same command to continue (store)."

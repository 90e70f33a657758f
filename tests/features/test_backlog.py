"""Blocks given to whoever comes first, and written as a whole."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import ntcir.features.blocks as blocks_module
from ntcir.features.backlog import Backlog, Output
from ntcir.features.blocks import Block, cut
from ntcir.features.decode import UnreadableImage
from ntcir.features.store import FeatureStore

NETWORK: Any = SimpleNamespace()  # nothing is encoded here


@pytest.fixture(autouse=True)
def small(monkeypatch) -> None:
    monkeypatch.setattr(blocks_module, "SHARD_ITEMS", 4)
    monkeypatch.setattr(blocks_module, "_DENSE", 3)


def ids_of(count: int) -> list[str]:
    return [f"{number:03}" for number in range(count)]


def opened(folder: Path, names: str = "ab", count: int = 10) -> Backlog:
    outputs = [Output(NETWORK, FeatureStore(folder / name, {"fingerprint": name, "dim": 2})) for name in names]
    return Backlog(outputs, {item: f"1-{item}" for item in ids_of(count)})


def do(block: Block, bad: tuple[str, ...] = ()) -> Block:
    """Fill in what the networks would say: the item's number, and the output's."""
    for number, (lack, rows) in enumerate(zip(block.lacking, block.rows, strict=True)):
        rows.update({item: np.array([int(item), number], np.float32) for item in block.items if item in lack - {*bad}})
    block.failed = {item: UnreadableImage("cut off") for item in block.items if item in bad}
    return block


def claimed(backlog: Backlog, blocks: dict[int, list[str]]) -> tuple[list[Block], dict[int, list[str]], list[float]]:
    busy: dict[int, list[str]] = {}
    steps: list[float] = []
    return list(backlog.claimed(blocks, busy, steps.append)), busy, steps


def test_blocks_are_yielded_with_what_each_store_lacks_and_are_done_once_written(tmp_path):
    ids, backlog = ids_of(10), opened(tmp_path)
    blocks = cut(pd.Index(ids), ids)
    first, second = backlog._outputs
    first.store.write(0, ids[:4], [f"1-{item}" for item in ids[:4]], np.zeros((4, 2), np.float32))
    second.store.write(0, ids[:2], [f"1-{item}" for item in ids[:2]], np.zeros((2, 2), np.float32))
    found, busy, steps = claimed(backlog, blocks)
    assert busy == {}
    assert sum(steps) == 0
    assert [(block.number, block.items, block.lacking) for block in found] == [
        (0, ids[2:4], [set(), set(ids[2:4])]),
        (1, ids[4:8], [set(ids[4:8])] * 2),
        (2, ids[8:], [set(ids[8:])] * 2),
    ]
    for block in found:
        backlog.write(do(block, bad=("005",)))
    backlog.close()
    assert not any(map(backlog.lacks, ids))
    again = opened(tmp_path)
    assert claimed(again, blocks)[0] == []
    good = [item for item in ids if item != "005"]
    for number, output in enumerate(again._outputs):
        assert output.store.failure("005", "1-005") == "cut off"
        out = np.empty((7, 2), np.float32)
        output.store.load(good[2:], [f"1-{item}" for item in good[2:]], out)
        rows = slice(0, None) if number else slice(2, None)  # the first store was given zeros for the first block
        np.testing.assert_array_equal(out[rows], [[int(item), number] for item in good[2:]][rows])


def test_a_block_that_nothing_came_of_for_a_store_leaves_no_shard_there(tmp_path):
    backlog = opened(tmp_path)
    (block,) = claimed(backlog, {0: ids_of(2)})[0]
    block.lacking[1] = set()
    backlog.write(do(block))
    assert [len(list((tmp_path / name).glob("shard-*.npy"))) for name in "ab"] == [1, 0]


def test_what_another_has_stored_meanwhile_is_counted_as_progress_and_not_done_again(tmp_path):
    ids, mine = ids_of(10), opened(tmp_path)
    blocks = cut(pd.Index(ids), ids)
    theirs = opened(tmp_path)
    for block in claimed(theirs, {1: blocks[1]})[0]:
        theirs.write(do(block))
    theirs.close()
    assert all(map(mine.lacks, ids))
    found, busy, steps = claimed(mine, blocks)
    assert [block.number for block in found] == [0, 2]
    assert sum(steps) == 4
    assert busy == {}


def test_a_block_that_another_is_at_for_any_of_the_stores_is_left_to_it(tmp_path, monkeypatch):
    ids, backlog = ids_of(10), opened(tmp_path)
    theirs = opened(tmp_path)
    taken = {(1, 1), (0, 2)}  # of which store, which block
    given: list[tuple[int, int]] = []
    for number, locks in enumerate(backlog._locks):
        monkeypatch.setattr(locks, "take", lambda block, number=number: (number, block) not in taken)
        monkeypatch.setattr(locks, "give", lambda block, number=number: given.append((number, block)))
    blocks = cut(pd.Index(ids), ids)
    found, busy, _ = claimed(backlog, blocks)
    assert [block.number for block in found] == [0]
    assert busy == {1: ids[4:8], 2: ids[8:]}
    assert {(0, 1), (1, 1)} <= set(given)  # what was claimed of them is given up
    assert (0, 0) not in given
    # Then the other one is done with the first of them, and has died over the second.
    for block in claimed(theirs, {1: blocks[1]})[0]:
        theirs.write(do(block))
    taken.clear()
    found, still, steps = claimed(backlog, busy)
    assert [block.number for block in found] == [2]
    assert (still, sum(steps)) == ({}, 4)

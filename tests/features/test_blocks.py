"""What is asked for, cut into blocks."""

from __future__ import annotations

import pandas as pd
import pytest

import ntcir.features.blocks as blocks_module
from ntcir.features.blocks import Batch, Block, cut, in_order
from ntcir.features.decode import UnreadableImage


@pytest.fixture(autouse=True)
def small(monkeypatch) -> None:
    monkeypatch.setattr(blocks_module, "SHARD_ITEMS", 4)
    monkeypatch.setattr(blocks_module, "_DENSE", 3)


def ids_of(count: int) -> list[str]:
    return [f"{number:03}" for number in range(count)]


def test_a_corpus_is_cut_at_the_same_places_whatever_part_is_asked_for():
    ids = ids_of(14)
    index = pd.Index(ids)
    assert cut(index, ids) == {0: ids[:4], 1: ids[4:8], 2: ids[8:12], 3: ids[12:]}
    assert cut(index, ids[1:7]) == {0: ids[1:4], 1: ids[4:7]}
    assert cut(index, ids[10:3:-1]) == {1: ids[7:3:-1], 2: ids[10:7:-1]}
    assert cut(index, []) == {}


def test_a_few_of_many_blocks_are_cut_by_themselves():
    ids = ids_of(40)
    some = ids[::4] + ids[1::8]
    blocks = cut(pd.Index(ids), some)
    assert list(blocks.values()) == [some[:4], some[4:8], some[8:12], some[12:]]
    first = min(blocks)
    assert list(blocks) == [first, first + 1, first + 2, first + 3]
    assert first > 1_000_000  # no block of the corpus has such a number


def test_a_store_that_nobody_else_fills_is_cut_as_it_comes():
    ids = ids_of(10)[::-1]
    found = [(block.number, block.items, block.lacking) for block in in_order(ids)]
    assert found == [(0, ids[:4], [{*ids[:4]}]), (1, ids[4:8], [{*ids[4:8]}]), (2, ids[8:], [{*ids[8:]}])]
    assert list(in_order([])) == []


def test_a_batch_tells_what_was_decoded_from_what_was_not():
    why = UnreadableImage("cut off")
    batch = Batch(Block(0, [], ["a", "b", "c"]), ["a", "b", "c"], ["A", why, "C"])
    assert (batch.decoded, batch.failed) == ({"a": "A", "c": "C"}, {"b": why})

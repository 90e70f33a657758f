"""Paired rows in blocks, held to plain loops."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

import ntcir.training.paired_rows
from ntcir.sampling.relations import instances
from ntcir.training.paired_rows import PairedRows

WIDTHS = {"image": 3, "text": 2}
# a-1-b-2: linked by what they share on both sides; c with three captions; d and its caption twice; e by itself.
GRAPH = pd.DataFrame(
    [("c", "5"), ("a", "1"), ("b", "1"), ("d", "8"), ("b", "2"), ("c", "6"), ("e", "9"), ("c", "7"), ("d", "8")],
    columns=["image", "text"],
)


class Drawn:
    """Rows of items of a modality; notes how many are asked for at once."""

    def __init__(self, name: str) -> None:
        draw = np.random.default_rng(len(name))
        self.rows = {item: draw.normal(size=WIDTHS[name]).astype(np.float32) for item in sorted(set(GRAPH[name]))}
        self.asked: list[int] = []

    def __call__(self, ids: Sequence[str]) -> np.ndarray:
        self.asked.append(len(ids))
        return np.stack([self.rows[item] for item in ids])


@pytest.fixture
def drawn() -> dict[str, Drawn]:
    return {name: Drawn(name) for name in WIDTHS}


def joined(pairs: PairedRows) -> list[np.ndarray]:
    return [np.concatenate(part) for part in zip(*pairs.blocks(), strict=True)]


@pytest.mark.parametrize("block", [1, 2, 3, 4096])
def test_means_are_those_of_the_distinct_items_of_each_instance(drawn, monkeypatch, block):
    monkeypatch.setattr(ntcir.training.paired_rows, "BLOCK", block)
    pairs = PairedRows.of(GRAPH, "means", drawn, WIDTHS)
    shown = instances(GRAPH["image"].to_numpy(), GRAPH["text"].to_numpy())
    assert pairs.count == 4
    for name, found in zip(WIDTHS, joined(pairs), strict=True):
        expected = []
        for instance in range(4):
            items = {item for item, number in zip(GRAPH[name], shown, strict=True) if number == instance}
            expected.append(np.mean([drawn[name].rows[item] for item in items], axis=0))
        assert found == pytest.approx(np.array(expected), abs=1e-6)
        assert found.dtype == np.float32
        assert max(drawn[name].asked) <= block  # one instance may be larger than a block


@pytest.mark.parametrize("block", [1, 4, 4096])
def test_all_pairs_are_given_as_they_are(drawn, monkeypatch, block):
    monkeypatch.setattr(ntcir.training.paired_rows, "BLOCK", block)
    pairs = PairedRows.of(GRAPH, "all", drawn, WIDTHS)
    assert pairs.count == len(GRAPH)
    for name, found in zip(WIDTHS, joined(pairs), strict=True):
        assert np.array_equal(found, np.stack([drawn[name].rows[item] for item in GRAPH[name]]))
        assert max(drawn[name].asked) <= block


@pytest.mark.parametrize("how", ["means", "all"])
@pytest.mark.parametrize("count", [2, 7])
def test_processes_share_the_pairs_and_one_may_have_none(drawn, monkeypatch, how, count):
    whole = joined(PairedRows.of(GRAPH, how, drawn, WIDTHS))
    parts = []
    for rank in range(count):
        for name, value in {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count}.items():
            monkeypatch.setenv(name, str(value))
        done: list[int] = []
        pairs = PairedRows.of(GRAPH, how, drawn, WIDTHS)
        parts.append([np.concatenate(side) for side in zip(*pairs.blocks(done.append), strict=True)])
        assert sum(done) == len(pairs.part) == len(parts[-1][0])
    if count > len(whole[0]):
        assert any(len(part[0]) == 0 for part in parts)
    for side in (0, 1):
        assert np.array_equal(np.concatenate([part[side] for part in parts]), whole[side])
        assert all(part[side].shape[1] == whole[side].shape[1] for part in parts)


def test_wide_rows_come_in_smaller_blocks(drawn, monkeypatch):
    monkeypatch.setattr(ntcir.training.paired_rows, "_NUMBERS", 6)
    sizes = [len(left) for left, _ in PairedRows.of(GRAPH, "all", drawn, WIDTHS).blocks()]
    assert sizes == [2, 2, 2, 2, 1]

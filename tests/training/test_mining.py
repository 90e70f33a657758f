"""What the model mines while it is trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import one_thread, refusal, toy_config, toy_trainer  # noqa: F401

from ntcir.sampling.examples import Side
from ntcir.training.mining import BY_MODEL, Miner, from_tensors, to_tensors

pytestmark = pytest.mark.usefixtures("one_thread")
MINING = {"negatives__model": True, "negatives__every": 10, "negatives__relative_margin": None}


def test_mining_is_due_every_so_many_steps_but_not_before_the_first(tmp_path: Path) -> None:
    model = toy_trainer(toy_config(**MINING), tmp_path).model
    assert [step for step in range(31) if Miner(toy_config(**MINING), model).is_due(step)] == [10, 20, 30]
    assert not any(Miner(toy_config(), model).is_due(step) for step in range(31))


def test_mined_negatives_score_high_and_are_forbidden_to_none(tmp_path: Path) -> None:
    one = toy_trainer(toy_config(training__near_seconds=600, **MINING), tmp_path)
    found = one._miner(one._data, 10)
    rows = [source.encode(np.arange(one._data.pairs)) for source in one._data.sources]
    left, right = (one.model.unit_vectors(name, each) for name, each in zip(("image", "sensor"), rows, strict=True))
    for table, scores in ((found.hard.right, left @ right.T), (found.hard.left, right @ left.T)):
        asked = np.flatnonzero(table[:, 0] >= 0)
        assert 20 < len(asked) <= 40
        for pair in asked:
            mined = table[pair][table[pair] >= 0]
            assert not any(each(np.array([pair]), mined).any() for each in one._data.composer.forbidden().values())
            assert scores[pair][mined].mean() > scores[pair].mean()
    assert [report.of for report in found.reports] == ["photographs", "readings"]
    assert list(found.counts) == ["sensors", "images"]
    assert found.counts["sensors"]["mined"] == (found.hard.right >= 0).sum()


def test_pictures_may_be_on_the_right(tmp_path: Path) -> None:
    one = toy_trainer(toy_config(training__near_seconds=600, **MINING), tmp_path)
    expected = one._miner(one._data, 10)
    pair: Any = ("sensor", "image")
    turned = replace(
        one._data, pair=pair, sources=one._data.sources[::-1], composer=replace(one._data.composer, side=Side.RIGHT)
    )
    found = one._miner(turned, 10)
    assert np.array_equal(found.hard.left, expected.hard.right)
    assert np.array_equal(found.hard.right, expected.hard.left)
    assert [report.of for report in found.reports] == ["readings", "photographs"]
    assert found.counts == expected.counts


def test_a_checkpoint_takes_the_tables_along(tmp_path: Path) -> None:
    one = toy_trainer(toy_config(**MINING), tmp_path)
    assert to_tensors(one._data) == {}
    assert from_tensors(one._data, {}) is one._data
    one._mine(10)
    tensors = to_tensors(one._data)
    assert list(tensors) == ["images", "sensors"]  # the names in the checkpoints that there are
    again = from_tensors(toy_trainer(toy_config(**MINING), tmp_path)._data, tensors).composer.hard[BY_MODEL]
    mined = one._data.composer.hard[BY_MODEL]
    assert np.array_equal(again.left, mined.left)
    assert np.array_equal(again.right, mined.right)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("side", ["image", "sensor"])
def test_embeddings_that_are_not_finite_are_refused_with_what_helps(tmp_path: Path, side: str, bad: float) -> None:
    one = toy_trainer(toy_config(objectives=[{"kind": "info_nce", "temperature": 0.07}], **MINING), tmp_path)
    with torch.no_grad():
        next(one.model.tower(side).head.parameters()).fill_(bad)
    said = refusal(one._miner, one._data, 10)
    assert "diverged (NaN): lower training.lr or raise objectives.0.temperature (now 0.07)" in said

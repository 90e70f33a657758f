"""One step of a training, against its loss worked out pair by pair."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import one_thread, toy_config, toy_corpus, toy_trainer  # noqa: F401

from ntcir.objectives.info_nce import info_nce

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("shared", [True, False])
def test_where_the_corpus_says_so_pairs_that_share_an_item_are_positives_of_each_other(tmp_path, shared):
    corpus = toy_corpus()
    own = corpus.pairs["sensor"]
    corpus = replace(
        corpus,
        pairs=corpus.pairs.assign(sensor=own.where(corpus.pairs.index % 3 == 0, own.shift(fill_value=own[0]))),
        shared_are_positive=shared,
    )
    config = toy_config(training__batch=90, training__near_seconds=0, training__mask_equal_readings=False)
    one = toy_trainer(config, tmp_path, corpus)
    readings = corpus.split("train")["sensor"].tolist()
    same = torch.tensor([[mine == other for other in readings] for mine in readings])
    assert same.sum() > 90
    rows = [source.encode(np.arange(90)) for source in one._data.sources]
    left, right = (
        torch.from_numpy(one.model.unit_vectors(name, each)) for name, each in zip(config.pair, rows, strict=True)
    )
    known = {"positives": same} if shared else {"ignored": same}
    assert one._step(0)[0] == pytest.approx(info_nce(left, right, 0.1, **known).item(), rel=1e-4)
    numbers = one._data.instances
    assert np.array_equal(numbers[:, None] == numbers[None, :], same.numpy())

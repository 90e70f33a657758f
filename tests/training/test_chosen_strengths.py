"""What chooses the strength of a regularisation, where a whole model is solved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from helpers import ToyFeatures, fit, one_thread, refusal, toy_config, toy_corpus, twice_a_minute  # noqa: F401

from ntcir.corpora.corpus import Corpus
from ntcir.model.folder import CARD

pytestmark = pytest.mark.usefixtures("one_thread")


def card(folder: Path, corpus: Corpus | None = None, **settings: Any) -> dict[str, Any]:
    """Return the card of a model that was solved."""
    config = toy_config(objectives=[{"kind": "cca", **settings}], training__iters=0, towers__dim=2)
    fit(config, folder, corpus=corpus)
    found: dict[str, Any] = json.loads((folder / CARD).read_text(encoding="utf-8"))
    return found


def test_by_the_validation_split_as_evaluate_measures_it(tmp_path, capsys):
    found = card(tmp_path / "model", regularisation="validation")
    chosen = found["solved"]["regularisation"]
    assert chosen["chosen_by"] == "validation"
    measured = found["validation"].values()
    assert chosen["validation_mrr"] == pytest.approx(sum(measured) / 2)
    as_gcv = card(tmp_path / "other", regularisation="gcv")["validation"].values()
    assert sum(measured) >= sum(as_gcv)
    assert "chosen by validation with a mean MRR of" in capsys.readouterr().err


def test_of_photographs_that_share_a_minute_their_mean_chooses(tmp_path):
    corpus = twice_a_minute(("2020-02-16", "2020-02-17", "2020-03-01"))
    means, pairs = (card(tmp_path / how, corpus, pairs=how)["solved"] for how in ("means", "all"))
    assert pairs["pairs"] == 2 * means["pairs"]
    assert pairs["regularisation"] == means["regularisation"]


def test_without_a_validation_split_it_cannot_choose_which_is_told_before_anything_is_encoded(tmp_path):
    corpus = toy_corpus(("2020-02-01", "2020-02-02"))
    with patch.object(ToyFeatures, "ensure", side_effect=AssertionError("something is encoded")):
        said = refusal(lambda: card(tmp_path / "model", corpus, regularisation="validation"))
    assert said.startswith(
        "objectives.0.regularisation = validation needs a validation split of two pairs or more, and there is none"
    )

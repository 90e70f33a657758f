"""What an objective needs of a corpus is looked for before anything is encoded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
import pytest
from helpers import fit, one_thread, refusal, toy_config, toy_corpus  # noqa: F401

from ntcir.config import Objective
from ntcir.config.registry import OBJECTIVES
from ntcir.corpora.corpus import Corpus
from ntcir.training.needs import categories_of

pytestmark = pytest.mark.usefixtures("one_thread", "registered")


class Needy(Objective):
    """Asks for categories and instances, and learns nothing of either."""

    kind: Literal["needy"] = "needy"
    needs: ClassVar[frozenset[str]] = frozenset({"categories"})

    def __call__(self, batch: Any, learnt: Any) -> Any:
        left, right = batch.categories
        assert left.shape[1] == right.shape[1]
        assert set(left.unique().tolist()) <= {0, 1}
        return -(batch.left * batch.right).sum() / len(batch.left)


class Telling(Objective):
    """Asks for instances, and pulls an item towards a learnt vector of its instance."""

    kind: Literal["telling"] = "telling"
    needs: ClassVar[frozenset[str]] = frozenset({"instances"})

    def learnt(self, dim: int, instances: int) -> Any:
        from torch import nn

        return nn.Embedding(instances, dim)

    def __call__(self, batch: Any, learnt: Any) -> Any:
        left, right = batch.instances
        return -((learnt(left) * batch.left).sum() + (learnt(right) * batch.right).sum()) / len(left)


@pytest.fixture(scope="module")
def registered() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(OBJECTIVES, "needy", f"{__name__}:Needy")
        patch.setitem(OBJECTIVES, "telling", f"{__name__}:Telling")
        yield


def with_categories(corpus: Corpus, modality: str = "image") -> Corpus:
    index = corpus.tables[modality].index
    concepts = pd.DataFrame(np.random.default_rng(0).integers(0, 2, (len(index), 3)), index=index, columns=list("xyz"))
    return replace(corpus, categories={modality: concepts})


def linked() -> Corpus:
    """Return a corpus whose training photographs are all of one minute."""
    corpus = toy_corpus()
    train = corpus.pairs["split"] == "train"
    return replace(
        corpus, pairs=corpus.pairs.assign(sensor=corpus.pairs["sensor"].where(~train, corpus.pairs["sensor"][0]))
    )


@pytest.mark.parametrize("kind", ["needy", "telling"])
@pytest.mark.parametrize("also", [[], [{"kind": "info_nce"}]], ids=["alone", "in a sum"])
def test_an_objective_whose_needs_are_not_met_is_refused_before_the_first_step(tmp_path, kind, also):
    config = toy_config(objectives=[*also, {"kind": kind}], training__mask_equal_readings=False)
    sentence = refusal(fit, config, tmp_path / "model", corpus=toy_corpus() if kind == "needy" else linked())
    expected = {
        "needy": "The objective needy needs categories, and toy has none: choose another objective.",
        "telling": "The objective telling tells instances apart, and all training pairs of toy are linked",
    }
    assert expected[kind] in sentence
    assert not list((tmp_path / "model").glob("*"))


@pytest.mark.parametrize("modality", ["image", "sensor"])
def test_categories_of_one_modality_are_those_of_its_partners(modality):
    corpus = with_categories(toy_corpus(), modality)
    found = categories_of(toy_config(objectives=[{"kind": "needy"}]), corpus, corpus.split("val"))
    assert found is not None
    expected = corpus.categories[modality].loc[corpus.split("val")[modality]].to_numpy()
    for side in found:
        assert side.dtype == np.float32
        assert np.array_equal(side, expected)


@pytest.mark.parametrize("kind", ["needy", "telling"])
def test_an_objective_whose_needs_are_met_trains(tmp_path: Path, kind: str) -> None:
    config = toy_config(objectives=[{"kind": "info_nce"}, {"kind": kind}], training__iters=5)
    assert fit(config, tmp_path, corpus=with_categories(toy_corpus())).steps == 5

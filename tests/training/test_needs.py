"""What an objective needs of a corpus is looked for before anything is encoded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
import pytest
from helpers import fit, one_thread, refusal, toy_config, toy_corpus, toy_trainer  # noqa: F401

import ntcir.training.preparation
from ntcir.config import Config, Objective
from ntcir.config.registry import OBJECTIVES
from ntcir.corpora.corpus import Corpus
from ntcir.training.categories import categories_of
from ntcir.training.needs import require_needs

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


def nothing(ids: list[str]) -> np.ndarray:
    """Count no objects in any picture."""
    return np.zeros((len(ids), 3), dtype=np.int64)


def without_pictures(config: Config) -> tuple[Config, Corpus]:
    """Return a configuration and a corpus of captions and readings."""
    corpus = toy_corpus()
    tables = {"text": corpus.images.rename_axis("text").assign(text="a word"), "sensor": corpus.sensors}
    pairs = corpus.pairs.rename(columns={"image": "text"})
    return config.changed({"pair": ["text", "sensor"]}), replace(corpus, tables=tables, pairs=pairs)


def linked() -> Corpus:
    """Return a corpus whose training photographs are all of one minute."""
    corpus = toy_corpus()
    train = corpus.pairs["split"] == "train"
    return replace(
        corpus, pairs=corpus.pairs.assign(sensor=corpus.pairs["sensor"].where(~train, corpus.pairs["sensor"][0]))
    )


also_others = pytest.mark.parametrize("also", [[], [{"kind": "info_nce"}]], ids=["alone", "in a sum"])


@also_others
def test_instances_that_are_all_one_are_refused_before_the_first_step(tmp_path, also):
    config = toy_config(objectives=[*also, {"kind": "telling"}], training__mask_equal_readings=False)
    sentence = refusal(fit, config, tmp_path / "model", corpus=linked())
    assert "The objective telling tells instances apart, and all training pairs of toy are linked" in sentence
    assert not list((tmp_path / "model").glob("*"))


@also_others
def test_without_categories_and_pictures_an_objective_that_needs_categories_is_refused(also):
    config, corpus = without_pictures(toy_config(objectives=[*also, {"kind": "needy"}]))
    assert refusal(require_needs, config, corpus) == (
        "The objective needy needs categories, and toy has none, nor could objects be detected in captions or "
        "readings: choose another objective."
    )


@pytest.mark.parametrize("modality", ["image", "sensor"])
def test_categories_of_one_modality_are_those_of_its_partners(modality):
    corpus = with_categories(toy_corpus(), modality)
    found = categories_of(toy_config(objectives=[{"kind": "needy"}]), corpus, corpus.split("val"), nothing)
    assert found is not None
    expected = corpus.categories[modality].loc[corpus.split("val")[modality]].to_numpy()
    for side in found:
        assert side.dtype == np.float32
        assert np.array_equal(side, expected)


@pytest.mark.parametrize("kind", ["needy", "telling"])
def test_an_objective_whose_needs_are_met_trains(tmp_path: Path, kind: str) -> None:
    config = toy_config(objectives=[{"kind": "info_nce"}, {"kind": kind}], training__iters=5)
    assert fit(config, tmp_path, corpus=with_categories(toy_corpus())).steps == 5


# Objects as categories


@pytest.fixture
def detected(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Let the photographs of the toy show objects; the counts of each call are kept."""
    counted = []

    class Detections:
        counted, fingerprint = ("cup", "person", "tree"), "toy detector"

        def __init__(self, *_: Any) -> None: ...

        def ensure(self, ids: list[str]) -> None: ...

        def counts(self, ids: list[str]) -> np.ndarray:
            found = np.array([np.random.default_rng(list(item.encode())).poisson(0.5, 3) for item in ids])
            counted.append(found)
            return found

    monkeypatch.setattr(ntcir.training.preparation, "ObjectDetections", Detections)
    return counted


def test_where_a_corpus_has_no_categories_they_are_the_objects_in_its_pictures(tmp_path, detected, capsys):
    data = toy_trainer(toy_config(objectives=[{"kind": "needy"}]), tmp_path)._data
    (counts,) = detected
    assert data.categories is not None
    for side in data.categories:
        assert side.dtype == np.float32
        assert np.array_equal(side, counts > 0)
    shown = int(counts.any(axis=1).sum())
    assert 0 < shown < len(counts)
    said = capsys.readouterr().err
    assert f"objects in the photographs: {shown} of {len(counts)} training pairs show some, of 3 classes." in said


def test_objects_are_not_detected_where_the_corpus_has_categories_or_nobody_needs_any(tmp_path, detected):
    for kind in ("needy", "info_nce"):
        config = toy_config(objectives=[{"kind": kind}], training__iters=1)
        fit(config, tmp_path / kind, corpus=with_categories(toy_corpus(), "sensor"))
    fit(toy_config(training__iters=1), tmp_path / "none")
    assert detected == []


def test_objects_as_categories_are_no_pseudo_positives(tmp_path, detected):
    trainer = toy_trainer(toy_config(objectives=[{"kind": "needy"}]), tmp_path)
    assert trainer._data.composer.objects is None
    assert not trainer._data.composer.hard


def test_pictures_that_show_no_object_are_refused(tmp_path, detected, monkeypatch):
    monkeypatch.setattr(ntcir.training.preparation.ObjectDetections, "counts", lambda self, ids: nothing(ids))
    sentence = refusal(fit, toy_config(objectives=[{"kind": "needy"}]), tmp_path / "model")
    assert "The objective needy needs categories; toy has none, and no photograph of its" in sentence
    assert "training pairs shows an object (objects.detector = yolo11n.pt)" in sentence


def test_a_detector_that_is_none_is_refused_with_the_reason_that_it_is_asked(tmp_path):
    config = toy_config(objectives=[{"kind": "needy"}], objects__detector="nobody.pt")
    sentence = refusal(fit, config, tmp_path / "model")
    assert (
        "The objective needy needs categories; toy has none, so they are the objects in its photographs: " in sentence
    )
    assert "There is no detector nobody.pt" in sentence


def test_a_training_is_not_resumed_with_other_categories(tmp_path):
    config = toy_config(objectives=[{"kind": "needy"}], training__iters=3)
    corpus = with_categories(toy_corpus())
    fit(config, tmp_path / "model", corpus=corpus)
    longer = config.changed({"training.iters": 6})
    other = replace(corpus, categories={"image": 1 - corpus.categories["image"]})
    assert "Cannot resume" in refusal(fit, longer, tmp_path / "model", resume=True, corpus=other)
    assert fit(longer, tmp_path / "model", resume=True, corpus=corpus).steps == 6

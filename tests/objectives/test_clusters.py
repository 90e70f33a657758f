"""Clusters of instances as the classes of the instance loss."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from helpers import fit, fit_in_two_parts, one_thread, refusal, toy_config, toy_corpus, toy_trainer, twice_a_minute  # noqa: F401
from safetensors.torch import load_file

import ntcir.objectives.clusters
from ntcir.model.folder import WEIGHTS
from ntcir.model.model import Model
from ntcir.objectives.clusters import clustered
from ntcir.objectives.instance import Instance
from ntcir.towers.pooling import VectorSequence
from ntcir.towers.views import Views
from ntcir.training.checkpoint import LAST
from ntcir.training.instance_rows import InstanceRows

pytest.importorskip("sklearn")
pytestmark = pytest.mark.usefixtures("one_thread")


def blobs(centres: int = 4, each: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """Return rows around centres that are far apart, and whose each is."""
    draw = np.random.default_rng(0)
    owners = draw.permutation(np.repeat(np.arange(centres), each))
    return (np.eye(centres)[owners] * 100 + draw.normal(size=(len(owners), centres))).astype(np.float32), owners


def same_parts(one: np.ndarray, other: np.ndarray) -> bool:
    return np.array_equal(one[:, None] == one, other[:, None] == other)


@pytest.mark.parametrize("whole", [10**10, 0], ids=["all rows", "mini-batches"])
def test_rows_that_lie_together_are_one_cluster(monkeypatch, whole):
    monkeypatch.setattr(ntcir.objectives.clusters, "_WHOLE", whole)
    rows, owners = blobs()
    found = clustered(rows, 4, seed=3)
    assert found.dtype == np.int64
    assert same_parts(found, owners)
    assert np.array_equal(found, clustered(rows, 4, seed=3))


def test_equal_rows_leave_clusters_empty_without_a_complaint(recwarn):
    found = clustered(np.ones((6, 2), dtype=np.float32), 3, seed=2**40)
    assert len(set(found.tolist())) == 1
    assert not recwarn.list


def test_clusters_that_stay_empty_are_told(capsys):
    objective = Instance(clusters=3)
    objective.prepare(objective.learnt(2, 6), lambda: np.ones((6, 2), dtype=np.float32), 0)
    assert "WARNING: 2 of the 3 clusters are empty" in capsys.readouterr().err


def test_more_clusters_than_instances_are_refused_before_anything_is_encoded(tmp_path):
    config = toy_config(objectives=[{"kind": "instance", "clusters": 91}])
    assert refusal(fit, config, tmp_path / "m") == (
        "objectives: an instance loss has clusters = 91, and the training split has 90 instances to be clustered: "
        "lower it."
    )
    assert "cannot be put into 3 clusters" in refusal(clustered, np.ones((2, 2), dtype=np.float32), 3, 0)


def test_rows_that_are_not_finite_are_refused():
    assert "not finite" in refusal(clustered, np.array([[1.0], [np.inf]], dtype=np.float32), 2, 0)


def test_without_scikit_learn_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)
    sentence = refusal(fit, toy_config(objectives=[{"kind": "instance", "clusters": 5}]), tmp_path / "m")
    assert "scikit-learn, which cannot be imported" in sentence
    assert sentence.endswith("pip install 'ntcir[cluster]'.")
    assert fit(toy_config(objectives=[{"kind": "instance"}], training__iters=1), tmp_path / "n").steps == 1


CLUSTERED = [{"kind": "instance", "clusters": 6}]


def test_classes_are_clusters_of_the_instances_and_are_saved_and_resumed(tmp_path, monkeypatch, capsys):
    config = toy_config(objectives=CLUSTERED, training__iters=8, training__validate_every=4)
    fit(config, tmp_path / "whole")
    said = capsys.readouterr().err
    assert said.count("k-means: 6 clusters of 90 instances, ") == 1
    trainer = toy_trainer(config, tmp_path / "other")
    rows = trainer._instance_rows
    assert rows is not None
    expected = clustered(rows(), 6, config.seed)
    saved = load_file(tmp_path / "whole" / WEIGHTS)
    assert saved["learnt.0.class_of"].dtype == torch.int64
    assert np.array_equal(saved["learnt.0.class_of"], expected)
    assert saved["learnt.0.classes"].shape == (6, 32)
    calls: list[int] = []
    monkeypatch.setattr("ntcir.objectives.instance.clustered", lambda *_: calls.append(1) or expected)
    fit_in_two_parts(config, tmp_path / "resumed", 5, 3)
    assert calls == [1]  # not when it was resumed
    whole, resumed = (load_file(tmp_path / place / LAST) for place in ("whole", "resumed"))
    assert all(torch.equal(whole[name], value) for name, value in resumed.items())
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)
    assert np.array_equal(Model.load(tmp_path / "whole").learnt[0].class_of, expected)


def test_a_loss_of_clusters_is_that_of_classes_which_are_clusters(tmp_path):
    config = toy_config(objectives=CLUSTERED)
    trainer = toy_trainer(config, tmp_path)
    learnt = trainer.model.learnt[0]
    objective: Any = config.losses[0]
    vectors = torch.randn(3, 32)
    from ntcir.objectives.batch import Batch

    batch = Batch(vectors, vectors, None, None, (torch.tensor([0, 1, 2]),) * 2, features=(vectors, vectors))
    with pytest.raises(ValueError, match="have not been found yet"):
        objective(batch, learnt)
    trainer._begin(resume=False)
    assert trainer._instance_rows is None
    classes = learnt.class_of[:3]
    expected = Instance()(replace(batch, instances=(classes, classes)), learnt)
    assert objective(batch, learnt).item() == expected.item()


def test_clusters_that_are_known_from_another_model_stay(tmp_path):
    objective = Instance(clusters=2)
    learnt = objective.learnt(4, 3)
    known = torch.tensor([1, 0, 1])
    learnt.get_buffer("class_of").copy_(known)
    objective.prepare(learnt, lambda: 1 / 0, 0)  # type: ignore[arg-type, return-value]
    assert torch.equal(learnt.get_buffer("class_of"), known)


def test_an_instance_of_several_pictures_is_their_mean_as_the_stem_makes_it(tmp_path):
    corpus = twice_a_minute(("2020-02-01", "2020-03-01"))
    trainer = toy_trainer(toy_config(towers__image__standardise=True), tmp_path, corpus)
    rows = trainer._instance_rows
    assert rows is not None
    found = rows()
    assert found.dtype == np.float32
    stemmed = trainer.model.tower("image").stem(torch.from_numpy(rows.rows)).numpy()
    numbers = trainer._data.instances
    assert np.bincount(numbers).tolist() == [2] * len(found)
    for number, mean in enumerate(found):
        assert mean == pytest.approx(stemmed[numbers == number].mean(axis=0), abs=1e-5)


class Halves(Views):
    """Rows are two views, one behind the other."""

    def drawn(self, rows: torch.Tensor) -> torch.Tensor:
        raise AssertionError

    def every(self, rows: torch.Tensor) -> Any:
        width = rows.shape[1] // 2
        for start in (0, width):
            yield rows[:, start : start + width], torch.arange(len(rows))


class Pairs(torch.nn.Module):
    """Two vectors an item, of which the second is there in the first item only."""

    def forward(self, rows: torch.Tensor) -> VectorSequence:
        there = torch.ones(len(rows), 2, dtype=torch.bool)
        there[1:, 1] = False
        return VectorSequence(rows.reshape(len(rows), 2, -1), there)


def test_several_views_and_sequences_count_by_their_means():
    rows = np.arange(16, dtype=np.float32).reshape(2, 8)
    numbers = np.array([0, 1])

    def means(stem: torch.nn.Module, views: Views | None) -> list[list[float]]:
        from ntcir.towers.tower import Tower

        found: list[list[float]] = InstanceRows(Tower(stem, torch.nn.Identity(), views), rows, numbers)().tolist()
        return found

    assert means(torch.nn.Identity(), Halves()) == [[2, 3, 4, 5], [10, 11, 12, 13]]
    assert means(Pairs(), None) == [[2, 3, 4, 5], [8, 9, 10, 11]]
    assert means(Pairs(), Halves()) == [[3, 4], [10, 11]]

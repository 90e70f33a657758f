"""A model without what its objectives have learnt of single training instances, as it is handed in."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from bundling import small_config, small_model
from helpers import one_thread, toy_config, toy_trainer  # noqa: F401
from safetensors.torch import load_file

from ntcir.model.folder import WEIGHTS
from ntcir.model.model import Model
from ntcir.submission.bundle import self_contained

pytestmark = pytest.mark.usefixtures("one_thread")
LEARNT: dict[str, Any] = {"kind": "info_nce", "learn_temperature": True}


@pytest.mark.parametrize("clusters", [None, 7])
def test_a_bundled_model_has_no_classifier_of_instances_and_is_the_same_to_who_asks_it(tmp_path, clusters):
    objectives = [LEARNT, {"kind": "instance", "clusters": clusters}]
    model = toy_trainer(toy_config(objectives=objectives), tmp_path).model
    model.learnt[0].log_temperature.data.fill_(-3)
    assert model.numbering
    rows = torch.randn(5, model.encoders["image"].dim).numpy()
    before, towers = model.unit_vectors("image", rows), model.towers.state_dict()
    model.save(tmp_path / "whole")
    model.forget_instances()
    model.save(tmp_path / "small")
    sizes = [(tmp_path / name / WEIGHTS).stat().st_size for name in ("whole", "small")]
    assert sizes[0] - sizes[1] > 4 * 32 * (clusters or 90) - 200
    again = Model.load(tmp_path / "small")
    assert (again.unit_vectors("image", rows) == before).all()
    assert all(torch.equal(again.towers.state_dict()[name], value) for name, value in towers.items())
    assert again.learnt[0].log_temperature == -3
    assert again.learnt[1].classes.shape == (0, 32)
    assert (again.instances, again.numbering) == (0, "")


def test_a_model_without_such_a_classifier_stays_as_it_is(tmp_path):
    model = toy_trainer(toy_config(objectives=[LEARNT]), tmp_path).model
    learnt = model.learnt
    model.forget_instances()
    assert model.learnt is learnt
    assert model.instances == 90


def test_what_is_handed_in_has_forgotten_them(tmp_path):
    model = small_model(small_config(objectives=[{"kind": "instance"}]))
    with_classes = Model(model.config, model.encoders, instances=50)
    self_contained(with_classes).save(tmp_path)
    assert load_file(tmp_path / WEIGHTS)["learnt.0.classes"].shape == (0, 32)

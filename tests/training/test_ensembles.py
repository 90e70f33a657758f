"""Ensembles: pairs of towers that are trained in one pass, each as if alone, and asked as one model."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from helpers import (  # noqa: F401
    FEATURES,
    fit,
    fit_in_two_parts,
    one_thread,
    question,
    refusal,
    toy_config,
    toy_corpus,
    toy_features,
    toy_rows,
    toy_trainer,
)
from safetensors.torch import load_file

from ntcir.config import Config
from ntcir.encoders.encoder import Facet
from ntcir.encoders.frozen import FrozenEncoder
from ntcir.model.facets import idle_facets, seen_by
from ntcir.model.folder import WEIGHTS
from ntcir.model.metrics import METRICS, read_metrics
from ntcir.model.model import Model
from ntcir.retrieval.retriever import Retriever
from ntcir.towers.ensemble import Ensemble
from ntcir.towers.whole_batch import of_whole
from ntcir.training.instance_rows import InstanceRows, prepare_objectives
from ntcir.training.start import check_start
from ntcir.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("one_thread")
LEARNT: list[dict[str, Any]] = [{"kind": "info_nce", "learn_temperature": True}, {"kind": "instance"}]
SIDES = ("image", "sensor")


def ensemble_config(**changes: Any) -> Config:
    return toy_config(**{"towers__members": 3, "towers__dim": 8, "training__iters": 12} | changes)


def halves(self: FrozenEncoder, config: Config) -> list[Facet]:
    """Return the facets of an encoder of two networks, as far as a tower is concerned."""
    width = FEATURES // 2
    return [
        Facet(name, np.arange(start, start + width), FrozenEncoder(width, [name]))
        for name, start in (("upper", 0), ("lower", width))
    ]


def alone(together: Trainer, member: int, folder: Path) -> Trainer:
    """Return a training of a single pair of towers that begins with a member's weights."""
    one = toy_trainer(together.config.changed({"towers.members": 1}), folder)
    for name in SIDES:
        one.model.tower(name).load_state_dict(together.model.tower(name).members[member].state_dict())
    for ours, theirs in zip(one.model.learnt, together.model.learnt_of(member), strict=True):
        ours.load_state_dict(theirs.state_dict())
    return one


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_each_member_is_trained_as_if_alone(tmp_path, optimizer):
    together = toy_trainer(
        ensemble_config(objectives=LEARNT, training__optimizer=optimizer, training__weight_decay=0.01), tmp_path
    )
    each = [alone(together, member, tmp_path) for member in range(3)]
    for step in range(12):
        loss, figures = together._step(step)
        losses, noted = zip(*(one._step(step) for one in each), strict=True)
        assert loss == pytest.approx(np.mean(losses), abs=1e-5)
        assert figures["sensor_top1_error"] == pytest.approx(np.mean([one["sensor_top1_error"] for one in noted]))
    rows = np.random.default_rng(0).normal(size=(7, FEATURES)).astype(np.float32)
    for member, one in enumerate(each):
        for name in SIDES:
            ours = together.model.tower(name).members[member].state_dict()
            for key, value in one.model.tower(name).state_dict().items():
                assert torch.allclose(ours[key], value, atol=1e-5), (name, key)
        temperature, classes = together.model.learnt_of(member)
        assert temperature.log_temperature.item() == pytest.approx(one.model.learnt[0].log_temperature.item(), abs=1e-5)
        assert torch.allclose(classes.classes, one.model.learnt[1].classes, atol=1e-5)
    expected = np.concatenate([one.model.unit_vectors("image", rows) for one in each], axis=1) / 3**0.5
    assert together.model.unit_vectors("image", rows) == pytest.approx(expected, abs=1e-5)
    temperatures = [together.model.learnt_of(member)[0].log_temperature.item() for member in range(3)]
    assert len(set(temperatures)) == 3


def test_members_begin_differently_and_the_first_as_a_single_model(tmp_path):
    model, single, other = (
        toy_trainer(ensemble_config(objectives=LEARNT, **changes), tmp_path).model
        for changes in ({}, {"towers__members": 1}, {"seed": 1})
    )
    for name in SIDES:
        first, second, _ = model.tower(name).members
        assert all(
            torch.equal(first.state_dict()[key], value) for key, value in single.tower(name).state_dict().items()
        )
        assert not torch.equal(first.head[0].weight, second.head[0].weight)
        assert not torch.equal(other.tower(name).members[0].head[0].weight, second.head[0].weight)
    assert torch.equal(model.learnt_of(0)[1].classes, single.learnt[1].classes)
    assert not torch.equal(model.learnt_of(1)[1].classes, single.learnt[1].classes)


def test_a_run_has_the_mean_of_the_members_cosines(tmp_path):
    config, corpus = ensemble_config(), toy_corpus()
    fit(config, tmp_path / "model")
    model = Model.load(tmp_path / "model")
    pairs = corpus.split("test")
    pool = pairs["sensor"].tolist()[:10]
    with toy_features():
        lines = "".join(
            Retriever(model, corpus).run(
                [question("t", "2020-03-20", pairs["image"].iloc[0])], {"t": pool}, tag="x", depth=10, split="test"
            )
        ).splitlines()
    rows = toy_rows(config, corpus)
    image = torch.from_numpy(rows["image"].load(pairs["image"].tolist()[:1]))
    rows["sensor"].fit(corpus.split("train")["sensor"].tolist())
    sensors = torch.from_numpy(rows["sensor"].load(pool))
    cosines = [
        (left.eval()(image) @ right.eval()(sensors).T)[0]
        for left, right in zip(*(model.tower(name).members for name in SIDES), strict=True)
    ]
    expected = dict(zip(pool, torch.stack(cosines).mean(dim=0).tolist(), strict=True))
    assert len(lines) == 10
    for line in lines:
        _, _, document, _, score, _ = line.split()
        assert float(score) == pytest.approx(expected[document], abs=1e-6)


def test_one_that_stops_is_resumed_to_the_bit_and_mines_and_validates_as_others_do(tmp_path):
    config = ensemble_config(
        towers__image_dropout=0.3, towers__sensor_dropout=0.3, negatives__model=True, negatives__every=5,
        sensors__categories="embedding", features__mirror=True, objectives=LEARNT,
    )  # fmt: skip
    fit(config, tmp_path / "whole")
    fit_in_two_parts(config, tmp_path / "parts", 7, 4)
    whole, parts = (load_file(tmp_path / name / WEIGHTS) for name in ("whole", "parts"))
    assert all(torch.equal(parts[name], value) for name, value in whole.items())
    assert {"towers.image.head.2.1.weight", "towers.sensor.stem.2.tables.0.weight", "learnt.0.1.log_temperature"} <= {
        *whole
    }
    rows = read_metrics(tmp_path / "whole" / METRICS)
    assert {"img2sen", "sen2img", "image_top5_error"} <= {key for row in rows for key in row}
    loaded = Model.load(tmp_path / "whole")
    assert loaded.unit_vectors("image", np.empty((0, 2 * FEATURES), dtype=np.float32)).shape == (0, 24)
    loaded.forget_instances()
    assert loaded.learnt_of(2)[1].classes.shape == (0, 8)
    loaded.save(tmp_path / "small")
    Model.load(tmp_path / "small")


def test_a_part_of_a_batch_has_the_masks_of_the_whole():
    config = ensemble_config(towers__image_dropout=0.5, towers__sensor_dropout=0.5)
    corpus = toy_corpus()
    rows = toy_rows(config, corpus)
    train = corpus.split("train")["sensor"].tolist()
    rows["sensor"].fit(train)
    tower = Model(config, {name: each.encoder for name, each in rows.items()}).tower("sensor").train()
    loaded = torch.from_numpy(rows["sensor"].load(train[:9]))
    torch.manual_seed(3)
    with of_whole(tower, 9, slice(0, 9)):
        whole = tower.features(loaded)
    torch.manual_seed(3)
    with of_whole(tower, 9, slice(4, 7)):
        assert torch.allclose(tower.features(loaded[4:7]), whole[4:7], atol=1e-6)


def test_members_see_facets_in_turn_those_of_the_left_fastest(tmp_path):
    config = ensemble_config(towers__members=4, **{f"towers__{name}__facets": "alternate" for name in SIDES})
    with patch.object(FrozenEncoder, "facets", halves):
        one = toy_trainer(config, tmp_path)
        encoders = {"image": one.model.encoders["image"], "sensor": FrozenEncoder(FEATURES, ["other"])}
        seen = [seen_by(member, config, encoders) for member in range(4)]
        assert [tuple(each.number for each in both.values()) for both in seen] == [(0, 0), (1, 0), (0, 1), (1, 1)]
        assert np.array_equal(seen[1]["image"].columns, np.arange(12, 24))
        assert one.run().steps == 12
        model = Model.load(tmp_path)
    tower = model.tower("image")
    assert isinstance(tower, Ensemble)
    assert len(tower.stem) == 2
    rows = np.random.default_rng(0).normal(size=(3, FEATURES)).astype(np.float32)
    before = model.unit_vectors("image", rows).reshape(3, 4, 8)
    rows[:, 12:] += 1
    moved = (model.unit_vectors("image", rows).reshape(3, 4, 8) != before).any(axis=(0, 2))
    assert moved.tolist() == [False, True, False, True]


@pytest.mark.parametrize(
    ("members", "sides", "sentences"),
    [
        (4, SIDES, []),
        (3, SIDES, []),
        (2, SIDES, ["towers.sensor.facets = alternate, and with towers.members = 2 no member sees lower: set "
                    "towers.members=4 or more."]),
        (1, ["image"], ["towers.image.facets = alternate, and with towers.members = 1 no member sees lower: set "
                        "towers.members=2 or more."]),
    ],
)  # fmt: skip
def test_facets_that_no_member_sees_are_named(members, sides, sentences):
    config = ensemble_config(towers__members=members, **{f"towers__{name}__facets": "alternate" for name in sides})
    encoders = dict.fromkeys(SIDES, FrozenEncoder(FEATURES, ["toy"]))
    with patch.object(FrozenEncoder, "facets", halves):
        assert list(idle_facets(config, encoders)) == sentences


def test_facets_that_cannot_alternate_are_named(tmp_path, capsys):
    config = ensemble_config(towers__image__facets="alternate")
    toy_trainer(config, tmp_path)
    assert "towers.image.facets = alternate has no effect: the encoder frozen has a single facet." in (
        capsys.readouterr().err
    )


def test_clusters_of_instances_are_the_same_for_all_members(tmp_path):
    pytest.importorskip("sklearn")
    one = toy_trainer(ensemble_config(objectives=[{"kind": "instance", "clusters": 5}]), tmp_path)
    assert isinstance(one._instance_rows, InstanceRows)
    prepare_objectives(one.model, one._instance_rows)
    first, *others = (one.model.learnt_of(member)[0].class_of for member in range(3))
    assert set(first.tolist()) == set(range(5))
    assert all(torch.equal(first, other) for other in others)


SOLVED = {"objectives": [{"kind": "procrustes"}], "training__iters": 0, "towers__sensor__layers": 1}
BARE = {f"towers__{name}__layers": 0 for name in SIDES} | {"towers__dim": FEATURES, "training__iters": 0}


def test_what_would_be_the_same_model_several_times_is_refused():
    assert refusal(ensemble_config, **SOLVED) == (
        "the changed configuration: procrustes solves for a single pair of towers, and towers.members = 3: set "
        "towers.members=1."
    )
    encoders = dict.fromkeys(SIDES, FrozenEncoder(FEATURES, ["toy"]))
    assert refusal(Model, ensemble_config(**BARE), encoders) == (
        "towers.members = 3 would be 3 times the same model, because both towers have layers: 0: set towers.members=1, "
        "or give a tower a layer (towers.MODALITY.layers=1)."
    )
    Model(ensemble_config(**BARE, towers__members=1), encoders)
    with patch.object(FrozenEncoder, "facets", halves):
        for changes in ({"towers__dim": FEATURES}, {"towers__dim": FEATURES // 2}):
            config = ensemble_config(**BARE | changes, **{f"towers__{name}__facets": "alternate" for name in SIDES})
            if changes["towers__dim"] == FEATURES:
                assert "12 wide, but towers.dim = 24" in refusal(Model, config, encoders)
            else:
                assert Model(config, encoders).unit_vectors("image", np.ones((1, FEATURES), np.float32)).shape == (
                    1,
                    36,
                )


@pytest.mark.parametrize(("key", "value"), [("members", 2), ("members", 1), ("image.facets", "alternate")])
def test_a_training_begins_from_an_ensemble_of_as_many_members_only(tmp_path, key, value):
    model = toy_trainer(ensemble_config(objectives=LEARNT), tmp_path).model
    model.card |= {"step": 1}
    model.save(tmp_path / "model")
    again = ensemble_config(training__start=str(tmp_path / "model"), objectives=LEARNT, seed=4)
    fit(again.changed({"training.iters": 1, "training.lr": 1e-9}), tmp_path / "next")
    ours, theirs = (load_file(tmp_path / name / WEIGHTS) for name in ("next", "model"))
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-6) for name in theirs if name.startswith("towers"))
    assert torch.allclose(ours["learnt.1.2.classes"], theirs["learnt.1.2.classes"], atol=1e-6)
    have = "joined" if key == "image.facets" else 3
    assert refusal(check_start, again.changed({f"towers.{key}": value})) == (
        f"training.start: {tmp_path / 'model'} has towers.{key} = {have}, and this training {value}: set "
        f"towers.{key}={have}, or name another model."
    )

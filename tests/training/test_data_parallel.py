"""Several processes that train together do what one does that takes all of their pairs."""

from __future__ import annotations

import re
import signal
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import (  # noqa: F401
    command_line,
    fit,
    one_thread,
    read_pictures,
    refusal,
    toy_config,
    toy_corpus,
    toy_trainer,
    write_pictures,
)
from processes import kept, torchrun
from safetensors.torch import load_file
from talking import keep
from torch import nn
from toy_classes import classes, register  # noqa: F401

import ntcir.training.preparation
import ntcir.training.trainer
from ntcir.config import Config
from ntcir.encoders import open_pair
from ntcir.modalities import DEFAULT_PAIR
from ntcir.model.folder import CONFIG, WEIGHTS
from ntcir.model.metrics import METRICS, read_metrics
from ntcir.system.parallel import barrier, ranks, together
from ntcir.system.tensors import gather
from ntcir.towers.dropout import BatchDropout
from ntcir.towers.whole_batch import of_whole
from ntcir.training.checkpoint import LAST, read_progress
from ntcir.training.data_parallel import check_same, share_out, whole_batches
from ntcir.training.paired_rows import PairedRows
from ntcir.training.preparation import Preparation
from ntcir.training.solving import moments_of_pairs
from ntcir.training.trainer import Trainer, train

pytestmark = pytest.mark.usefixtures("one_thread", "classes")
COUNT, OWN, STEPS = 3, 6, 20
DROPOUT = {"towers__image_dropout": 0.2, "towers__sensor_dropout": 0.3, "training__learn_temperature": True}
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "all that is drawn": {
        **DROPOUT, "negatives__model": True, "negatives__every": 3, "augment__views": 2, "training__weight_decay": 0.01,
        "training__schedule": "cosine", "sensors__categories": "embedding", "features__mirror": True,
    },
    "drawn by an objective": {
        "towers__image_dropout": 0.2, "objectives": [{"kind": "triplet"}, {"kind": "ranking", "warm_up": 8}],
    },
    # A classifier over all instances, whose gradient each process has as a whole.
    "learnt by an objective": {"towers__image_dropout": 0.2, "objectives": [{"kind": "classes"}, {"kind": "info_nce"}]},
    "descent, on principal components": {
        **DROPOUT, "towers__image__pca": 12, "towers__image__standardise": False, "training__optimizer": "sgd",
        "training__lr": 0.1, "training__weight_decay": 0.01,
        "training__schedule": "step", "training__milestones": [8, 12],
    },
    "an ensemble": {**DROPOUT, "towers__members": 2},
    # Days of two pairs: there is nothing in a batch for the third process.
    "fewer pairs than processes": {**DROPOUT, "training__batches": "day"},
}  # fmt: skip


def trainer_of(kind: str, folder: Path, batch: int) -> Trainer:
    corpus = toy_corpus(per_group=2) if kind.startswith("fewer") else toy_corpus()
    return toy_trainer(toy_config(training__batch=batch, **KINDS[kind]), folder, corpus)


def finetuning_trainer(folder: Path, batch: int) -> Trainer:
    """Return a training of the networks too, on pictures that are there."""
    config = Config().changed(
        {
            "features": {"backbones": [{"arch": "squeezenet1_1", "weights": "random", "grid": 2}], "size": 64,
                         "crop": 64, "store": str(folder / "features"), "precision": "fp32"},
            "towers.dim": 16, "towers.sensor_hidden": 16, "towers.image_dropout": 0.2, "training.batch": batch,
            "training.near_seconds": 0, "topics.pool": 14, "augment.views": 1,
            "encoder": {"finetune": True, "lr": 1e-4, "chunk": 4, "device": "cpu", "precision": "fp32"},
        }
    )  # fmt: skip
    corpus = read_pictures(folder / "data")
    return Trainer(config, corpus, open_pair(config, corpus), folder / "model")


def trained(one: Trainer, steps: int) -> dict[str, Any]:
    """Take steps; return the losses, the gradients of the first and the weights after the last."""

    def take(step: int) -> float:
        one._mine(step)
        return one._step(step)[0]

    losses = [take(0)]
    learnt = one._stepper.learnt
    gradients = {number: item.grad.clone() for number, item in enumerate(learnt) if item.grad is not None}
    losses += [take(step) for step in range(1, steps)]
    return {"losses": losses, "gradients": gradients, "state": one.model.state()}


class NotedDetections:
    """Stands for ``ObjectDetections``: what is stored is seen by those opened afterwards."""

    def __init__(self, corpus: Any, options: Any, store: Path) -> None:
        self._noted = store / "detected"
        self.there = self._noted.is_file()

    def ensure(self, ids: list[str]) -> None:
        assert ids == ["a"]
        with self._noted.open("a", encoding="utf-8") as file:
            file.write(f"{ranks().number}\n")
        self.there = True


def detect_once(folder: Path) -> bool:
    """Return whether this process has what one of them has detected."""
    config = SimpleNamespace(pair=DEFAULT_PAIR, objects=None, features=SimpleNamespace(store=folder))
    data: Any = SimpleNamespace(corpus=toy_corpus(), config=config)
    opened: Any = NotedDetections(None, None, folder)
    with patch.object(ntcir.training.preparation, "ObjectDetections", NotedDetections):
        found: Any = Preparation._detected(data, opened, ["a"])
    return bool(found.there)


def moments_of(count: int) -> list[np.ndarray]:
    """Return the moments of so many pairs; where these are fewer than the processes, one process has none."""
    draw = np.random.default_rng(count)
    rows = {name: draw.normal(size=(count, width)).astype(np.float32) for name, width in (("image", 4), ("sensor", 3))}
    pairs = pd.DataFrame({name: [str(number) for number in range(count)] for name in rows})
    load = {name: lambda ids, each=each: each[[int(item) for item in ids]] for name, each in rows.items()}
    found = moments_of_pairs(PairedRows.of(pairs, "means", load, {"image": 4, "sensor": 3}), unit=True)
    return [found.left_mean, found.right_mean, found.left, found.right, found.across, np.array(found.count)]


def solved_in(folder: Path) -> dict[str, torch.Tensor]:
    """Return the weights of a model that was solved in a folder."""
    fit(toy_config().changed({"objectives": [{"kind": "procrustes"}]}), folder)
    barrier()  # the first process writes
    return {**load_file(folder / WEIGHTS)}


def train_toys(folder: Path) -> None:
    """Train, as one of several processes."""
    torch.set_num_threads(1)
    register()
    with together() as own:
        found = {kind: trained(trainer_of(kind, folder, COUNT * OWN), STEPS) for kind in KINDS}
        live = finetuning_trainer(folder, COUNT * 4)
        found["finetuning"] = trained(live, 4)
        found["encoded"] = live._data.sources[0].encode(np.arange(13))
        part = own.part(8)
        layer = BatchDropout(0.4)
        torch.manual_seed(5)
        with of_whole(nn.Sequential(layer), 8, part):
            found["dropped"] = [gather(layer(torch.full((part.stop - part.start, 3), 7.0))) for _ in range(2)]
        found["other data"] = refusal(check_same, "that" if own.number == 1 else "this", DEFAULT_PAIR)
        check_same("this", DEFAULT_PAIR)
        found["detected"] = detect_once(folder)
        found["moments"] = [moments_of(count) for count in (2, 30)]
        found["solved"] = solved_in(folder / "solved")
    keep(folder, found)


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("toys")
    write_pictures(folder / "data")
    finetuning_trainer(folder, 2)  # so that the features of the pictures are there
    return folder, kept(COUNT, train_toys, folder)


def assert_same(alone: dict[str, Any], shared: dict[str, Any], rounding: float = 1e-6) -> None:
    assert shared["losses"] == pytest.approx(alone["losses"], abs=1e-5)
    assert shared["losses"][0] == pytest.approx(alone["losses"][0], abs=1e-6)
    assert shared["gradients"].keys() == alone["gradients"].keys()
    for name, gradient in alone["gradients"].items():
        assert (shared["gradients"][name] - gradient).abs().max() <= rounding * max(1.0, float(gradient.abs().max()))
    assert shared["state"].keys() == alone["state"].keys()
    for name, value in alone["state"].items():
        assert torch.allclose(shared["state"][name], value, rtol=0, atol=1e-5), name


@pytest.mark.parametrize("kind", KINDS)
def test_processes_together_learn_what_one_does_that_takes_all_of_their_pairs(toys, tmp_path, kind):
    _, found = toys
    alone = trained(trainer_of(kind, tmp_path, COUNT * OWN), STEPS)
    assert alone["losses"][-1] < alone["losses"][0]
    assert_same(alone, found[0][kind])
    for other in found[1:]:  # to the bit: they must not drift apart
        assert other[kind]["losses"] == found[0][kind]["losses"]
        assert all(torch.equal(other[kind]["state"][name], value) for name, value in found[0][kind]["state"].items())


def test_networks_that_are_trained_along_are_shared_too(toys):
    folder, found = toys
    live = finetuning_trainer(folder, COUNT * 4)
    alone = trained(live, 4)
    # Twelve convolutions deep, and in chunks of other sizes.
    assert_same(alone, found[0]["finetuning"], rounding=1e-5)
    before = finetuning_trainer(folder, 2).model.state()
    assert any(not torch.equal(before[name], value) for name, value in alone["state"].items() if "networks" in name)
    encoded = live._data.sources[0].encode(np.arange(13))
    for one in found:
        assert np.allclose(one["encoded"], encoded, atol=1e-4)
        assert np.array_equal(one["encoded"], found[0]["encoded"])


def test_a_part_of_a_batch_has_the_dropout_of_the_whole(toys):
    torch.manual_seed(5)
    expected = [nn.functional.dropout(torch.full((8, 3), 7.0), 0.4) for _ in range(2)]
    assert not torch.equal(expected[0], expected[1])
    for one in toys[1]:
        assert all(torch.equal(*pair) for pair in zip(one["dropped"], expected, strict=True))
    layer = BatchDropout(0.4)
    torch.manual_seed(5)
    assert all(torch.equal(layer(torch.full((8, 3), 7.0)), whole) for whole in expected)
    with of_whole(layer.eval(), 8, slice(0, 2)):
        assert torch.equal(layer(torch.ones(2, 3)), torch.ones(2, 3))


def test_nothing_else_in_a_tower_draws_or_mixes_rows(tmp_path):
    """Dropout of another class, or a norm over the batch, would not be that of the whole batch."""
    one = toy_trainer(toy_config(**DROPOUT, sensors__categories="embedding"), tmp_path)
    kinds = {type(layer).__name__ for tower in one.model.towers.train().values() for layer in tower.modules()}
    known = {"Tower", "Sequential", "Linear", "ReLU", "Embedding", "ModuleList", "EmbedCodes", "Standardise"}
    assert kinds == known | {"BatchDropout"}


def test_one_process_detects_objects_for_all(toys):
    folder, found = toys
    assert [one["detected"] for one in found] == [True] * COUNT
    assert (folder / "detected").read_text(encoding="utf-8") == "0\n"


def test_what_is_solved_together_is_what_one_process_solves(toys, tmp_path):
    alone = solved_in(tmp_path / "alone")
    for one in toys[1]:
        for number, count in enumerate((2, 30)):
            for ours, theirs in zip(one["moments"][number], moments_of(count), strict=True):
                assert ours == pytest.approx(theirs, abs=1e-12)
        assert one["solved"].keys() == alone.keys()
        assert all(torch.allclose(one["solved"][name], value, atol=1e-5) for name, value in alone.items())


def test_processes_that_see_other_data_are_refused(toys):
    for one in toys[1]:
        assert "Process 2 of 3 sees other photographs" in one["other data"]


def several(patch: pytest.MonkeyPatch, count: int) -> None:
    for name, value in {"RANK": 0, "WORLD_SIZE": count, "LOCAL_RANK": 0}.items():
        patch.setenv(name, str(value))


@pytest.mark.parametrize("pair", [["image", "sensor"], ["sensor", "image"]])
def test_a_norm_over_the_batch_is_refused_where_processes_share_it(monkeypatch, tmp_path, pair):
    config = Config().changed({"pair": pair, "towers.sensor.norm": "batch"})
    assert whole_batches(config) == config
    several(monkeypatch, 4)
    whole_batches(config.changed({"towers.sensor.norm": "group"}))
    whole_batches(config.changed({"training.iters": 0}))
    monkeypatch.setattr(ntcir.training.trainer, "together", nullcontext)  # there are no others to meet
    sentence = refusal(train, config, lambda: pytest.fail("read"), tmp_path / "model")
    assert not (tmp_path / "model").exists()
    assert sentence == (
        "towers.sensor.norm = batch makes each item depend on the others of its batch, which 4 processes share: set "
        "towers.sensor.norm=group, or start one process."
    )


def test_more_processes_than_pairs_are_refused_and_batches_are_said(monkeypatch, capsys):
    share_out(64, 3)
    assert whole_batches(Config()) == Config()
    several(monkeypatch, 4)
    assert whole_batches(Config()).training.batch == 4 * 256
    assert "4 processes are too many for the 3 pairs" in refusal(share_out, 64, 3)
    share_out(64, 100)
    share_out(64, 50)
    assert capsys.readouterr().err.splitlines() == [
        "4 processes of 16 pairs: batches of 64.",
        "4 processes of 16 pairs: batches of 50, all there are (not 64).",
    ]


# ------------------------------------------------------------------------------------------- the command, as typed


def command(name: str, batch: int) -> list[str]:
    settings = [f"training.batch={batch}", "training.validate_every=4", "training.batches=day"]
    return ["train", "--data", "data", "--iters", "12", "--out", name, *(f"--set={setting}" for setting in settings)]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus of pictures, and a training of one process."""
    folder = tmp_path_factory.mktemp("torchrun")
    write_pictures(folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        done = command_line(*command("one", 10))
    assert done.exit_code == 0, done.output
    return folder


def assert_same_model(folder: Path) -> None:
    """Compare with the model of one process."""
    one = folder.parent / "one"
    assert (folder / CONFIG).read_text(encoding="utf-8") == (one / CONFIG).read_text(encoding="utf-8")
    for name in (WEIGHTS, LAST):
        expected, found = load_file(one / name), load_file(folder / name)
        assert expected.keys() == found.keys()
        for key, value in expected.items():
            assert torch.allclose(found[key], value, rtol=0, atol=1e-5), key
    rows = [read_metrics(place / METRICS) for place in (one, folder)]
    assert [row["step"] for row in rows[1]] == list(range(1, 13))
    for alone, shared in zip(*rows, strict=True):
        assert shared["loss"] == pytest.approx(alone["loss"], abs=1e-5)
        assert shared.keys() == alone.keys()
    assert {path.name for path in folder.iterdir()} == {path.name for path in one.iterdir()}


CHILD = """
import os, sys
from ntcir.cli import main
from ntcir.system.parallel import ranks
from ntcir.training.trainer import Trainer
number, whole = int(sys.argv.pop(1)), Trainer._step
def step(self, place):
    if place == 7 and ranks().number == 1:
        os.kill(os.getpid(), number)
    return whole(self, place)
Trainer._step = step
main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_what_one_of_two_processes_suffers_ends_both_and_one_alone_goes_on(pictures, monkeypatch, number):
    name = f"ended-{number}"
    (pictures / "child.py").write_text(CHILD, encoding="utf-8")
    done = torchrun("child.py", str(int(number)), *command(name, 5), folder=pictures)
    assert done.returncode != 0
    stopped = number == signal.SIGTERM
    assert done.stderr.count("Interrupted after step 8 of 12") == int(stopped)
    assert read_progress(pictures / name / LAST).step == (8 if stopped else 0)
    monkeypatch.chdir(pictures)
    refused = command_line(*command(name, 5), "--resume")
    assert "training.batch was changed (10 pairs, all processes together, to 5)" in refused.output
    resumed = command_line(*command(name, 10), "--resume")
    assert resumed.exit_code == 0, resumed.output
    assert_same_model(pictures / name)


def test_a_mistake_of_all_is_told_once(pictures):
    done = torchrun("-m", "ntcir", *command("bad", 5), "--set", "training.lr=-1", folder=pictures)
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr.count("training.lr = -1 is not valid") == 1
    assert re.search(r"exitcode *: 2 ", done.stderr)
    assert not (pictures / "bad").exists()

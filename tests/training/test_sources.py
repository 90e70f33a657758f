"""Image features for a training step: read from memory, or from networks that are trained along."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import (
    command_line,
    one_thread,  # noqa: F401
    read_pictures,
    refusal,
    trained_states,
    write_pictures,
)
from safetensors.torch import load_file
from tiny_networks import timm_net
from torch import nn

from ntcir.config import Augment, Backbone, Config, Encoder, Features
from ntcir.encoders import open_pair
from ntcir.features.image_features import ImageFeatures
from ntcir.model.folder import WEIGHTS
from ntcir.model.model import Model
from ntcir.sampling.augment import Augmenter
from ntcir.towers.tower import Tower
from ntcir.training.data_parallel import embed
from ntcir.training.sources import LiveImages, StoredRows
from ntcir.training.start import Start
from ntcir.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL = Features(backbones=[Backbone(arch="resnet18", weights="random")], size=32, crop=32, batch=8)


def live(folder: Path, chunk: int = 4, precision: str = "fp32", augment: bool = False) -> tuple[LiveImages, list[str]]:
    corpus = read_pictures(write_pictures(folder / "data"))
    ids = corpus.images.index.tolist()
    options = Encoder.model_validate({"finetune": True, "chunk": chunk, "precision": precision, "device": "cpu"})
    alteration = Augmenter(Augment(views=1), 32) if augment else None
    return LiveImages(ImageFeatures(corpus, SMALL), ids, options, alteration), ids


def finetuning(folder: Path) -> Config:
    corpus = folder / "data"
    if not corpus.is_dir():
        write_pictures(corpus)
    return Config().changed(
        {
            "data.path": str(corpus), "features": SMALL.model_dump(mode="json") | {"store": str(folder / "features")},
            "towers.dim": 16, "towers.sensor_hidden": 16, "training.batch": 12, "training.iters": 6,
            "training.validate_every": 3, "training.near_seconds": 0, "topics.pool": 14, "augment.views": 1,
            "encoder": {"finetune": True, "lr": 1e-3, "chunk": 5, "device": "cpu", "precision": "fp32"},
        }
    )  # fmt: skip


def test_stored_features_and_views_are_picked_by_position():
    images = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    views = np.random.default_rng(1).normal(size=(2, 9, 4)).astype(np.float16)
    source = StoredRows(images, views)
    found, _ = source(np.array([3, 3, 3, 8]), np.array([0, 2, 1, 0]), step=0)
    assert found.dtype == torch.float32
    assert np.array_equal(found.numpy(), [images[3], views[1, 3], views[0, 3], images[8]])
    assert np.array_equal(source.encode(np.arange(9)), images)


@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_cached_gradients_are_those_of_the_whole_batch_at_once(tmp_path, chunk):
    source, ids = live(tmp_path, chunk)
    rows = np.array([0, 7, 3, 20, 41, 7, 12])
    target = torch.randn(len(rows), 512, generator=torch.Generator().manual_seed(0))

    def loss(features: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(features @ target.T / 10, torch.arange(len(rows)))

    found, backward = source(rows, np.zeros_like(rows), step=0)
    loss(found).backward()
    backward()
    cached = [parameter.grad for parameter in source.parameters]
    network = source._features.networks[0]
    network.zero_grad()
    pictures = source._features.decode_many([ids[row] for row in rows])
    whole = network(pictures)
    assert torch.allclose(found.detach(), whole.detach(), atol=1e-5)
    loss(whole).backward()
    compared = 0
    for one, parameter in zip(cached, source.parameters, strict=True):
        assert (one is None) == (parameter.grad is None)
        if one is not None:
            assert torch.allclose(one, parameter.grad, rtol=1e-3, atol=1e-6)
            compared += 1
    assert compared > 50


def counted(source: LiveImages) -> list[int]:
    """Return a list to which the number of pictures is added whenever some go through the networks."""
    found: list[int] = []
    whole = source._encode

    def encode(pictures: torch.Tensor) -> torch.Tensor:
        found.append(len(pictures))
        return whole(pictures)

    source._encode = encode  # type: ignore[method-assign]
    return found


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_batch_of_a_single_chunk_is_encoded_once_with_the_same_outcome(tmp_path, precision):
    once, ids = live(tmp_path, chunk=5, precision=precision)
    rows = np.array([0, 7, 3, 20, 41])
    network = once._features.networks[0]
    gradient = torch.randn(len(rows), 512, generator=torch.Generator().manual_seed(0))
    found = []
    for twice in (False, True):
        through = counted(once)
        if twice:  # what a larger batch does with each of its chunks
            pictures = once._features.decode_many([ids[row] for row in rows])
            with torch.no_grad():
                given = once._encode(pictures)
            once._encode(pictures).backward(gradient)  # type: ignore[no-untyped-call]
        else:
            given, backward = once(rows, np.zeros_like(rows), step=0)
            assert given.is_leaf
            given.backward(gradient)  # type: ignore[no-untyped-call]
            backward()
            assert through == [5]
        found.append([given.detach(), *(item.grad.clone() for item in network.parameters() if item.grad is not None)])
        network.zero_grad()
    assert len(found[0]) == len(found[1]) > 50
    assert all(torch.equal(*pair) for pair in zip(*found, strict=True))


@pytest.mark.parametrize(("chunk", "passes"), [(4, [4, 3, 4, 3]), (7, [7])])
def test_only_what_does_not_fit_is_encoded_twice(tmp_path, chunk, passes):
    source, _ = live(tmp_path, chunk)
    through = counted(source)
    given, backward = source(np.arange(7), np.zeros(7, dtype=np.int64), step=0)
    given.sum().backward()  # type: ignore[no-untyped-call]
    backward()
    assert through == passes


def test_a_norm_over_the_batch_sees_all_of_it_however_it_is_cut(tmp_path):
    """Chunks are of the networks; a head sees their features put together, and its norm is over the whole batch."""
    rows, target = np.arange(6), torch.arange(6)
    found = []
    for chunk in (2, 6):
        source, _ = live(tmp_path / str(chunk), chunk)
        torch.manual_seed(0)
        head = nn.Sequential(nn.Linear(512, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 6))
        tower = Tower(nn.Identity(), head).train()
        features, backward = embed(tower, source, rows, np.zeros_like(rows), 0)
        nn.functional.cross_entropy(features, target).backward()
        backward()
        learnt = [*source.parameters, *tower.parameters()]
        found.append([item.grad for item in learnt if item.grad is not None] + [head[1].running_var])
    assert len(found[0]) > 50
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, rtol=1e-3, atol=1e-5)
    assert max(float(each.abs().max()) for each in found[0]) > 1e-2


def test_views_are_drawn_anew_at_each_step_and_the_rest_stays(tmp_path):
    source, _ = live(tmp_path, augment=True)
    rows, views = np.array([2, 2, 9]), np.array([0, 1, 1])
    first, second, again = (source(rows, views, step=step)[0].detach() for step in (0, 1, 0))
    assert torch.equal(first, again)
    assert torch.equal(first[0], second[0])
    assert not torch.allclose(first[1:], second[1:], atol=1e-3)
    assert not torch.allclose(first[0], first[1], atol=1e-3)


def test_bf16_is_near_fp32_and_comes_back_as_fp32(tmp_path):
    exact, _ = live(tmp_path)
    rows = np.arange(6)
    expected = exact(rows, np.zeros_like(rows), step=0)[0].detach()
    coarse = LiveImages(exact._features, exact._ids, Encoder(finetune=True, device="cpu"))
    found = coarse(rows, np.zeros_like(rows), step=0)[0].detach()
    assert found.dtype == torch.float32
    assert not torch.equal(found, expected)
    assert torch.nn.functional.cosine_similarity(found, expected).min() > 0.999


def test_batchnorm_keeps_its_statistics_while_the_weights_learn(tmp_path):
    config = finetuning(tmp_path)
    corpus = read_pictures(tmp_path / "data")
    rows = open_pair(config, corpus)
    features = rows["image"].features  # type: ignore[attr-defined]
    before = {name: value.clone() for name, value in features.networks[0].network.state_dict().items()}
    trainer = Trainer(config, corpus, rows, tmp_path / "model")
    trainer.run()
    after = features.networks[0].network.state_dict()
    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert {"conv1.weight", "bn1.weight", "layer4.1.conv2.weight"} <= moved
    assert not [name for name in moved if "running" in name or "num_batches" in name]


def test_networks_are_trained_along_after_towers_that_were_trained_on_stored_features(tmp_path, capsys):
    write_pictures(tmp_path / "data", per_session=6)
    small = {"features.backbones": [{"arch": "squeezenet1_1", "weights": "random"}], "features.precision": "fp32"}
    config = finetuning(tmp_path).changed({**small, "augment.views": 0, "training.iters": 2, "topics.pool": 6})
    corpus = read_pictures(tmp_path / "data")
    first = config.changed({"encoder": {"finetune": False}})
    Trainer(first, corpus, open_pair(first, corpus), tmp_path / "first").run()
    capsys.readouterr()
    losses = []
    for stage in (config, first):
        changed = stage.changed({"training.start": str(tmp_path / "first"), "seed": 7})
        start = Start.of(changed, tmp_path / "second", resume=False)
        trainer = Trainer(changed, corpus, open_pair(changed, corpus), tmp_path / "second", start)
        losses.append(trainer._step(0)[0])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert "WARNING: training.start" not in capsys.readouterr().err


def test_networks_learn_at_their_own_rate(tmp_path):
    config = finetuning(tmp_path).changed({"training.schedule": "cosine", "training.lr": 0.5})
    corpus = read_pictures(tmp_path / "data")
    trainer = Trainer(config, corpus, open_pair(config, corpus), tmp_path / "model")
    towers, networks = trainer._stepper.optimizer.param_groups
    assert (towers["lr"], networks["lr"]) == (0.5, 1e-3)
    trainer._step(3)
    assert (towers["lr"], networks["lr"]) == pytest.approx((0.25, 0.5e-3))


def test_a_fine_tuned_model_answers_with_its_own_networks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = finetuning(tmp_path)
    config.save(tmp_path / "config.yaml")
    for command in (
        ["build-topics", "--config", "config.yaml"],
        ["train", "--config", "config.yaml", "--out", "runs/tuned"],
        ["run", "topics.tsv"],
    ):
        done = command_line(*command)
        assert done.exit_code == 0, done.output
    model = Model.load(tmp_path / "runs" / "tuned")
    assert model.encoders["image"].networks is not None
    saved = load_file(tmp_path / "runs" / "tuned" / WEIGHTS)
    assert torch.equal(model.encoders["image"].networks[0].network.conv1.weight, saved["networks.image.0.conv1.weight"])
    corpus = read_pictures(tmp_path / "data")
    first = ImageFeatures(corpus, config.features)
    assert first.fingerprints != model.encoders["image"].fingerprints
    tuned = ImageFeatures(corpus, config.features, model.encoders["image"].networks)
    assert tuned.fingerprints == model.encoders["image"].fingerprints
    ids = corpus.images.index.tolist()
    first.ensure(ids)
    tuned.ensure(ids)
    assert not np.allclose(first.load(ids), tuned.load(ids), atol=1e-3)


def test_training_queries_are_as_the_networks_of_the_model_that_is_kept_see_them(tmp_path, monkeypatch):
    config = finetuning(tmp_path).changed({"hubness.beta": 0.5, "augment.views": 0})
    corpus = read_pictures(tmp_path / "data")
    found = iter([0.9, 0.1])  # the first validation is the best
    monkeypatch.setattr("ntcir.training.trainer.logged", lambda measured: {"img2sen": next(found)})
    Trainer(config, corpus, open_pair(config, corpus), tmp_path / "m").run()
    model = Model.load(tmp_path / "m")
    assert model.card["step"] == 3
    features = ImageFeatures(corpus, config.features, model.encoders["image"].networks)
    train = corpus.split("train")["image"].tolist()
    rows = LiveImages(features, train, config.encoder).encode_ids(train)
    kept = model.training_queries["image"]
    assert kept.pairs == len(kept.vectors) == len(train)
    assert np.array_equal(kept.vectors.numpy(), model.unit_vectors("image", rows).astype(np.float16))


def test_an_interrupted_fine_tuning_ends_as_if_it_had_not_been(tmp_path):
    config = finetuning(tmp_path)
    corpus = read_pictures(tmp_path / "data")
    whole, pieces = trained_states(config, corpus, tmp_path, [4, 6])
    assert all(torch.equal(whole[name], pieces[name]) for name in whole)


def test_a_gpu_that_is_not_there_is_one_sentence(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    corpus = read_pictures(write_pictures(tmp_path / "data"))
    features = ImageFeatures(corpus, SMALL)
    assert "encoder.device" in refusal(LiveImages, features, [], Encoder(finetune=True, device="cuda"))


def test_a_network_with_its_own_preprocessing_is_trained_along_on_its_own_pictures(tmp_path):
    corpus = read_pictures(write_pictures(tmp_path / "data"))
    ids = corpus.images.index.tolist()[:3]
    features = ImageFeatures(corpus, SMALL.model_copy(update={"backbones": [timm_net("test_resnet")]}))
    source = LiveImages(features, ids, Encoder(finetune=True, precision="fp32", device="cpu"))
    expected = features.encode_files([corpus.images.loc[item, "path"] for item in ids])
    np.testing.assert_allclose(source.encode(np.arange(3)), expected, rtol=1e-4, atol=1e-5)
    found, backward = source(np.arange(3), np.zeros(3, dtype=np.int64), 0)
    found.square().sum().backward()
    backward()
    assert all(parameter.grad is not None for parameter in source.parameters)


def test_networks_that_are_given_different_pictures_are_not_trained_along(tmp_path):
    corpus = read_pictures(write_pictures(tmp_path / "data"))
    both = [*SMALL.backbones, timm_net("test_resnet")]
    features = ImageFeatures(corpus, SMALL.model_copy(update={"backbones": both}))
    sentence = refusal(LiveImages, features, corpus.images.index.tolist(), Encoder(finetune=True, device="cpu"))
    assert "(resnet18, timm:test_resnet) are given different pictures, which fine-tuning cannot do" in sentence
    same = [*SMALL.backbones, timm_net("test_resnet", preprocessing="features")]
    features = ImageFeatures(corpus, SMALL.model_copy(update={"backbones": same}))
    LiveImages(features, corpus.images.index.tolist(), Encoder(finetune=True, device="cpu"))

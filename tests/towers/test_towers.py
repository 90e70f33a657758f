"""The towers: features or encoded readings in, unit vectors out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import one_thread, refusal, toy_config  # noqa: F401
from torch import nn

from ntcir.config import Config, load_config
from ntcir.encoders.frozen import FrozenEncoder
from ntcir.encoders.presets import Columns
from ntcir.encoders.readings import UNKNOWN, ReadingsEncoder
from ntcir.towers.heads import mlp
from ntcir.towers.stems import EmbedCodes, Power, Standardise
from ntcir.towers.tower import Tower

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL = load_config(None, ["towers.dim=8", "towers.sensor.hidden=16"])


def image_tower(dim: int, config: Config = SMALL) -> Tower:
    """Return the tower of photographs whose features are of that length."""
    options = config.towers.of("image")
    stem, width = FrozenEncoder(dim, ["a"]).stem(options, config)
    return Tower(stem, mlp(width, config.towers.dim, options))


def sensor_tower(continuous: int, sizes: list[int], width: int, config: Config = SMALL) -> Tower:
    """Return the tower of readings of so many numbers and category codes."""
    options = config.towers.of("sensor")
    stem = EmbedCodes(continuous, sizes, width, silent=UNKNOWN + 1)
    return Tower(stem, mlp(stem.dim, config.towers.dim, options))


def linear_shapes(tower: torch.nn.Module) -> list[tuple[int, int]]:
    return [(part.in_features, part.out_features) for part in tower.modules() if isinstance(part, torch.nn.Linear)]


@pytest.mark.parametrize("scale", [1e-3, 1, 1e4])
def test_vectors_have_length_1_whatever_the_size_of_the_input(scale):
    rows = torch.randn(50, 12) * scale
    for tower in (image_tower(12, SMALL), sensor_tower(12, [], 4, SMALL)):
        assert tower(rows).norm(dim=1).detach().numpy() == pytest.approx(1, abs=1e-5)


def test_the_poster_s_towers_are_a_linear_layer_and_a_two_layer_mlp_to_512():
    assert linear_shapes(image_tower(4096, Config())) == [(4096, 512)]
    assert linear_shapes(sensor_tower(3, [], 16, Config())) == [(3, 512), (512, 512)]


def test_the_image_tower_is_linear_on_standardised_features():
    tower = image_tower(3, SMALL)
    features = np.random.default_rng(0).normal(7, 3, (40, 3)).astype(np.float32)
    tower.fit(features)
    [linear] = [part for part in tower.modules() if isinstance(part, torch.nn.Linear)]
    expected = ((features - features.mean(axis=0)) / features.std(axis=0)) @ linear.weight.detach().numpy().T
    expected += linear.bias.detach().numpy()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert tower(torch.from_numpy(features)).detach().numpy() == pytest.approx(expected, abs=1e-5)


def test_without_standardising_the_image_tower_has_no_statistics():
    tower = image_tower(3, load_config(None, ["towers.dim=8", "towers.image.standardise=false"]))
    assert [name for name, _ in tower.named_buffers()] == []


def test_image_statistics_are_those_of_all_blocks_together():
    # More rows than a block has; the last one is a shorter one.
    features = np.random.default_rng(0).normal([0, 50, -3], [1, 0.5, 20], (2500, 3)).astype(np.float32)
    part = Standardise(3)
    part.fit(features)
    encoded = part(torch.from_numpy(features)).numpy()
    assert encoded.mean(axis=0) == pytest.approx(0, abs=1e-3)
    assert encoded.std(axis=0) == pytest.approx(1, abs=1e-3)


def test_standardising_leaves_its_input_as_it_was():
    features = torch.ones(2, 3) * 4
    part = Standardise(3)
    part.fit(np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32))
    part(features)
    assert features.tolist() == [[4.0] * 3] * 2


@pytest.mark.parametrize("constant", [0.0, 0.1, 1234.567])
def test_an_image_feature_without_variance_becomes_0_and_not_nan(constant):
    part = Standardise(2)
    part.fit(np.stack([np.full(3000, constant), np.arange(3000)], axis=1).astype(np.float32))
    encoded = part(torch.tensor([[constant, 0.0], [constant + 1, 5.0]]))
    assert encoded[:, 0].tolist() == [0, 0]
    assert torch.isfinite(encoded).all()


def test_codes_become_learnt_vectors_behind_the_numbers():
    part = EmbedCodes(2, [4, 3], 5)
    rows = torch.tensor([[0.5, -1.0, 3.0, 0.0], [2.0, 7.0, 0.0, 2.0]])
    out = part(rows)
    assert out.shape == (2, part.dim)
    assert part.dim == 2 + 2 * 5
    for row in range(2):
        first, second = (int(code) for code in rows[row, 2:])
        expected = torch.cat([rows[row, :2], part.tables[0].weight[first], part.tables[1].weight[second]])
        assert torch.equal(out[row], expected)


def test_every_category_code_an_encoder_gives_has_a_vector():
    words = pd.DataFrame({"place": ["home", "work", "cafe", None] * 3, "n": range(12)})
    columns = Columns(numeric=("n",), categorical=("place",), categories="embedding")
    encoder = ReadingsEncoder.fit(columns, words)
    tower = sensor_tower(encoder.continuous, encoder.vocabulary_sizes, 4, SMALL)
    asked = encoder.encode(pd.DataFrame({"place": ["home", "nowhere", None, "work", "cafe"], "n": 3}))
    vectors = tower(torch.from_numpy(asked))
    assert torch.isfinite(vectors).all()
    # What is missing and what is unknown say the same before training: nothing.
    assert len(torch.unique(vectors, dim=0)) == 4
    assert torch.equal(vectors[1], vectors[2])


def test_readings_of_categories_alone_have_a_tower():
    vectors = sensor_tower(0, [5], 4, SMALL)(torch.tensor([[2.0], [3.0]]))
    assert vectors.shape == (2, 8)
    assert not torch.equal(vectors[0], vectors[1])


@pytest.mark.parametrize("layers", [1, 2, 4])
def test_the_mlp_has_as_many_linear_layers_as_asked_for(layers):
    config = SMALL.changed({"towers.sensor.layers": layers})
    assert len(linear_shapes(sensor_tower(3, [], 4, config))) == layers


def test_dropout_works_in_training_only():
    options = SMALL.changed({"towers.image.input_dropout": 0.5, "towers.sensor.dropout": 0.5})
    rows = torch.randn(20, 12)
    for tower in (image_tower(12, options), sensor_tower(12, [], 4, options)):
        tower.train()
        assert not torch.equal(tower(rows), tower(rows))
        tower.eval()
        assert torch.equal(tower(rows), tower(rows))


def test_the_most_extreme_reading_still_has_a_unit_vector():
    encoder = ReadingsEncoder.fit(Columns(numeric=("a", "b")), pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, np.nan]}))
    tower = sensor_tower(encoder.continuous, [], 4, SMALL)
    vectors = tower(torch.from_numpy(encoder.encode(pd.DataFrame({"a": [1e308, -1e308], "b": [-1e308, np.inf]}))))
    assert vectors.norm(dim=1).detach().numpy() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("power", [0.5, 0.25])
def test_features_are_raised_to_a_power_before_their_statistics_are_taken(power):
    rows = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    raised = np.sign(rows) * np.abs(rows) ** power
    tower = Tower(nn.Sequential(Power(power), Standardise(3)), nn.Identity())
    tower.fit(rows)
    seen = tower.stem(torch.from_numpy(rows)).numpy()
    assert seen == pytest.approx((raised - raised.mean(axis=0)) / raised.std(axis=0), abs=1e-5)
    assert Power(power)(torch.zeros(1, 3)).tolist() == [[0.0, 0.0, 0.0]]


def test_a_power_has_a_gradient_where_features_are_zero():
    features = torch.tensor([[0.0, 1.0, -4.0]], requires_grad=True)
    raised = Power(0.5)(features)
    raised.sum().backward()
    assert raised.tolist() == [[0.0, 1.0, -2.0]]
    assert features.grad is not None
    assert features.grad.tolist() == [[0.0, 0.5, 0.25]]


def test_a_power_is_for_features():
    config = toy_config(pair=["image", "sensor"])
    stem, _ = FrozenEncoder(4, ["print"]).stem(config.towers.of("image").model_copy(update={"power": 0.5}), config)
    assert isinstance(stem[0], Power)
    assert "power is for features of networks" in refusal(config.changed, {"towers.sensor.power": 0.5})

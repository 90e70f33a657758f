"""Feature maps of several layers from one forward pass: against maps taken by hand, exported, stored and refused."""

# ruff: noqa: F811 (fixtures of another file are imported, and then named as arguments)

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from extracting import cosines, options
from helpers import refusal
from pydantic import ValidationError
from test_image_features import photographs, small_shards  # noqa: F401
from test_inference import network_of, pictures, said_by
from tiny_networks import require, tiny_clip
from torch import fx, nn

import ntcir.features.levels as levels
from ntcir.config import Backbone, Features
from ntcir.features.backbones import FrozenNetwork
from ntcir.features.backends import OpenVino
from ntcir.features.image_features import ImageFeatures
from ntcir.features.inference import Inference

CPU = torch.device("cpu")
SEVERAL: dict[str, list[dict[str, Any]]] = {
    # What a norm gives is overwritten by the ReLU behind it, and folding takes the norm away; that ReLU runs twice.
    "resnet18": [
        {"layer": "conv1", "grid": 2}, {"layer": "bn1", "grid": 2}, {"layer": "layer1.0.relu"}, {"layer": "layer3"},
        {"layer": "layer2"}, {"layer": "layer2.0.bn1"},
    ],
    "timm:test_efficientnet": [{"layer": "blocks.2", "grid": 2}, {"layer": "blocks.1"}],
}  # fmt: skip


def of_arch(arch: str, **changes: Any) -> FrozenNetwork:
    if arch.startswith("timm:"):
        require("timm")
        changes["preprocessing"] = "features"
    return network_of(arch, **{"levels": SEVERAL.get(arch, [])} | changes)


def by_hand(network: FrozenNetwork, images: torch.Tensor) -> np.ndarray:
    """Return the pooled maps of a run of the whole network, as they were before anything overwrote them."""
    maps: dict[str, torch.Tensor] = {}
    handles = [
        network.network.get_submodule(each.layer).register_forward_hook(
            lambda part, given, found, name=each.layer: maps.update({name: found.clone()})
        )
        for each in network.backbone.levels
    ]
    with torch.inference_mode():
        network.network((images.float() - network.mean) / network.std)
    for handle in handles:
        handle.remove()
    rows = []
    for each in network.backbone.levels:
        cells = [part for row in maps[each.layer].chunk(each.grid, 2) for part in row.chunk(each.grid, 3)]
        rows.append(torch.stack([cell.mean(dim=(2, 3)) for cell in cells], dim=2).flatten(1))
    return torch.cat(rows, dim=1).numpy()


@pytest.mark.parametrize("arch", SEVERAL)
def test_levels_are_those_of_the_whole_network_one_behind_the_other(arch):
    frozen, images = of_arch(arch), pictures(3)
    found = said_by(frozen, images)
    np.testing.assert_allclose(found, by_hand(frozen, images), rtol=1e-4, atol=1e-4)
    assert found.shape == (3, frozen.dim) == (3, sum(frozen.widths))
    assert isinstance(frozen.levels, fx.GraphModule)
    exact = said_by(Inference(frozen, torch.float32, CPU), images)
    np.testing.assert_allclose(exact, found, rtol=1e-3, atol=1e-4 * np.abs(found).max())
    quick = said_by(Inference(frozen, torch.bfloat16, CPU), images)
    assert quick.dtype == np.float32
    assert cosines(quick, found).min() > 0.999


def test_the_last_level_is_what_the_network_pooled_into_a_grid_gives():
    images = pictures(2)
    whole = said_by(of_arch("resnet18", grid=2, levels=[]), images)
    assert np.array_equal(said_by(of_arch("resnet18", levels=[{"layer": "layer4", "grid": 2}]), images), whole)


def test_nothing_behind_the_last_level_is_run_and_what_cannot_be_traced_is_watched(monkeypatch):
    traced, images = of_arch("resnet18"), pictures(2)

    def refuse(*_: object) -> None:
        raise fx.proxy.TraceError("as symbols have no values")

    monkeypatch.setattr(levels._Tracer, "trace", refuse)
    watched = of_arch("resnet18")
    assert isinstance(watched.levels, levels.Levels)
    assert isinstance(traced.levels, fx.GraphModule)
    run: list[nn.Module] = []
    for network in (traced, watched):
        network.network.layer4[0].conv1.register_forward_hook(lambda part, *_: run.append(part))
    assert np.array_equal(said_by(watched, images), said_by(traced, images))
    assert np.array_equal(said_by(Inference(watched, torch.float32, CPU), images), said_by(traced, images))
    assert run == []


def test_gradients_go_through_levels_also_where_a_layer_overwrites_one():
    frozen = of_arch("resnet18")
    frozen.requires_grad_(True)
    frozen(pictures(2)).square().sum().backward()
    moved = {name for name, value in frozen.network.named_parameters() if value.grad is not None}
    assert {"conv1.weight", "bn1.weight", "layer3.1.conv2.weight"} <= moved
    assert not any(name.startswith(("layer4", "fc")) for name in moved)


def test_levels_are_exported(tmp_path):
    pytest.importorskip("openvino")
    backbone = Backbone(arch=tiny_clip(tmp_path), weights="random", levels=[{"layer": "conv1", "grid": 2}])
    frozen = FrozenNetwork(backbone, Features(backbones=[backbone], precision="fp32"))
    assert frozen.widths == [32 * 4]
    images = pictures(3, 32)
    np.testing.assert_allclose(OpenVino(frozen, 4, CPU)(images), said_by(frozen, images), rtol=1e-3, atol=1e-4)


def test_levels_lie_in_one_store_as_one_wide_row(photographs, tmp_path):
    several = [{"layer": "features.12", "grid": 2}, {"layer": "features.7"}]

    def of(*chosen: dict[str, Any]) -> Features:
        backbone = Backbone(arch="squeezenet1_1", weights="random", levels=chosen)
        return options(tmp_path / "store", backbone, size=64, crop=64)

    features, ids = ImageFeatures(photographs, of(*several)), photographs.images.index.tolist()[:5]
    features.ensure(ids)
    assert features.dim == 512 * 4 + 256
    assert len(features.stores) == 1
    alone = []
    for level in several:
        opened = ImageFeatures(photographs, of(level))
        opened.ensure(ids)
        alone.append(opened)
    joined = np.concatenate([each.load(ids) for each in alone], axis=1)
    np.testing.assert_allclose(features.load(ids), joined, rtol=1e-5, atol=1e-6)
    paths = photographs.images.loc[ids, "path"].tolist()
    np.testing.assert_allclose(features.encode_files(paths), joined, rtol=1e-5, atol=1e-6)
    assert len({features.fingerprints[0], *(each.fingerprints[0] for each in alone)}) == 3


def test_networks_without_levels_keep_their_fingerprint_and_levels_have_their_own():
    plain = network_of("squeezenet1_1")
    assert "levels" not in plain.meta
    assert plain.widths == [plain.dim]
    seen = {plain.meta["fingerprint"]}
    for changed in (
        [{"layer": "features.3"}, {"layer": "features.12"}],
        [{"layer": "features.12"}, {"layer": "features.3"}],
        [{"layer": "features.12"}, {"layer": "features.3", "grid": 2}],
    ):
        seen.add(network_of("squeezenet1_1", levels=changed).meta["fingerprint"])
    assert len(seen) == 4


def test_weights_of_a_classifier_count_where_a_level_is_in_it(tmp_path):
    state = network_of("squeezenet1_1").network.state_dict()
    path = tmp_path / "features.pth"
    torch.save({name: value for name, value in state.items() if not name.startswith("classifier")}, path)
    how = Features(size=64, crop=64)

    def opened(layer: str) -> FrozenNetwork:
        return FrozenNetwork(Backbone(arch="squeezenet1_1", weights=str(path), levels=[{"layer": layer}]), how)

    assert opened("features.12").dim == 512
    assert "classifier" in refusal(opened, "classifier.1")


@pytest.mark.parametrize(
    ("arch", "layer", "why"),
    [
        ("squeezenet1_1", "features.99", "has no layer 'features.99' (did you mean 'features.9'?); its layers with "),
        ("resnet18", "fc", "gives 1000 numbers at its layer 'fc', which is not a feature map; its layers with"),
        ("resnet18", "layer5", "height x width): conv1, bn1, relu, maxpool, layer1, layer2, layer3, layer4, avgpool"),
        ("googlenet", "aux1.conv", "does not run its layer 'aux1.conv' when it encodes pictures; its layers with"),
    ],
)
def test_what_is_no_level_is_refused_with_the_names_of_those_that_are(arch, layer, why):
    sentence = refusal(network_of, arch, levels=[{"layer": layer}])
    assert sentence.startswith(f"features.backbones: {arch} ")
    assert why in sentence


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"output": "logits"}, "levels are feature maps, and output is logits: leave one of them out"),
        ({"grid": 2}, "each of the levels has a grid of its own, and grid is 2 besides: leave it out"),
        ({"levels": [{"layer": "a"}, {"layer": "a", "grid": 2}]}, "levels name the layer a twice"),
        ({"levels": [{"layer": ""}]}, "at least 1 character"),
        ({"levels": [{"layer": "a", "grid": 0}]}, "greater than or equal to 1"),
    ],
)
def test_settings_that_levels_do_without_are_refused(changes, why):
    with pytest.raises(ValidationError, match=why):
        Backbone.model_validate({"levels": [{"layer": "a"}]} | changes)


def test_a_grid_of_more_cells_than_a_map_has_is_told(capsys):
    frozen = network_of("resnet18", levels=[{"layer": "layer4", "grid": 3}])
    assert frozen.dim == 512 * 9
    said = capsys.readouterr().err
    assert "gives 2 x 2 cells at its layer 'layer4' for pictures of 64 x 64 pixels, fewer than its grid of" in said


def test_maps_with_channels_last_are_none_and_a_network_without_maps_says_so():
    class Turned(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.turned = nn.Identity()

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.turned(images.permute(0, 2, 3, 1))

    sentence = refusal(levels.levels_of, Turned(), Backbone(arch="turned", levels=[{"layer": "turned"}]), 4)
    assert "gives 4 x 4 x 3 numbers at its layer 'turned', which is not a feature map" in sentence
    assert sentence.endswith("(channels x height x width): none.")

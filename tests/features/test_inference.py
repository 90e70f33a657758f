"""Networks made ready to be run: against the published ones, in both precisions, whatever is in a batch."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from extracting import cosines

import ntcir.features.inference as inference
from ntcir.config import Backbone, Features
from ntcir.features.backbones import FrozenNetwork
from ntcir.features.inference import Inference, batch_of, precision_of
from ntcir.system.machine import cores, has_fast_bf16

CPU = torch.device("cpu")
ARCHS = (
    "resnet18", "densenet121", "mnasnet0_5", "swin_t", "squeezenet1_1", "mobilenet_v3_small", "efficientnet_b0",
    "googlenet", "shufflenet_v2_x0_5", "regnet_y_400mf", "vgg11_bn",
)  # fmt: skip


def pictures(number: int, size: int = 64) -> torch.Tensor:
    draw = torch.Generator().manual_seed(3)
    return torch.randint(0, 256, (number, 3, size, size), dtype=torch.uint8, generator=draw)


def network_of(arch: str, size: int = 64, **backbone) -> FrozenNetwork:
    """A network with random weights whose BatchNorms have seen something, as those of trained ones have."""
    frozen = FrozenNetwork(Backbone(arch=arch, weights="random", **backbone), Features(size=size, crop=size))
    draw = torch.Generator().manual_seed(1)
    for part in frozen.network.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.running_mean.uniform_(-0.1, 0.1, generator=draw)
            part.running_var.uniform_(0.5, 1.5, generator=draw)
    return frozen


def said_by(network: torch.nn.Module, images: torch.Tensor) -> np.ndarray:
    with torch.inference_mode():
        return network(images).numpy()


# All but the logits of VGG: its 120 million weights are seconds to draw, and its convolutions are tried as they are.
@pytest.mark.parametrize(
    ("arch", "output"), [*((arch, "pooled") for arch in ARCHS), *((arch, "logits") for arch in ARCHS[:-1])]
)
def test_features_are_those_of_the_published_network_to_a_cosine_of_0_999(arch, output):
    frozen = network_of(arch, output=output)
    images = pictures(4)
    expected = said_by(frozen, images)
    exact = said_by(Inference(frozen, torch.float32, CPU), images)
    np.testing.assert_allclose(exact, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
    quick = said_by(Inference(frozen, torch.bfloat16, CPU), images)
    assert quick.dtype == np.float32
    assert quick.shape == expected.shape == (4, frozen.dim)
    assert not np.array_equal(quick, expected)
    assert cosines(quick, expected).min() >= 0.999


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_is_said_of_a_picture_does_not_depend_on_the_rest_of_the_batch(dtype):
    for output in ("pooled", "logits"):
        network = Inference(network_of("resnet18", output=output), dtype, CPU)
        images = pictures(5)
        together = said_by(network, images)
        parts = np.concatenate([said_by(network, part) for part in (images[:1], images[1:3], images[3:])])
        np.testing.assert_allclose(parts, together, rtol=1e-2, atol=2e-3 * np.abs(together).max())
        assert cosines(parts, together).min() > 0.99999


def test_a_grid_is_pooled_as_in_the_published_network():
    frozen = network_of("resnet18", 128, grid=2)
    images = pictures(2, 128)
    found = said_by(Inference(frozen, torch.bfloat16, CPU), images)
    assert found.shape == (2, 2048)
    assert cosines(found, said_by(frozen, images)).min() >= 0.999


def test_norms_are_folded_into_convolutions_and_the_network_itself_stays_as_it_is():
    frozen = network_of("resnet18", output="logits")
    before = copy.deepcopy(frozen.state_dict())
    ready = Inference(frozen, torch.bfloat16, CPU)
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in ready.modules())
    assert any(isinstance(part, torch.nn.BatchNorm2d) for part in frozen.modules())
    assert frozen.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in frozen.state_dict().items())
    assert all(value.dtype != torch.bfloat16 for value in frozen.parameters())
    assert not any(parameter.requires_grad for parameter in ready.parameters())
    for parameter in ready.parameters():
        parameter.data.zero_()
    assert all(torch.equal(value, before[name]) for name, value in frozen.state_dict().items())


def test_what_cannot_be_traced_is_run_as_it_is(monkeypatch):
    import torch.fx.experimental.optimization as optimization

    def fail(*_: object) -> None:
        raise RuntimeError("branches")

    monkeypatch.setattr(optimization, "fuse", fail)
    frozen, images = network_of("resnet18"), pictures(3)
    ready = Inference(frozen, torch.bfloat16, CPU)
    assert any(isinstance(part, torch.nn.BatchNorm2d) for part in ready.modules())
    assert cosines(said_by(ready, images), said_by(frozen, images)).min() >= 0.999


@pytest.mark.parametrize("fast", [True, False])
def test_the_precision_left_open_is_what_the_processor_is_fast_at(monkeypatch, fast):
    monkeypatch.setattr(inference, "has_fast_bf16", lambda: fast)
    assert precision_of(Features(), CPU) == ("bf16" if fast else "fp32")
    assert precision_of(Features(precision="fp32"), CPU) == "fp32"
    assert precision_of(Features(precision="bf16"), CPU) == "bf16"


def test_whether_the_processor_is_fast_at_bf16_is_what_torch_says(monkeypatch):
    for can, expected in (({"avx512_bf16": True}, True), ({"amx_bf16": True}, True), ({"avx2": True}, False)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda can=can: can, raising=False)
        assert has_fast_bf16() == expected
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert not has_fast_bf16()


def test_the_batch_left_open_is_larger_on_a_gpu():
    assert batch_of(Features(), CPU) == 32
    assert batch_of(Features(), torch.device("cuda")) == 256
    assert batch_of(Features(batch=7), torch.device("cuda")) == 7


def test_processes_on_one_machine_share_its_cores(monkeypatch):
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    alone = cores()
    assert alone >= 1
    for processes, expected in (("1", alone), ("2", max(1, alone // 2)), ("1000", 1), ("0", alone), ("many", alone)):
        monkeypatch.setenv("LOCAL_WORLD_SIZE", processes)
        assert cores() == expected

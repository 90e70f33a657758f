"""The frozen networks against what hooks in torchvision's own networks see."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from torchvision.transforms._presets import ImageClassification

from ntcir.config import Backbone, Features
from ntcir.features.backbones import FrozenNetwork
from ntcir.features.decode import decode
from ntcir.features.preprocessing import Square
from ntcir.system.errors import UserError

MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])

# arch -> (where its last feature map or its pooled features appear, as what, picture size, features)
PLACES = {
    "resnet18": ("avgpool", "input", 64, 512),
    "resnext50_32x4d": ("avgpool", "input", 64, 2048),
    "densenet121": ("classifier", "input", 64, 1024),
    "mobilenet_v3_small": ("avgpool", "input", 64, 576),
    "mobilenet_v2": ("features", "output", 64, 1280),
    "efficientnet_b0": ("avgpool", "output", 64, 1280),
    "vgg11": ("features", "output", 64, 512),
    "vit_b_32": ("heads", "input", 224, 768),
    "swin_t": ("head", "input", 64, 768),
    "squeezenet1_1": ("features", "output", 64, 512),
    "regnet_y_400mf": ("fc", "input", 64, 440),
    "googlenet": ("fc", "input", 64, 1024),
    "shufflenet_v2_x0_5": ("fc", "input", 64, 1024),
    "mnasnet0_5": ("classifier", "input", 64, 1280),
}


def pictures(size: int, number: int = 2) -> torch.Tensor:
    draw = torch.Generator().manual_seed(3)
    return torch.randint(0, 256, (number, 3, size, size), dtype=torch.uint8, generator=draw)


def scaled(images: torch.Tensor) -> torch.Tensor:
    return (images / 255 - MEAN[:, None, None]) / STD[:, None, None]


def random_network(arch: str, size: int = 64, **options) -> FrozenNetwork:
    return FrozenNetwork(Backbone(arch=arch, weights="random", **options), Features(size=size, crop=size))


@pytest.mark.parametrize("arch", PLACES)
def test_pooled_features_are_the_average_of_the_last_feature_map(arch):
    place, side, size, dim = PLACES[arch]
    frozen = random_network(arch, size)
    plain = frozen.network
    seen = []
    plain.get_submodule(place).register_forward_hook(
        lambda module, inputs, output: seen.append(inputs[0] if side == "input" else output)
    )
    images = pictures(size)
    with torch.inference_mode():
        found = frozen(images)
        plain(scaled(images))
    expected = seen[-1].mean(dim=(2, 3)) if seen[-1].ndim == 4 else seen[-1]
    assert found.shape == (2, dim)
    assert frozen.dim == dim
    assert expected.abs().max() > 0
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))


def test_a_grid_keeps_where_things_are():
    frozen, whole = random_network("resnet18", 128, grid=2), random_network("resnet18", 128)
    images = pictures(128)
    with torch.inference_mode():
        found = frozen(images).reshape(2, 512, 2, 2)
        maps = torch.nn.Sequential(*list(frozen.network.children())[:-2])(scaled(images))
        pooled = whole(images)
    assert frozen.dim == 2048
    assert maps.shape == (2, 512, 4, 4)
    for down in range(2):
        for across in range(2):
            cell = maps[:, :, 2 * down : 2 * down + 2, 2 * across : 2 * across + 2].mean(dim=(2, 3))
            torch.testing.assert_close(found[:, :, down, across], cell, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(found.mean(dim=(2, 3)), pooled, rtol=1e-3, atol=1e-4)


def test_a_grid_is_refused_where_there_is_no_feature_map():
    with pytest.raises(UserError, match="googlenet has no feature map to pool into a grid: use grid: 1"):
        random_network("googlenet", grid=2)


def test_logits_are_what_the_whole_network_gives():
    frozen = random_network("resnet18", output="logits")
    plain = copy.deepcopy(frozen.network)
    images = pictures(64)
    with torch.inference_mode():
        torch.testing.assert_close(frozen(images), plain(scaled(images)), rtol=1e-3, atol=1e-3)
    assert frozen.dim == 1000


@pytest.mark.parametrize("resize", [72, 64])
def test_it_agrees_with_torchvisions_own_preprocessing_and_network(tmp_path, resize):
    blocks = np.random.default_rng(4).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    path = tmp_path / "a.png"  # too small to be reduced before it is resized
    Image.fromarray(blocks).resize((160, 120), Image.Resampling.BICUBIC).save(path)
    options = Features(size=resize, crop=64, resize="shorter")
    frozen = FrozenNetwork(Backbone(arch="resnet18", weights="random", output="logits"), options)
    with torch.inference_mode():
        found = frozen(torch.from_numpy(decode(path, Square.of(options)))[None])
        theirs = ImageClassification(crop_size=64, resize_size=resize)(Image.open(path))
        expected = copy.deepcopy(frozen.network)(theirs[None])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def test_real_weights_give_the_features_of_the_plain_network(shared):
    path = shared / "weights" / "squeezenet1_1_imagenet_features.pth"
    plain = torchvision.models.squeezenet1_1()
    plain.load_state_dict(torch.load(path, weights_only=True), strict=False)
    options = Features(size=96, crop=96)
    frozen = FrozenNetwork(Backbone(arch="squeezenet1_1", weights=str(path)), options)
    files = sorted((shared / "data" / "track" / "images").iterdir())[:3]
    images = torch.from_numpy(np.stack([decode(file, Square.of(options)) for file in files]))
    with torch.inference_mode():
        expected = plain.features(scaled(images)).mean(dim=(2, 3))
        torch.testing.assert_close(frozen(images), expected, rtol=1e-3, atol=1e-3)
    assert not torch.allclose(expected[0], expected[1])


def test_random_weights_are_loudly_said_and_seeded_and_leave_the_global_seed_alone(capsys):
    torch.manual_seed(11)
    state = torch.get_rng_state()
    first, again, other = (random_network("squeezenet1_1", seed=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    captured = capsys.readouterr()
    assert captured.err.count("WARNING: squeezenet1_1 has RANDOM weights") == 3
    assert captured.out == ""
    images = pictures(64)
    assert torch.equal(first(images), again(images))
    assert not torch.allclose(first(images), other(images))
    assert first.meta["fingerprint"] == again.meta["fingerprint"] != other.meta["fingerprint"]


@pytest.mark.parametrize("arch", ["resnet18", "mobilenet_v3_small"])
def test_the_frozen_network_stays_as_it_is_even_in_training(arch):
    frozen = random_network(arch)
    before = {key: value.clone() for key, value in frozen.state_dict().items()}
    images = pictures(64, 4)
    expected = frozen(images)
    wrapped = torch.nn.Sequential(frozen).train()
    assert not any(module.training for module in frozen.modules())
    for _ in range(3):
        assert torch.equal(wrapped(images), expected)
    assert all(torch.equal(value, before[key]) for key, value in frozen.state_dict().items())
    assert not any(parameter.requires_grad for parameter in frozen.parameters())


def test_features_do_not_depend_on_the_rest_of_the_batch():
    frozen = random_network("resnet18")
    images = pictures(64, 5)
    with torch.inference_mode():
        together = frozen(images)
        alone = torch.cat([frozen(images[row : row + 1]) for row in range(5)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)


def test_a_picture_size_that_a_network_cannot_take_is_one_sentence():
    for arch in ("vit_b_32", "squeezenet1_1"):
        with pytest.raises(UserError, match=rf"{arch} cannot process images of 16 x 16 pixels \(.*\): choose another"):
            random_network(arch, 16)


def test_what_determines_the_features_changes_the_fingerprint_and_nothing_else_does(tmp_path):
    network = torchvision.models.squeezenet1_1()
    torch.save(network.state_dict(), tmp_path / "a.pth")
    torch.save(network.features.state_dict(prefix="features."), tmp_path / "b.pth")
    network.features[0].bias.data[0] += 1
    torch.save(network.state_dict(), tmp_path / "c.pth")

    def fingerprint(weights: str, options: Features = Features(size=64, crop=64), **backbone) -> str:  # noqa: B008
        path = str(tmp_path / weights)
        return str(FrozenNetwork(Backbone(arch="squeezenet1_1", weights=path, **backbone), options).meta["fingerprint"])

    plain = fingerprint("a.pth")
    # The classifier, the file's name, the batch size and the seed of random weights say nothing in pooled features.
    assert plain == fingerprint("b.pth") == fingerprint("a.pth", Features(size=64, crop=64, batch=7), seed=9)
    others = [
        fingerprint("c.pth"),
        fingerprint("a.pth", output="logits"),
        fingerprint("a.pth", grid=2),
        fingerprint("a.pth", Features(size=72, crop=64)),
        fingerprint("a.pth", Features(size=72, crop=72)),
        fingerprint("a.pth", Features(size=64, crop=64, resize="shorter")),
        fingerprint("a.pth", Features(size=64, crop=64, decode="scaled")),
        fingerprint("a.pth", Features(size=64, crop=64, precision="fp32")),
        fingerprint("a.pth", Features(size=64, crop=64, precision="bf16")),
    ]
    assert len({plain, *others}) == 10
    # What runs a network, and where, says nearly nothing.
    assert plain == fingerprint("a.pth", Features(size=64, crop=64, backend="compile", device="cpu"))


def test_an_inception_without_auxiliary_classifiers_has_one_fingerprint_and_its_own_scaling_of_pictures(tmp_path):
    network = torchvision.models.googlenet(init_weights=False).eval()
    state = {key: value for key, value in network.state_dict().items() if not key.startswith("aux")}
    torch.save(state, tmp_path / "googlenet.pth")
    backbone = Backbone(arch="googlenet", weights=str(tmp_path / "googlenet.pth"), output="logits")
    options = Features(size=64, crop=64)
    frozen, again = FrozenNetwork(backbone, options), FrozenNetwork(backbone, options)
    assert frozen.meta["fingerprint"] == again.meta["fingerprint"]
    images = pictures(64)
    with torch.inference_mode():
        # Its ImageNet weights, converted from another library, want each channel from -1 to 1.
        expected = network(images / 127.5 - 1)
        torch.testing.assert_close(frozen(images), expected, rtol=1e-3, atol=1e-4)

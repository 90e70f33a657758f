"""Networks of timm against timm itself: its weights, its own transform, its features."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from extracting import cosines
from helpers import refusal
from picturing import blocks, saved
from PIL import Image
from tiny_networks import require, timm_net
from watching import Watch

from ntcir.config import Backbone, Features
from ntcir.features.backbones import FrozenNetwork
from ntcir.features.backends import KINDS, is_there
from ntcir.features.decode import decode
from ntcir.features.preprocessing import Square
from ntcir.system.libraries import confine_libraries

require("timm")
confine_libraries()
import timm  # noqa: E402
from timm.data import create_transform, resolve_model_data_config  # noqa: E402

CPU = torch.device("cpu")
REAL = "tf_efficientnet_lite2.in1k.safetensors"
SMALL = ("test_efficientnet", "test_resnet", "test_vit", "test_convnext", "test_mambaout")


def pictures(size: int, number: int = 2) -> torch.Tensor:
    draw = torch.Generator().manual_seed(3)
    return torch.randint(0, 256, (number, 3, size, size), dtype=torch.uint8, generator=draw)


def frozen(name: str = "test_efficientnet", options: Features | None = None, **changes: object) -> FrozenNetwork:
    backbone = timm_net(name, **changes)
    return FrozenNetwork(backbone, (options or Features()).model_copy(update={"backbones": [backbone]}))


def scaled(network: FrozenNetwork, images: torch.Tensor) -> torch.Tensor:
    named = resolve_model_data_config(network.network)
    mean, std = (torch.tensor(named[key])[:, None, None] for key in ("mean", "std"))
    return (images / 255 - mean) / std


@pytest.mark.parametrize("name", SMALL)
def test_pooled_features_are_what_the_network_gives_without_its_classifier(tmp_path, name):
    plain = timm.create_model(name).eval()
    torch.save(plain.state_dict(), tmp_path / "w.pth")
    network = frozen(name, weights=str(tmp_path / "w.pth"))
    images = pictures(160)
    with torch.inference_mode():
        expected = plain.forward_head(plain.forward_features(scaled(network, images)), pre_logits=True)
        torch.testing.assert_close(network(images), expected, rtol=1e-4, atol=1e-5)
    assert network.dim == expected.shape[1]


@pytest.mark.parametrize("name", ["test_efficientnet", "test_vit"])
def test_logits_are_what_the_whole_network_gives(tmp_path, name):
    plain = timm.create_model(name, num_classes=7).eval()
    torch.save(
        {"state_dict": {f"module.{key}": value for key, value in plain.state_dict().items()}}, tmp_path / "w.pth"
    )
    network, images = frozen(name, weights=str(tmp_path / "w.pth"), output="logits"), pictures(160)
    with torch.inference_mode():
        torch.testing.assert_close(network(images), plain(scaled(network, images)), rtol=1e-4, atol=1e-5)
    assert network.dim == 7


def test_a_grid_keeps_where_things_are():
    network, images = frozen(grid=2), pictures(160)
    with torch.inference_mode():
        maps = network.network.forward_features(scaled(network, images))
        expected = torch.nn.functional.adaptive_avg_pool2d(maps, 2).flatten(1)
        torch.testing.assert_close(network(images), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["test_vit", "test_mambaout"])
def test_a_grid_is_refused_where_there_is_no_feature_map(name):
    assert refusal(frozen, name, grid=2) == f"timm:{name} has no feature map to pool into a grid: use grid: 1."


@pytest.mark.parametrize("name", SMALL)
def test_a_picture_becomes_what_timms_own_transform_makes_of_it(tmp_path, name):
    network = frozen(name)
    own = create_transform(**resolve_model_data_config(network.network), is_training=False)
    for number, size in enumerate([(1024, 768), (200, 333), (100, 90)]):
        path = saved(tmp_path / f"{number}.png", blocks(*size))
        square = torch.from_numpy(decode(path, network.preprocessing.square))
        torch.testing.assert_close(scaled(network, square), own(Image.open(path)), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "resize", "size", "crop", "filter"),
    [
        ("tf_efficientnet_lite2", "shorter", 292, 260, "bicubic"),
        ("tf_efficientnet_lite2.in1k", "shorter", 292, 260, "bicubic"),
        ("test_resnet", "shorter", 168, 160, "bilinear"),
        ("convnext_tiny.fb_in22k_ft_in1k_384", "squash", 384, 384, "bicubic"),
    ],
)
def test_the_preprocessing_is_what_the_model_names(name, resize, size, crop, filter):
    with torch.device("meta"):
        named = resolve_model_data_config(timm.create_model(name, num_classes=0))
    from ntcir.features.timm_networks import preprocess

    network = torch.nn.Module()
    network.pretrained_cfg = named
    for way in ("full", "scaled"):
        found = preprocess(Backbone(arch=f"timm:{name}"), network, Features(decode=way, size=32, crop=32))
        assert found.statistics == (named["mean"], named["std"])
        assert found.square == Square(resize, size, crop, way, filter, reduced=way == "scaled")


def test_the_section_features_may_decide_the_square_but_not_the_statistics():
    options = Features(size=72, crop=64, resize="squash")
    network = frozen("test_resnet", options, preprocessing="features")
    assert network.preprocessing.square == Square("squash", 72, 64)
    assert network.preprocessing.statistics.mean == (0.5, 0.5, 0.5)
    prints = {frozen("test_resnet", Features(size=size, crop=64)).meta["fingerprint"] for size in (64, 72)}
    assert len(prints) == 1  # what it does not use says nothing


def test_what_determines_the_features_changes_the_fingerprint(tmp_path):
    plain = timm.create_model("test_efficientnet")
    torch.save(plain.state_dict(), tmp_path / "a.pth")
    torch.save({k: v for k, v in plain.state_dict().items() if "classifier" not in k}, tmp_path / "b.pth")

    def fingerprint(weights: str = "a.pth", options: Features | None = None, **changes: object) -> str:
        network = frozen("test_efficientnet", options, weights=str(tmp_path / weights), **changes)
        return str(network.meta["fingerprint"])

    assert fingerprint() == fingerprint("b.pth") == fingerprint(seed=7)
    others = [
        fingerprint(output="logits"),
        fingerprint(grid=2),
        fingerprint(options=Features(decode="scaled")),
        fingerprint(options=Features(), preprocessing="features"),
    ]
    assert len({fingerprint(), *others}) == 5


def test_random_weights_are_seeded_and_said(capsys):
    one, again, other = (frozen(seed=seed) for seed in (0, 0, 1))
    assert one.meta == again.meta
    assert one.meta["fingerprint"] != other.meta["fingerprint"]
    assert "WARNING: timm:test_efficientnet has RANDOM weights (seed 1)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"arch": "timm:tf_efficientnet_lite9"}, "timm has no model 'tf_efficientnet_lite9' (did you mean 'tf_effi"),
        ({"arch": "timm:hf-hub:timm/resnet18"}, "timm has no model 'hf-hub:timm/resnet18' (nothing is fetched from a "),
        ({"arch": "timm:test_vit.r161_in1k"}, "timm's model test_vit has no tag 'r161_in1k' (did you mean 'r160_in1k'"),
        (
            {"arch": "timn:test_vit"},
            "there is no library 'timn' of image networks ('timn:test_vit'): give ",
        ),
        ({"weights": "imagenet"}, "There are no weights 'imagenet' for timm:test_vit, and nothing is fetched for it: "),
        ({"weights": "places365"}, "There are no weights 'places365' for timm:test_vit, and nothing is fetched for it"),
        (
            {"weights": "gone.pth"},
            "There are no weights at gone.pth. Put the file there, or give its path as `weights`.",
        ),
    ],
)
def test_what_is_not_there_is_one_sentence(changes, words):
    backbone = Backbone.model_validate({"arch": "timm:test_vit", "weights": "random"} | changes)
    assert words in refusal(FrozenNetwork, backbone, Features())


def test_weights_that_do_not_fit_are_one_sentence(tmp_path):
    path = tmp_path / "w.pth"
    state = timm.create_model("test_vit").state_dict()
    for harm, words in (
        ({"cls_token": torch.zeros(1, 1, 3)}, "(pooled): they have other shapes for 'cls_token'."),
        ({"extra": torch.zeros(1)}, "(pooled): they have the unknown 'extra'."),
        ({"norm.weight": torch.full((64,), torch.nan)}, "its training diverged."),
    ):
        torch.save(state | harm, path)
        sentence = refusal(frozen, "test_vit", weights=str(path))
        assert words in sentence
        assert "timm:test_vit" in sentence
    torch.save({key: value for key, value in state.items() if key != "cls_token"}, path)
    assert "they have no 'cls_token'." in refusal(frozen, "test_vit", weights=str(path))
    torch.save({key: value for key, value in state.items() if not key.startswith("head.")}, path)
    assert "no classifier (head.*): use output: pooled." in refusal(
        frozen, "test_vit", weights=str(path), output="logits"
    )


def test_weights_may_be_a_folder_as_a_hub_has_it(tmp_path):
    from safetensors.torch import save_file

    state = timm.create_model("test_resnet").state_dict()
    save_file(state, tmp_path / "model.safetensors")
    torch.save(state, tmp_path / "w.pth")
    one, other = (frozen("test_resnet", weights=str(path)) for path in (tmp_path, tmp_path / "w.pth"))
    assert one.meta["fingerprint"] == other.meta["fingerprint"]
    (tmp_path / "model.safetensors").unlink()
    assert refusal(frozen, "test_resnet", weights=str(tmp_path)).startswith(f"The folder {tmp_path} has no weights (")


def test_a_timm_that_is_not_installed_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    backbone = Backbone(arch="timm:test_vit", weights="random")
    sentence = refusal(FrozenNetwork, backbone, Features())
    assert sentence.startswith("Networks named timm:NAME need the package timm (")
    assert sentence.endswith("pip install 'ntcir[encoders]'.")


def test_torchvisions_networks_have_no_preprocessing_of_their_own():
    backbone = Backbone(arch="squeezenet1_1", weights="random", preprocessing="own")
    assert "squeezenet1_1 of torchvision has no preprocessing of its own" in refusal(
        FrozenNetwork, backbone, Features()
    )


@pytest.mark.parametrize(("name", "output"), [("test_efficientnet", "pooled"), ("test_vit3", "logits")])
@pytest.mark.parametrize("kind", ["eager", "openvino"])
@pytest.mark.parametrize(("precision", "least"), [("auto", 1 - 1e-6), ("bf16", 0.999)])
def test_every_backend_says_what_the_published_network_says(kind, name, output, precision, least):
    if not is_there(kind, CPU):
        pytest.skip(f"{kind} is not available here")
    network = frozen(name, Features(precision=precision), output=output)
    images = pictures(160, 3)
    with torch.inference_mode():
        expected = network(images).numpy()
    backend = KINDS[kind](network, 4, CPU)
    assert backend.precision == {"auto": "fp32", "bf16": "bf16"}[precision]
    assert cosines(backend.encode(images), expected).min() >= least


def test_real_weights_give_timms_features_of_real_photographs(shared):
    weights = shared / "weights" / REAL
    files = sorted((shared / "data" / "photos").glob("*.jpg"))[:4]
    network = FrozenNetwork(Backbone(arch="timm:tf_efficientnet_lite2", weights=str(weights)), Features())
    from safetensors.torch import load_file

    plain = timm.create_model("tf_efficientnet_lite2", num_classes=1000)
    plain.load_state_dict(load_file(weights))
    plain.reset_classifier(0)
    own = create_transform(**resolve_model_data_config(plain), is_training=False)
    squares = np.stack([decode(file, network.preprocessing.square) for file in files])
    with torch.inference_mode():
        found = network(torch.from_numpy(squares))
        expected = plain.eval()(torch.stack([own(Image.open(file).convert("RGB")) for file in files]))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


def test_it_says_fetches_and_leaves_nothing(tmp_path):
    code = (
        "from ntcir.config import Backbone, Features\nfrom ntcir.features.backbones import FrozenNetwork\n"
        "FrozenNetwork(Backbone(arch='timm:test_vit', weights='random'), Features())"
    )
    seen = Watch(tmp_path).python(code)
    assert (seen.code, seen.network) == (0, []), seen.said
    assert [line for line in seen.said.splitlines() if "RANDOM weights" not in line] == []
    assert {path for path in seen.home if path != ".cache" and not path.startswith(".cache/ntcir")} == set()

"""The image side of CLIP-like models against open_clip itself."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from extracting import cosines
from helpers import refusal
from picturing import blocks, saved
from PIL import Image
from tiny_networks import TINY, require, tiny_clip

from ntcir.config import Backbone, Features
from ntcir.features.backbones import FrozenNetwork
from ntcir.features.backends import KINDS, is_there
from ntcir.features.decode import decode
from ntcir.features.open_clip_models import open_clip_model
from ntcir.features.open_clip_networks import _published
from ntcir.features.preprocessing import Square
from ntcir.system.errors import UserError

require("open_clip")
CPU = torch.device("cpu")
OPENAI = (0.48145466, 0.4578275, 0.40821073)


@pytest.fixture(scope="module", autouse=True)
def arch(tmp_path_factory) -> str:
    return tiny_clip(tmp_path_factory.mktemp("clip"))


def frozen(arch: str, options: Features | None = None, **changes: object) -> FrozenNetwork:
    backbone = Backbone.model_validate({"arch": arch, "weights": "random"} | changes)
    return FrozenNetwork(backbone, (options or Features()).model_copy(update={"backbones": [backbone]}))


def pictures(number: int = 3, size: int = 32) -> torch.Tensor:
    draw = torch.Generator().manual_seed(3)
    return torch.randint(0, 256, (number, 3, size, size), dtype=torch.uint8, generator=draw)


def whole(seed: int) -> torch.nn.Module:
    return open_clip_model(TINY, None, seed)


def test_features_are_those_of_encode_image_after_open_clips_own_transform(arch, tmp_path):
    from open_clip import image_transform

    model = whole(1)
    torch.save({"state_dict": {f"module.{key}": value for key, value in model.state_dict().items()}}, tmp_path / "w.pt")
    network = frozen(arch, weights=str(tmp_path / "w.pt"))
    own = image_transform(32, is_train=False)
    paths = [saved(tmp_path / f"{number}.png", blocks(*size)) for number, size in enumerate([(640, 480), (33, 90)])]
    squares = torch.stack([torch.from_numpy(decode(path, network.preprocessing.square)) for path in paths])
    with torch.inference_mode():
        expected = model.encode_image(torch.stack([own(Image.open(path)) for path in paths]))
        torch.testing.assert_close(network(squares), expected, rtol=1e-4, atol=1e-5)
    assert network.dim == 8
    assert network.preprocessing.square == Square("shorter", 32, 32, "full", "bicubic", reduced=False)
    assert network.preprocessing.statistics.mean == OPENAI


def test_random_weights_are_those_of_the_whole_model_of_the_same_seed(arch, capsys):
    one, other = frozen(arch, seed=4), frozen(arch, seed=5)
    expected = whole(4).visual.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in one.network.state_dict().items())
    assert one.meta["fingerprint"] != other.meta["fingerprint"]
    assert f"WARNING: open_clip:{TINY} has RANDOM weights (seed 4)" in capsys.readouterr().err


def test_weights_may_be_a_folder_as_a_hub_has_it(arch, tmp_path):
    from safetensors.torch import save_file

    state = {name: value.clone() for name, value in whole(2).state_dict().items()}
    save_file(state, tmp_path / "open_clip_model.safetensors")
    assert frozen(arch, weights=str(tmp_path)).meta["weights_sha256"] == frozen(arch, seed=2).meta["weights_sha256"]


def test_the_captions_side_says_nothing_in_the_fingerprint(arch, tmp_path):
    state = whole(2).state_dict()
    torch.save(state, tmp_path / "a.pt")
    torch.save(state | {"ln_final.bias": state["ln_final.bias"] + 1}, tmp_path / "b.pt")
    prints = {frozen(arch, weights=str(tmp_path / name)).meta["fingerprint"] for name in ("a.pt", "b.pt")}
    assert len(prints) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"arch": "open_clip:ViT-B-23"}, "open_clip has no model 'ViT-B-23' (did you mean 'ViT-B-"),
        ({"arch": "open_clip:hf-hub:org/model"}, "open_clip:hf-hub:org/model would be fetched from the network"),
        ({"weights": "openai"}, f"There are no weights 'openai' for open_clip:{TINY}, and nothing is fetched for it"),
        ({"output": "logits"}, "so `output: logits` is not available: use output: pooled and grid: 1."),
        ({"grid": 2}, "so `grid: 2` is not available"),
        ({"weights": "gone.pt"}, "There are no weights at gone.pt. Put the file there, or give its path as `weights`."),
    ],
)
def test_what_is_not_there_is_one_sentence(arch, changes, words):
    backbone = Backbone.model_validate({"arch": arch, "weights": "random"} | changes)
    assert words in refusal(FrozenNetwork, backbone, Features())


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda state: state.pop("visual.proj"), "they have no 'visual.proj'."),
        (lambda state: state.update(extra=torch.zeros(1)), "they have the unknown 'extra'."),
        (lambda state: state.update({"visual.proj": torch.zeros(3, 3)}), "they have another shape for 'visual.proj'."),
        (lambda state: state["visual.proj"].fill_(torch.nan), "its training diverged."),
    ],
)
def test_weights_that_do_not_fit_are_one_sentence(arch, tmp_path, harm, words):
    state = dict(whole(0).state_dict())
    harm(state)
    torch.save(state, tmp_path / "w.pt")
    sentence = refusal(frozen, arch, weights=str(tmp_path / "w.pt"))
    assert words in sentence
    assert arch in sentence


def test_an_open_clip_that_is_not_installed_is_one_sentence(arch, monkeypatch):
    monkeypatch.setitem(sys.modules, "open_clip", None)
    assert refusal(frozen, arch).endswith("pip install 'ntcir[encoders]'.")


def test_what_the_architecture_does_not_name_is_that_of_its_published_weights(capsys):
    siglip = _published("ViT-B-16-SigLIP", say_so=True)
    assert (siglip["mean"], siglip["resize_mode"]) == ((0.5, 0.5, 0.5), "squash")
    assert capsys.readouterr().err == ""
    assert _published("ViT-L-14", say_so=True)["mean"] == OPENAI
    assert "For laion2b_s32b_b82k, name a folder with its open_clip_config.json" in capsys.readouterr().err
    assert _published(TINY, say_so=True) == {}


def test_the_section_features_may_decide_the_square(arch):
    options = Features(size=40, crop=32, resize="squash")
    network = frozen(arch, options, preprocessing="features")
    assert network.preprocessing.square == Square("squash", 40, 32)
    assert network.preprocessing.statistics.mean == OPENAI
    with pytest.raises(UserError, match=r"cannot process images of 48 x 48 pixels"):
        frozen(arch, Features(size=48, crop=48), preprocessing="features")


@pytest.mark.parametrize("kind", ["eager", "openvino"])
@pytest.mark.parametrize(("precision", "least"), [("auto", 1 - 1e-6), ("bf16", 0.999)])
def test_every_backend_says_what_the_model_says(arch, kind, precision, least):
    if not is_there(kind, CPU):
        pytest.skip(f"{kind} is not available here")
    network = frozen(arch, Features(precision=precision))
    with torch.inference_mode():
        expected = network(pictures()).numpy()
    assert cosines(KINDS[kind](network, 4, CPU).encode(pictures()), expected).min() >= least


def test_a_coca_gives_the_features_that_its_captions_share(tmp_path):
    network = frozen("open_clip:coca_ViT-B-32")
    assert network.dim == 512


def test_a_folder_with_its_own_settings_names_the_preprocessing(arch, tmp_path):
    import json

    from tiny_networks import TINY_CONFIG

    settings = {
        "model_cfg": TINY_CONFIG,
        "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3, "resize_mode": "squash"},
    }
    (tmp_path / "open_clip_config.json").write_text(json.dumps(settings), encoding="utf-8")
    torch.save(whole(0).state_dict(), tmp_path / "open_clip_pytorch_model.bin")
    network = frozen(f"open_clip:local-dir:{tmp_path}", weights=str(Path(tmp_path)))
    assert network.preprocessing.square.resize == "squash"
    assert network.preprocessing.statistics.std == (0.5, 0.5, 0.5)

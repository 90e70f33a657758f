"""Weights from the published formats, from files that are none, and from addresses that do not answer."""

from __future__ import annotations

import hashlib
import os
import pickle
import types
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

import ntcir.features.weights as weights
from ntcir.config import Backbone, Features
from ntcir.features.backbones import FrozenNetwork
from ntcir.system.errors import UserError

SMALL = Features(size=64, crop=64)
PICTURES = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(5))


@pytest.fixture(autouse=True)
def hub(tmp_path, monkeypatch) -> Path:
    """An empty folder for torch's downloads."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub" / "checkpoints"


def made(arch: str, classes: int = 365) -> nn.Module:
    """A network with weights and BatchNorm statistics that are no one else's."""
    torch.manual_seed(len(arch) + classes)
    network = torchvision.models.get_model(arch, weights=None, num_classes=classes).eval()
    for name, value in network.state_dict().items():
        if "running_mean" in name:
            value.normal_()
        if "running_var" in name:
            value.uniform_(0.5, 2)
    return network


@pytest.fixture(scope="module")
def resnet18() -> nn.Module:
    return made("resnet18")


def places365(network: nn.Module, arch: str) -> dict[str, object]:
    """A checkpoint as MIT CSAIL publishes it: data-parallel names, without BatchNorm's counters."""
    state = {f"module.{key}": value for key, value in network.state_dict().items() if "num_batches" not in key}
    return {"epoch": 90, "arch": arch, "state_dict": OrderedDict(state), "best_prec1": 54.65}


def logits(network: nn.Module) -> torch.Tensor:
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.inference_mode():
        result: torch.Tensor = network((PICTURES / 255 - mean[:, None, None]) / std[:, None, None])
        return result


def assert_same(network: nn.Module, arch: str, path: Path | str) -> None:
    loaded = FrozenNetwork(Backbone(arch=arch, weights=str(path), output="logits"), SMALL)
    torch.testing.assert_close(loaded(PICTURES), logits(network), rtol=1e-3, atol=1e-3)
    assert loaded.dim == 365


@pytest.mark.parametrize("arch", ["resnet18", "resnet50"])
def test_a_places365_checkpoint_gives_its_own_networks_logits(tmp_path, arch):
    network = made(arch)
    path = tmp_path / f"{arch}_places365.pth.tar"
    torch.save(places365(network, arch), path)
    assert_same(network, arch, path)


class Python2Pickler(pickle._Pickler):
    """Writes text as the byte strings of Python 2, and tensors as the torch of its time did."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_str(self, text: str) -> None:
        data = text.encode("latin1")
        self.write(pickle.SHORT_BINSTRING + bytes([len(data)]) + data)

    dispatch[str] = save_str

    def reducer_override(self, value: object) -> object:
        if isinstance(value, torch.Tensor):
            parts = (value.storage(), value.storage_offset(), tuple(value.size()), value.stride())
            return torch._utils._rebuild_tensor, parts
        return NotImplemented


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
@pytest.mark.parametrize("note", ["plain", "caf\xe9"])
def test_a_places365_checkpoint_saved_under_python_2_is_read(resnet18, tmp_path, note):
    path = tmp_path / "resnet18_places365.pth.tar"

    def dump(value: object, file: object, protocol: int) -> None:
        Python2Pickler(file, protocol).dump(value)

    python2 = types.SimpleNamespace(__name__="pickle", Pickler=Python2Pickler, dump=dump)
    torch.save(places365(resnet18, "resnet18") | {"note": note}, path, python2, 2, _use_new_zipfile_serialization=False)
    data = path.read_bytes()
    assert b"U\x0astate_dict" in data  # a byte string, not text
    assert b"_rebuild_tensor\n" in data
    assert_same(resnet18, "resnet18", path)


def test_other_ways_to_save_a_state_dict_are_read(tmp_path):
    network = made("squeezenet1_1")
    state = network.state_dict()
    torch.save(state, tmp_path / "plain.pth")
    torch.save({"model": state, "optimizer": {"lr": 0.1}}, tmp_path / "nested.pt")
    torch.save(state, tmp_path / "legacy.pth", _use_new_zipfile_serialization=False)
    save_file(state, tmp_path / "some.safetensors")
    torch.save({key: value.half() for key, value in state.items()}, tmp_path / "half.pth")
    for name in ("plain.pth", "nested.pt", "legacy.pth", "some.safetensors"):
        assert_same(network, "squeezenet1_1", tmp_path / name)
    half = FrozenNetwork(Backbone(arch="squeezenet1_1", weights=str(tmp_path / "half.pth"), output="logits"), SMALL)
    assert half(PICTURES).dtype == torch.float32
    torch.testing.assert_close(half(PICTURES), logits(network), rtol=0.05, atol=0.01)


def test_a_home_folder_in_the_path_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    network = made("squeezenet1_1")
    torch.save(network.state_dict(), tmp_path / "net.pth")
    assert_same(network, "squeezenet1_1", "~/net.pth")


def old_densenet(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    renamed = {}
    for key, value in state.items():
        for part in ("norm1", "norm2", "conv1", "conv2"):
            if "denselayer" in key:
                key = key.replace(f".{part}.", f".{part[:-1]}.{part[-1]}.")
        renamed[key] = value
    assert "features.denseblock1.denselayer1.norm.1.weight" in renamed
    return renamed


def old_vit(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    renamed = {key.replace("mlp.0.", "mlp.linear_1.").replace("mlp.3.", "mlp.linear_2."): state[key] for key in state}
    assert "encoder.layers.encoder_layer_0.mlp.linear_1.weight" in renamed
    return renamed


def small_vit(weights: None = None, **options: int) -> nn.Module:
    """A vision transformer of torchvision's making, so small that a test can afford it."""
    return torchvision.models.VisionTransformer(224, 32, 1, 2, 32, 64, **options)


small_vit.__module__ = "torchvision.models.vision_transformer"


@pytest.mark.parametrize(
    ("arch", "rename"),
    [("densenet121", old_densenet), ("vit_b_32", old_vit), ("mnasnet0_5", dict), ("mnasnet0_5", None)],
)
def test_published_weights_with_the_names_of_their_time_are_read(tmp_path, monkeypatch, arch, rename):
    monkeypatch.setitem(torchvision.models._api.BUILTIN_MODELS, "vit_b_32", small_vit)
    network = made(arch, 10)
    state = network.state_dict()
    torch.save(rename(state) if rename else state, tmp_path / "net.pth")
    size = 224 if "vit" in arch else 64
    loaded = FrozenNetwork(
        Backbone(arch=arch, weights=str(tmp_path / "net.pth"), output="logits"), Features(size=size, crop=size)
    )
    for key, value in loaded.network.state_dict().items():
        torch.testing.assert_close(value, state[key], rtol=0, atol=0)


def test_pooled_features_need_no_classifier_and_logits_do(shared):
    path = str(shared / "weights" / "squeezenet1_1_imagenet_features.pth")
    network = FrozenNetwork(Backbone(arch="squeezenet1_1", weights=path), SMALL)
    assert network.dim == 512
    assert network(PICTURES).shape == (2, 512)
    with pytest.raises(UserError, match=r"do not fit squeezenet1_1 \(logits\): they have no 'classifier\.1\.weight'"):
        FrozenNetwork(Backbone(arch="squeezenet1_1", weights=path, output="logits"), SMALL)


def refusal(weights: Path | str, arch: str = "squeezenet1_1", output: str = "pooled") -> str:
    with pytest.raises(UserError) as caught:
        FrozenNetwork(Backbone(arch=arch, weights=str(weights), output=output), SMALL)
    assert "\n" not in str(caught.value)
    assert str(weights) in str(caught.value)
    return str(caught.value)


def test_weights_that_do_not_fit_are_one_sentence_with_the_first_name(tmp_path):
    path = tmp_path / "net.pth"
    state = torchvision.models.squeezenet1_1().state_dict()
    torch.save(state | {"features.0.weight": torch.zeros(7, 3, 3, 3), "features.0.bias": torch.zeros(7)}, path)
    assert "they have other shapes for 'features.0.weight' and 1 more" in refusal(path)
    torch.save({key: value for key, value in state.items() if "features.12." not in key}, path)
    assert "they have no 'features.12.squeeze.weight' and 5 more" in refusal(path)
    torch.save(state | {"features.99.weight": torch.zeros(1)}, path)
    assert "they have the unknown 'features.99.weight'." in refusal(path)
    assert "do not fit resnet18 (pooled): they have no 'conv1.weight' and" in refusal(path, "resnet18")


class Trap:
    """Unpickled, it would leave a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol 4")
def test_a_pickle_with_code_is_refused_and_the_code_is_not_run(tmp_path):
    path = tmp_path / "net.pth"
    for legacy in (False, True):
        torch.save({"state_dict": Trap(tmp_path / "trap")}, path, _use_new_zipfile_serialization=not legacy)
        assert "is not a checkpoint of tensors" in refusal(path)
    path.write_bytes(pickle.dumps(Trap(tmp_path / "trap")))
    assert "is not a checkpoint of tensors" in refusal(path)
    assert not (tmp_path / "trap").exists()
    pickle.loads(path.read_bytes())  # it is a real trap
    assert (tmp_path / "trap").exists()


def test_what_is_no_checkpoint_is_one_sentence(tmp_path):
    path = tmp_path / "net.pth"
    path.write_text("<html>The server is down for maintenance.</html>")
    assert "is not a checkpoint of tensors" in refusal(path)
    path.write_bytes(b"")
    assert "is not a checkpoint of tensors" in refusal(path)
    for tree in ([torch.zeros(2)], {}, {"epoch": 3}, {"state_dict": {}}, torch.zeros(3)):
        torch.save(tree, path)
        assert "holds no state dict (names and tensors)" in refusal(path)
    torch.save({"a": torch.zeros(100_000)}, path)
    path.write_bytes(path.read_bytes()[:-50_000])
    assert "is not a checkpoint of tensors" in refusal(path)
    (tmp_path / "net.safetensors").write_bytes(b"\x05\0\0\0\0\0\0\0{}")
    assert "is not a checkpoint of tensors" in refusal(tmp_path / "net.safetensors")
    assert "There are no weights at" in refusal(tmp_path / "absent.pth")
    assert "There are no weights at" in refusal(tmp_path)


def test_unknown_networks_and_weights_are_named_with_what_would_do():
    with pytest.raises(UserError, match=r"torchvision has no classifier 'resnet5O' \(did you mean 'resnet50'\?\)"):
        FrozenNetwork(Backbone(arch="resnet5O"), SMALL)
    with pytest.raises(UserError, match="torchvision has no classifier 'fasterrcnn_resnet50_fpn'"):
        FrozenNetwork(Backbone(arch="fasterrcnn_resnet50_fpn"), SMALL)
    with pytest.raises(UserError, match=r"no weights 'imagenot' for resnet50: give imagenet, places365, random, IMAGE"):
        FrozenNetwork(Backbone(arch="resnet50", weights="imagenot"), SMALL)
    with pytest.raises(UserError, match="published for resnet18 and resnet50 here, not for vgg11"):
        FrozenNetwork(Backbone(arch="vgg11", weights="places365"), SMALL)


@pytest.fixture
def published(resnet18, tmp_path, monkeypatch) -> Iterator[Path]:
    """A Places365 checkpoint at an address that answers without a network."""
    folder = tmp_path / "server"
    folder.mkdir()
    path = folder / "resnet18_places365.pth.tar"
    torch.save(places365(resnet18, "resnet18"), path)
    monkeypatch.setattr(weights, "PLACES365_URL", folder.as_uri() + "/{arch}_places365.pth.tar")
    monkeypatch.setattr(weights, "PLACES365_SHA256", {"resnet18": hashlib.sha256(path.read_bytes()).hexdigest()})
    return path


def test_places365_is_fetched_once_and_checked(resnet18, published, hub, capsys):
    assert_same(resnet18, "resnet18", "places365")
    assert f"Fetching {published.as_uri()}" in capsys.readouterr().err
    assert (hub / published.name).read_bytes() == published.read_bytes()
    published.unlink()
    assert_same(resnet18, "resnet18", "places365")
    assert "Fetching" not in capsys.readouterr().err


def test_a_places365_file_with_another_checksum_is_refused_until_it_is_named_as_a_path(resnet18, published, hub):
    hub.mkdir(parents=True)
    torch.save(places365(resnet18, "resnet18") | {"epoch": 91}, hub / published.name)
    with pytest.raises(UserError, match=r"has the SHA-256 [0-9a-f]{64}, not [0-9a-f]{64}: remove it to fetch it again"):
        FrozenNetwork(Backbone(arch="resnet18", weights="places365"), SMALL)
    assert_same(resnet18, "resnet18", hub / published.name)


def test_without_a_known_checksum_the_files_own_is_said(resnet18, published, monkeypatch, capsys):
    monkeypatch.setattr(weights, "PLACES365_SHA256", {})
    assert_same(resnet18, "resnet18", "places365")
    assert hashlib.sha256(published.read_bytes()).hexdigest() in capsys.readouterr().err


def test_places365_weights_with_other_classes_are_refused(published, monkeypatch):
    torch.save(places365(made("resnet18", 1000), "resnet18"), published)
    monkeypatch.setattr(weights, "PLACES365_SHA256", {})
    with pytest.raises(UserError, match="Places365 weights of resnet18 have 1000 classes instead of 365"):
        FrozenNetwork(Backbone(arch="resnet18", weights="places365"), SMALL)


def test_an_address_that_does_not_answer_says_where_to_put_the_file_which_is_then_used(
    resnet18, published, hub, monkeypatch
):
    data = published.read_bytes()
    for address in ("http://127.0.0.1:9/{arch}_places365.pth.tar", published.parent.as_uri() + "/no_{arch}.pth.tar"):
        monkeypatch.setattr(weights, "PLACES365_URL", address)
        with pytest.raises(UserError) as caught:
            FrozenNetwork(Backbone(arch="resnet18", weights="places365"), SMALL)
        place = hub / address.format(arch="resnet18").rsplit("/", 1)[-1]
        assert f"Cannot fetch {address.format(arch='resnet18')} (" in str(caught.value)
        assert f"put the file at {place}, or give its path as `weights`" in str(caught.value)
        assert not list(hub.iterdir())
    place.write_bytes(data)
    assert_same(resnet18, "resnet18", "places365")


def test_torchvisions_own_weights_are_checked_against_the_digits_in_their_name(tmp_path, hub, monkeypatch):
    folder = tmp_path / "server"
    folder.mkdir()
    state = torchvision.models.squeezenet1_1().state_dict()
    torch.save(state, folder / "net.pth")
    digits = hashlib.sha256((folder / "net.pth").read_bytes()).hexdigest()[:8]

    def serve(name: str) -> None:
        item = types.SimpleNamespace(name="IMAGENET1K_V1", url=(folder / name).as_uri())
        monkeypatch.setattr(torchvision.models, "get_model_weights", lambda arch: [item])

    (folder / "squeezenet1_1-00000000.pth").write_bytes((folder / "net.pth").read_bytes())
    serve("squeezenet1_1-00000000.pth")
    with pytest.raises(UserError, match=r'invalid hash value \(expected "00000000".*put the file at'):
        FrozenNetwork(Backbone(arch="squeezenet1_1", weights="imagenet"), SMALL)
    assert not list(hub.iterdir())
    (folder / f"squeezenet1_1-{digits}.pth").write_bytes((folder / "net.pth").read_bytes())
    serve(f"squeezenet1_1-{digits}.pth")
    network = FrozenNetwork(Backbone(arch="squeezenet1_1", weights="imagenet"), SMALL)
    np.testing.assert_array_equal(network.network.state_dict()["features.0.weight"], state["features.0.weight"])
    assert [path.name for path in hub.iterdir()] == [f"squeezenet1_1-{digits}.pth"]

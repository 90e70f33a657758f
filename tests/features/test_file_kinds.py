"""What a file is that was given as weights and is none, said in its own words."""

from __future__ import annotations

import argparse
import gzip
import io
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
import torch
import torchvision
from helpers import refusal
from safetensors.torch import save_file
from torch import nn

from ntcir.config import Backbone, Features, Objects
from ntcir.features.backbones import FrozenNetwork
from ntcir.features.detector import Detector
from ntcir.features.weights import read_checkpoint

ARCH, SMALL = "squeezenet1_1", Features(size=64, crop=64)
POINTER = (
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1\nsize 12345\n"
)


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    network: nn.Module = torchvision.models.get_model(ARCH, weights=None, num_classes=5)
    return network.state_dict()


def in_zip(name: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(name, b"x")
    return data.getvalue()


def in_tar() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("weights/a.pth"))
    return data.getvalue()


KINDS: dict[str, tuple[bytes, str]] = {
    "a script": (b"#!/usr/bin/env python\nprint(1)\n", "a script"),
    "a module": (b'"""Trains."""\n\nimport torch\n\ndef main(): ...\n', "a script"),
    "a pointer": (POINTER.encode(), "git lfs pull"),
    "a page": (b"\n<!DOCTYPE html><html><body>Not found</body></html>", "a web page"),
    "an error in XML": (b"<?xml version='1.0'?><Error>AccessDenied</Error>", "a web page"),
    "JSON": (b'{"error": "not found"}', "a JSON file"),
    "words": (b"Not Found", "a text"),
    "nothing": (b"", "empty"),
    "zeros": (b"\0" * 5000, "full of zeros"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + b"\0" * 100, "HDF5"),
    "gzip": (gzip.compress(b"x" * 100), "compressed by gzip"),
    "a tar": (in_tar(), "a tar archive"),
    "a ZIP": (in_zip("a.txt"), "a ZIP archive"),
    "half a ZIP": (in_zip("a.txt")[:-30], "truncated or damaged"),
    "an ONNX network": (b"\x08\x08\x12\x07pytorch\x1a\x052.0.0" + b"\0" * 50, "an ONNX network"),
    "an array": (b"\x93NUMPY\x01\0" + b"\0" * 100, "a NumPy array"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "a picture"),
}


@pytest.mark.parametrize("suffix", [".pth", ".pth.tar", ".safetensors"])
@pytest.mark.parametrize("name", KINDS)
def test_a_file_that_is_no_checkpoint_is_said_to_be_what_it_is(tmp_path, name, suffix):
    data, part = KINDS[name]
    path = tmp_path / f"net{suffix}"
    path.write_bytes(data)
    sentence = refusal(read_checkpoint, path)
    assert f"{path} is not a checkpoint of tensors: it is " in sentence
    assert part in sentence


@pytest.mark.parametrize("name", ["a pointer", "a page", "a script", "nothing", "half a ZIP", "HDF5"])
def test_a_file_that_is_no_detector_is_said_to_be_what_it_is(tmp_path, name):
    data, part = KINDS[name]
    path = tmp_path / "net.pt"
    path.write_bytes(data)
    sentence = refusal(Detector, path, Objects())
    assert f"{path} is not a detector that Ultralytics can open (it is " in sentence
    assert part in sentence


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["a namespace beside the weights", "a whole network", "a scripted network"])
def test_a_checkpoint_with_more_than_tensors_says_what_to_save(tmp_path, state, kind):
    path = tmp_path / "net.pth"
    if kind == "a scripted network":
        torch.jit.script(nn.Linear(2, 2)).save(str(path))
    elif kind == "a whole network":
        torch.save(nn.Linear(2, 2), path)
    else:
        torch.save({"state_dict": state, "args": argparse.Namespace(lr=0.1)}, path)
    sentence = refusal(read_checkpoint, path)
    assert "state_dict()" in sentence
    assert "weights_only" not in sentence
    assert ("argparse.Namespace" in sentence) == ("namespace" in kind)


def test_a_name_without_end_in_a_pickle_takes_no_time(tmp_path):
    path = tmp_path / "net.pth"
    module = b"x" * 2_000_000  # pickled by hand: a global of a module with such a name
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data.pkl", b"\x80\x02c" + module + b"\nname\n.")
        archive.writestr("net/version", b"3\n")
    started = time.monotonic()
    assert len(refusal(read_checkpoint, path)) < 1000
    assert time.monotonic() - started < 10


def test_a_whole_network_that_torch_was_told_to_allow_is_refused_likewise(tmp_path):
    path = tmp_path / "net.pth"
    torch.save(nn.Linear(2, 2), path)
    with torch.serialization.safe_globals([nn.Linear, set]):
        assert refusal(read_checkpoint, path).endswith("(it is a whole Linear): save its state_dict() alone.")


@pytest.mark.parametrize(
    "prefix",
    [
        "_orig_mod.",
        "model.",
        "module.",
        "backbone.",
        "encoder.",
        "module._orig_mod.",
        "_orig_mod.module.",
        "model.net.",
    ],
)
def test_what_wrappers_put_in_front_of_all_names_is_taken_off(tmp_path, state, prefix):
    path = tmp_path / "net.pth"
    torch.save({"state_dict": {prefix + name: value for name, value in state.items()}}, path)
    network = FrozenNetwork(Backbone(arch=ARCH, weights=str(path), output="logits"), SMALL)
    assert all(torch.equal(value, state[name]) for name, value in network.network.state_dict().items())


def test_a_prefix_of_some_names_only_is_left_alone(tmp_path, state):
    path = tmp_path / "net.pth"
    torch.save({f"model.{name}": value for name, value in state.items()} | {"loss.weight": torch.zeros(1)}, path)
    assert "do not fit" in refusal(FrozenNetwork, Backbone(arch=ARCH, weights=str(path)), SMALL)


def test_a_checkpoint_with_the_other_formats_name_is_read(tmp_path, state):
    save_file(state, tmp_path / "net.pth")
    torch.save(state, tmp_path / "net.safetensors")
    for name in ("net.pth", "net.safetensors"):
        assert read_checkpoint(tmp_path / name).keys() == state.keys()


@pytest.mark.parametrize(("value", "word"), [(float("nan"), "NaN"), (float("inf"), "infinity")])
def test_a_checkpoint_that_diverged_is_refused_by_the_name_of_the_weight(tmp_path, state, value, word):
    path = tmp_path / "net.pth"
    harmed = {name: tensor.clone() for name, tensor in state.items()}
    harmed["features.0.weight"][0, 0, 0, 0] = value
    harmed["features.0.bias"][:] = value
    torch.save(harmed, path)
    sentence = refusal(FrozenNetwork, Backbone(arch=ARCH, weights=str(path)), SMALL)
    assert f"hold {word} in 'features.0.weight' (and 1 more)" in sentence


def test_nan_in_what_says_nothing_in_the_features_does_not_matter(tmp_path, state):
    path = tmp_path / "net.pth"
    torch.save(state | {"classifier.1.bias": torch.full((5,), float("nan"))}, path)
    FrozenNetwork(Backbone(arch=ARCH, weights=str(path)), SMALL)
    assert "hold NaN in 'classifier.1.bias'" in refusal(
        FrozenNetwork, Backbone(arch=ARCH, weights=str(path), output="logits"), SMALL
    )


def test_a_folder_in_place_of_a_checkpoint_is_said_to_be_one(tmp_path):
    assert "which is a folder" in refusal(read_checkpoint, tmp_path)


@pytest.fixture
def unnamed(shared: Path, tmp_path: Path) -> Path:
    """An OpenVINO detector without the file that names its classes."""
    pytest.importorskip("openvino")
    folder = tmp_path / "yolo11n_int8_openvino_model"
    folder.mkdir()
    for path in (shared / "weights" / folder.name).iterdir():
        if path.suffix in {".xml", ".bin"}:
            (folder / path.name).symlink_to(path)
    return folder


def test_a_detector_whose_classes_have_no_names_says_so(unnamed, capsys):
    detector = Detector(unnamed, Objects())
    assert detector.names[0] == "class0"
    assert "has no metadata.yaml with the names of its classes" in capsys.readouterr().err
    assert "objects.classes cannot be applied" in refusal(Detector, unnamed, Objects(classes=["person"]))
    Detector(unnamed, Objects(classes=["class0"]))

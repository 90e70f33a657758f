"""What runs the networks, each kind against the published network in single precision; and what cannot be had."""

from __future__ import annotations

import gc
import importlib.util
import shutil
import sys
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from extracting import cosines
from helpers import refusal

import ntcir.features.backends as backends_module
from ntcir.config import Backbone, Features
from ntcir.features.backbones import FrozenNetwork
from ntcir.features.backends import COMPILE, EAGER, KINDS, OPENVINO, Backend, is_there, require
from ntcir.features.decode import Squares
from ntcir.features.image_features import encode_pictures
from ntcir.system.errors import UserError

CPU = torch.device("cpu")
BATCH = 6
needs_openvino = pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="openvino is not installed")
needs_compiler = pytest.mark.skipif(not is_there(COMPILE, CPU), reason="there is no C++ compiler")


def pictures(number: int, size: int = 64) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (number, 3, size, size), dtype=np.uint8)


def squares(networks: Sequence[FrozenNetwork], images: np.ndarray) -> list[Squares]:
    """Return pictures as each of the networks is given them."""
    return [{network.preprocessing.square: image for network in networks} for image in images]


def network_of(arch: str, size: int = 64, output: str = "pooled", **changes: Any) -> FrozenNetwork:
    backbone = Backbone(arch=arch, weights="random", output=output)
    return FrozenNetwork(backbone, Features(size=size, crop=size, **({"precision": "bf16"} | changes)))


def reference(network: FrozenNetwork, images: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return np.concatenate([network(torch.from_numpy(image)[None]).numpy() for image in images])


def check(kind: str, network: FrozenNetwork, size: int = 64) -> Backend:
    """Encode any number of pictures, batches full and not; return the backend."""
    backend = KINDS[kind](network, BATCH, CPU)
    images = pictures(2 * BATCH + 1, size)
    expected = reference(network, images)
    found = backend.encode(images)
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    assert cosines(found, expected).min() >= 0.999
    for number in (1, BATCH - 1, BATCH):
        part = backend(torch.from_numpy(images[:number]))
        assert part.shape == (number, network.dim)
        assert cosines(part, found[:number]).min() > 0.9999
    return backend


@pytest.mark.parametrize("arch", ["resnet18", "squeezenet1_1", "shufflenet_v2_x0_5", "swin_t"])
@pytest.mark.parametrize("output", ["pooled", "logits"])
def test_torch_as_it_is_says_nearly_what_the_published_network_says(arch, output):
    backend = check(EAGER, network_of(arch, output=output))
    assert backend.name == "eager bf16"
    assert (backend.batch, backend.size, backend.lanes) == (BATCH, 64, 1)


@pytest.mark.parametrize("arch", ["resnet18", "squeezenet1_1"])
def test_in_single_precision_torch_as_it_is_says_exactly_what_the_published_network_says(arch):
    network = network_of(arch, precision="fp32")
    backend = Backend(network, BATCH, CPU)
    assert backend.name == "eager fp32"
    images = torch.from_numpy(pictures(BATCH))
    with torch.inference_mode():
        np.testing.assert_array_equal(backend(images), network(images).numpy())


@needs_openvino
@pytest.mark.parametrize(
    ("arch", "output"),
    [
        ("resnet18", "pooled"),
        ("resnet18", "logits"),
        ("squeezenet1_1", "logits"),
        ("shufflenet_v2_x0_5", "pooled"),
        ("mobilenet_v3_small", "pooled"),
    ],
)
def test_openvino_says_nearly_what_the_published_network_says(arch, output):
    assert check(OPENVINO, network_of(arch, output=output)).name == "openvino bf16"


@needs_openvino
def test_openvino_in_single_precision_is_nearer_still():
    network = network_of("resnet18", precision="fp32")
    backend = check(OPENVINO, network)
    assert backend.name == "openvino fp32"
    images = pictures(3)
    assert cosines(backend.encode(images), reference(network, images)).min() > 0.999999


@needs_openvino
def test_a_batch_larger_than_openvino_profits_from_is_cut():
    backend = KINDS[OPENVINO](network_of("squeezenet1_1", 32), 200, CPU)
    assert backend.batch == 16
    assert backend.encode(pictures(20, 32)).shape == (20, 512)


# torch.compile takes its time, so that everything about it is tried with one network.
@needs_compiler
def test_torch_compile_says_nearly_what_the_published_network_says():
    backend = check(COMPILE, network_of("squeezenet1_1", 32), 32)
    assert backend.name == "compile bf16"
    images = torch.from_numpy(pictures(3, 32))
    np.testing.assert_array_equal(backend(images), backend(images))


@pytest.mark.parametrize("kind", [EAGER, pytest.param(OPENVINO, marks=needs_openvino)])
def test_lanes_at_once_say_the_same_as_one_after_the_other(kind, monkeypatch):
    monkeypatch.setattr(backends_module, "cores", lambda: 2)
    backend = KINDS[kind](network_of("shufflenet_v2_x0_5"), BATCH, CPU)
    assert backend.lanes == (2 if kind == OPENVINO else 1)
    parts = [torch.from_numpy(part) for part in np.split(pictures(8 * BATCH), 8)]
    expected = [backend(part) for part in parts]
    with ThreadPoolExecutor(4) as threads:
        for found, right in zip(threads.map(backend, parts), expected, strict=True):
            np.testing.assert_array_equal(found, right)


def test_pictures_may_come_one_by_one_as_arrays_or_tensors():
    backend = Backend(network_of("squeezenet1_1", 32), 4, CPU)
    images = pictures(7, 32)
    mixed = (torch.from_numpy(image) if number % 2 else image for number, image in enumerate(images))
    np.testing.assert_array_equal(backend.encode(mixed), backend.encode(images))


# What cannot be had ---------------------------------------------------------------------------------------------------


@pytest.fixture
def absent(monkeypatch) -> Callable[[str], None]:
    """Hides a package or all compilers."""

    def hide(name: str) -> None:
        find, which = importlib.util.find_spec, shutil.which
        if name == "compilers":
            gone = {"c++", "g++", "clang++"}
            monkeypatch.setattr(shutil, "which", lambda program: None if program in gone else which(program))
        else:
            monkeypatch.setattr(importlib.util, "find_spec", lambda module: None if module == name else find(module))

    return hide


def test_a_backend_that_is_not_installed_is_one_sentence_that_says_how_to_get_it(absent):
    absent("openvino")
    assert not is_there(OPENVINO, CPU)
    sentence = "The backend openvino is not installed: pip install 'ntcir[openvino]', or choose another backend."
    assert refusal(require, OPENVINO, CPU) == sentence
    assert refusal(KINDS[OPENVINO], network_of("squeezenet1_1", 32), 4, CPU) == sentence


def test_a_compiler_that_is_not_there_is_one_sentence(absent):
    absent("compilers")
    sentence = "The backend compile needs a C++ compiler, such as g++: choose another backend."
    assert refusal(require, COMPILE, CPU) == sentence


def test_what_a_gpu_cannot_have_is_one_sentence(absent):
    absent("triton")
    gpu = torch.device("cuda")
    assert refusal(require, OPENVINO, gpu) == "The backend openvino runs on the CPU only: choose another backend."
    assert refusal(require, COMPILE, gpu) == "The backend compile needs triton: choose another backend."
    require(EAGER, gpu)
    require(EAGER, CPU)


@pytest.mark.parametrize("kind", [pytest.param(OPENVINO, marks=needs_openvino), COMPILE])
def test_a_network_that_a_compiler_cannot_take_is_one_sentence(kind, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no such operator:\n  aten::strange\n" + "x" * 900)

    monkeypatch.setattr(torch.export, "export", fail)
    monkeypatch.setattr(torch, "compile", lambda *_, **__: fail)
    sentence = refusal(KINDS[kind], network_of("squeezenet1_1", 32), 4, CPU)
    assert sentence == (
        f"The backend {kind} cannot run squeezenet1_1 (no such operator: aten::strange ...): choose another backend."
    )


# A few pictures, as ``predict`` has them ------------------------------------------------------------------------------


def test_a_few_pictures_are_encoded_by_each_network_one_behind_the_other(monkeypatch):
    networks = [network_of("squeezenet1_1"), network_of("shufflenet_v2_x0_5")]
    built: list[str] = []
    begin = Backend.__init__
    monkeypatch.setattr(Backend, "__init__", lambda self, *given: (built.append(self.kind), begin(self, *given))[1])
    images = pictures(5)
    expected = np.concatenate([reference(network, images) for network in networks], axis=1)
    for _ in range(2):
        found = encode_pictures(networks, squares(networks, images), 2)
        assert found.shape == (5, 512 + 1024)
        for part in (slice(0, 512), slice(512, None)):
            assert cosines(found[:, part], expected[:, part]).min() >= 0.999
    assert built == [EAGER, EAGER]  # made ready once


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_what_was_made_ready_goes_with_its_network(precision):
    network = network_of("squeezenet1_1", precision=precision)
    encode_pictures([network], squares([network], pictures(2)), 2)
    gone = weakref.ref(network)
    del network
    gc.collect()
    assert gone() is None


def test_a_network_that_has_learnt_is_made_ready_again():
    network = network_of("squeezenet1_1")
    images = pictures(3)
    before = encode_pictures([network], squares([network], images), 3)
    with torch.no_grad():
        for parameter in network.network.parameters():
            parameter.mul_(1.1)
    network.retrained()
    after = encode_pictures([network], squares([network], images), 3)
    assert np.abs(after - before).max() > 0.01 * np.abs(before).max()
    assert cosines(after, reference(network, images)).min() >= 0.999


def test_a_backend_that_cannot_be_had_is_replaced_where_a_few_pictures_must_be_encoded(absent, capsys):
    absent("openvino")
    network, images = network_of("squeezenet1_1", backend=OPENVINO), pictures(3)
    assert cosines(encode_pictures([network], squares([network], images), 3), reference(network, images)).min() >= 0.999
    said = capsys.readouterr().err
    assert "WARNING: the backend openvino is not available here; eager is used instead.\n" in said


def test_an_openvino_that_cannot_be_imported_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)  # an import of it fails
    monkeypatch.setattr(backends_module, "is_there", lambda kind, device: True)
    sentence = refusal(KINDS[OPENVINO], network_of("squeezenet1_1"), 4, CPU)
    assert sentence.startswith("The backend openvino cannot run squeezenet1_1 (import of openvino halted")


def test_a_backend_that_fails_is_replaced_where_a_few_pictures_must_be_encoded(monkeypatch, capsys):
    def fail(*given: object) -> None:
        raise UserError("The backend compile cannot run this: choose another backend.")

    monkeypatch.setitem(KINDS, COMPILE, fail)
    monkeypatch.setattr("ntcir.features.image_features.is_there", lambda kind, device: True)
    network, pictures = network_of("squeezenet1_1", 32, backend=COMPILE), np.zeros((2, 3, 32, 32), np.uint8)
    plain = encode_pictures([fellow := network_of("squeezenet1_1", 32)], squares([fellow], pictures), 4)
    np.testing.assert_array_equal(encode_pictures([network], squares([network], pictures), 4), plain)
    assert "cannot run this: choose another backend. eager is used instead." in capsys.readouterr().err

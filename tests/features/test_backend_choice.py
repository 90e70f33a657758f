"""The choice of a backend: by name, as a store was begun, or by what pays over the length of the job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import refusal

import ntcir.features.backend_choice as choice
from ntcir.config import Backbone, Features
from ntcir.features.backbones import FrozenNetwork
from ntcir.features.backend_choice import choose_backends
from ntcir.features.backends import COMPILE, EAGER, OPENVINO, Backend
from ntcir.features.store import FeatureStore
from ntcir.system.errors import UserError

CPU = torch.device("cpu")
LONG = 100_000  # pictures


class Machine:
    """What there is, and how fast: kind -> pictures a second; a kind that is not listed cannot be had."""

    def __init__(self, **speeds: float) -> None:
        self.speeds = {EAGER: 10.0} | speeds
        self.fails: set[str] = set()
        self.built: list[str] = []


@pytest.fixture
def machine(monkeypatch) -> Machine:
    """A machine on which backends do nothing and say how fast they are."""
    here = Machine()

    def fake(name: str) -> type:
        class Fake:
            kind, size, lanes = name, 32, 1

            def __init__(self, network: FrozenNetwork, batch: int, device: torch.device) -> None:
                if name in here.fails:
                    raise UserError(f"The backend {name} cannot run this: choose another backend.")
                self.batch, self.device = batch, device
                asked = network.options.precision
                self.precision = "bf16" if asked == "auto" else asked
                self.name = f"{name} {self.precision}"
                here.built.append(name)

        return Fake

    monkeypatch.setattr(choice, "KINDS", {name: fake(name) for name in (EAGER, COMPILE, OPENVINO)})
    monkeypatch.setattr(choice, "is_there", lambda kind, device: kind in here.speeds)
    monkeypatch.setattr(choice, "_seconds", lambda backends: sum(1 / here.speeds[each.kind] for each in backends))
    return here


def networks_of(number: int = 1, **options: Any) -> list[FrozenNetwork]:
    how = Features(size=32, crop=32, **options)
    return [FrozenNetwork(Backbone(arch="squeezenet1_1", weights="random", seed=seed), how) for seed in range(number)]


def store_in(folder: Path, begun: str | None = None) -> FeatureStore:
    store = FeatureStore(folder, {"fingerprint": "f", "dim": 2})
    if begun:
        store.note_backend(begun)
    return store


def chosen(tmp_path: Path, pictures: int, *begun: str | None, number: int = 1, **options: Any) -> str:
    """Return the kind that is chosen for stores, which note it."""
    stores = [store_in(tmp_path / f"{place}", name) for place, name in enumerate(begun or [None])]
    backends = choose_backends(networks_of(number, **options), stores, pictures, CPU)
    assert len(backends) == number
    names = {backend.name for backend in backends}
    assert {store.backends[-1] for store in stores} == names
    assert len(names) == 1
    return backends[0].kind


@pytest.mark.parametrize(
    ("speeds", "pictures", "expected"),
    [
        ({}, LONG, EAGER),
        ({OPENVINO: 15, COMPILE: 14}, LONG, OPENVINO),
        ({OPENVINO: 9, COMPILE: 14}, LONG, COMPILE),
        ({OPENVINO: 9, COMPILE: 9}, LONG, EAGER),
        ({COMPILE: 14}, LONG, COMPILE),
        ({OPENVINO: 15, COMPILE: 14}, 100, EAGER),  # too few for a look at the clock
        ({COMPILE: 14}, 1000, EAGER),  # 100 s, of which compiling takes 40 and saves 30
        ({COMPILE: 14}, 1400, COMPILE),
        ({OPENVINO: 15}, 1000, OPENVINO),
    ],
)
def test_the_fastest_over_the_length_of_the_job_is_chosen(machine, tmp_path, speeds, pictures, expected):
    machine.speeds |= speeds
    assert chosen(tmp_path, pictures) == expected


def test_what_would_never_pay_is_not_even_tried(machine, tmp_path):
    machine.speeds |= {EAGER: 10_000, OPENVINO: 15_000, COMPILE: 14_000}
    assert chosen(tmp_path, 20_000) == EAGER  # a matter of two seconds
    assert machine.built == [EAGER]


def test_each_network_has_to_be_started(machine, tmp_path):
    machine.speeds |= {COMPILE: 14}
    assert chosen(tmp_path, 1400, number=2) == COMPILE
    assert machine.built == [EAGER, EAGER, COMPILE, COMPILE]


def test_what_was_measured_is_said(machine, tmp_path, capsys):
    machine.speeds |= {OPENVINO: 15.0}
    chosen(tmp_path, LONG)
    assert "openvino bf16: 15.0 images/s, ready in 0.0 s; eager bf16: 10.0 images/s.\n" in capsys.readouterr().err


def test_one_that_cannot_take_the_network_is_passed_over_with_a_remark(machine, tmp_path, capsys):
    machine.speeds |= {OPENVINO: 15, COMPILE: 14}
    machine.fails = {OPENVINO}
    assert chosen(tmp_path, LONG) == COMPILE
    said = capsys.readouterr().err
    assert "The backend openvino cannot run this: choose another backend. Continuing with eager" in said


@pytest.mark.parametrize("kind", [EAGER, COMPILE])
def test_what_is_asked_for_by_name_is_taken_whatever_is_faster(machine, tmp_path, kind):
    machine.speeds |= {OPENVINO: 15, COMPILE: 5}
    assert chosen(tmp_path, 10, backend=kind) == kind
    assert chosen(tmp_path, LONG, "openvino bf16", backend=kind) == kind
    assert machine.built == [kind, kind]


def test_what_is_asked_for_by_name_and_not_there_is_one_sentence(machine, tmp_path, monkeypatch):
    monkeypatch.setattr("ntcir.features.backends.is_there", lambda kind, device: False)
    sentence = refusal(chosen, tmp_path, LONG, backend=OPENVINO)
    assert sentence.startswith("The backend openvino is not installed: pip install")
    machine.fails = {COMPILE}
    monkeypatch.setattr(choice, "require", lambda kind, device: None)
    assert refusal(chosen, tmp_path, LONG, backend=COMPILE).startswith("The backend compile cannot run this")


def test_in_single_precision_it_is_torch_as_it_is_whatever_is_faster(machine, tmp_path):
    machine.speeds |= {OPENVINO: 15}
    assert chosen(tmp_path, LONG, precision="fp32") == EAGER
    assert chosen(tmp_path, LONG, "openvino fp32", precision="fp32") == EAGER
    assert chosen(tmp_path, LONG, precision="fp32", backend=OPENVINO) == OPENVINO


def test_a_store_is_gone_on_with_as_it_was_begun(machine, tmp_path, capsys):
    machine.speeds |= {OPENVINO: 15, COMPILE: 5}
    assert chosen(tmp_path / "a", 3, "openvino bf16") == OPENVINO
    assert chosen(tmp_path / "b", LONG, "eager bf16") == EAGER
    assert chosen(tmp_path / "c", LONG, "compile bf16", "compile bf16", number=2) == COMPILE
    assert chosen(tmp_path / "d", LONG, "compile bf16", None) == COMPILE
    assert "is not available here" not in capsys.readouterr().err


@pytest.mark.parametrize("begun", ["openvino bf16", "eager fp32", "tensorrt bf16", ""])
def test_what_a_store_was_begun_with_and_is_not_there_is_replaced_with_a_remark(machine, tmp_path, capsys, begun):
    machine.speeds |= {COMPILE: 14}
    assert chosen(tmp_path, LONG, begun or None) == COMPILE
    kind, _, precision = begun.partition(" ")
    remark = (
        f"The stored features are by {kind} in {precision}, which is not available here; what is missing comes from"
    )
    assert (remark in capsys.readouterr().err) == bool(begun)


def test_what_a_store_was_begun_with_and_cannot_take_a_network_that_is_new_is_replaced_as_well(
    machine, tmp_path, capsys
):
    machine.speeds |= {OPENVINO: 15, COMPILE: 14}
    machine.fails = {OPENVINO}
    assert chosen(tmp_path, LONG, "openvino bf16", None, number=2) == COMPILE
    assert "by openvino in bf16, which is not available here" in capsys.readouterr().err


def test_stores_begun_by_different_backends_are_gone_on_with_by_the_fastest(machine, tmp_path):
    machine.speeds |= {OPENVINO: 15, COMPILE: 5}
    assert chosen(tmp_path, LONG, "eager bf16", "compile bf16", number=2) == OPENVINO


# With backends as they are --------------------------------------------------------------------------------------------


def test_the_speed_is_measured_and_nobodys_random_numbers_change(tmp_path):
    (network,) = networks_of(batch=4)
    backend = Backend(network, 4, CPU)
    torch.manual_seed(7)
    state = torch.get_rng_state()
    given: list[tuple[int, ...]] = []
    run = backend._run
    backend._run = lambda pictures: (given.append(tuple(pictures.shape)), run(pictures))[1]
    seconds = choice._seconds([backend, backend])
    assert torch.equal(torch.get_rng_state(), state)
    assert given == [(4, 3, 32, 32)] * 4
    assert 0 < seconds < 1


def test_a_real_choice_gives_features(tmp_path, monkeypatch):
    monkeypatch.setattr(choice, "_START", dict.fromkeys((OPENVINO, COMPILE), 1e9))  # only what is there at once
    (backend,) = choose_backends(networks_of(batch=8), [store_in(tmp_path / "store")], LONG, CPU)
    assert type(backend) is Backend
    assert backend.batch == 8
    assert backend.encode(np.zeros((3, 3, 32, 32), np.uint8)).shape == (3, 512)


@pytest.mark.parametrize(("stored", "expected"), [(10, OPENVINO), (300, EAGER)])
def test_a_store_that_was_hardly_begun_is_begun_anew(machine, tmp_path, stored, expected):
    machine.speeds[OPENVINO] = 100.0
    store = store_in(tmp_path / "store", f"{EAGER} bf16")
    ids = [str(number) for number in range(stored)]
    store.write(0, ids, ["sign"] * stored, np.zeros((stored, 2)))
    (backend,) = choose_backends(networks_of(), [store], LONG, CPU)
    assert backend.kind == expected


def test_what_is_mixed_is_said(machine, tmp_path, capsys):
    machine.speeds[OPENVINO] = 100.0
    stores = [store_in(tmp_path / name, f"{name} bf16") for name in (EAGER, OPENVINO)]
    for store in stores:
        store.write(0, [str(number) for number in range(300)], ["sign"] * 300, np.zeros((300, 2)))
    (backend, _) = choose_backends(networks_of(2), stores, LONG, CPU)
    assert backend.kind == OPENVINO
    assert "started by several backends (eager bf16, openvino bf16)" in capsys.readouterr().err
    choose_backends(networks_of(backend=EAGER), stores[1:], LONG, CPU)
    assert "The features already stored are by openvino bf16" in capsys.readouterr().err

"""Where networks run: one rule for stored features, fine-tuning and predicting."""

from __future__ import annotations

import pytest
import torch
from helpers import refusal

from ntcir.submission.predict import load_networks
from ntcir.system.devices import find_device

CPU = torch.device("cpu")


@pytest.fixture
def gpus(monkeypatch):
    def pretend(number: int) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: number > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: number)

    return pretend


def start(monkeypatch: pytest.MonkeyPatch, rank: int, count: int) -> None:
    """Pretend to be one of several processes that torchrun started on this machine."""
    values = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
    for name, value in values.items():
        monkeypatch.setenv(name, str(value))


@pytest.mark.parametrize("own", [False, True])
def test_without_a_gpu_only_asking_for_one_is_an_error(gpus, own):
    gpus(0)
    assert find_device("auto", "features.device", own=own) == find_device("cpu", "features.device", own=own) == CPU
    sentence = refusal(find_device, "cuda", "encoder.device", own=own)
    assert sentence == "encoder.device is cuda, but torch finds no GPU here: use auto or cpu."


def test_predicting_says_the_same(gpus):
    gpus(0)
    sentence = refusal(load_networks, None, "cuda")
    assert sentence == "--device is cuda, but torch finds no GPU here: use auto or cpu."


@pytest.mark.parametrize("own", [False, True])
def test_one_process_takes_the_first_gpu_unless_it_is_not_to(gpus, own):
    gpus(2)
    assert find_device("auto", "x", own=own) == find_device("cuda", "x", own=own) == torch.device("cuda:0")
    assert find_device("cpu", "x", own=own) == CPU


def test_several_processes_take_the_gpus_in_turn_or_have_too_few(gpus, monkeypatch):
    gpus(2)
    for rank, place in ((0, "cuda:0"), (1, "cuda:1"), (2, "cuda:0")):
        start(monkeypatch, rank, 3)
        assert find_device("auto", "x") == find_device("cuda", "x") == torch.device(place)
        sentence = refusal(find_device, "auto", "encoder.device", own=True)
        assert "there are 2 here: start fewer processes, or use encoder.device = cpu." in sentence
    start(monkeypatch, 1, 2)
    assert find_device("auto", "x", own=True) == torch.device("cuda:1")

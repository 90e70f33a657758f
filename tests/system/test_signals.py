"""Signals arrive whatever native libraries have left behind; tried in processes that may die of it."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import pytest
from forking import python

from ntcir.system.signals import _Stack, own_signal_stack

ARRIVES = """
import gc, os, signal
signal.signal(signal.SIGUSR1, lambda number, frame: print("arrived"))
{made}
del first
gc.collect()
del second
gc.collect()
os.kill(os.getpid(), signal.SIGUSR1)
"""
BACKENDS = """
import torch
from ntcir.config import Backbone, Features
from ntcir.features.backbones import FrozenNetwork
from ntcir.features.backends import OpenVino
network = FrozenNetwork(Backbone(arch="squeezenet1_1", weights="random"), Features(size=32, crop=32))
first, second = (OpenVino(network, 1, torch.device("cpu")) for _ in range(2))
"""
DETECTORS = """
from pathlib import Path
from ntcir.config import Objects
from ntcir.features.detector import Detector
first, second = (Detector(Path({path!r}), Objects(batch=1)) for _ in range(2))
"""

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has this trouble")


def signalled(made: str) -> tuple[int, str]:
    """Return how a process ends that lets go of two things, made by a piece of code, and then gets a signal."""
    done = python(ARRIVES.format(made=made))
    return done.returncode, done.stdout


def test_the_stack_of_signals_is_put_back_whatever_happens():
    stack = ctypes.CDLL(None).sigaltstack
    memory = ctypes.create_string_buffer(1 << 16)

    def current() -> tuple[int | None, int, int]:
        now = _Stack()
        assert stack(None, ctypes.byref(now)) == 0
        return now.base, now.flags, now.size

    def displace() -> None:
        assert stack(ctypes.byref(_Stack(ctypes.addressof(memory), 0, len(memory))), None) == 0
        assert current() == (ctypes.addressof(memory), 0, len(memory))
        raise KeyError

    before = current()
    with pytest.raises(KeyError), own_signal_stack():
        displace()
    assert current() == before


def test_a_signal_arrives_after_two_networks_were_run():
    pytest.importorskip("openvino", reason="openvino is not installed")
    assert signalled(BACKENDS) == (0, "arrived\n")


def test_a_signal_arrives_after_two_detectors_were_run(shared):
    pytest.importorskip("openvino", reason="openvino is not installed")
    path = str(Path(shared) / "weights" / "yolo11n_int8_openvino_model")
    assert signalled(DETECTORS.format(path=path)) == (0, "arrived\n")

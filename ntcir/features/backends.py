"""What runs the frozen networks: torch as it is, torch compiled, or OpenVINO."""

from __future__ import annotations

import importlib.util
import logging
import shutil
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import islice
from textwrap import shorten
from typing import Any

import numpy as np
import torch
from torch import nn

from ntcir.features.backbones import FrozenNetwork
from ntcir.features.inference import Inference, precision_of
from ntcir.system.errors import UserError
from ntcir.system.libraries import confine_libraries
from ntcir.system.machine import cores
from ntcir.system.signals import own_signal_stack

EAGER, COMPILE, OPENVINO = "eager", "compile", "openvino"
_OPENVINO_BATCH = 16  # a lane; more are not faster, and take memory


class Backend:
    """Runs one network; the plain one.

    Args:
        network: the network; with ``features.precision: fp32`` it is run as it is published.
        batch: most pictures at a time.
        device: where.

    Attributes:
        name: such as ``eager bf16``.
        batch: most pictures at a time.
        lanes: how many calls may be made at once; more than one where a call takes one core.
        size: of the pictures, in pixels.

    Raises:
        UserError: if the backend is not available or cannot run this network.
    """

    kind = EAGER

    def __init__(self, network: FrozenNetwork, batch: int, device: torch.device) -> None:
        self.batch, self.device, self.size = batch, device, network.preprocessing.square.crop
        self.lanes = 2 if device.type == "cuda" else 1  # so that a GPU has the next batch when it has done one
        self._own = threading.local()
        self.precision = precision_of(network.options, device)
        self.name = f"{self.kind} {self.precision}"
        self._run = self._prepared(network)

    def __call__(self, pictures: torch.Tensor) -> np.ndarray:
        """Encode uint8 [n, 3, height, width], n at most ``batch``, to float32 [n, dim]."""
        with torch.inference_mode(), self._stream():
            given = pictures.to(self.device, non_blocking=True)
            if self.device.type == "cuda":
                given.record_stream(torch.cuda.current_stream(self.device))
            result: torch.Tensor = self._run(given)
            return result.cpu().numpy()

    def _stream(self) -> AbstractContextManager[Any]:
        """Return what keeps a GPU's work for this thread apart from that for others, so that they overlap."""
        if self.device.type != "cuda":
            return nullcontext()
        if not hasattr(self._own, "stream"):
            self._own.stream = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
        # What is on the device already was put there in the ordinary stream.
        self._own.stream.wait_stream(torch.cuda.default_stream(self.device))
        return torch.cuda.stream(self._own.stream)

    def encode(self, pictures: Iterable[np.ndarray | torch.Tensor]) -> np.ndarray:
        """Encode any number of uint8 [3, height, width], arrays or tensors on the device, to float32 [n, dim]."""
        blocks = []
        waiting = iter(pictures)
        while part := [torch.as_tensor(picture) for picture in islice(waiting, self.batch)]:
            stacked = torch.stack(part)
            if self.device.type == "cuda" and stacked.device.type == "cpu":
                stacked = stacked.pin_memory()  # from there it travels while the GPU computes for another thread
            blocks.append(self(stacked))
        return np.concatenate(blocks)

    def _prepared(self, network: FrozenNetwork) -> Callable[[torch.Tensor], torch.Tensor]:
        if network.options.precision == "fp32":
            return network.to(self.device)
        return self._inference(network)

    def _inference(self, network: FrozenNetwork) -> nn.Module:
        dtype = torch.bfloat16 if self.precision == "bf16" else torch.float32
        return Inference(network, dtype, self.device)


class Compiled(Backend):
    """By ``torch.compile``, with frozen weights; batches are filled up, so that one shape is compiled."""

    kind = COMPILE

    def _prepared(self, network: FrozenNetwork) -> Callable[[torch.Tensor], torch.Tensor]:
        options: dict[str, Any] = {"freezing": True} if self.device.type == "cpu" else {}
        compiled = torch.compile(self._inference(network), dynamic=False, options=options)
        size = self.size

        def run(pictures: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = compiled(_filled(pictures, self.batch))[: len(pictures)]
            return result

        with _told(COMPILE, network), torch.inference_mode(), torch.no_grad():
            run(torch.zeros(self.batch, 3, size, size, dtype=torch.uint8, device=self.device))
        return run


class OpenVino(Backend):
    """By OpenVINO, a lane for each core: none waits for another, so that decoding beside them costs what it takes."""

    kind = OPENVINO

    def __init__(self, network: FrozenNetwork, batch: int, device: torch.device) -> None:
        require(OPENVINO, device)
        super().__init__(network, min(batch, _OPENVINO_BATCH), device)

    def _prepared(self, network: FrozenNetwork) -> Callable[[torch.Tensor], torch.Tensor]:
        confine_libraries()  # importing OpenVINO needs a home folder, and would report itself
        example = torch.zeros(self.batch, 3, self.size, self.size, dtype=torch.uint8)
        with _told(OPENVINO, network), own_signal_stack(), torch.no_grad():
            import openvino

            exported = torch.export.export(Inference(network, torch.float32, self.device), (example,))
            model = _converted(exported)
            self.lanes = cores()
            wanted = {
                "INFERENCE_PRECISION_HINT": {"bf16": "bf16", "fp32": "f32"}[self.precision],
                "NUM_STREAMS": str(self.lanes),
                "INFERENCE_NUM_THREADS": self.lanes,
                # A second network, or a second process, would be pinned to the same cores.
                "ENABLE_CPU_PINNING": False,
            }
            compiled = openvino.Core().compile_model(model, "CPU", wanted)
        lane = threading.local()

        def run(pictures: torch.Tensor) -> torch.Tensor:
            if not hasattr(lane, "request"):
                lane.request = compiled.create_infer_request()
            given = _filled(pictures, self.batch).contiguous().numpy()
            result = lane.request.infer({0: given}, share_inputs=True)[0]
            return torch.from_numpy(np.array(result[: len(pictures)], dtype=np.float32))

        run(example)
        return run


KINDS: dict[str, type[Backend]] = {kind.kind: kind for kind in (Backend, Compiled, OpenVino)}


def is_there(kind: str, device: torch.device) -> bool:
    """Return whether a backend is available on this machine for the device."""
    if kind == OPENVINO:
        return device.type == "cpu" and importlib.util.find_spec("openvino") is not None
    if kind == COMPILE:
        if device.type == "cuda":
            return importlib.util.find_spec("triton") is not None
        return any(map(shutil.which, ("c++", "g++", "clang++")))
    return True


def require(kind: str, device: torch.device) -> None:
    """Check that a backend is available.

    Raises:
        UserError: if it cannot.
    """
    if is_there(kind, device):
        return
    if kind == OPENVINO and device.type == "cpu":
        raise UserError(
            f"The backend {OPENVINO} is not installed: pip install 'ntcir[openvino]', or choose another backend."
        )
    lacks = {
        OPENVINO: "runs on the CPU only",
        COMPILE: "needs triton" if device.type == "cuda" else "needs a C++ compiler, such as g++",
    }[kind]
    raise UserError(f"The backend {kind} {lacks}: choose another backend.")


def _filled(pictures: torch.Tensor, batch: int) -> torch.Tensor:
    """Repeat the first picture until the batch is full."""
    lacking = batch - len(pictures)
    return pictures if not lacking else torch.cat([pictures, pictures[:1].expand(lacking, -1, -1, -1)])


def _converted(exported: torch.export.ExportedProgram) -> Any:
    """Return an OpenVINO model; by its front end, because ``openvino.convert_model`` would report the conversion."""
    confine_libraries()
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.fx_decoder import TorchFXPythonDecoder

    front_end = FrontEndManager().load_by_framework("pytorch")
    decoder = TorchFXPythonDecoder.from_exported_program(exported)  # must outlive the conversion
    return front_end.convert(front_end.load(decoder))


@contextmanager
def _told(kind: str, network: FrozenNetwork) -> Iterator[None]:
    """Report what a compiler cannot do in one sentence, and suppress its own output."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UserError:
        raise
    except Exception as error:  # compilers raise anything
        reason = shorten(str(error) or type(error).__name__, 200, placeholder=" ...")
        raise UserError(
            f"The backend {kind} cannot run {network.backbone.arch} ({reason}): choose another backend."
        ) from error
    finally:
        logging.disable(level)

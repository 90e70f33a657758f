"""Object detectors: any weights that Ultralytics opens, given pictures, giving boxes."""

from __future__ import annotations

import copy
import hashlib
import importlib.util
import re
import weakref
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from queue import SimpleQueue
from threading import Barrier
from typing import Any

import numpy as np

from ntcir.config import Objects
from ntcir.features.file_kinds import kind_of
from ntcir.features.letterbox import GREY, Frame, Letterboxed
from ntcir.features.yolo import SAFE_LOAD, import_yolo, look, opening, trusts_weights
from ntcir.system.errors import UserError, some
from ntcir.system.home import expanded
from ntcir.system.progress import say
from ntcir.system.regular import sha256_of
from ntcir.system.signals import own_signal_stack
from ntcir.system.temporaries import TemporaryFolder

DEMO = "demo"  # names the detector that comes with the demo lifelog, and knows its objects
FLOOR = 0.1  # detections less sure than this are not kept
MOST = 300  # detections of a picture, the surest ones
PUBLISHED = re.compile(r"yolo(v8|v9|v10|11|12|26)[a-z]\.pt")
ADDRESS = "https://github.com/ultralytics/assets/releases/download/v8.4.0/{name}"
_RUNTIMES = {".onnx": "onnxruntime", ".xml": "openvino"}
_FORMATS = (".pt", ".onnx", ".xml")  # that can be opened without running what is in them
_CONSENT = f"{SAFE_LOAD}=false opens one that you trust"


def find_weights(name: str) -> Path:
    """Return the file or folder of a detector: ``demo``, a path, or a published name, which is fetched once.

    Raises:
        UserError: if there is no such detector, or it cannot be fetched (the sentence says where to put it).
    """
    if name == DEMO:
        return _of_demo()
    path = expanded(name)
    if path.is_file() or path.is_dir():
        return path.absolute()
    if path.exists():
        raise UserError(f"The detector {path} is neither a file nor a folder.")
    if PUBLISHED.fullmatch(name):
        return _fetch(name)
    raise UserError(
        f"There is no detector {name}: give the path of a .pt file, of an OpenVINO folder or of an .onnx file, "
        f"`{DEMO}`, or a published name such as yolo11n.pt."
    )


def _of_demo() -> Path:
    """Return the detector that knows the demo lifelog's objects."""
    try:
        path = Path(str(resources.files("ntcir_demo"))) / "detector.pt"
    except ModuleNotFoundError:  # as in what is handed in, which has no use for it
        raise UserError(
            "The demo's detector is not part of this installation: name another in objects.detector."
        ) from None
    if not path.is_file():
        raise UserError(f"The demo's detector is missing from this installation: {path} is not there.")
    return path


def _fetch(name: str) -> Path:
    """Return published weights from torch's hub folder, fetched unless they are there."""
    import torch

    from ntcir.features.weights import published_folder

    path, url = published_folder() / name, ADDRESS.format(name=name)
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            say(f"Fetching {url} to {path}")
            torch.hub.download_url_to_file(url, str(path), progress=True)
        except Exception as error:  # of the network, of HTTP, of the disk
            reason = " ".join(str(error).split())
            raise UserError(
                f"Cannot fetch {url} ({reason}): put the file at {path}, or name another detector with --detector."
            ) from error
    return path


def digest(path: Path) -> str:
    """Return the SHA-256 (hex) of a file, or of the names and contents of all files in a folder.

    Raises:
        UserError: if one cannot be read.
    """
    if path.is_file():
        try:
            return sha256_of(path)
        except OSError as error:
            raise UserError(f"Cannot read the detector {path}: {(error.strerror or str(error)).lower()}.") from error
    total = hashlib.sha256()
    for part in sorted(part for part in path.rglob("*") if part.is_file()):
        total.update(f"{part.relative_to(path).as_posix()} {digest(part)}\n".encode())
    return total.hexdigest()


class Detector:
    """A detector in memory, ready to be given pictures.

    Args:
        path: what ``find_weights`` found.
        options: ``size`` (unless the network takes one size only, which is then said), ``iou`` and ``batch`` count.

    Attributes:
        names: its classes, by number.
        frame: how pictures are to be letterboxed for it.
        batch: how many pictures of one shape it is best given at once.
        threads: how many batches it works on at the same time.

    Raises:
        UserError: if these are no weights of a detector, or what runs them is not installed.
    """

    def __init__(self, path: Path, options: Objects) -> None:
        self._path = path
        _require_runtime(path)
        _require_kind(path)
        network = import_yolo()
        import torch

        threads = torch.get_num_threads()
        try:
            with opening(), own_signal_stack():
                model = network(str(self._renamed()), task="detect")
                self._require_detection(model.task)
                model.predict(
                    np.full((32, 32, 3), GREY, dtype=np.uint8), imgsz=options.size, conf=FLOOR, iou=options.iou,
                    max_det=MOST, batch=options.batch, verbose=False, save=False, data=None,
                )  # fmt: skip
        except UserError:
            raise
        except ImportError as error:
            package = error.name or "another package"
            raise UserError(f"{path} cannot be opened without {package}: pip install {package}.") from error
        except Exception as error:  # nearly anything, and in many words
            raise UserError(f"{path} is not a detector that Ultralytics can open ({_reason(error, path)}).") from error
        finally:
            torch.set_num_threads(threads)  # Ultralytics takes one core less than there are, for the whole process
        engine = model.predictor.model
        self._require_detection(getattr(engine, "task", None) or "detect")
        names = dict(engine.names)
        self.names = tuple(str(names[number]) for number in sorted(names))
        self._tell_unnamed(options)
        height, width = (int(side) for side in model.predictor.imgsz)
        native = getattr(engine, "format", None) == "pt" or bool(getattr(engine, "pt", False))
        any_size = native or bool(getattr(engine, "dynamic", False))
        # Exported for a fixed size they are for a fixed batch too; RT-DETR takes squares.
        self.batch = options.batch if any_size else max(1, int(getattr(engine, "batch", 1)))
        rectangles = any_size and type(model).__name__ != "RTDETR"
        self.frame = Frame(height, width, int(engine.stride) if rectangles else 0)
        if not any_size and max(height, width) != options.size:
            taken = f"{path.name} takes images of {width} x {height} pixels only"
            say(f"{taken}: objects.size = {options.size} is not used.")
        on_cpu = native and str(model.predictor.device) == "cpu"
        self._share(model.predictor, threads if on_cpu else 1)

    def _share(self, predictor: Any, threads: int) -> None:
        """Give each of so many threads a copy of the network, and its part of ``batch``.

        Threads that share a picture wait for each other at every layer, and those that decode pictures, or another
        process, make them wait long: with two threads on two busy cores that took five times as long as this.
        """
        import torch

        self.threads, self.batch = threads, -(-self.batch // threads)
        self._idle: SimpleQueue[Any] = SimpleQueue()
        self._idle.put(predictor)
        with torch.inference_mode():
            for _ in range(threads - 1):
                twin = copy.copy(predictor)
                twin.model = copy.deepcopy(predictor.model)
                self._idle.put(twin)
        if threads == 1:
            self._pool = ThreadPoolExecutor(1)
        else:
            self._pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
            started = Barrier(threads)
            list(self._pool.map(lambda _: started.wait(), range(threads)))
            torch.set_num_threads(threads)  # the threads that were just told 1 told a part of it to the whole process
        weakref.finalize(self, self._pool.shutdown, wait=False)

    def submit(self, pictures: Sequence[Letterboxed]) -> Future[list[np.ndarray]]:
        """Begin to look at pictures of one shape.

        Returns:
            what gives, in the end, of each picture float32 [detections, 6]: class number, confidence (the surest first,
            none below ``FLOOR``), x1, y1, x2, y2 in pixels of the upright original.
        """
        return self._pool.submit(self._detect, pictures)

    def _detect(self, pictures: Sequence[Letterboxed]) -> list[np.ndarray]:
        predictor = self._idle.get()
        try:
            return look(predictor, pictures)
        finally:
            self._idle.put(predictor)

    def _require_detection(self, task: str) -> None:
        if task != "detect":
            raise UserError(f"{self._path} is not a detector but a network for another task, '{task}'.")

    def _tell_unnamed(self, options: Objects) -> None:
        """Report that the classes are named by numbers, as Ultralytics does where an export names none."""
        if self.names != tuple(f"class{number}" for number in range(len(self.names))):
            return
        absent = self._path.is_dir() and not (self._path / "metadata.yaml").is_file()
        where = "has no metadata.yaml with the names of its classes" if absent else "does not name its classes"
        unnamed = f"The detector {self._path} {where}, which are called class0, class1 and so on"
        if any(name not in self.names for name in options.classes):
            raise UserError(f"{unnamed}, so objects.classes cannot be applied; export the detector again.")
        say(f"WARNING: {unnamed}.")

    def _renamed(self) -> Path:
        """Return a path to the weights by which Ultralytics takes them for what they are.

        It tells the format from the name, leaves out apostrophes, and looks for yolov5n.pt under a newer name.
        """
        name = re.sub(r"yolov([35])", r"yolo-v\1", self._path.name)
        if self._path.is_dir() and any(self._path.glob("*.xml")) and "_openvino_model" not in name:
            name += "_openvino_model"
        if name == self._path.name and "'" not in str(self._path):
            return self._path
        folder = TemporaryFolder("ntcir-detector-")
        weakref.finalize(self, folder.close)
        link = folder.path / name.replace("'", "")
        link.symlink_to(self._path, target_is_directory=self._path.is_dir())
        return link


def _require_kind(path: Path) -> None:
    """Check that weights are of a kind that runs no code, unless the user trusts them, and not a web page or the like.

    Ultralytics opens some twenty formats. Several hold programs: TorchScript and TensorFlow can write files.
    """
    try:
        kind = kind_of(path) if path.is_file() and path.suffix not in {".yaml", ".yml", ".xml"} else None
    except OSError as error:
        raise UserError(f"Cannot read the detector {path}: {(error.strerror or str(error)).lower()}.") from error
    wrong = ""
    if kind and "TorchScript" in kind:
        wrong = "" if trusts_weights() else f"it is a TorchScript archive, which holds code; {_CONSENT}"
    elif kind and path.suffix in {".pt", ".pth", ".onnx", ""}:
        wrong = f"it is {kind}"
    elif path.suffix not in _FORMATS and not any(path.glob("*.xml")) and not trusts_weights():
        wrong = f"it is not a .pt file, an OpenVINO folder or an .onnx file; {_CONSENT}"
    if wrong:
        raise UserError(f"{path} is not a detector that Ultralytics can open ({wrong}).")
    if trusts_weights() and path.is_file() and path.suffix != ".onnx":
        say(f"WARNING: {SAFE_LOAD}=false: any code in {path} is run.")


def _require_runtime(path: Path) -> None:
    """Check that what runs exported weights is installed, which Ultralytics would report late and at length."""
    if path.suffix in {".yaml", ".yml"}:
        raise UserError(f"{path} describes a network but has no weights: give a file of weights.")
    parts = [path] if path.is_file() else list(path.iterdir())
    if not parts:
        raise UserError(f"{path} is an empty folder, not a detector.")
    # What runs the network opens its files by itself, and would wait for a pipe.
    if odd := [part.name for part in parts if not part.is_file() and not part.is_dir()]:
        raise UserError(f"The detector {path} holds {some(odd)}, which is not a file.")
    for suffix, package in _RUNTIMES.items():
        if any(part.suffix == suffix for part in parts) and importlib.util.find_spec(package) is None:
            raise UserError(f"{path} needs {package}, which is not installed: pip install {package}.")


def _reason(error: Exception, path: Path) -> str:
    """Return the beginning of a message, without decoration."""
    if "references types outside" in str(error):
        return f"it holds more than a YOLO network; {_CONSENT}"
    words = " ".join(re.sub(r"[^\x20-\x7e]|ERROR", " ", str(error).replace(str(path), "it")).split())
    if not re.search("[a-z]{3}", words):  # such as the key of a KeyError
        words = f"{type(error).__name__} {words}".strip()
    return words if len(words) <= 120 else words[:120].rsplit(" ", 1)[0] + " ..."

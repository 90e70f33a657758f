"""Ultralytics, kept from reaching further than it is asked to."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from typing import Any

import numpy as np
from PIL import Image

from ntcir.features.letterbox import Letterboxed
from ntcir.system.errors import UserError
from ntcir.system.libraries import confine_libraries

SAFE_LOAD = "ULTRALYTICS_SAFE_LOAD"
OLDEST = "8.4.67"  # the first version that heeds it; pyproject.toml asks for it
_NO = ("0", "false", "no", "off", "n", "f")
_NOWHERE = logging.NullHandler()


def import_yolo() -> Any:
    """Import Ultralytics without letting it install, fetch, report or print anything, and return its ``YOLO``.

    ``ULTRALYTICS_SAFE_LOAD`` keeps a ``.pt`` file, which is a pickle, from running code.

    Raises:
        UserError: if it would not, because Ultralytics is too old or was imported before.
    """
    os.environ.setdefault("YOLO_VERBOSE", "false")
    os.environ[SAFE_LOAD] = "false" if trusts_weights() else "true"  # older versions take no other words
    confine_libraries()
    import torch  # first: otherwise Ultralytics sets it to one thread

    # What else it changes for the whole process is put back: numbers are printed as before, a picture of no known
    # format is said to be one, saving is not tried again.
    threads, opened, save = os.environ.get("OMP_NUM_THREADS"), Image.open, torch.save
    with np.printoptions():
        from ultralytics.models import YOLO
        from ultralytics.nn import tasks
    Image.open, torch.save = opened, save
    if threads is None:
        os.environ.pop("OMP_NUM_THREADS", None)
    logger = logging.getLogger("ultralytics")
    own = [handler for handler in logger.handlers if type(handler) is logging.StreamHandler]
    for handler in own:  # which write to standard output, where only data belongs
        logger.removeHandler(handler)
    logger.addHandler(_NOWHERE)
    logger.setLevel(logging.WARNING)
    _require_safe_loading(tasks)
    from ultralytics.utils.events import events

    events.enabled = False  # as it is already, unless something else has imported Ultralytics before
    return YOLO


def trusts_weights() -> bool:
    """Return whether the user allows, by ``ULTRALYTICS_SAFE_LOAD=false``, that code in weights is run."""
    return os.environ.get(SAFE_LOAD, "").strip().lower() in _NO


@contextmanager
def opening() -> Iterator[None]:
    """Keep weights that Ultralytics opens in this block from having anything fetched, and from changing torch.

    Weights name files that belong to them, such as a list of classes, which Ultralytics fetches where it is an address,
    offline or not. And the classes that it needs to open a checkpoint it lets torch unpickle for the rest of the
    process: checkpoints of image networks could then hold them, too.
    """
    confine_libraries()
    from torch import serialization
    from ultralytics.utils import downloads as module

    from ntcir.features.unpickling import short_complaints

    downloads: Any = module
    allowed, fetch = serialization.get_safe_globals(), downloads.safe_download
    downloads.safe_download = _fetch_nothing
    try:
        with short_complaints():
            yield
    finally:
        downloads.safe_download = fetch
        serialization.clear_safe_globals()
        serialization.add_safe_globals(allowed)


def _fetch_nothing(*_: Any, **options: Any) -> None:
    raise ConnectionError(f"it asks to download {options.get('url', 'something')}, which is not done")


def _require_safe_loading(tasks: Any) -> None:
    """Check that the module of Ultralytics that opens ``.pt`` files is set not to run code in them."""
    if trusts_weights() or getattr(tasks, "SAFE_LOAD", False):
        return
    if not hasattr(tasks, "SAFE_LOAD"):
        raise UserError(
            f"Ultralytics {metadata.version('ultralytics')} would run code that a .pt file holds: "
            f"pip install --upgrade 'ultralytics>={OLDEST}'."
        )
    raise UserError(
        f"Ultralytics was imported before, without {SAFE_LOAD}=true, and would run code that a .pt file holds: "
        "set that variable first."
    )


def look(predictor: Any, pictures: Sequence[Letterboxed]) -> list[np.ndarray]:
    """Return what one of Ultralytics' predictors, set up, finds in pictures; as ``Detector.submit``.

    What ``predict`` does with every batch besides (reading its settings anew, letterboxing what has its shape already)
    would take as long as a small network.
    """
    import torch

    height, width = pictures[0].pixels.shape[1:]
    blank = [np.broadcast_to(np.uint8(0), (height, width, 3))] * len(pictures)  # it is asked for its shape only
    with torch.inference_mode(), _Complaints() as complaints:
        images = torch.from_numpy(np.stack([picture.pixels for picture in pictures])).to(predictor.device)
        images = (images.half() if predictor.model.fp16 else images.float()).div_(255)
        predictor.batch = [""] * len(pictures), blank, [""] * len(pictures)
        results = predictor.postprocess(predictor.model(images), images, blank)
    # Where the machine was busy with something else for seconds, the rest of a batch comes back without boxes, and only
    # a warning tells of it.
    if len(pictures) > 1 and any("time limit" in words for words in complaints.heard):
        return [rows for picture in pictures for rows in look(predictor, [picture])]
    found = []
    for picture, result in zip(pictures, results, strict=True):
        rows = result.boxes.data.cpu().numpy().astype(np.float32)  # x1, y1, x2, y2, confidence, class
        found.append(np.column_stack([rows[:, 5], rows[:, 4], picture.restored(rows[:, :4])]))
    return found


class _Complaints(logging.Handler):
    """Hears Ultralytics' warnings, in a ``with`` block.

    Attributes:
        heard: the messages.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: list[str] = []
        self._logger = logging.getLogger("ultralytics")

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message."""
        self.heard.append(record.getMessage())

    def __enter__(self) -> _Complaints:
        self._logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)

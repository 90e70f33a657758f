"""Readers of photographs for a rehearsal: ours, and the one that the organisers' code uses.

They differ for what is not a plain RGB JPEG. Ours gives upright RGB, which is what a model is trained on. Theirs gives
the channels that are stored, one for a grey JPEG, and leaves turned what a camera marked as turned.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntcir.features.decode import UnreadableImage, load_image, turn_of
from ntcir.features.pictures import open_file, open_picture
from ntcir.system.errors import UserError, some
from ntcir.system.libraries import confine_libraries

Reader = Callable[[str], NDArray[Any]]


def read_upright(path: str) -> NDArray[np.uint8]:
    """Return a photograph as training sees it, uint8 [3, height, width].

    Raises:
        UnreadableImage: if it cannot be decoded.
    """
    return np.asarray(load_image(path)).transpose(2, 0, 1)


class TorchvisionReader:
    """``torchvision.io.read_image``, and what it does unlike ours.

    Raises:
        UserError: if the installed torchvision no longer has it: it is deprecated since 0.29.
    """

    def __init__(self) -> None:
        confine_libraries()
        try:
            from torchvision.io import read_image  # here: without this reader, topics do without torch
        except ImportError as error:
            raise UserError(
                "--reader torchvision: the installed torchvision has no read_image; install torchvision 0.29."
            ) from error
        self._read = read_image
        self._channels: dict[int, dict[str, None]] = {}  # how many, if not three -> names, in the order of finding
        self._turned: dict[str, None] = {}

    def __call__(self, path: str) -> NDArray[Any]:
        """Return a photograph as it is stored: uint8 (of a 16-bit PNG uint16) [channels, height, width].

        Raises:
            UnreadableImage: if torchvision cannot decode it.
        """
        try:
            open_file(path).close()  # torchvision would wait for a pipe
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # the organisers use it all the same
                planes: NDArray[Any] = self._read(path).numpy()
        except (OSError, ValueError, RuntimeError) as error:
            raise UnreadableImage(str(error).splitlines()[0]) from error
        name = Path(path).name
        if len(planes) != 3:
            self._channels.setdefault(len(planes), {})[name] = None
        if _is_turned(path):
            self._turned[name] = None
        return planes

    def remarks(self) -> list[str]:
        """Return a sentence about each kind of photograph that our reader gives in another way."""
        remarks = [
            f"Written with {channels} channel{'s' * (channels > 1)} instead of 3, as torchvision reads them: "
            f"{_count(names)}."
            for channels, names in sorted(self._channels.items())
        ]
        if self._turned:
            remarks.append(f"Not turned upright, as torchvision ignores the EXIF orientation: {_count(self._turned)}.")
        return remarks


def _count(names: Collection[str]) -> str:
    return f"{len(names):,} photograph{'s' * (len(names) > 1)} ({some(names)})"


def _is_turned(path: str) -> bool:
    try:
        with open_file(path) as file, open_picture(file) as image:
            return turn_of(image) is not None
    except (OSError, ValueError):  # a format that torchvision knows and ours does not
        return False

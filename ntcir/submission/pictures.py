"""Pictures of an input, each decoded and encoded once, beside the reading."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256

import numpy as np

from ntcir.features.backbones import FrozenNetwork
from ntcir.features.decode import Squares, squares_of_planes
from ntcir.features.image_features import encode_pictures
from ntcir.features.inference import batch_of
from ntcir.features.preprocessing import distinct
from ntcir.model.model import Model, Vectors
from ntcir.submission.accepted import photographs
from ntcir.submission.channels import channel_remarks, rgb_planes
from ntcir.submission.pixels import Text, parse_pixels
from ntcir.system.errors import UserError

_DECODERS = max(1, min(4, (os.cpu_count() or 1) // 2))  # the networks want the cores too
_TEXTS = _DECODERS + 2  # pictures whose text (8.4 MB for 1024 x 768) is in memory
_CPU_BATCH = 8  # enough for a CPU's cores; a larger one would begin later and take more memory
_BATCHES = 2  # encoded or waiting for it, besides the one that is put together


class PictureEncoder:
    """Numbers pictures by their text and encodes each of them once, in the background.

    Args:
        model: has the tower and the preprocessing.
        networks: the image networks, wherever they are.
    """

    def __init__(self, model: Model, networks: Sequence[FrozenNetwork]) -> None:
        self._model, self._networks = model, networks
        self._wanted = distinct(network.preprocessing for network in networks)
        on_cpu = all(network.mean.device.type == "cpu" for network in networks)
        most = batch_of(model.config.features, networks[0].mean.device)
        self._batch = min(_CPU_BATCH, most) if on_cpu else most
        self._numbers: dict[bytes, int] = {}  # digest of the text -> number
        self._seen: dict[bytes, int] = {}  # digest of the square -> number of the first picture that looks so
        self._squares: list[Future[Squares]] = []  # of the batch that is put together
        self._batches: deque[Future[None]] = deque()
        self._parts: list[np.ndarray] = []  # vectors, a batch each
        self._twins: list[int] = []
        self._odd: dict[int, tuple[int, str]] = {}  # by number: how many channels, if not three, and where
        self._failed: UserError | None = None
        self._room = threading.Semaphore(_TEXTS)
        self._decoders = ThreadPoolExecutor(_DECODERS, "decode")
        self._encoder = ThreadPoolExecutor(1, "encode")

    def __enter__(self) -> PictureEncoder:
        return self

    def __exit__(self, *error: object) -> None:
        for pool in (self._decoders, self._encoder):
            pool.shutdown(wait=True, cancel_futures=True)

    def number(self, text: Text, where: str) -> int:
        """Return the number of a picture, counted from 0; the same for the same text.

        Args:
            text: JSON of the pixels.
            where: what to name in an error.

        Raises:
            UserError: if an earlier picture is not valid; a few pictures late, as decoding runs in parallel.
        """
        if self._failed:
            raise self._failed
        key = sha256(text).digest()
        if key in self._numbers:
            return self._numbers[key]
        number = self._numbers[key] = len(self._numbers)
        self._room.acquire()
        self._squares.append(self._decoders.submit(self._square, number, text, where))
        if len(self._squares) == self._batch:
            self._encode_later()
        return number

    def same(self, one: int, other: int) -> bool:
        """Return whether two pictures are the same to the networks, though their texts differ; waits for both.

        Raises:
            UserError: if one of them is no picture.
        """
        self._finish()
        return self._twins[one] == self._twins[other]

    def vectors(self) -> Vectors:
        """Return the vectors of all pictures by their number; pictures that look the same have the very same vector.

        Raises:
            UserError: if one of them is no picture.
        """
        self._finish()
        # Blanks between the numbers make another text of the same picture; so does a pixel that resizing loses.
        twins = np.array(self._twins, dtype=np.int64)
        return Vectors(np.concatenate(self._parts)[twins], twins)

    def remarks(self) -> list[str]:
        """Return what was done about pictures that are not RGB, a sentence a kind; waits for all of them.

        Raises:
            UserError: if one of them is no picture.
        """
        self._finish()
        return channel_remarks(self._odd[number] for number in sorted(self._odd))

    def _finish(self) -> None:
        if self._squares:
            self._encode_later()
        while self._batches:
            self._batches.popleft().result()

    def _square(self, number: int, text: Text, where: str) -> Squares:
        """Return the picture as the networks are given it; runs in a decoder's thread."""
        try:
            planes = parse_pixels(text)
            if len(planes) != 3:
                self._odd[number] = (len(planes), where)
            return squares_of_planes(rgb_planes(planes), self._wanted)
        except ValueError as error:
            self._failed = UserError(f"{where}: the image is not valid: {error}.")
            raise self._failed from error
        finally:
            self._room.release()

    def _encode_later(self) -> None:
        """Hand the batch over; wait first where reading is too far ahead."""
        while len(self._batches) >= _BATCHES:
            self._batches.popleft().result()
        self._batches.append(self._encoder.submit(self._encode, self._squares))
        self._squares = []

    def _encode(self, squares: Sequence[Future[Squares]]) -> None:
        """Encode a batch; runs in the encoder's thread, one batch after the other."""
        pictures = [square.result() for square in squares]
        for picture in pictures:
            digest = sha256()
            for square in self._wanted:
                digest.update(picture[square].data)
            self._twins.append(self._seen.setdefault(digest.digest(), len(self._twins)))
        features = encode_pictures(self._networks, pictures, self._batch)
        rows = photographs(self._model).projected(features)
        self._parts.append(self._model.unit_vectors("image", rows))

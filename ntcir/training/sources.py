"""Where one side of a training step gets its rows from: from memory, or from networks while they are trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import nn

from ntcir.config import Encoder
from ntcir.encoders.encoder import Rows
from ntcir.encoders.frozen import FrozenRows
from ntcir.features.extraction import Alteration
from ntcir.features.image_features import ImageFeatures
from ntcir.features.mirror import MirroredAtRandom
from ntcir.system.devices import find_device
from ntcir.system.parallel import ranks
from ntcir.system.tensors import gather

# Goes on where ``loss.backward()`` stopped: at the rows that a source gave.
Backward = Callable[[], None]


class Source(Protocol):
    """Gives the rows of the items on one side of the training pairs; items are told by their pairs' positions."""

    @property
    def parameters(self) -> Sequence[nn.Parameter]:
        """What is learnt to make the rows."""
        ...

    def __call__(self, positions: np.ndarray, views: np.ndarray, step: int) -> tuple[torch.Tensor, Backward]:
        """Return rows of items as they are (view 0) or altered, and what sends the loss's gradient on from them.

        Args:
            positions: int64 [n].
            views: int64 [n].
            step: for which they are drawn.

        Returns:
            Float32 [n, dim]; and a function to be called once, after the gradient has come to these rows.
        """
        ...

    def encode(self, positions: np.ndarray) -> np.ndarray:
        """Return float32 [n, dim] of items as they are, and as the networks see them now."""
        ...


class StoredRows:
    """Rows that an encoder gave once, in memory.

    Args:
        rows: float32 [pairs, dim], of the training split.
        views: [views, pairs, dim] of their altered views, any float type; None where there are none. Where rows have
            several views of an item, one behind the other, these may have the columns of one, which then stands for
            each of them.
    """

    parameters: Sequence[nn.Parameter] = ()

    def __init__(self, rows: np.ndarray, views: np.ndarray | None = None) -> None:
        self._rows = torch.from_numpy(rows)
        self._views = None if views is None else torch.from_numpy(views)

    def __call__(self, positions: np.ndarray, views: np.ndarray, step: int) -> tuple[torch.Tensor, Backward]:
        """Return float32 [n, dim], from which no gradient goes on."""
        result = self._rows[torch.from_numpy(positions)]
        altered = np.flatnonzero(views)
        if self._views is not None and len(altered):
            chosen = self._views[torch.from_numpy(views[altered] - 1), torch.from_numpy(positions[altered])]
            chosen = chosen.to(result.dtype).repeat(1, result.shape[1] // chosen.shape[1])
            result[torch.from_numpy(altered)] = chosen
        return result, lambda: None

    def encode(self, positions: np.ndarray) -> np.ndarray:
        """Return float32 [n, dim]."""
        return np.asarray(self._rows.numpy()[positions])


class LiveImages:
    """Networks that are trained along: photographs are read, altered and encoded at each step.

    A batch that does not fit into memory with all its activations is encoded twice (GradCache: Gao et al. 2021,
    "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup", section 3.2): first without a gradient,
    which gives the features that the loss is computed from; then, on the way back, chunk by chunk with one, and the
    loss's gradient at the features goes on from there. That is exact as long as both times give the same features, so
    the networks are in eval mode: BatchNorm keeps its statistics, and nothing is dropped. A single chunk fits, so it is
    encoded once, and its activations are kept.

    With ``features.mirror``, a training step sees each picture or its mirror image, drawn at random for that step, and
    an altered one as it is; ``encode`` and ``encode_ids`` give the rows of both.

    Args:
        features: has the networks, and reads pictures.
        ids: of the training photographs, by position.
        options: chunk, precision and device.
        alteration: draws the altered views; a new one at each step.
        seed: of the training, by which it is drawn which pictures are mirrored.

    Raises:
        UserError: if the networks are given different pictures.
    """

    def __init__(
        self,
        features: ImageFeatures,
        ids: Sequence[str],
        options: Encoder,
        alteration: Alteration | None = None,
        seed: int = 0,
    ) -> None:
        self._features, self._ids, self._options, self._alteration = features, list(ids), options, alteration
        self._mirror = MirroredAtRandom(seed) if features.mirror else None
        self._device = find_device(options.device, "encoder.device", own=True)
        features.one_square()  # refused now, not at the first step
        for network in features.networks:
            network.requires_grad_(True).to(self._device)

    @property
    def parameters(self) -> list[nn.Parameter]:
        """The networks' weights."""
        return [parameter for network in self._features.networks for parameter in network.parameters()]

    def __call__(self, positions: np.ndarray, views: np.ndarray, step: int) -> tuple[torch.Tensor, Backward]:
        """Return float32 [n, width], a leaf that collects the loss's gradient, and what sends it through the networks.

        On the way back the same pictures are encoded again, chunk by chunk, unless they are a single chunk.
        """
        plain, altered = np.flatnonzero(views == 0), np.flatnonzero(views)
        order = np.argsort(np.concatenate([plain, altered]))
        decoded = [
            self._features.decode_many([self._ids[row] for row in positions[plain]], self._mirror, step),
            self._features.decode_many([self._ids[row] for row in positions[altered]], self._alteration, step),
        ]
        pictures = torch.cat(decoded)[torch.from_numpy(order)]
        if 0 < len(pictures) <= self._options.chunk:
            return self._encode_once(pictures)
        with torch.no_grad():
            encoded = _joined(map(self._encode, self._chunks(pictures)), self._features.width)
        given = encoded.requires_grad_()

        def backward() -> None:
            if given.grad is None:
                return
            for chunk, gradient in zip(self._chunks(pictures), self._chunks(given.grad), strict=True):
                self._encode(chunk).backward(gradient)  # type: ignore[no-untyped-call]

        return given, backward

    def _encode_once(self, pictures: torch.Tensor) -> tuple[torch.Tensor, Backward]:
        """Return what ``__call__`` does, of a single chunk, whose activations are kept for the way back."""
        encoded = self._encode(pictures)
        given = encoded.detach().requires_grad_()

        def backward() -> None:
            if given.grad is not None:
                encoded.backward(given.grad)  # type: ignore[no-untyped-call]

        return given, backward

    def encode(self, positions: np.ndarray) -> np.ndarray:
        """Return float32 [n, dim]; see ``encode_ids``."""
        return self.encode_ids([self._ids[row] for row in positions])

    def encode_ids(self, ids: Sequence[str]) -> np.ndarray:
        """Return float32 [ids, dim] of any photographs, as the networks see them now.

        Several processes share the work, and each has all of the result.
        """
        size = self._options.chunk
        chunks = [ids[start : start + size] for start in range(0, len(ids), size)]
        own = chunks[ranks().part(len(chunks))]  # whole chunks, encoded as one process alone would
        with torch.no_grad():
            encoded = _joined(
                (self._encode_views(self._features.decode_many(chunk)) for chunk in own), self._features.dim
            )
        return gather(encoded).numpy()

    def _chunks(self, rows: torch.Tensor) -> Sequence[torch.Tensor]:
        return torch.split(rows, self._options.chunk) if len(rows) else ()

    def _encode_views(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return rows of pictures as they are and, where asked for, of their mirror images behind: float32 [n, dim]."""
        rows = self._encode(pictures)
        return rows if self._mirror is None else torch.cat([rows, self._encode(pictures.flip(-1))], dim=1)

    def _encode(self, pictures: torch.Tensor) -> torch.Tensor:
        pictures = pictures.to(self._device)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._options.precision == "bf16"):
            encoded = torch.cat([network(pictures) for network in self._features.networks], dim=1)
        return encoded.float().cpu()


def _joined(chunks: Iterable[torch.Tensor], width: int) -> torch.Tensor:
    return torch.cat([torch.empty(0, width), *chunks])


def to_training_device(rows: Rows, options: Encoder) -> None:
    """Bring image networks that are trained along to where they are trained."""
    if options.finetune and isinstance(rows, FrozenRows):
        for network in rows.features.networks:
            network.to(find_device(options.device, "encoder.device", own=True))

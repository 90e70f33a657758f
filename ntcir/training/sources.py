"""Where a training step gets its image features from: the store, or the networks while they are trained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import nn

from ntcir.config import Encoder
from ntcir.features.extraction import Alteration
from ntcir.features.image_features import ImageFeatures
from ntcir.system.devices import find_device
from ntcir.system.parallel import gather, ranks


class ImageSource(Protocol):
    """Gives the features of training photographs, and takes the gradient back where somebody learns from it."""

    def __call__(self, rows: np.ndarray, views: np.ndarray, step: int) -> torch.Tensor:
        """Return float32 [rows, dim] of photographs (positions) as they are (view 0) or altered."""
        ...

    def backward(self) -> None:
        """Go on where ``loss.backward()`` stopped: at the features of the last call."""
        ...

    def encode(self, ids: Sequence[str]) -> np.ndarray:
        """Return float32 [ids, dim] of any photographs, as the networks see them now."""
        ...

    def encode_pairs(self, rows: np.ndarray) -> np.ndarray:
        """Return float32 [rows, dim] of training photographs (positions), as the networks see them now."""
        ...


class StoredImages:
    """Features that frozen networks gave once, in memory.

    Args:
        features: where photographs beyond the training split are read.
        images: float32 [pairs, dim], of the training split.
        views: [views, pairs, dim] of their altered views, any float type; none where there are none.
    """

    def __init__(self, features: ImageFeatures, images: np.ndarray, views: np.ndarray | None = None) -> None:
        self._features = features
        self._images = torch.from_numpy(images)
        self._views = None if views is None else torch.from_numpy(views)

    def __call__(self, rows: np.ndarray, views: np.ndarray, step: int) -> torch.Tensor:
        """Return float32 [rows, dim]."""
        result = self._images[torch.from_numpy(rows)]
        altered = np.flatnonzero(views)
        if self._views is not None and len(altered):
            chosen = self._views[torch.from_numpy(views[altered] - 1), torch.from_numpy(rows[altered])]
            result[torch.from_numpy(altered)] = chosen.to(result.dtype)
        return result

    def backward(self) -> None:
        """Do nothing: frozen networks learn nothing."""

    def encode(self, ids: Sequence[str]) -> np.ndarray:
        """Return float32 [ids, dim]."""
        return self._features.load(ids)

    def encode_pairs(self, rows: np.ndarray) -> np.ndarray:
        """Return float32 [rows, dim]."""
        return np.asarray(self._images.numpy()[rows])


class LiveImages:
    """Networks that are trained along: photographs are read, altered and encoded at each step.

    A batch that does not fit into memory with all its activations is encoded twice (GradCache: Gao et al. 2021,
    "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup", section 3.2): first without a gradient,
    which gives the features that the loss is computed from; then, in ``backward``, chunk by chunk with one, and the
    loss's gradient at the features goes on from there. That is exact as long as both times give the same features, so
    the networks are in eval mode: BatchNorm keeps its statistics, and nothing is dropped.

    Args:
        features: has the networks, and reads pictures.
        ids: of the training photographs, by position.
        options: chunk, precision and device.
        alteration: draws the altered views; a new one at each step.
    """

    def __init__(
        self, features: ImageFeatures, ids: Sequence[str], options: Encoder, alteration: Alteration | None = None
    ) -> None:
        self._features, self._ids, self._options, self._alteration = features, list(ids), options, alteration
        self._device = find_device(options.device, "encoder.device", own=True)
        for network in features.networks:
            network.requires_grad_(True).to(self._device)
        self._pictures = torch.empty(0)
        self._given = torch.empty(0)

    @property
    def parameters(self) -> list[nn.Parameter]:
        """The networks' weights."""
        return [parameter for network in self._features.networks for parameter in network.parameters()]

    def __call__(self, rows: np.ndarray, views: np.ndarray, step: int) -> torch.Tensor:
        """Return float32 [rows, dim], a leaf that collects the loss's gradient."""
        plain, altered = np.flatnonzero(views == 0), np.flatnonzero(views)
        order = np.argsort(np.concatenate([plain, altered]))
        decoded = [
            self._features.decode_many([self._ids[row] for row in rows[plain]]),
            self._features.decode_many([self._ids[row] for row in rows[altered]], self._alteration, step),
        ]
        self._pictures = torch.cat(decoded)[torch.from_numpy(order)]
        with torch.no_grad():
            given = self._encode_all(self._chunks(self._pictures))
        self._given = given.requires_grad_()
        return self._given

    def backward(self) -> None:
        """Encode the last batch again, chunk by chunk, and send the gradient at its features through the networks."""
        if self._given.grad is None:
            return
        for pictures, gradient in zip(self._chunks(self._pictures), self._chunks(self._given.grad), strict=True):
            self._encode(pictures).backward(gradient)  # type: ignore[no-untyped-call]

    def encode(self, ids: Sequence[str]) -> np.ndarray:
        """Return float32 [ids, dim]; several processes share the work, and each has all of the result."""
        size = self._options.chunk
        chunks = [ids[start : start + size] for start in range(0, len(ids), size)]
        own = chunks[ranks().part(len(chunks))]  # whole chunks, encoded as one process alone would
        with torch.no_grad():
            encoded = self._encode_all(self._features.decode_many(chunk) for chunk in own)
        return gather(encoded).numpy()

    def encode_pairs(self, rows: np.ndarray) -> np.ndarray:
        """Return float32 [rows, dim]."""
        return self.encode([self._ids[row] for row in rows])

    def _chunks(self, rows: torch.Tensor) -> Sequence[torch.Tensor]:
        return torch.split(rows, self._options.chunk) if len(rows) else ()

    def _encode_all(self, chunks: Iterable[torch.Tensor]) -> torch.Tensor:
        return torch.cat([torch.empty(0, self._features.dim), *map(self._encode, chunks)])

    def _encode(self, pictures: torch.Tensor) -> torch.Tensor:
        pictures = pictures.to(self._device)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._options.precision == "bf16"):
            encoded = torch.cat([network(pictures) for network in self._features.networks], dim=1)
        return encoded.float().cpu()

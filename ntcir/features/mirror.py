"""Pictures and their mirror images, as ``features.mirror`` asks for both."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b, sha256
from typing import Any

import numpy as np

from ntcir.features.backbones import FrozenNetwork
from ntcir.features.store import STORE_VERSION, FeatureStore

FOLDER = "mirror"  # of the features of mirror images, within the folder of those of the pictures


def mirrored(picture: np.ndarray) -> np.ndarray:
    """Return a picture [..., width] whose left is its right."""
    return np.ascontiguousarray(picture[..., ::-1])


def joined(parts: Sequence[np.ndarray], *, mirror: bool) -> np.ndarray:
    """Return rows of several networks as one: what all say of the pictures, then what all say of the mirror images.

    Args:
        parts: of each network, float32 [n, its columns].
        mirror: whether each has the mirror images' features behind those of the pictures.
    """
    views = zip(*(np.split(part, 2, axis=1) for part in parts), strict=True) if mirror else [parts]
    return np.concatenate([part for view in views for part in view], axis=1)


def mirror_store(network: FrozenNetwork, store: FeatureStore) -> FeatureStore:
    """Open the store of what a network says of mirror images, beside that of the pictures as they are.

    Raises:
        UserError: if its folder cannot be used.
    """
    counted = [network.meta["fingerprint"], FOLDER, STORE_VERSION]
    meta = {
        "network": network.meta["fingerprint"],
        "mirror": True,
        "dim": network.dim,
        "fingerprint": sha256(json.dumps(counted).encode()).hexdigest(),
    }
    return FeatureStore(store.folder / FOLDER, meta)


class MirroredAtRandom:
    """Mirrors half of the pictures, at random: the same ones for the same seed, whoever asks, when and in which order.

    It is an ``Alteration``.

    Args:
        seed: of the training.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    @property
    def meta(self) -> Mapping[str, Any]:
        """What determines the pictures."""
        return {"mirror": self._seed}

    def __call__(self, picture: np.ndarray, item: str, view: int) -> np.ndarray:
        """Return a picture or its mirror image, uint8 [3, height, width].

        Args:
            picture: left as it is.
            item: the picture's id.
            view: the training step for which it is drawn.
        """
        key = f"{self._seed}/{view}/{item}".encode(errors="surrogatepass")
        return mirrored(picture) if blake2b(key, digest_size=1, person=b"mirror").digest()[0] % 2 else picture

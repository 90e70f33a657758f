"""Frozen text networks: what makes features of captions, and which one a configuration means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from ntcir.config import Features, Texts
from ntcir.config.places import OPEN_CLIP, path_of_text_network
from ntcir.system.devices import find_device
from ntcir.system.errors import UserError


class TextNetwork(Protocol):
    """A network with fixed weights that turns texts into rows of numbers.

    Attributes:
        name: for people and folders.
        dim: columns of a row.
        meta: what determines the features: the network, its weights, its settings and their fingerprint.
        length: tokens that it reads of a text, after which it is cut off; None where it reads all.
    """

    name: str
    dim: int
    meta: dict[str, Any]
    length: int | None

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return a row for each text, float32 [len(texts), dim]; an empty text has one too."""
        ...

    def tokens(self, text: str) -> int:
        """Return how many tokens a whole text has, those at its beginning and end included."""
        ...


def open_text_network(texts: Texts, features: Features) -> TextNetwork:
    """Load the network that a configuration names.

    Args:
        texts: which network, how many captions it is given at a time.
        features: has the device and, for a network of open_clip, the image side.

    Raises:
        UserError: if none is named, it cannot be loaded, or a library is not installed.
    """
    if texts.network is None:
        raise UserError(
            "The encoder sentences needs a network: give the folder of a sentence-transformers model in "
            f"texts.network, or {OPEN_CLIP}NAME."
        )
    device = find_device(features.device, "features.device")
    folder = path_of_text_network(texts.network)
    if folder is not None:
        from ntcir.features.sentence_networks import SentenceNetwork

        if texts.weights is not None:
            raise UserError(
                f"texts.weights is for {OPEN_CLIP}NAME: the weights of a sentence encoder lie in its folder, {folder}."
            )
        return SentenceNetwork(folder, device, texts.batch)
    from ntcir.features.open_clip_texts import OpenClipTexts

    return OpenClipTexts.of(texts, features, device)


def folder_name(network: TextNetwork) -> str:
    """Return the name of the folder of a network's features."""
    plain = re.sub(r"[^\w.-]+", "_", network.name).strip("._")[:60] or "network"
    return f"texts-{plain}-{network.meta['fingerprint'][:10]}"

"""The text side of CLIP-like models, which leads into the space of their image side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ntcir.config import Features, Texts
from ntcir.config.places import OPEN_CLIP, path_of_weights
from ntcir.features.fingerprints import fingerprint_of, weights_sha256
from ntcir.features.open_clip_models import import_open_clip, open_clip_config, open_clip_model
from ntcir.features.weight_files import file_in
from ntcir.system.errors import UserError, short
from ntcir.system.libraries import hushed
from ntcir.system.progress import say

RANDOM = "random"
_OTHER = ("visual.", "logit_")  # how the names begin of weights that a text does not meet


class OpenClipTexts:
    """The projected features of texts, as ``encode_text`` gives them: not normalised.

    Args:
        name: of the model, as open_clip has it.
        weights: a checkpoint of the whole model; None for random weights.
        seed: of random weights.
        device: where it runs.
        batch: texts at a time.

    Raises:
        UserError: if open_clip or a tokenizer is not there, or the weights do not fit.
    """

    def __init__(self, name: str, weights: Path | None, seed: int, device: torch.device, batch: int) -> None:
        self.name, self._device, self._batch = f"{OPEN_CLIP}{name}", device, batch
        config = open_clip_config(name)
        self._tokenizer = _tokenizer(name)
        model: Any = open_clip_model(name, weights, seed)
        del model.visual  # half of the memory or more
        self._model = model.to(device)
        self.length: int | None = int(self._tokenizer.context_length)
        self.dim = self.encode([""]).shape[1]
        own = {key: value for key, value in model.state_dict().items() if not key.startswith(_OTHER)}
        settings = {
            "texts": "open_clip",
            "config": {key: value for key, value in config.items() if key != "vision_cfg"},
            "tokenizer": type(self._tokenizer).__name__,
            "dim": self.dim,
            "weights_sha256": weights_sha256(own),
        }
        self.meta = {**settings, "fingerprint": fingerprint_of(settings), "network": self.name}

    @classmethod
    def of(cls, texts: Texts, features: Features, device: torch.device) -> OpenClipTexts:
        """Load the model that ``texts.network`` names, with its own weights or those of the image side.

        Raises:
            UserError: if nothing says which weights.
        """
        network = str(texts.network)
        name = network.removeprefix(OPEN_CLIP)
        same = next((each for each in features.backbones if each.arch == network), None)
        weights = texts.weights or (same.weights if same else None)
        key = "texts.weights" if texts.weights or not same else "the weights in features.backbones"
        if weights is None:
            raise UserError(
                f"texts.network = {network} needs weights: give a file in texts.weights, or name the same network in "
                "features.backbones."
            )
        seed = same.seed if same else 0
        if weights == RANDOM:
            say(
                f"WARNING: the text side of {network} has RANDOM weights (seed {seed}), as `weights: random` asks for; "
                "its features say nothing about what trained ones can do."
            )
            return cls(name, None, seed, device, texts.batch)
        path = path_of_weights(weights)
        if path is None:
            raise UserError(
                f"{network} has no published weights '{short(weights)}' here: give the path of a checkpoint as {key}."
            )
        return cls(name, file_in(path), seed, device, texts.batch)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return a row for each text, float32 [len(texts), dim]."""
        found = []
        with torch.inference_mode(), hushed():
            for start in range(0, len(texts), self._batch):
                tokens = self._tokenizer(list(texts[start : start + self._batch])).to(self._device)
                found.append(self._model.encode_text(tokens).float().cpu().numpy())
        return np.concatenate(found)

    def tokens(self, text: str) -> int:
        """Return how many tokens a whole text has."""
        own = getattr(self._tokenizer, "tokenizer", None)  # of transformers
        with hushed():
            return len(own(text)["input_ids"]) if own is not None else len(self._tokenizer.encode(text)) + 2


def _tokenizer(name: str) -> Any:
    """Return what turns texts into tokens.

    Raises:
        UserError: if it is not on this machine.
    """
    open_clip = import_open_clip()
    try:
        with hushed():
            return open_clip.get_tokenizer(name)
    except Exception as error:  # whatever a configuration may lead to
        words = " ".join(str(error).split())[:200]
        raise UserError(
            f"The tokenizer of open_clip:{name} cannot be loaded without the network ({words}): download the whole "
            "model with its tokenizer, and name its folder as open_clip:local-dir:FOLDER."
        ) from error

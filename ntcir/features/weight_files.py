"""Weights of networks that nobody publishes for us: a file, or the folder that a hub's model was downloaded to."""

from __future__ import annotations

from pathlib import Path

import torch

from ntcir.config import Backbone
from ntcir.features.weights import read_checkpoint
from ntcir.system.errors import UserError, short

# What model folders call them, the safer format first.
_NAMES = (
    "open_clip_model.safetensors", "model.safetensors", "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin", "pytorch_model.bin",
)  # fmt: skip


def weights_of(backbone: Backbone) -> dict[str, torch.Tensor] | None:
    """Return the weights that a backbone of timm names; None for random ones.

    Raises:
        UserError: if it names published ones, or they cannot be read.
    """
    path = weights_path(backbone)
    return None if path is None else read_checkpoint(path)


def weights_path(backbone: Backbone) -> Path | None:
    """Return the file of weights that a backbone of timm or open_clip names; None for random ones.

    Raises:
        UserError: if it names published ones, or a folder without such a file.
    """
    if backbone.weights == "random":
        return None
    if backbone.checkpoint is None:
        raise UserError(
            f"There are no weights '{short(backbone.weights)}' for {backbone.arch}, and nothing is fetched for it: "
            "give the path of a checkpoint, or `random`."
        )
    return file_in(backbone.checkpoint)


def file_in(path: Path) -> Path:
    """Return the file of weights in a folder; a path that is none stays as it is.

    Raises:
        UserError: if a folder has none.
    """
    if not path.is_dir():
        return path
    found = next((path / name for name in _NAMES if (path / name).is_file()), None)
    if found is None:
        raise UserError(f"The folder {path} has no weights ({', '.join(_NAMES)}): give the path of a checkpoint.")
    return found

"""Small networks of timm and open_clip for tests, skipped by name where these are not installed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ntcir.config import Backbone
from ntcir.features.backbones import FrozenNetwork
from ntcir.features.decode import Squares
from ntcir.system.libraries import confine_libraries

NEEDED = {"timm": "timm", "open_clip": "open_clip_torch"}
TINY = "ntcir-tiny"  # the name of a small CLIP
# Pictures of 32 x 32, 8 columns.
TINY_CONFIG = {
    "embed_dim": 8,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}


def require(name: str) -> None:
    confine_libraries()  # the hub's client reads its switches once, when one of these libraries first imports it
    pytest.importorskip(name, reason=f"{NEEDED[name]} is not installed")


def tiny_clip(folder: Path) -> str:
    """Tell open_clip of a small model, and return its name as an ``arch``."""
    require("open_clip")
    from ntcir.features.open_clip_models import import_open_clip

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{TINY}.json"
    path.write_text(json.dumps(TINY_CONFIG), encoding="utf-8")
    import_open_clip().add_model_config(path)
    return f"open_clip:{TINY}"


def timm_net(name: str = "test_efficientnet", **changes: object) -> Backbone:
    require("timm")
    return Backbone.model_validate({"arch": f"timm:{name}", "weights": "random"} | changes)


def squares(networks: Sequence[FrozenNetwork], images: np.ndarray) -> list[Squares]:
    """Return the same pictures as all of the networks are given them."""
    return [{network.preprocessing.square: image for network in networks} for image in images]

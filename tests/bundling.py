"""What tests of bundles share: a small model whose image network is a real one, with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from helpers import toy_config, toy_corpus

from ntcir.config import Config
from ntcir.encoders.presets import chosen_columns
from ntcir.encoders.readings import ReadingsEncoder
from ntcir.features.backbones import FrozenNetwork
from ntcir.model import Model

SMALL: dict[str, Any] = {"arch": "squeezenet1_1", "weights": "random", "grid": 2}


def small_config(backbone: dict[str, Any] | None = None, **changes: Any) -> Config:
    """Return a toy's configuration with one network, as fast as it gets; dots in keys are written ``__``."""
    options: dict[str, Any] = {
        "features__backbones": [backbone or SMALL], "features__size": 64, "features__crop": 64,
        "features__resize": "squash",
    }  # fmt: skip
    return toy_config(**options | changes)


def small_model(config: Config | None = None) -> Model:
    """Return an untrained model with the fingerprints of its frozen network and the toy corpus's readings."""
    config, corpus = config or small_config(), toy_corpus()
    networks = [FrozenNetwork(backbone, config.features) for backbone in config.features.backbones]
    readings = ReadingsEncoder.fit(chosen_columns(config.sensors, corpus.sensors, corpus.layout), corpus.sensors)
    prints = [str(network.meta["fingerprint"]) for network in networks]
    model = Model(config, readings, sum(network.dim for network in networks), prints, {"corpus": "toy"})
    model.standardise_images(np.random.default_rng(0).normal(1, 1, (30, model.image_dim)).astype(np.float32))
    return model


def write_model(folder: Path, config: Config | None = None) -> Path:
    """Save a small model as training does, without its networks, and return its folder."""
    small_model(config).save(folder)
    return folder


def write_weights(path: Path, *, head: bool = True, seed: int = 0) -> Path:
    """Write a checkpoint of the small network, with its classifier or without."""
    import torchvision

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        state = torchvision.models.get_model(SMALL["arch"], weights=None).state_dict()
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({name: value for name, value in state.items() if head or not name.startswith("classifier")}, path)
    return path

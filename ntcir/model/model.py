"""The towers together: what is trained, saved, loaded and asked for vectors."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from torch import nn

from ntcir.config import Config
from ntcir.encoders.readings import ReadingsEncoder
from ntcir.encoders.saved_readings import check_saved
from ntcir.features.backbones import FrozenNetwork
from ntcir.model.folder import CARD, CONFIG, ENCODERS, WEIGHTS, Saved, read_model, reading, write_model
from ntcir.model.version1 import lift_state
from ntcir.sampling.positives import group_equal_rows
from ntcir.system.errors import UserError
from ntcir.towers.image import Standardise, image_tower
from ntcir.towers.sensor import sensor_tower

__all__ = ["CARD", "CONFIG", "ENCODERS", "WEIGHTS", "Model", "Vectors"]

_BLOCK = 4096  # rows encoded at once


@dataclass
class Vectors:
    """Unit vectors of items, and which of the items are the same to the model.

    Attributes:
        vectors: float32 [items, dim].
        twins: int64 [items], equal numbers for equal inputs.
    """

    vectors: np.ndarray
    twins: np.ndarray


@dataclass
class Model:
    """Two towers, the sensor statistics and the configuration they were trained with.

    Attributes:
        config: resolved.
        readings: encodes raw readings for the sensor tower.
        image_dim: length of the image features.
        fingerprints: of the image networks, in order.
        card: facts for people: corpus, steps, validation MRR.
        networks: the image networks, where they belong to the model: trained along with it, or frozen and stored inside
            so that it needs nothing else. None where the configuration says where they are found.
        towers: ``image`` and ``sensor``.
    """

    config: Config
    readings: ReadingsEncoder
    image_dim: int
    fingerprints: list[str]
    card: dict[str, Any] = field(default_factory=dict)
    networks: list[FrozenNetwork] | None = None
    towers: nn.ModuleDict = field(init=False)
    log_temperature: nn.Parameter = field(init=False)

    def __post_init__(self) -> None:
        options = self.config.towers
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.config.seed)
            self.towers = nn.ModuleDict(
                {
                    "image": image_tower(self.image_dim, options),
                    "sensor": sensor_tower(
                        self.readings.continuous,
                        self.readings.vocabulary_sizes,
                        self.config.sensors.embedding_dim,
                        options,
                    ),
                }
            )
        training = self.config.training
        self.log_temperature = nn.Parameter(
            torch.tensor(float(np.log(training.temperature))), requires_grad=training.learn_temperature
        )

    def standardise_images(self, features: np.ndarray) -> None:
        """Take the statistics of the training split's image features, where the configuration asks for it."""
        for part in self.towers["image"].modules():
            if isinstance(part, Standardise):
                part.fit(features)

    def encode_images(self, features: np.ndarray, seen: dict[bytes, int] | None = None) -> Vectors:
        """Encode image features float32 [items, image_dim].

        Args:
            features: of all items, or of a block of them.
            seen: numbers the twins through, over several blocks; see ``group_equal_rows``.
        """
        return Vectors(self.unit_vectors("image", features), group_equal_rows(features, seen))

    def encode_readings(self, table: pd.DataFrame) -> Vectors:
        """Encode raw readings, one row an item."""
        encoded = self.readings.encode(table)
        return Vectors(self.unit_vectors("sensor", encoded), group_equal_rows(encoded))

    def unit_vectors(self, modality: Literal["image", "sensor"], rows: np.ndarray) -> np.ndarray:
        """Encode image features or readings that are encoded already; float32 [items, dim]."""
        tower = self.towers[modality]
        training = tower.training
        tower.eval()
        with torch.inference_mode():
            blocks = [
                tower(torch.from_numpy(np.ascontiguousarray(rows[start : start + _BLOCK]))).numpy()
                for start in range(0, len(rows), _BLOCK)
            ]
        tower.train(training)
        return np.concatenate(blocks) if blocks else np.empty((0, self.config.towers.dim), dtype=np.float32)

    def state(self) -> dict[str, torch.Tensor]:
        """Return the weights by name."""
        state = {**self.towers.state_dict(prefix="towers."), "log_temperature": self.log_temperature.detach()}
        for number, network in enumerate(self.networks or ()):
            weights = network.network.state_dict(prefix=f"networks.{number}.")
            state |= {name: value.cpu() for name, value in weights.items()}
        return lift_state(state)

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """Take the weights that ``state`` returned."""
        state = _as_modules(state)
        self.towers.load_state_dict(_under("towers.", state))
        for number, network in enumerate(self.networks or ()):
            weights = OrderedDict(_under(f"networks.image.{number}.", state))
            # The versions of its modules, which files leave out and one of torchvision's networks (MNASNet) insists on.
            weights._metadata = network.network.state_dict()._metadata  # type: ignore[attr-defined]
            network.network.load_state_dict(weights)
        with torch.no_grad():
            self.log_temperature.copy_(state["log_temperature"])

    def embed_networks(self) -> None:
        """Make the networks that the configuration names part of the model: what ``save`` writes then needs no others.

        Raises:
            UserError: if their weights cannot be had, or are not those the model was trained with.
        """
        if self.networks is None:
            options = self.config.features
            networks = [FrozenNetwork(backbone, options) for backbone in options.backbones]
            self.require_networks([str(network.meta["fingerprint"]) for network in networks])
            self.networks = networks

    def require_networks(self, fingerprints: Sequence[str]) -> None:
        """Check that image networks of these fingerprints are those the model was trained with.

        Raises:
            UserError: if they are others.
        """
        if list(fingerprints) != self.fingerprints:
            raise UserError(
                "The image networks have other weights or preprocessing than those the model was trained with: "
                "give it the same weights again, or train it again."
            )

    def save(self, folder: Path) -> None:
        """Write the model: configuration, statistics, card, and last the weights, without which it does not count."""
        for network in self.networks or ():
            network.retrained()
        if self.networks:
            self.fingerprints = [str(network.meta["fingerprint"]) for network in self.networks]
        encoders = {
            "image": {"kind": "frozen", "dim": self.image_dim, "fingerprints": self.fingerprints},
            "sensor": {"kind": "readings", **self.readings.to_json()},
        }
        write_model(folder, Saved(self.config, encoders, self.card, self.state()))

    @classmethod
    def load(cls, folder: Path) -> Model:
        """Read a model that ``save`` wrote.

        Raises:
            UserError: if there is none, or it is of a later format, damaged, or cannot be read.
        """
        saved = read_model(folder)
        with reading(folder):
            networks = _stored_networks(saved.config, saved.state)
            image, sensor = (saved.encoders[modality] for modality in ("image", "sensor"))
            check_saved(sensor)
            readings = ReadingsEncoder.from_json(sensor)
            model = cls(saved.config, readings, image["dim"], image["fingerprints"], saved.card, networks)
            model.load_state(saved.state)
        return model


def _stored_networks(config: Config, state: Mapping[str, torch.Tensor]) -> list[FrozenNetwork] | None:
    """Return the image networks whose weights a model's file holds; None where it holds none and needs none.

    Raises:
        ValueError: if weights are absent or do not fit.
    """
    if not config.encoder.finetune and not any(name.startswith("networks.") for name in state):
        return None
    try:
        return [
            FrozenNetwork(backbone, config.features, _under(f"networks.image.{number}.", state))
            for number, backbone in enumerate(config.features.backbones)
        ]
    except UserError as error:  # which speaks of weights that a user names
        raise ValueError(str(error)) from error


def _as_modules(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return weights under the names that the modules have, until these are stem and head and bear the names of files.

    To be removed with ``lift_state`` in ``Model.state``.
    """
    with_stem = {name.split(".")[1] for name in state if re.match(r"towers\.\w+\.stem\.", name)}

    def former(name: str) -> str:
        if layer := re.fullmatch(r"towers\.(\w+)\.(?:stem|head\.(\d+))\.(.+)", name):
            number = int(layer[2]) + (layer[1] in with_stem) if layer[2] else 0
            return f"towers.{layer[1]}.head.{number}.{layer[3]}"
        return "log_temperature" if name == "learnt.0.log_temperature" else name

    return {former(name): value for name, value in state.items()}


def _under(prefix: str, state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the weights whose names begin so, without that beginning."""
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}

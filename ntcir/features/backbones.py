"""Frozen image networks: from a batch of bytes to pooled features or logits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ntcir.config import Backbone, Features
from ntcir.config.places import OPEN_CLIP, TIMM
from ntcir.features import open_clip_networks, timm_networks, torchvision_networks
from ntcir.features.built import Built
from ntcir.features.fingerprints import fingerprint_of, weights_sha256
from ntcir.features.levels import levels_of
from ntcir.features.preprocessing import configured
from ntcir.system.errors import UserError, reason_of

# How names in `arch` begin -> what makes these networks; all others are torchvision's.
_LIBRARIES: dict[str, Callable[[Backbone, Mapping[str, torch.Tensor] | None], Built]] = {
    TIMM: timm_networks.build,
    OPEN_CLIP: open_clip_networks.build,
}


class FrozenNetwork(nn.Module):
    """An image network with fixed weights, in eval mode (BatchNorm keeps its statistics).

    Args:
        backbone: which network, and with which weights.
        options: the preprocessing, where the network does not name its own.
        state: weights in place of those that ``backbone`` names, such as fine-tuned ones.

    Attributes:
        dim: the length of a feature vector.
        levels: what gives the feature maps of several layers, where the backbone names some; it has the network's own
            parameters.
        widths: columns of each of these levels; without any, ``dim`` alone.
        preprocessing: what it is given.
        meta: what determines the features: network, weights, preprocessing and their fingerprint.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, backbone: Backbone, options: Features, state: Mapping[str, torch.Tensor] | None = None) -> None:
        super().__init__()
        self.backbone = backbone
        self.options = options
        built = _builder(backbone.arch)(backbone, state)
        self.network = built.network
        self.network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
        self.trunk, self.head, self.cut, self.folds = built.trunk, built.head, built.cut, built.folds
        self._spare = built.spare
        self.preprocessing = built.preprocess(options)
        self.register_buffer("mean", torch.tensor(self.preprocessing.statistics.mean).view(1, 3, 1, 1) * 255)
        self.register_buffer("std", torch.tensor(self.preprocessing.statistics.std).view(1, 3, 1, 1) * 255)
        self.levels: nn.Module | None = None
        with self._tried():
            size = self.preprocessing.square.crop
            if backbone.levels:
                self.levels, self.widths = levels_of(self.network, backbone, size)
            with torch.inference_mode():
                self.dim = int(self(torch.zeros(1, 3, size, size, dtype=torch.uint8)).shape[1])
        if not backbone.levels:
            self.widths = [self.dim]
        self.meta = self._meta()

    def retrained(self) -> None:
        """Note that the weights were changed, which changes their fingerprint."""
        self.meta = self._meta()

    def train(self, mode: bool = True) -> FrozenNetwork:
        """Stay in eval mode: the statistics of a frozen network's BatchNorm must not drift."""
        return super().train(False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Encode uint8 [batch, 3, height, width] to float32 [batch, dim], with a gradient if one is asked for.

        This is the reference, in single precision; ``backends`` has what is faster.
        """
        scaled = ((images.float() - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        if self.levels is not None:
            rows: torch.Tensor = self.levels(scaled)
            return rows
        if self.trunk is not None:
            maps = self.trunk(scaled).float()
            return nn.functional.adaptive_avg_pool2d(maps, self.backbone.grid).flatten(1)
        if self.cut and self.head is not None:
            return _given_to(self.network.get_submodule(self.head), self.network, scaled).float()
        result: torch.Tensor = self.network(scaled).float()
        return result

    @contextmanager
    def _tried(self) -> Iterator[None]:
        """Report in one sentence that the network cannot process pictures of the size it is given.

        Raises:
            UserError: if the body shows that.
        """
        try:
            yield
        except (RuntimeError, AssertionError, ValueError) as error:
            size = self.preprocessing.square.crop
            raise UserError(
                f"{self.backbone.arch} cannot process images of {size} x {size} pixels ({reason_of(error)}): "
                "choose another features.size and features.crop."
            ) from error

    def _meta(self) -> dict[str, Any]:
        state = self.network.state_dict()
        ours = ":" in self.backbone.arch  # torchvision's are written as they were before there were others
        meta = {
            "arch": self.backbone.arch,
            "weights": Path(self.backbone.weights).name,
            "weights_sha256": weights_sha256({name: state[name] for name in state if not name.startswith(self._spare)}),
            "output": self.backbone.output,
            "grid": self.backbone.grid,
            "preprocessing": self.preprocessing.described() if ours else configured(self.preprocessing.square),
            "precision": self.options.precision,
            "dim": self.dim,
        }
        if self.backbone.levels:  # others keep the fingerprint that they had before there were levels
            meta["levels"] = [level.model_dump(mode="json") for level in self.backbone.levels]
        # The name of the weights is for people; what counts is what is in them.
        return meta | {"fingerprint": fingerprint_of({key: meta[key] for key in meta if key != "weights"})}


def _builder(arch: str) -> Callable[[Backbone, Mapping[str, torch.Tensor] | None], Built]:
    """Return what makes networks of such a name.

    Raises:
        UserError: if it begins with no library that is known.
    """
    for prefix, build in _LIBRARIES.items():
        if arch.startswith(prefix):
            return build
    if ":" in arch:
        raise UserError(
            f"features.backbones: there is no library '{arch.partition(':')[0]}' of image networks ('{arch}'): give a "
            f"name of torchvision's, {TIMM}NAME or {OPEN_CLIP}NAME."
        )
    return torchvision_networks.build


def _given_to(head: nn.Module, network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Return what the last layer of a network is given, [batch, dim]."""
    seen: list[torch.Tensor] = []
    handle = head.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    try:
        network(images)
    finally:
        handle.remove()
    return seen[-1].flatten(1)

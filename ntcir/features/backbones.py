"""Frozen image networks: from a batch of bytes to pooled features or logits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ntcir.config import Backbone, Features
from ntcir.config.places import OPEN_CLIP, TIMM
from ntcir.features import open_clip_networks, timm_networks, torchvision_networks
from ntcir.features.built import Built
from ntcir.features.fingerprints import fingerprint_of, weights_sha256
from ntcir.features.preprocessing import configured
from ntcir.system.errors import UserError

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
        self.dim = self._tried()
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
        if self.trunk is not None:
            maps = self.trunk(scaled).float()
            return nn.functional.adaptive_avg_pool2d(maps, self.backbone.grid).flatten(1)
        if self.cut and self.head is not None:
            return _given_to(self.network.get_submodule(self.head), self.network, scaled).float()
        result: torch.Tensor = self.network(scaled).float()
        return result

    def _tried(self) -> int:
        """Return the length of a feature vector.

        Raises:
            UserError: if the network cannot process pictures of the size it is given.
        """
        size = self.preprocessing.square.crop
        with torch.inference_mode():
            try:
                return int(self(torch.zeros(1, 3, size, size, dtype=torch.uint8)).shape[1])
            except (RuntimeError, AssertionError, ValueError) as error:
                reason = " ".join(str(error).split())[:200]
                raise UserError(
                    f"{self.backbone.arch} cannot process images of {size} x {size} pixels ({reason}): choose another "
                    "features.size and features.crop."
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

"""A frozen network made ready to be run and never trained: norms folded into convolutions, in another precision."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import torch
from torch import nn

from ntcir.config import Features
from ntcir.features.backbones import FrozenNetwork
from ntcir.system.machine import has_fast_bf16


def precision_of(options: Features, device: torch.device) -> str:
    """Return ``fp32`` or ``bf16``: as configured, or what the device is fast at."""
    if options.precision != "auto":
        return options.precision
    if any(":" in backbone.arch for backbone in options.backbones):
        # Networks of timm and open_clip are of too many kinds: EfficientNet-Lite2, whose weights lose too much by being
        # rounded, gives features at a cosine of 0.998 in bf16, by every backend.
        return "fp32"
    if device.type == "cuda":
        # GPUs older than Ampere emulate it, which is slow, and report that they have it; AMD's have it.
        return "bf16" if torch.version.hip or torch.cuda.get_device_capability(device) >= (8, 0) else "fp32"
    return "bf16" if has_fast_bf16() else "fp32"


def batch_of(options: Features, device: torch.device) -> int:
    """Return how many pictures a network is given at a time: as configured, or what the device is fast at."""
    return options.batch or (256 if device.type == "cuda" else 32)


class Inference(nn.Module):
    """A copy of a frozen network that encodes uint8 [batch, 3, height, width] to float32 [batch, dim].

    Convolutions take over what BatchNorm does (Jacob et al. 2018, section 3.2), where the network can be traced. It can
    be exported: it has no hooks and no branches of its own.

    Args:
        network: stays as it is.
        dtype: in which it computes.
        device: where.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, network: FrozenNetwork, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__()
        self._dtype, self._grid = dtype, network.backbone.grid
        self._pools = network.levels is None and network.trunk is not None  # levels are pooled where they are taken
        if network.levels is not None:
            body = deepcopy(network.levels)
        else:
            body = deepcopy(network.trunk if network.trunk is not None else network.network)
        if network.head is not None and network.levels is None and not self._pools:
            _replace(body, network.head, lambda head: nn.Identity() if network.cut else _Double(head))
        body = _folded(body.eval()) if network.folds else body.eval()
        self.body = _in_precision(body, dtype).to(device)
        self.body.to(memory_format=torch.channels_last)
        self.register_buffer("mean", network.mean.detach().clone().to(device))
        self.register_buffer("std", network.std.detach().clone().to(device))
        self.requires_grad_(False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Encode pictures."""
        # To the layout that convolutions want while pictures are still small.
        scaled = (images.contiguous(memory_format=torch.channels_last).float() - self.mean) / self.std
        result: torch.Tensor = self.body(scaled.to(self._dtype)).float()
        if self._pools:
            result = nn.functional.adaptive_avg_pool2d(result, self._grid)
        return result.flatten(1)


class _Double(nn.Module):
    """A linear layer in double precision: otherwise its sums would depend on how many pictures there are at a time."""

    def __init__(self, linear: nn.Module) -> None:
        super().__init__()
        self.in_double = linear

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.in_double(rows.double())
        return result


def _replace(network: nn.Module, name: str, replace: Callable[[nn.Module], nn.Module]) -> None:
    """Put something in the place of a part of a network."""
    parent, _, child = name.rpartition(".")
    setattr(network.get_submodule(parent), child, replace(network.get_submodule(name)))


def _folded(network: nn.Module) -> nn.Module:
    from torch.fx.experimental.optimization import fuse

    try:
        folded: nn.Module = fuse(network)
    except Exception:  # what cannot be traced stays as it is: it is only slower
        return network
    return folded


def _in_precision(network: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Return the network in ``dtype``, but for what needs more: statistics of norms that are left, and ``_Double``."""
    network = network.to(dtype)
    for name, part in network.named_modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.float()
        elif name.endswith("in_double"):
            part.double()
    return network

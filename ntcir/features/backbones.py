"""Frozen image networks: from a batch of bytes to pooled features or logits."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ntcir.config import Backbone, Features
from ntcir.features.store import STORE_VERSION
from ntcir.features.weights import PLACES365_CLASSES, published_state, read_checkpoint
from ntcir.system.errors import UserError, did_you_mean
from ntcir.system.libraries import confine_libraries
from ntcir.system.progress import say
from ntcir.system.tensor_files import not_finite

# ImageNet's channel statistics, used by torchvision's classifiers and by Places365's alike.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class FrozenNetwork(nn.Module):
    """A torchvision classifier with fixed weights, in eval mode (BatchNorm keeps its statistics).

    Args:
        backbone: which network, and with which weights.
        options: the preprocessing.
        state: weights in place of those that ``backbone`` names, such as fine-tuned ones.

    Attributes:
        dim: the length of a feature vector.
        meta: what determines the features: network, weights, preprocessing and their fingerprint.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, backbone: Backbone, options: Features, state: Mapping[str, torch.Tensor] | None = None) -> None:
        super().__init__()
        self.backbone = backbone
        self.options = options
        self.network = _build(backbone, state)
        self.network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
        self.trunk = _trunk(self.network) if backbone.output == "pooled" else None
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1) * 255)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1) * 255)
        if backbone.output == "pooled" and self.trunk is None and backbone.grid > 1:
            raise UserError(f"{backbone.arch} has no feature map to pool into a grid: use grid: 1.")
        size = options.crop
        with torch.inference_mode():
            try:
                self.dim = self(torch.zeros(1, 3, size, size, dtype=torch.uint8)).shape[1]
            except (RuntimeError, AssertionError, ValueError) as error:
                reason = " ".join(str(error).split())[:200]
                raise UserError(
                    f"{backbone.arch} cannot process images of {size} x {size} pixels ({reason}): choose another "
                    "features.size and features.crop."
                ) from error
        self.meta = self._meta(options)

    def retrained(self) -> None:
        """Note that the weights were changed, which changes their fingerprint."""
        self.meta = self._meta(self.options)

    def train(self, mode: bool = True) -> FrozenNetwork:
        """Stay in eval mode: the statistics of a frozen network's BatchNorm must not drift."""
        return super().train(False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Encode uint8 [batch, 3, height, width] to float32 [batch, dim], with a gradient if one is asked for.

        This is the reference, in single precision; ``backends`` has what is faster.
        """
        scaled = ((images.float() - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        if self.backbone.output == "logits":
            result: torch.Tensor = self.network(scaled).float()
            return result
        if self.trunk is None:
            return _penultimate(self.network, scaled).float()
        maps = self.trunk(scaled).float()
        return nn.functional.adaptive_avg_pool2d(maps, self.backbone.grid).flatten(1)

    def _meta(self, options: Features) -> dict[str, Any]:
        digest = hashlib.sha256()
        for name, tensor in sorted(self.network.state_dict().items()):
            if name.startswith(_spare(self.backbone)):
                continue
            digest.update(name.encode())
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        meta = {
            "arch": self.backbone.arch,
            "weights": Path(self.backbone.weights).name,
            "weights_sha256": digest.hexdigest(),
            "output": self.backbone.output,
            "grid": self.backbone.grid,
            "preprocessing": {key: getattr(options, key) for key in ("decode", "resize", "size", "crop")}
            | ({"resample": "torch"} if options.decode == "scaled" else {}),
            "precision": options.precision,
            "dim": self.dim,
        }
        # The name of the weights is for people; what counts is what is in them.
        counted = {key: value for key, value in meta.items() if key != "weights"} | {"version": STORE_VERSION}
        return meta | {"fingerprint": hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()}


_HEADS = ("fc.", "classifier.", "head.", "heads.")
_IDLE = ("aux", "AuxLogits")  # the Inceptions' auxiliary classifiers, of use in their own training only


def _build(backbone: Backbone, state: Mapping[str, torch.Tensor] | None) -> nn.Module:
    """Make the network and fill it with the weights asked for, or with those of ``state``."""
    confine_libraries()  # torchvision takes torch's compiler along, which makes its folder as it is imported
    import torchvision

    known = torchvision.models.list_models(module=torchvision.models)
    if backbone.arch not in known:
        raise UserError(f"torchvision has no classifier '{backbone.arch}'{did_you_mean(backbone.arch, known)}.")
    if state is None and backbone.weights == "random":
        say(
            f"WARNING: {backbone.arch} has RANDOM weights (seed {backbone.seed}), as `weights: random` asks for; its "
            "features say nothing about what trained ones can do."
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(backbone.seed)
            return _classifier(backbone.arch, None)
    path = backbone.checkpoint
    own = state is not None
    if state is None:
        state = read_checkpoint(path) if path else published_state(backbone.arch, backbone.weights)
    heads = {name: value for name, value in state.items() if name.startswith(_HEADS) and name.endswith("weight")}
    classes = list(heads.values())[-1].shape[0] if heads else None
    if backbone.weights == "places365" and not own and classes != PLACES365_CLASSES:
        raise UserError(
            f"The Places365 weights of {backbone.arch} have {classes} classes instead of {PLACES365_CLASSES}."
        )
    network = _classifier(backbone.arch, classes)
    _fill(network, state, backbone)
    counted = {name: value for name, value in network.state_dict().items() if not name.startswith(_spare(backbone))}
    if found := not_finite(counted):
        raise UserError(f"The weights {backbone.weights} of {backbone.arch} hold {found}: its training diverged.")
    return network


def _spare(backbone: Backbone) -> tuple[str, ...]:
    """Return how the names begin of weights that say nothing in the features: a checkpoint may lack them."""
    return (*_IDLE, *_HEADS) if backbone.output == "pooled" else _IDLE


def _classifier(arch: str, classes: int | None) -> nn.Module:
    confine_libraries()
    import torchvision

    options: dict[str, Any] = {}
    if arch in {"googlenet", "inception_v3"}:
        # Left open, init_weights gives a warning. Their published weights want another scaling of the picture, which
        # torchvision has them do themselves, but only where it loads the weights.
        options = {"init_weights": True, "transform_input": True}
    if classes is not None:
        options["num_classes"] = classes
    network: nn.Module = torchvision.models.get_model(arch, weights=None, **options)
    return network


def _fill(network: nn.Module, state: Mapping[str, torch.Tensor], backbone: Backbone) -> None:
    """Load the weights; a missing classifier is allowed where only pooled features are asked for."""
    own = network.state_dict()
    state = OrderedDict(state)
    if not hasattr(state, "_metadata"):  # the versions of modules: one of them (MNASNet) insists on its own
        state._metadata = OrderedDict({"": own._metadata[""]})  # type: ignore[attr-defined]
    wrong: list[str] = []
    missing: list[str] = []
    unknown: list[str] = []
    try:
        missing, unknown = network.load_state_dict(state, strict=False)  # the modules rename what was named otherwise
    except RuntimeError as error:
        wrong = [name for name, value in state.items() if name in own and own[name].shape != value.shape]
        if not wrong:
            reason = " ".join(str(error).split())[:200]
            raise UserError(f"The weights {backbone.weights} do not fit {backbone.arch} ({reason}).") from error
    # Old checkpoints lack the counters of BatchNorm, and where only pooled features are asked for no head is needed.
    spare = _spare(backbone)
    with torch.no_grad():
        for name in missing:
            if name.startswith(spare):  # drawn at random otherwise: whoever saves the network would save other bytes
                network.state_dict()[name].zero_()
    missing = [name for name in missing if not name.endswith("num_batches_tracked") and not name.startswith(spare)]
    for problem, names in (("other shapes for", wrong), ("no", missing), ("the unknown", unknown)):
        if names:
            raise UserError(
                f"The weights {backbone.weights} do not fit {backbone.arch} ({backbone.output}): they have {problem} "
                f"'{names[0]}'{f' and {len(names) - 1} more' if len(names) > 1 else ''}."
            )


def _trunk(network: nn.Module) -> nn.Module | None:
    """Return the part of a classifier up to its last feature map [batch, channels, height, width], if it has one."""
    if hasattr(network, "layer4") and hasattr(network, "fc"):  # the ResNet family
        return nn.Sequential(*[part for name, part in network.named_children() if name not in {"avgpool", "fc"}])
    parts = dict(network.named_children())
    if "stem" in parts and "trunk_output" in parts:  # RegNet
        return nn.Sequential(parts["stem"], parts["trunk_output"])
    kind = type(network).__name__
    if kind == "DenseNet":
        return nn.Sequential(parts["features"], nn.ReLU())
    # Swin keeps channels last and norms afterwards; what else has no feature map gives its penultimate layer.
    return parts.get("features") if kind != "SwinTransformer" else None


def _penultimate(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Return what the last linear layer of a classifier is given, [batch, dim]."""
    last = [part for part in network.modules() if isinstance(part, nn.Linear)][-1]
    seen: list[torch.Tensor] = []
    handle = last.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    try:
        network(images)
    finally:
        handle.remove()
    return seen[-1].flatten(1)

"""Torchvision's classifiers as image networks, with published weights or those of a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from ntcir.config import Backbone, Features
from ntcir.features.built import Built
from ntcir.features.filling import fill, require_finite, seeded
from ntcir.features.preprocessing import Preprocessing, Square
from ntcir.features.weights import PLACES365_CLASSES, published_state, read_checkpoint
from ntcir.system.errors import UserError, did_you_mean
from ntcir.system.libraries import confine_libraries

_HEADS = ("fc.", "classifier.", "head.", "heads.")
_IDLE = ("aux", "AuxLogits")  # the Inceptions' auxiliary classifiers, of use in their own training only


def build(backbone: Backbone, state: Mapping[str, torch.Tensor] | None) -> Built:
    """Make a classifier and fill it with the weights asked for, or with those of ``state``.

    Raises:
        UserError: if there is no such network, or its weights cannot be obtained or do not fit.
    """
    if backbone.preprocessing == "own":
        raise UserError(
            f"features.backbones: {backbone.arch} of torchvision has no preprocessing of its own; use "
            "`preprocessing: features` and set features.resize, features.size and features.crop."
        )
    network = _filled(backbone, state)
    pooled = backbone.output == "pooled"
    trunk = _trunk(network) if pooled else None
    if pooled and trunk is None and backbone.grid > 1:
        raise UserError(f"{backbone.arch} has no feature map to pool into a grid: use grid: 1.")
    linears = [name for name, part in network.named_modules() if isinstance(part, nn.Linear)]
    return Built(
        network,
        preprocess,
        trunk,
        head=linears[-1] if linears else None,
        cut=pooled and trunk is None,
        spare=_spare(backbone),
        folds=True,
    )


def preprocess(options: Features) -> Preprocessing:
    """Return what the section ``features`` says, standardised as for ImageNet."""
    return Preprocessing(Square.of(options))


def _filled(backbone: Backbone, state: Mapping[str, torch.Tensor] | None) -> nn.Module:
    confine_libraries()  # torchvision takes torch's compiler along, which makes its folder as it is imported
    import torchvision

    known = torchvision.models.list_models(module=torchvision.models)
    if backbone.arch not in known:
        raise UserError(f"torchvision has no classifier '{backbone.arch}'{did_you_mean(backbone.arch, known)}.")
    if state is None and backbone.weights == "random":
        with seeded(backbone):
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
    spare = _spare(backbone)
    fill(network, state, backbone, spare)
    require_finite(network, backbone, spare)
    return network


def _spare(backbone: Backbone) -> tuple[str, ...]:
    """Return how the names begin of weights that say nothing in the features: a checkpoint may lack them."""
    if any(f"{level.layer}.".startswith(_HEADS) for level in backbone.levels):
        return _IDLE  # a classifier may have feature maps as well
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

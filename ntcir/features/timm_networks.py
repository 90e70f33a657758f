"""Image networks of timm (``timm:NAME``): weights from a file, and the preprocessing that the model names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import nn

from ntcir.config import Backbone, Features
from ntcir.config.places import TIMM
from ntcir.features.built import Built
from ntcir.features.filling import fill, require_finite, seeded
from ntcir.features.preprocessing import Preprocessing, Resize, Square, Statistics
from ntcir.features.weight_files import weights_of
from ntcir.system.errors import UserError, did_you_mean, reason_of, short
from ntcir.system.libraries import confine_libraries, hushed

_RESIZE: dict[str, Resize] = {"center": "shorter", "squash": "squash"}  # timm's crop_mode -> ours


def build(backbone: Backbone, state: Mapping[str, torch.Tensor] | None) -> Built:
    """Make a network and fill it with the weights asked for, or with those of ``state``.

    Raises:
        UserError: if timm is not installed or has no such network, or the weights cannot be read or do not fit.
    """
    name = backbone.arch.removeprefix(TIMM)
    _check_name(name)
    if state is None:
        state = weights_of(backbone)
    network = _random(name, backbone) if state is None else _filled(name, backbone, state)
    return Built(
        network,
        partial(preprocess, backbone, network),
        trunk=_FeatureMap(network, backbone) if backbone.output == "pooled" and backbone.grid > 1 else None,
        head=_head(network) if backbone.output == "logits" else None,
    )


def preprocess(backbone: Backbone, network: nn.Module, options: Features) -> Preprocessing:
    """Return what a network is given: the pixels of timm's evaluation transform, or those of ``features``.

    Raises:
        UserError: if the model names something that is not done here.
    """
    named = _import_timm().data.resolve_model_data_config(network)
    statistics = Statistics.of(named["mean"], named["std"])
    if backbone.preprocessing == "features":
        return Preprocessing(Square.of(options), statistics)
    _, height, width = named["input_size"]
    if height != width or named["crop_mode"] not in _RESIZE or named["interpolation"] not in {"bilinear", "bicubic"}:
        raise UserError(
            f"{backbone.arch} wants pictures of {width} x {height} pixels, {named['interpolation']}, crop_mode "
            f"'{named['crop_mode']}', which is not supported: set its `preprocessing: features`."
        )
    own = Square(
        resize=_RESIZE[named["crop_mode"]],
        size=math.floor(height / named["crop_pct"]),  # as timm rounds it
        crop=height,
        interpolation=named["interpolation"],
        decode=options.decode,
        reduced=options.decode == "scaled",
    )
    return Preprocessing(own, statistics)


class _FeatureMap(nn.Module):
    """A network up to its last feature map."""

    def __init__(self, network: nn.Module, backbone: Backbone) -> None:
        super().__init__()
        if getattr(network, "output_fmt", "NCHW") != "NCHW":
            raise _no_map(backbone)
        self.network, self._backbone = network, backbone

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return [batch, channels, height, width]."""
        found: torch.Tensor = self.network.forward_features(images)  # type: ignore[operator]
        if found.ndim != 4:
            raise _no_map(self._backbone)
        return found


def _no_map(backbone: Backbone) -> UserError:
    return UserError(f"{backbone.arch} has no feature map to pool into a grid: use grid: 1.")


def _import_timm() -> Any:
    confine_libraries()
    try:
        with hushed():
            import timm
    except ImportError as error:
        raise UserError(
            f"Networks named timm:NAME need the package timm ({error}): pip install 'ntcir[encoders]'."
        ) from error
    return timm


def _check_name(name: str) -> None:
    """Refuse what timm does not know by itself; a name may have the tag of published weights behind a dot."""
    timm = _import_timm()
    arch, _, tag = name.partition(".")
    known = timm.list_models()
    if arch not in known:
        fetched = " (nothing is fetched from a hub)" if ":" in name or "/" in name else ""
        raise UserError(f"timm has no model '{short(name)}'{fetched or did_you_mean(arch, known)}.")
    tags = [each.partition(".")[2] for each in timm.list_models(f"{arch}.*", pretrained=True)]
    if tag and tag not in tags:
        hint = did_you_mean(tag, tags) or f"; it has {', '.join(tags) or 'none'}"
        raise UserError(f"timm's model {arch} has no tag '{short(tag)}'{hint}.")


def _made(name: str, backbone: Backbone, **options: Any) -> nn.Module:
    timm = _import_timm()
    try:
        with hushed():
            network: nn.Module = timm.create_model(name, pretrained=False, **options)
    except Exception as error:  # some need other packages, or cannot do without a classifier
        raise UserError(f"timm cannot make the model of {backbone.arch} ({reason_of(error)}).") from error
    return network


def _random(name: str, backbone: Backbone) -> nn.Module:
    with seeded(backbone):
        return _made(name, backbone, **_classes(backbone, None))


def _classes(backbone: Backbone, number: int | None) -> dict[str, int]:
    if backbone.output == "pooled":
        return {"num_classes": 0}
    return {} if number is None else {"num_classes": number}


def _filled(name: str, backbone: Backbone, state: Mapping[str, torch.Tensor]) -> nn.Module:
    with torch.device("meta"):  # only to see what its weights are called
        whole = _made(name, backbone)
    heads = [f"{head}." for head in _classifiers(whole)]
    weights = [value for key, value in state.items() if key.startswith(tuple(heads)) and key.endswith("weight")]
    if backbone.output == "logits" and not weights:
        raise UserError(
            f"The weights {backbone.weights} of {backbone.arch} have no classifier ({heads[0] if heads else 'none'}*): "
            "use output: pooled."
        )
    network = _made(name, backbone, **_classes(backbone, weights[0].shape[0] if weights else None))
    # What goes with the classifier when it is taken off.
    taken_off = set(whole.state_dict()) - set(network.state_dict())
    kept = {key: value for key, value in state.items() if key not in taken_off}
    fill(network, kept, backbone)
    require_finite(network, backbone)
    return network


def _classifiers(network: nn.Module) -> list[str]:
    """Return the names of a network's classifiers: one, or two where it was distilled."""
    named = getattr(network, "pretrained_cfg", {}).get("classifier") or ()
    return [named] if isinstance(named, str) else list(named)


def _head(network: nn.Module) -> str | None:
    """Return the name of the linear layer that gives the logits, if it is one."""
    named = _classifiers(network)
    parts = dict(network.named_modules())
    return named[0] if len(named) == 1 and isinstance(parts.get(named[0]), nn.Linear) else None

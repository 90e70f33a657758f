"""The image side of CLIP-like models (``open_clip:NAME``): projected features, as ``encode_image`` gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from ntcir.config import Backbone, Features
from ntcir.config.places import OPEN_CLIP
from ntcir.features.built import Built
from ntcir.features.filling import fill, require_finite, seeded
from ntcir.features.open_clip_models import FOLDER, import_open_clip, open_clip_model
from ntcir.features.preprocessing import Preprocessing, Resize, Square, Statistics
from ntcir.features.weight_files import weights_path
from ntcir.system.errors import UserError, some
from ntcir.system.progress import say

_RESIZE: dict[str, Resize] = {"shortest": "shorter", "squash": "squash"}  # open_clip's resize_mode -> ours


def build(backbone: Backbone, state: Mapping[str, torch.Tensor] | None) -> Built:
    """Make the image side of a model and fill it with the weights asked for, or with those of ``state``.

    Raises:
        UserError: if open_clip is not installed or has no such model, or the weights cannot be read or do not fit.
    """
    if backbone.output != "pooled" or backbone.grid > 1:
        key = "output: logits" if backbone.output != "pooled" else f"grid: {backbone.grid}"
        raise UserError(
            f"{backbone.arch} gives features in the space that its captions share, so `{key}` is not available: use "
            "output: pooled and grid: 1."
        )
    name = backbone.arch.removeprefix(OPEN_CLIP)
    model = _model(name, backbone, state is not None)
    visual: Any = model.visual
    if hasattr(visual, "output_tokens"):  # CoCa's gives its tokens as well, which only its decoder wants
        visual.output_tokens = False
    if state is not None:
        fill(visual, state, backbone)
        require_finite(visual, backbone)
    named = _named(name, visual, say_so=state is None and backbone.preprocessing != "features")
    return Built(visual, partial(preprocess, backbone, named))


def _model(name: str, backbone: Backbone, filled_later: bool) -> nn.Module:
    if filled_later:
        return open_clip_model(name, None)
    path = weights_path(backbone)
    if path is not None:
        return open_clip_model(name, path)
    with seeded(backbone):
        return open_clip_model(name, None, backbone.seed)


@dataclass(frozen=True)
class Named:
    """What a model says of its pictures, in open_clip's words."""

    size: int | tuple[int, int]
    resize_mode: str
    interpolation: str
    statistics: Statistics


def preprocess(backbone: Backbone, named: Named, options: Features) -> Preprocessing:
    """Return what a network is given: the pixels of open_clip's evaluation transform, or those of ``features``.

    Raises:
        UserError: if the model names something that is not done here.
    """
    if backbone.preprocessing == "features":
        return Preprocessing(Square.of(options), named.statistics)
    height, width = (named.size, named.size) if isinstance(named.size, int) else named.size
    if height != width or named.resize_mode not in _RESIZE:
        raise UserError(
            f"{backbone.arch} wants pictures of {width} x {height} pixels, resize_mode '{named.resize_mode}', which is "
            "not supported: set its `preprocessing: features`."
        )
    own = Square(
        resize=_RESIZE[named.resize_mode],
        size=height,
        crop=height,
        # As open_clip does with "random", which is a choice in training.
        interpolation="bilinear" if named.interpolation == "bilinear" else "bicubic",
        decode=options.decode,
        reduced=options.decode == "scaled",
    )
    return Preprocessing(own, named.statistics)


def _named(name: str, visual: Any, *, say_so: bool) -> Named:
    """Return the preprocessing of a model: of its folder, or what most of its published weights were trained with."""
    stated = dict(visual.preprocess_cfg)
    if not name.startswith(FOLDER):
        stated |= _published(name, say_so=say_so)
    return Named(
        visual.image_size if hasattr(visual, "image_size") else stated["size"],
        stated["resize_mode"],
        stated["interpolation"],
        Statistics.of(stated["mean"], stated["std"]),
    )


def _published(name: str, *, say_so: bool) -> dict[str, Any]:
    """Return the preprocessing of published weights, which the architecture alone does not name (SigLIP's differs)."""
    open_clip = import_open_clip()
    keys = ("mean", "std", "interpolation", "resize_mode")
    tags: dict[tuple[Any, ...], list[str]] = {}
    for tag in open_clip.list_pretrained_tags_by_model(name):
        found = open_clip.get_pretrained_cfg(name, tag)
        tags.setdefault(tuple(found.get(key) for key in keys), []).append(tag)
    if not tags:
        return {}
    most = max(tags, key=lambda each: len(tags[each]))
    others = [tag for each, named in tags.items() if each != most for tag in named]
    if others and say_so:
        say(
            f"The published weights of {OPEN_CLIP}{name} differ in preprocessing; taken is that of {some(tags[most])}. "
            f"For {some(others)}, name a folder with its open_clip_config.json: {OPEN_CLIP}{FOLDER}FOLDER."
        )
    return {key: value for key, value in zip(keys, most, strict=True) if value is not None}

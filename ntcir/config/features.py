"""The image networks of the configuration, what they are given, and where what they say is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ntcir.config.places import Place, path_of_weights
from ntcir.config.section import Section


class Level(Section):
    """A layer of a network whose feature map is taken, and into how many cells it is pooled."""

    # The module's name in the network, such as features.7 or layer3 (``named_modules``).
    layer: str = Field(min_length=1)
    grid: int = Field(1, ge=1, le=16)  # average-pooled into grid x grid cells


class Backbone(Section):
    """One frozen image network: of torchvision by its name, ``timm:NAME`` or ``open_clip:NAME``.

    ``weights`` is ``imagenet`` (torchvision's), ``places365`` (MIT CSAIL's, for resnet18 and resnet50), the path of a
    checkpoint (a state dict; ``module.``, ``_orig_mod.``, ``model.`` in front of all its names are taken off), or
    ``random``, only when asked for by name. Networks of timm and open_clip take the last two alone.
    """

    arch: str = "resnet50"
    weights: Annotated[str, Place("data", path_of_weights, handed_on="name")] = "imagenet"
    output: Literal["pooled", "logits"] = "pooled"
    # Average-pool into grid x grid cells: 1 is the usual global pooling; 2 or more keep where things are.
    grid: int = Field(1, ge=1, le=8)
    # Feature maps of several layers of one forward pass, one behind the other, in place of the last one.
    levels: list[Level] = Field([])
    # Of timm's and open_clip's: `own` is the size, crop, filter and statistics that the model itself names; `features`
    # takes size, crop and resize from the section `features`, as torchvision's networks do. auto: what there is.
    preprocessing: Literal["auto", "own", "features"] = "auto"
    seed: int = Field(0, ge=0)  # of random weights

    @model_validator(mode="after")
    def _levels_alone(self) -> Backbone:
        if self.levels and self.output != "pooled":
            raise ValueError(f"levels are feature maps, and output is {self.output}: leave one of them out")
        if self.levels and self.grid > 1:
            raise ValueError(f"each of the levels has a grid of its own, and grid is {self.grid} besides: leave it out")
        layers = [level.layer for level in self.levels]
        if twice := [layer for layer in layers if layers.count(layer) > 1]:
            raise ValueError(f"levels name the layer {twice[0]} twice: name each layer once")
        return self

    @property
    def checkpoint(self) -> Path | None:
        """The path of the checkpoint, if ``weights`` is one; a file may be there or not."""
        return path_of_weights(self.weights)


class Features(Section):
    """What the frozen networks are given, and where their answers are kept."""

    backbones: list[Backbone] = Field([Backbone(weights="imagenet"), Backbone(weights="places365")], min_length=1)
    # The poster: "linearly transformed to 3 x 224 x 224". `squash` takes the whole picture; `shorter` resizes the
    # shorter side and crops the centre, which is how ImageNet networks are evaluated but loses a wide picture's sides.
    resize: Literal["squash", "shorter"] = "squash"
    size: int = Field(224, ge=16, le=2048)
    crop: int = Field(224, ge=16, le=2048)
    # full: every pixel is decoded, as the organisers' input shows them; scaled: JPEGs are decoded at a half, a quarter
    # or an eighth of their size, and by the GPU's own decoder where there is one: half the time, and features differ a
    # little (cosine 0.999).
    decode: Literal["full", "scaled"] = "full"
    # Of the frozen networks. auto: bf16 where the processor (AVX512-BF16, AMX) or the GPU has it, which takes half the
    # time and gives nearly the same features (cosine 0.9999), else fp32; features stored by either serve both. With a
    # network of timm or open_clip fp32, as some of these lose more (EfficientNet-Lite2: cosine 0.998).
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    # Each picture is encoded as it is and mirrored: a training step sees one of the two, drawn at random; when
    # something is asked, the vectors of both are added up. Not for a worn camera, whose pictures are never mirrored.
    mirror: bool = False
    # What runs them: torch as it is, torch.compile, or OpenVINO. auto: the fastest over the length of the job; with
    # `precision: fp32` always eager, which gives the same bits on every machine of a kind.
    backend: Literal["auto", "eager", "compile", "openvino"] = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"  # auto: the GPU, if torch finds one
    batch: int | None = Field(None, ge=1, le=4096)  # pictures at a time; left open: 32, on a GPU 256
    # A relative one lies in the folder where a command is typed; `ntcir run` also looks beside the model's `runs/`.
    store: Annotated[Path, Place("store", anchored=False)] = Path("features")

    @model_validator(mode="after")
    def _crop_fits(self) -> Features:
        if self.crop > self.size:
            raise ValueError(f"crop ({self.crop}) must not exceed size ({self.size})")
        return self

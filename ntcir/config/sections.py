"""The parts of the configuration: every key, its default, and what it is for.

Where NTCIR or the poster leave a value open, the comment says that it is this project's choice.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from ntcir.config.places import Place, path_of_detector
from ntcir.config.section import Section
from ntcir.config.splits import AutoSplit, Split


class Data(Section):
    """Where the corpus lies and how it is split."""

    path: Annotated[Path | None, Place("corpus", anchored=False)] = None
    split: Split = AutoSplit()
    # Whether records.csv may name photographs outside its images/, by absolute paths or `..`. Whoever makes a corpus
    # cannot allow that: its own ntcir.yaml may not say so.
    outside: bool = False
    # One more folder in which the pictures of a captioned corpus are looked for, by their file names.
    pictures: Annotated[Path | None, Place("data")] = None


class Sensors(Section):
    """Which readings are used and how they are encoded. Lists add to what the preset names; ``exclude`` takes away."""

    # auto: `ymx2l` for a lifelog, every column for records.
    preset: Literal["auto", "ymx2l", "organisers", "full", "none"] = "auto"
    # Columns named here, and those of ymx2l, must have a value in training; a wider preset's columns may be empty.
    numeric: list[str] = []
    categorical: list[str] = []
    cyclic: dict[str, Annotated[float, Field(gt=0)]] = {}  # column -> period, e.g. local_hour: 24, heading: 360
    exclude: list[str] = []
    # frequency: a category becomes its share of the training rows (the organisers' way); embedding: a learnt vector.
    # Left open, the preset decides.
    categories: Literal["frequency", "embedding"] | None = None
    # raw: standardised degrees; fourier: sines and cosines of the position at wavelengths of 100 m to 100 km as well.
    location: Literal["raw", "fourier"] | None = None
    # What becomes of a standardised number z. raw: z; periodic: z, and sine and cosine of pi z / 4 and pi z / 2 (as
    # Fourier features, Tancik et al. 2020); rbf: z, and 8 bumps exp(-((z - c) / h)^2 / 2) with centres c from -2 to 2
    # and h = 4/7. Several are facets of the encoder, one behind the other. Left open: periodic with auto and full,
    # raw with the other presets.
    numbers: list[Literal["raw", "periodic", "rbf"]] | None = None
    embedding_dim: int = Field(16, ge=1, le=512)
    rare: int = Field(2, ge=1)  # categories seen fewer times in training share the bucket of the unknown ones

    @field_validator("numbers", mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        """Take a single encoding as a list of one."""
        return [given] if isinstance(given, str) else given

    @field_validator("numbers")
    @classmethod
    def _each_once(cls, given: list[str] | None) -> list[str] | None:
        if given is not None and (not given or len(set(given)) < len(given)):
            raise ValueError("name one or more of raw, periodic and rbf, each once")
        return given

    @property
    def encodings(self) -> tuple[str, ...]:
        """What becomes of numbers: ``numbers``, or what the preset takes where these are left open."""
        if self.numbers is not None:
            return tuple(self.numbers)
        return ("periodic",) if self.preset in {"auto", "full"} else ("raw",)


class Objects(Section):
    """The detector that says which objects a photograph shows, and which of them count."""

    # A YOLO: .pt, an OpenVINO folder or .onnx; or `demo`.
    detector: Annotated[str, Place("code", path_of_detector, handed_on="name")] = "yolo11n.pt"
    size: int = Field(640, ge=32, le=4096)  # pixels of the longer side, as the detector sees it
    iou: float = Field(0.7, gt=0, lt=1)  # of two boxes of a class that overlap more, the surer one stays
    batch: int = Field(16, ge=1, le=1024)
    # What is stored goes down to 0.1, so that this can be changed without detecting again (this project's choice).
    confidence: float = Field(0.25, ge=0.1, lt=1)
    classes: list[str] = []  # the classes that count; none named: all of the detector's

    @property
    def path(self) -> Path | None:
        """The path of the detector, if ``detector`` is one; something may be there or not."""
        return path_of_detector(self.detector)


class Positives(Section):
    """Pseudo-positives from objects: photographs that show the same things are positives of each other's readings.

    The poster says that object detection yields positives, not how: every value is this project's choice.
    """

    objects: bool = False
    # Weighted overlap of class counts: sum of w min(a, b) over sum of w max(a, b); 1 is the same objects.
    overlap: float = Field(0.7, gt=0, le=1)
    # rarity: a class weighs log(photographs / photographs showing it) + 1; equal: every class 1.
    weights: Literal["rarity", "equal"] = "rarity"
    class_weights: dict[str, Annotated[float, Field(ge=0)]] = {}  # by hand, in place of the above
    within_seconds: float | None = Field(None, gt=0)  # apart at most; left open: the same group (day, session)
    least: int = Field(2, ge=1)  # objects a photograph must show to be matched
    most: int = Field(10, ge=1, le=1000)  # matches kept of a photograph, the closest ones
    # Of a batch's pairs bring a matched photograph along. In a small corpus it is often in the batch already: then it
    # counts twice.
    share: float = Field(0.25, ge=0, le=1)


class Augment(Section):
    """Pseudo-positives from augmentation: altered photographs are positives of their reading.

    The poster does not list its augmentations: every value is this project's choice.
    """

    # Altered views stored of each photograph; 0: none. In fine-tuning any other number draws a new one at each step.
    views: int = Field(0, ge=0, le=64)
    # Albumentations by name, in order, with their arguments. A worn camera tilts, turns and shifts, meets other light,
    # blurs; it never mirrors. No black margin is left: crop_border is out by a pixel, which border_mode 1, OpenCV's
    # BORDER_REPLICATE, repeats. A `size` left out is the picture's own.
    transforms: list[dict[str, Any]] = [
        {"name": "Rotate", "limit": 8, "crop_border": True, "border_mode": 1, "p": 0.5},
        {"name": "Perspective", "scale": [0.02, 0.08], "p": 0.3},
        {"name": "RandomResizedCrop", "scale": [0.65, 1.0], "ratio": [0.9, 1.11], "p": 1.0},
        {"name": "ColorJitter", "brightness": 0.25, "contrast": 0.25, "saturation": 0.25, "hue": 0.02, "p": 0.8},
        {"name": "MotionBlur", "blur_limit": [3, 7], "p": 0.2},
        {"name": "GaussNoise", "std_range": [0.01, 0.03], "p": 0.2},
    ]
    seed: int = Field(0, ge=0)  # of the views; trainings of several seeds share the stored ones
    share: float = Field(0.25, ge=0, le=1)  # of a batch's pairs come with a view

    @model_validator(mode="after")
    def _named(self) -> Augment:
        for number, transform in enumerate(self.transforms):
            if not isinstance(transform.get("name"), str):
                raise ValueError(f"transform {number} needs a name, such as {{name: Rotate, limit: 10}}")
            for key, value in transform.items():
                if not _is_plain(value):
                    raise ValueError(
                        f"{key} = {value!r} of transform {number} ({transform['name']}) is not a plain value"
                    )
        if self.views and not self.transforms:
            raise ValueError("views without transforms would be copies of the photograph")
        return self


def _is_plain(value: Any) -> bool:
    """Return whether a value is made of finite numbers, words, true and false, and so survives JSON."""
    if isinstance(value, list | tuple):
        return all(_is_plain(part) for part in value)
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(part) for key, part in value.items())
    return math.isfinite(value) if isinstance(value, float) else value is None or isinstance(value, str | bool | int)


class Negatives(Section):
    """Mined hard negatives, besides those in the batch. The poster does not say how they are mined: our choices."""

    objects: bool = False  # near in time or in looks, but with other objects
    model: bool = False  # what the model being trained ranks high and should not
    share: float = Field(0.25, ge=0, le=1)  # of a batch's pairs come with a hard negative, of either kind
    # By objects: candidates are this near in time, or among so many most similar photographs of the group.
    near_seconds: float = Field(1800.0, ge=0)
    similar: int = Field(20, ge=0, le=1000)
    max_overlap: float = Field(0.2, ge=0, lt=1)  # weighted overlap of class counts, as of the positives
    most: int = Field(20, ge=1, le=1000)  # kept of a photograph, the most similar ones
    # By the model: mined anew every so many steps, the first time after as many, for the pairs of the coming steps and
    # among these and others, so many in all.
    every: int = Field(100, ge=1)
    sample: int = Field(8192, ge=2)
    # Ranks that are taken, from range_min (0 is the best) up to, not including, range_max.
    range_min: int = Field(0, ge=0)
    range_max: int = Field(50, ge=1, le=1000)
    max_score: float | None = Field(None, ge=-1, le=1)  # cosine above which a candidate is taken for a positive
    # A candidate must score less than the positive by this much, and by this share of the positive's size. None by
    # default: early in training many score above the positive, and a margin refuses all that is to be learnt from.
    absolute_margin: float | None = Field(None, ge=0, le=2)
    relative_margin: float | None = Field(None, ge=0, le=1)

    @model_validator(mode="after")
    def _in_order(self) -> Negatives:
        if self.range_min >= self.range_max:
            raise ValueError(f"range_min ({self.range_min}) must be less than range_max ({self.range_max})")
        return self


class Encoder(Section):
    """Whether the image networks stay frozen or are trained too, which needs a GPU at full size."""

    finetune: bool = False
    lr: float = Field(1e-5, gt=0)  # of the networks; training.lr is that of the towers
    # Pictures that go through the networks at once; a batch of any size is put together from them (GradCache). A batch
    # that is no larger goes through them once, any other one twice.
    chunk: int = Field(32, ge=1, le=4096)
    precision: Literal["bf16", "fp32"] = "bf16"  # autocast of the networks
    device: Literal["auto", "cpu", "cuda"] = "auto"  # of fine-tuning; auto: the GPU, if torch finds one


class Hubness(Section):
    """A bias against hubs, documents that are near to every query: score(q, d) = s(q, d) - beta h(d).

    h(d) = T log mean over training queries b of exp(s(b, d) / T): a number a document, fixed when it is encoded. It
    sees neither the pool nor other queries that are asked.
    """

    beta: float = Field(0.0, ge=0, le=2)  # 0: no bias
    temperature: float = Field(0.1, ge=0.001, le=100)  # T
    # Training pairs whose queries are kept in the model, drawn at random; left open, all.
    queries: int | None = Field(None, ge=1)


class Topics(Section):
    """Topic files: how many topics a direction a day, among how many candidates."""

    pool: int = Field(200, ge=2)
    per_day: int = Field(1, ge=1)

"""The experiment as a value: every default in sight, every unknown key an error.

A configuration is read from YAML, changed by ``--set key.sub=value`` and by flags, and saved, resolved, beside
everything it produced. Where NTCIR or the poster leave a value open, the comment says that it is this project's choice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ntcir.errors import UserError, did_you_mean
from ntcir.files import atomic_write

DateRange = tuple[dt.date, dt.date]


class Section(BaseModel):
    """A part of the configuration: unknown keys are refused, values are checked again when set."""

    model_config = ConfigDict(extra="forbid", validate_default=True, frozen=True, allow_inf_nan=False)


class DateSplit(Section):
    """Split by the day of the photograph, first and last day included (default: the YMX2L poster's)."""

    by: Literal["date"] = "date"
    train: DateRange = (dt.date(2020, 1, 1), dt.date(2020, 2, 29))
    val: DateRange = (dt.date(2020, 3, 1), dt.date(2020, 3, 16))
    test: DateRange = (dt.date(2020, 3, 17), dt.date(2020, 3, 31))

    @model_validator(mode="after")
    def _apart(self) -> DateSplit:
        ranges = sorted([self.train, self.val, self.test])
        if any(first > last for first, last in ranges):
            raise ValueError("each range of days runs from its first day to its last")
        if any(early[1] >= late[0] for early, late in pairwise(ranges)):
            raise ValueError("the ranges of days of train, val and test must not overlap")
        return self


class SessionSplit(Section):
    """Split by session; where none are named, the last sessions in time are test and val (at least one of each)."""

    by: Literal["session"] = "session"
    train: list[str] | None = None
    val: list[str] | None = None
    test: list[str] | None = None

    @model_validator(mode="after")
    def _apart(self) -> SessionSplit:
        named = [*(self.train or []), *(self.val or []), *(self.test or [])]
        if len(named) != len(set(named)):
            raise ValueError("a session may be in one split only")
        return self


class FractionSplit(Section):
    """Split all pairs, in order of time and in one piece each, so that near-duplicates stay together."""

    by: Literal["fraction"] = "fraction"
    train: float = Field(0.7, gt=0, lt=1)
    val: float = Field(0.15, ge=0, lt=1)
    test: float = Field(0.15, ge=0, lt=1)

    @model_validator(mode="after")
    def _sum(self) -> FractionSplit:
        if self.train + self.val + self.test > 1 + 1e-9:
            raise ValueError("the fractions of train, val and test must not sum to more than 1")
        return self


class AutoSplit(Section):
    """By the poster's dates where there are such days; else by session, of which three are needed; else by fraction."""

    by: Literal["auto"] = "auto"


Split = Annotated[AutoSplit | DateSplit | SessionSplit | FractionSplit, Field(discriminator="by")]


class Data(Section):
    """Where the corpus lies and how it is split."""

    path: Path | None = None
    split: Split = AutoSplit()


class Backbone(Section):
    """One frozen image network.

    ``weights`` is ``imagenet`` (torchvision's), ``places365`` (MIT CSAIL's, for resnet18 and resnet50), the path of a
    checkpoint, or ``random``, only when asked for by name.
    """

    arch: str = "resnet50"
    weights: str = "imagenet"
    output: Literal["pooled", "logits"] = "pooled"
    # Average-pool into grid x grid cells: 1 is the usual global pooling; 2 or more keep where things are.
    grid: int = Field(1, ge=1, le=8)
    seed: int = Field(0, ge=0)  # of random weights

    @property
    def checkpoint(self) -> Path | None:
        """The path of the checkpoint, if ``weights`` is one; a file may lie there or not."""
        path = Path(self.weights).expanduser()
        is_path = path.is_file() or "/" in self.weights or path.suffix in {".pth", ".pt", ".tar", ".safetensors"}
        return path if is_path and self.weights not in {"imagenet", "places365", "random"} else None


class Features(Section):
    """What the frozen networks are given, and where their answers are kept."""

    backbones: list[Backbone] = Field([Backbone(weights="imagenet"), Backbone(weights="places365")], min_length=1)
    # The poster: "linearly transformed to 3 x 224 x 224". `squash` takes the whole picture; `shorter` resizes the
    # shorter side and crops the centre, which is how ImageNet networks are evaluated but loses a wide picture's sides.
    resize: Literal["squash", "shorter"] = "squash"
    size: int = Field(224, ge=16, le=2048)
    crop: int = Field(224, ge=16, le=2048)
    batch: int = Field(32, ge=1, le=4096)
    store: Path = Path("features")

    @model_validator(mode="after")
    def _crop_fits(self) -> Features:
        if self.crop > self.size:
            raise ValueError(f"crop ({self.crop}) must not exceed size ({self.size})")
        return self


class Sensors(Section):
    """Which readings are used and how they are encoded. Lists add to what the preset names; ``exclude`` takes away."""

    # auto: `ymx2l` for a lifelog, every column for records.
    preset: Literal["auto", "ymx2l", "organisers", "full", "none"] = "auto"
    numeric: list[str] = []
    categorical: list[str] = []
    cyclic: dict[str, Annotated[float, Field(gt=0)]] = {}  # column -> period, e.g. local_hour: 24, heading: 360
    exclude: list[str] = []
    # frequency: a category becomes its share of the training rows (the organisers' way); embedding: a learnt vector.
    # Left open, the preset decides.
    categories: Literal["frequency", "embedding"] | None = None
    # raw: standardised degrees; fourier: sines and cosines of the position at wavelengths of 100 m to 100 km as well.
    location: Literal["raw", "fourier"] | None = None
    embedding_dim: int = Field(16, ge=1, le=512)
    rare: int = Field(2, ge=1)  # categories seen fewer times in training share the bucket of the unknown ones


class Towers(Section):
    """The trained heads: image feature -> linear -> unit vector; readings -> MLP -> unit vector."""

    dim: int = Field(512, ge=2, le=8192)
    # Standardise each feature over the training split before the linear layer (this project's choice).
    standardise: bool = True
    image_dropout: float = Field(0.0, ge=0, lt=1)
    sensor_hidden: int = Field(512, ge=1, le=8192)
    sensor_layers: int = Field(2, ge=1, le=6)  # linear layers of the MLP
    sensor_dropout: float = Field(0.0, ge=0, lt=1)


class Training(Section):
    """Contrastive training on stored features."""

    iters: int = Field(500, ge=1)  # the poster: 100, 200, 500
    batch: int = Field(256, ge=2)  # the poster
    lr: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.0, ge=0)
    temperature: float = Field(0.1, gt=0)
    learn_temperature: bool = False
    symmetric: bool = True
    # day: each batch from one day (session), as the pools are; all: from the whole training split.
    batches: Literal["day", "all"] = "all"
    # Two photographs nearer in time than this are not negatives of each other.
    near_seconds: float = Field(60.0, ge=0)
    # Neither are minutes whose encoded readings are the same.
    mask_equal_readings: bool = True
    validate_every: int = Field(25, ge=1)
    schedule: Literal["constant", "cosine"] = "constant"


class Topics(Section):
    """Topic files: how many topics a direction a day, among how many candidates."""

    pool: int = Field(200, ge=2)
    per_day: int = Field(1, ge=1)


class Config(Section):
    """The whole experiment."""

    name: str = Field("ymx2l", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    seed: int = Field(0, ge=0, lt=2**63)
    data: Data = Data()
    features: Features = Features()
    sensors: Sensors = Sensors()
    towers: Towers = Towers()
    training: Training = Training()
    topics: Topics = Topics()

    def to_yaml(self) -> str:
        """Return the resolved configuration as YAML that ``load_config`` reads back to the same value."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)

    def save(self, path: Path) -> None:
        """Write the resolved configuration to ``path``."""
        atomic_write(path, self.to_yaml())

    def changed(self, changes: Mapping[str, Any], origin: str = "the changed configuration") -> Config:
        """Return a copy with dotted keys replaced, checked as a whole.

        Raises:
            UserError: for an unknown key or an impossible value.
        """
        return parse_config(_changed(self, changes), origin)


def load_config(path: Path | None = None, settings: Iterable[str] = ()) -> Config:
    """Read a configuration file (or take the defaults) and apply ``key.sub=value`` settings, parsed as YAML, on top.

    Raises:
        UserError: if the file is not there or not YAML, or a key or value is wrong; the sentence names both.
    """
    tree: Any = {}
    origin = "the configuration"
    if path is not None:
        origin = str(path)
        try:
            tree = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UserError(
                f"Cannot read the configuration {path}: {(error.strerror or str(error)).lower()}."
            ) from error
        except (yaml.YAMLError, ValueError) as error:  # a ValueError: bytes that are no text, a day that is none
            raise UserError(f"{path} is not YAML: {' '.join(str(error).split())}.") from error
        tree = {} if tree is None else tree
        if not isinstance(tree, dict):
            raise UserError(f"{path} must hold keys and values, not {type(tree).__name__}.")
    config = parse_config(tree, origin)
    changes: dict[str, Any] = {}
    typed: dict[str, str] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        key = key.strip()
        if not equals or not key:
            raise UserError(f"--set {setting!r} is not of the form key.sub=value.")
        try:
            changes[key] = yaml.safe_load(text) if text.strip() else None
        except (yaml.YAMLError, ValueError) as error:
            raise UserError(f"--set {setting!r}: the value is not YAML.") from error
        typed[key] = f"--set {setting}"
    if not changes:
        return config
    try:  # all at once: some values will do only together
        return Config.model_validate(_changed(config, changes))
    except ValidationError as error:
        place = ".".join(_place(error.errors()[0]["loc"]))
        guilty = [words for key, words in typed.items() if place.startswith(key) or key.startswith(place)]
        raise UserError(_sentence(error, " ".join(guilty or typed.values()))) from error


def parse_config(tree: Mapping[str, Any], origin: str) -> Config:
    """Check a tree of keys and values and return it as a configuration; ``origin`` is named in the error."""
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        raise UserError(_sentence(error, origin)) from error


def _changed(config: Config, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tree of a configuration with dotted keys replaced."""
    tree = config.model_dump(mode="json")
    for key, value in sorted(changes.items(), key=lambda change: change[0] != "data.split.by"):
        if key == "data.split.by" and value != tree["data"]["split"]["by"]:
            tree["data"]["split"] = {}  # another kind of split: the days or names of the old one mean nothing in it
        _put(tree, key, value)
    return tree


def _put(tree: Any, key: str, value: Any) -> None:
    """Set a dotted key, making the sections on the way; a number is a position in a list, ``[]`` not needed."""
    *sections, last = key.split(".")
    for section in sections:
        if isinstance(tree, list) and section.isdigit() and int(section) < len(tree):
            tree = tree[int(section)]
        elif isinstance(tree, dict):
            if not isinstance(tree.get(section), dict | list):
                tree[section] = {}
            tree = tree[section]
        else:
            raise UserError(f"There is no configuration key '{key}'.")
    if isinstance(tree, list) and last.isdigit() and int(last) < len(tree):
        tree[int(last)] = value
    elif isinstance(tree, dict):
        tree[last] = value
    else:
        raise UserError(f"There is no configuration key '{key}'.")


def _sentence(error: ValidationError, origin: str) -> str:
    """Return one sentence for the first thing that is wrong, naming the key, the value and what would do."""
    first = error.errors()[0]
    place = _place(first["loc"])
    key = ".".join(place) or "the file"
    more = f" ({error.error_count() - 1} more after it)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        known = _known_keys(first["loc"][:-1])
        hint = did_you_mean(place[-1], known) or f"; known here: {', '.join(known)}" * bool(known)
        return f"Unknown key '{key}' in {origin}{hint}{more}."
    message = first["msg"].removeprefix("Value error, ")
    # Of a whole section only the message is worth reading.
    value = "" if isinstance(first["input"], dict) else f" = {first['input']!r}"
    return f"{origin}: {key}{value} will not do: {message[0].lower()}{message[1:]}{more}."


Location = tuple[int | str, ...]
_SPLITS: dict[Any, type[Section]] = {
    "auto": AutoSplit, "date": DateSplit, "session": SessionSplit, "fraction": FractionSplit
}  # fmt: skip


def _place(location: Location) -> list[str]:
    """Return the keys of the file that lead to where an error is: the kind of split, which pydantic adds, is none."""
    return [str(part) for at, part in enumerate(location) if not (at == 2 and location[:2] == ("data", "split"))]


def _known_keys(location: Location) -> list[str]:
    """Return the keys a section has, or none where it is not a plain section."""
    section: Any = Config
    for at, part in enumerate(location):
        if at == 2 and location[:2] == ("data", "split"):
            section = _SPLITS.get(part)
        elif location[at - 1 : at] == ("backbones",):
            section = Backbone
        else:
            field = getattr(section, "model_fields", {}).get(part)
            section = field.annotation if field else None
    return list(getattr(section, "model_fields", {}))

"""What a tuning varies, as a value read from YAML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from ntcir.ablation.grid import Changes, Seeds, slug
from ntcir.config import Config, Section
from ntcir.config.described import read_base, read_description
from ntcir.modalities import directions
from ntcir.system.errors import UserError, did_you_mean, shown
from ntcir.tuning.space import AnySpace, Range, Space
from ntcir.workspace import find_data

MEAN = "mean"  # the metric: of both directions
# Keys that are for something else to say.
_TAKEN = {"name": "is for `name`", "seed": "is for `seeds`", "data.path": "is for --data"}
# What a search may not vary: it would change what is measured, not how good a model is.
_MEASURED = ("data", "pair", "topics")
# What validation would not tell the worth of: values would come out alike, or the same one would always win.
_UNSEEN = {
    "hubness": "which validation leaves out, as it is by cosine: compare values on the validation split with `ntcir "
    "evaluate --split val --set hubness.beta=...`",
    "training.smoothing": "and 1 would always win, as it takes the step with the best validation MRR: set it in "
    "`changes` or in the base",
}
# What is no section, and so is replaced as a whole.
_WHOLE = frozenset({"pair", "objectives"})


class Tuning(Section):
    """The file of a tuning: keys, where their values are looked for, and how often."""

    name: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")  # left open: the file's, without tune-
    base: str | dict[str, Any]  # a configuration, relative to this file, or spelt out
    changes: Changes = Field({})  # to the base, for all trials
    search: dict[str, AnySpace] = Field(min_length=1)  # dotted key -> a list of values, or low and high
    # Keys that are varied together, a stage after the other; left open: all at once.
    stages: list[list[str]] = Field([])
    trials: int = Field(20, ge=1)  # of each stage
    seeds: Seeds = Field([0])  # or how many: 3 is 0, 1, 2
    metric: str = MEAN  # of both directions' validation MRR, or one direction's name
    seed: int = Field(0, ge=0, lt=2**63)  # of drawing values

    @field_validator("stages", mode="before")
    @classmethod
    def _lists(cls, value: Any) -> Any:
        """Return stages, of which one with a single key may be just that."""
        return [[each] if isinstance(each, str) else each for each in value] if isinstance(value, list) else value

    @model_validator(mode="after")
    def _each_key_once(self) -> Tuning:
        named = [key for stage in self.stages for key in stage]
        for key in named:
            if key not in self.search:
                hint = did_you_mean(key, self.search)
                raise ValueError(f"stages names '{key}', which search does not{hint}")
            if named.count(key) > 1:
                raise ValueError(f"stages names '{key}' twice")
        if any(not stage for stage in self.stages):
            raise ValueError("stages has one without a key")
        left = [key for key in self.search if key not in named]
        if self.stages and left:
            raise ValueError(f"stages leaves out '{left[0]}', which search names")
        return self


@dataclass(frozen=True)
class TuningPlan:
    """A tuning whose every key is known to be one.

    Attributes:
        tuning: as it was read.
        path: its file.
        name: of the tuning.
        base: the configuration that is changed, resolved.
        configs: what is changed -> the base with one key at either end of its range, or at one of its values.
    """

    tuning: Tuning
    path: Path
    name: str
    base: Config
    configs: dict[str, Config]

    @property
    def pair(self) -> tuple[str, str]:
        """The two modalities, by name."""
        return self.base.pair

    @property
    def stages(self) -> list[list[str]]:
        """The keys that are varied together, a stage after the other."""
        return self.tuning.stages or [list(self.tuning.search)]

    def whole(self, key: str) -> bool:
        """Return whether a key is a whole number in the base."""
        value = value_at(self.base, key)
        return isinstance(value, int) and not isinstance(value, bool)


def read_tuning(path: Path) -> Tuning:
    """Read the file of a tuning.

    Raises:
        UserError: if it is not there or not YAML, or a key or value is wrong; the sentence names both.
    """
    required = {"base": "the configuration that is tuned", "search": "the keys that are tuned, and their values"}
    return read_description(path, Tuning, "tuning", "base, search, stages, trials and seeds", required)


def read_tuning_plan(path: Path, data: Path | None) -> TuningPlan:
    """Read a tuning and resolve the configurations at the ends of its ranges, before anything is computed.

    Args:
        path: of its file.
        data: the corpus folder; if None, as everywhere.

    Raises:
        UserError: if a file, key or value is wrong.
    """
    tuning = read_tuning(path)
    base = read_base(tuning.base, path)
    for key in tuning.changes:
        _require_free(key, f"`changes` of {path}", base)
    if tuning.changes:
        base = base.changed(tuning.changes, f"`changes` of {path}")
    base = base.changed({"data.path": str(find_data(data, base.data.path).absolute())}).anchored()
    base = base.changed({"seed": tuning.seeds[0]})
    known = [MEAN, *(each.name for each in directions(base.pair))]
    if tuning.metric not in known:
        raise UserError(f"{path}: metric = {shown(tuning.metric)} is not valid: there are {', '.join(known)}.")
    name = tuning.name or slug(path.stem.removeprefix("tune-")) or "tuning"
    configs = {"as in the base": base}
    for key, space in tuning.search.items():
        _require_searchable(key, f"`search` of {path}", base)
        for value in _ends(key, space, base, path):
            configs[f"{key} = {value}"] = base.changed({key: value}, f"`search` of {path}")
    return TuningPlan(tuning, path, name, base, configs)


def value_at(config: Config, key: str) -> Any:
    """Return the value of a dotted key, None where there is none."""
    found: Any = config.model_dump(mode="json")
    for part in key.split("."):
        if isinstance(found, dict):
            found = found.get(part)
        elif isinstance(found, list) and part.isdecimal() and int(part) < len(found):
            found = found[int(part)]
        else:
            return None
    return found


def _ends(key: str, space: Space, base: Config, path: Path) -> Iterator[Any]:
    """Yield the values of a key that must be valid if all are.

    Raises:
        UserError: if the key is a whole number, and the range's ends are not.
    """
    value = value_at(base, key)
    whole = isinstance(value, int) and not isinstance(value, bool)
    if whole and isinstance(space, Range) and not space.is_whole:
        raise UserError(
            f"{path}: search.{key} is not valid: the key is a whole number (now {value}), so low, high and step must "
            "be whole numbers."
        )
    for end in space.ends():
        yield int(end) if whole and isinstance(space, Range) else end


def _require_free(key: str, origin: str, base: Config) -> None:
    """Check that a part of the file may change a key."""
    if key in _TAKEN:
        raise UserError(f"{origin} sets '{key}', which {_TAKEN[key]}.")
    if key in Config.model_fields and key not in _WHOLE and not isinstance(value_at(base, key), int | float | str):
        raise UserError(f"{origin} replaces the whole section '{key}': write dotted keys, as {key}.sub.")


def _require_searchable(key: str, origin: str, base: Config) -> None:
    """Check that trials may differ in a key."""
    _require_free(key, origin, base)
    if key.partition(".")[0] in _MEASURED:
        raise UserError(
            f"{origin} varies '{key}', which changes what is measured, so that trials could not be compared: set it in "
            "`changes` or in the base."
        )
    for unseen, why in _UNSEEN.items():
        if key == unseen or key.startswith(f"{unseen}."):
            raise UserError(f"{origin} varies '{key}', {why}.")

"""What an ablation varies, as a value read from YAML, and every configuration it comes to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from ntcir.config import Config, Section
from ntcir.config.described import read_base, read_description
from ntcir.system.errors import UserError
from ntcir.workspace import find_data

# Dotted keys of the configuration and what they become; nothing behind a name is an empty change.
Changes = Annotated[dict[str, Any], BeforeValidator(lambda value: {} if value is None else value)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]


def distinct(value: list[int]) -> list[int]:
    """Return a list of numbers, each of which is named once.

    Raises:
        ValueError: if one is named again.
    """
    if len(set(value)) < len(value):
        raise ValueError("each may be named once only")
    return value


def _counted(value: Any) -> Any:
    """Return the seeds that a number stands for."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= 1000:
            raise ValueError("give a list of seeds, or how many, 1 to 1000")
        return list(range(value))
    return value


Seeds = Annotated[list[Seed], Field(min_length=1), BeforeValidator(_counted), AfterValidator(distinct)]
# Keys that are for something else to say.
_TAKEN = {"name": "`name`", "seed": "`seeds`", "training.iters": "`iterations`", "data.path": "--data"}
# What is no section, and so is replaced as a whole.
_WHOLE = frozenset({"pair", "objectives"})


class GridTopics(Section):
    """The topics that every method is asked; what is left open is as the base configuration has it.

    Of a corpus without days or sessions they are all items of the test split, each of which ranks the whole split.
    """

    pool: int | None = Field(None, ge=2)
    per_day: int | None = Field(None, ge=1)  # a direction and day (session)
    seed: int = Field(0, ge=0)
    skip_short_days: bool = False  # leave out days with fewer minutes than the pool
    number: int | None = Field(None, ge=1)  # a direction, drawn at random, where there are no days


class Grid(Section):
    """The file of an ablation: iterations x methods x weights, each trained with every seed on every fold."""

    name: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")  # left open: the file's, without ablate-
    base: str | dict[str, Any]  # a configuration, relative to this file, or spelt out
    changes: Changes = Field({})  # to the base, for all cells
    iterations: list[Annotated[int, Field(ge=1)]] = Field([100, 200, 500], min_length=1)  # the poster's
    # name -> changes; differences are to the first.
    methods: dict[str, Changes] = Field({"as configured": {}}, min_length=1)
    weights: dict[str, Changes] = Field({"as configured": {}}, min_length=1)
    seeds: Seeds = Field([0])  # or how many: 3 is 0, 1, 2
    # name -> changes, such as data.split; the topics of all folds are taken together.
    folds: dict[str, Changes] = Field({})
    topics: GridTopics = GridTopics()

    @field_validator("iterations")
    @classmethod
    def _distinct(cls, value: list[int]) -> list[int]:
        return distinct(value)


@dataclass(frozen=True, order=True)
class Cell:
    """A row of the table."""

    weights: str
    iterations: int
    method: str

    def __str__(self) -> str:
        return f"{self.iterations} iterations, {self.method}, {self.weights}"


@dataclass(frozen=True)
class Unit:
    """One training of a cell."""

    cell: Cell
    fold: str
    seed: int

    def __str__(self) -> str:
        return f"{self.cell}, seed {self.seed}{f', {self.fold}' * bool(self.fold)}"


@dataclass(frozen=True)
class Plan:
    """A grid whose every configuration is known to be one.

    Attributes:
        grid: as it was read.
        path: its file.
        name: of the grid.
        folds: name -> changes; the one fold ``""`` where the grid names none.
        base: the configuration that all others are changed from.
        configs: (method, weights, fold) -> configuration, but for seed and iterations.
        slugs: what stands for methods, weights and folds in the names of files.
    """

    grid: Grid
    path: Path
    name: str
    folds: dict[str, dict[str, Any]]
    base: Config
    configs: dict[tuple[str, str, str], Config]
    slugs: dict[str, dict[str, str]]

    @property
    def pair(self) -> tuple[str, str]:
        """The two modalities, by name, which are those of all configurations."""
        return self.base.pair

    @property
    def pool(self) -> int:
        """Candidates a topic."""
        return self.grid.topics.pool or self.base.topics.pool

    @property
    def per_day(self) -> int:
        """Topics a direction and day."""
        return self.grid.topics.per_day or self.base.topics.per_day

    @property
    def iterations(self) -> list[int]:
        """The counts of iterations, ascending."""
        return sorted(self.grid.iterations)

    @property
    def cells(self) -> list[Cell]:
        """The rows of the table, in its order."""
        return [
            Cell(weights, iterations, method)
            for weights in self.grid.weights for iterations in self.iterations for method in self.grid.methods
        ]  # fmt: skip

    def units(self, cell: Cell) -> list[Unit]:
        """Return the trainings of a cell."""
        return [Unit(cell, fold, seed) for fold in self.folds for seed in self.grid.seeds]

    def config(self, unit: Unit) -> Config:
        """Return the configuration of a training."""
        config = self.configs[unit.cell.method, unit.cell.weights, unit.fold]
        return of_length(config, unit.cell.iterations).changed({"seed": unit.seed})

    def file(self, cell: Cell) -> str:
        """Return the name of the file with a cell's configuration."""
        method, weights = self.slugs["methods"][cell.method], self.slugs["weights"][cell.weights]
        return f"{cell.iterations}-{method}-{weights}.yaml"


def of_length(config: Config, iterations: int) -> Config:
    """Return a configuration with a number of steps; one whose model is solved has none, and stays as it is."""
    return config if config.solved is not None else config.changed({"training.iters": iterations})


def read_grid(path: Path) -> Grid:
    """Read the file of an ablation.

    Raises:
        UserError: if it is not there or not YAML, or a key or value is wrong; the sentence names both.
    """
    such_as = "base, iterations, methods, weights and seeds"
    return read_description(path, Grid, "ablation", such_as, {"base": "the configuration that the grid changes"})


def read_plan(path: Path, data: Path | None) -> Plan:
    """Read a grid and resolve every configuration in it, before anything is computed.

    Args:
        path: of the grid's file.
        data: the corpus folder; if None, as everywhere.

    Raises:
        UserError: if a file, key or value is wrong; the sentence names the method, weights or fold.
    """
    grid = read_grid(path)
    base = read_base(grid.base, path)
    base = _changed(base, grid.changes, f"`changes` of {path}")
    base = base.changed({"data.path": str(find_data(data, base.data.path).absolute())})
    name = grid.name or (slug(path.stem.removeprefix("ablate-")) or "ablation")
    folds = grid.folds or {"": {}}
    configs = {}
    for fold, split in folds.items():
        folded = _changed(base, split, f"the fold '{fold}' of {path}", fold=True)
        for weights, networks in grid.weights.items():
            weighted = _changed(folded, networks, f"the weights '{weights}' of {path}")
            for method, parts in grid.methods.items():
                config = _changed(weighted, parts, f"the method '{method}' of {path}")
                configs[method, weights, fold] = config.changed({"name": name}).anchored()
    slugs = {"methods": _slugs(grid.methods), "weights": _slugs(grid.weights), "folds": _slugs(folds)}
    return Plan(grid, path, name, dict(folds), base, configs, slugs)


def _changed(config: Config, changes: dict[str, Any], origin: str, *, fold: bool = False) -> Config:
    """Return a configuration with dotted keys replaced, where this part of the grid may."""
    for key in changes:
        if key in _TAKEN:
            raise UserError(f"{_upper(origin)} changes '{key}', which {_TAKEN[key]} sets.")
        if key == "pair" and not origin.startswith("`changes`"):
            raise UserError(
                f"{_upper(origin)} changes 'pair', but all are asked the same topics: set it in `changes` or in the "
                "base, and make a grid of its own for another pair."
            )
        if key in Config.model_fields and key not in _WHOLE:
            raise UserError(f"{_upper(origin)} replaces the whole section '{key}': write dotted keys, as {key}.sub.")
        if key.partition(".")[0] == "data" and not fold and not origin.startswith("`changes`"):
            raise UserError(
                f"{_upper(origin)} changes '{key}', but all are asked the same topics: use `folds` or `changes`."
            )
    return config.changed(changes, origin) if changes else config


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]


def slug(name: str) -> str:
    """Return a word for a name that is valid in a file's name; empty if nothing of it is."""
    return re.sub(r"[^A-Za-z0-9._]+", "-", name).strip("-._")[:60]


def _slugs(names: Iterable[str]) -> dict[str, str]:
    """Return a word for each name that is valid in a file's name; no two differ only in case."""
    slugs: dict[str, str] = {}
    for number, name in enumerate(names):
        word = slug(name) or f"number-{number}"
        taken = {other.lower() for other in slugs.values()}
        again = 2
        while word.lower() in taken:
            word, again = f"{slug(name)}-{again}", again + 1
        slugs[name] = word
    return slugs

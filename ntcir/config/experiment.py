"""The experiment as a value: read from YAML, changed by settings, checked as a whole, saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, model_validator

from ntcir.config.changing import changed_tree
from ntcir.config.complaints import place_of, sentence_of
from ntcir.config.features import Features
from ntcir.config.objective import AnyObjective, Objective
from ntcir.config.old_keys import INFO_NCE, lifted, typed_as
from ntcir.config.places import anchored
from ntcir.config.section import Section
from ntcir.config.sections import (
    Augment,
    Data,
    Encoder,
    Hubness,
    Negatives,
    Objects,
    Positives,
    Sensors,
    Topics,
)
from ntcir.config.solved import Solved, complaint, is_solved
from ntcir.config.texts import Texts
from ntcir.config.towers import Tower, Towers
from ntcir.config.training import Training
from ntcir.config.yaml_tree import NotYaml, parse_yaml, read_yaml
from ntcir.modalities import DEFAULT_PAIR, modality
from ntcir.system.errors import UserError, did_you_mean, short, shown
from ntcir.system.files import atomic_write


class Config(Section):
    """The whole experiment: between the two modalities of ``pair``, the left one and the right one."""

    name: str = Field("ymx2l", max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    seed: int = Field(0, ge=0, lt=2**63)
    pair: tuple[str, str] = DEFAULT_PAIR
    data: Data = Data()
    features: Features = Features()
    sensors: Sensors = Sensors()
    texts: Texts = Texts()
    towers: Towers = Towers()
    # The loss is their weighted sum; one that is solved stands alone.
    objectives: list[AnyObjective] = Field([{"kind": INFO_NCE}], min_length=1)  # type: ignore[list-item]
    training: Training = Training()
    objects: Objects = Objects()
    positives: Positives = Positives()
    augment: Augment = Augment()
    negatives: Negatives = Negatives()
    encoder: Encoder = Encoder()
    hubness: Hubness = Hubness()
    topics: Topics = Topics()

    @model_validator(mode="before")
    @classmethod
    def _completed(cls, tree: Any) -> Any:
        """Replace old spellings, and give each modality of the pair its tower."""
        if not isinstance(tree, dict):
            return tree
        tree = lifted(tree)
        pair, towers = tree.get("pair", DEFAULT_PAIR), tree.get("towers", {})
        if not (isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(name, str) for name in pair)):
            raise ValueError(f"pair = {shown(pair)} is not valid: give two modalities, such as [image, sensor]")
        solved = is_solved(tree.get("objectives"))
        tree = tree | {"towers": _towers(pair, towers, {"layers": 1} if solved else {})}
        if solved and isinstance(training := tree.get("training", {}), dict):
            tree["training"] = {"iters": 0, **training}
        return tree

    @model_validator(mode="after")
    def _two_modalities(self) -> Config:
        if self.pair[0] == self.pair[1]:
            raise ValueError(f"pair needs two different modalities, not {self.pair[0]} twice")
        return self

    @model_validator(mode="after")
    def _convolvable(self) -> Config:
        for name in self.pair:
            if self.towers.of(name).head == "cnn" and self.texts.form != "sequence":
                raise ValueError(
                    f"towers.{name}.head = cnn works on words in order, and texts.form is {self.texts.form}: set "
                    "texts.form to sequence"
                )
        return self

    @model_validator(mode="after")
    def _solvable(self) -> Config:
        if self.solved is not None and (why := complaint(self, self.solved)):
            raise ValueError(why)
        return self

    @model_validator(mode="after")
    def _one_precision(self) -> Config:
        if self.encoder.finetune and self.features.precision == "bf16":
            raise ValueError(
                "with encoder.finetune, features.precision must be auto or fp32: encoder.precision is the "
                "precision of training"
            )
        return self

    @model_validator(mode="after")
    def _projectable(self) -> Config:
        for name in self.pair:
            tower = self.towers.of(name)
            if self.encoder.finetune and tower.encoder == "frozen" and tower.pca is not None:
                raise ValueError(
                    f"towers.{name}.pca = {tower.pca} is fitted once, to features of frozen networks, and "
                    "encoder.finetune trains these: leave one of them out"
                )
        return self

    @property
    def losses(self) -> list[Objective]:
        """The objectives that training makes small: all, or none where the model is solved."""
        return [each for each in self.objectives if isinstance(each, Objective)]

    @property
    def solved(self) -> Solved | None:
        """The objective that is solved at once, where the model is not trained."""
        return next((each for each in self.objectives if isinstance(each, Solved)), None)

    @property
    def run_name(self) -> str:
        """What its folder in ``runs/`` is called: the name, and the number of steps where the model is trained."""
        return f"{self.name}-{self.training.iters}" if self.solved is None else self.name

    @property
    def needs_objects(self) -> bool:
        """Whether training asks which objects the photographs show."""
        return self.solved is None and (self.positives.objects or self.negatives.objects)

    @property
    def encodings(self) -> tuple[str, ...]:
        """What becomes of numbers in readings (``sensors.numbers``); nothing where neither side is encoded so."""
        kinds = [self.towers.of(name).encoder for name in self.pair]
        return self.sensors.encodings if "readings" in kinds else ()

    def objective_remedies(self, *, at_zero: bool = False) -> list[str]:
        """Return what the objectives know to help, such as ``raise objectives.0.temperature (now 0.1)``.

        Args:
            at_zero: where the loss stays at 0, rather than where it is not finite.
        """
        return [
            f"{what} objectives.{place}.{key} (now {getattr(objective, key)})"
            for place, objective in enumerate(self.losses)
            for key, what in (objective.remedies_at_zero() if at_zero else objective.remedies()).items()
        ]

    def remedies(self) -> str:
        """Return what helps where a loss or a vector is not finite, for a sentence."""
        return " or ".join(["lower training.lr", *self.objective_remedies()])

    def to_yaml(self) -> str:
        """Return the resolved configuration as YAML that ``load_config`` reads back to the same value."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)

    def save(self, path: Path) -> None:
        """Write the resolved configuration to ``path``."""
        atomic_write(path, self.to_yaml())

    def anchored(self) -> Config:
        """Return a copy in which what is given by path is found from any folder.

        The store stays as it is, but for a ``~``: it moves with the folder that it lies in.
        """
        return self.changed(anchored(self))

    def changed(self, changes: Mapping[str, Any], origin: str = "the changed configuration") -> Config:
        """Return a copy with dotted keys replaced, checked as a whole.

        Raises:
            UserError: for an unknown key or an impossible value.
        """
        return _checked(changed_tree(self.model_dump(mode="json"), changes, origin), origin, changes)


def _towers(pair: Iterable[str], given: Any, others: Mapping[str, Any]) -> Any:
    """Return the section ``towers`` with what each modality of a pair has by default, and these ``others`` instead.

    Raises:
        ValueError: if there is no such modality, or a section is of none of them.
    """
    if isinstance(given, Towers):
        given = given.model_dump()
    if not isinstance(given, dict):
        return given
    own = {}
    for name in pair:
        try:
            usual = modality(name)
        except UserError as error:
            raise ValueError(f"pair: {str(error).rstrip('.')}") from error
        tower = given.get(name, {})
        if isinstance(tower, Tower):
            tower = tower.model_dump()
        own[name] = (
            {"encoder": usual.encoders[0], **usual.tower, **others, **tower} if isinstance(tower, dict) else tower
        )
        if isinstance(tower, dict) and (kind := own[name]["encoder"]) not in usual.encoders:
            hint = did_you_mean(str(kind), usual.encoders) or f"; there are: {', '.join(usual.encoders)}"
            raise ValueError(f"towers.{name}.encoder = {shown(kind)} is not an encoder of {usual.plural}{hint}")
    if unknown := [key for key in given if key not in {*own, *Towers.model_fields}]:
        known = [*Towers.model_fields, *own]
        hint = did_you_mean(str(unknown[0]), known) or f"; known here: {', '.join(known)}"
        raise ValueError(f"unknown key 'towers.{unknown[0]}'{hint}")
    return given | own


def load_config(path: Path | None = None, settings: Iterable[str] = (), *, typed: bool = False) -> Config:
    """Read a configuration file (or take the defaults) and apply ``key.sub=value`` settings, parsed as YAML, on top.

    A file that is ``typed``, named by a user, may be a pipe.

    Raises:
        UserError: if the file is not there or not YAML, or a key or value is wrong; the sentence names both.
    """
    tree: Any = {}
    origin = "the configuration"
    if path is not None:
        origin = str(path)
        try:
            tree = read_yaml(path, typed=typed)
        except OSError as error:
            raise UserError(
                f"Cannot read the configuration {path}: {(error.strerror or str(error)).lower()}."
            ) from error
        except NotYaml as error:
            raise UserError(f"{path} is not YAML: {error}.") from error
        tree = {} if tree is None else tree
        if not isinstance(tree, dict):
            raise UserError(f"{path} must hold keys and values, not {type(tree).__name__}.")
    config = parse_config(tree, origin)
    changes: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        key = key.strip()
        if not equals or not key:
            raise UserError(f"--set {shown(setting)} is not of the form key.sub=value.")
        try:
            changes[key] = parse_yaml(text) if text.strip() else None
        except NotYaml as error:
            reason = str(error).removeprefix("line 1: ")
            raise UserError(f"--set {shown(setting)}: the value is not YAML ({reason}).") from error
        origins[key] = f"--set {short(setting)}"
    if not changes:
        return config
    try:  # all at once: some values are valid only together
        return Config.model_validate(changed_tree(config.model_dump(mode="json"), changes, " ".join(origins.values())))
    except ValidationError as error:
        place = ".".join(place_of(error.errors()[0]["loc"]))
        guilty = [words for key, words in origins.items() if place.startswith(key) or key.startswith(place)]
        origin = " ".join(guilty or origins.values())
        raise UserError(sentence_of(error, origin, Config, typed_as(changes))) from error


def parse_config(tree: Mapping[str, Any], origin: str) -> Config:
    """Check a tree of keys and values and return it as a configuration; ``origin`` is named in the error."""
    return _checked(tree, origin, tree)


def _checked(tree: Mapping[str, Any], origin: str, given: Mapping[str, Any]) -> Config:
    """Check a tree; an error names ``origin``, and keys as they are spelled in ``given``."""
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        raise UserError(sentence_of(error, origin, Config, typed_as(given))) from error

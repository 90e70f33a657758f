"""Where a training begins: from the towers of another model, which ``training.start`` names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ntcir.config import Config, Tower
from ntcir.encoders import encoder_class
from ntcir.encoders.encoder import Rows
from ntcir.encoders.projected import ProjectableEncoder, ProjectableRows
from ntcir.encoders.words import WordsEncoder
from ntcir.encoders.words_rows import WordRows
from ntcir.model.folder import WEIGHTS, read_config
from ntcir.model.model import Model
from ntcir.model.trained import LAST
from ntcir.system.errors import UserError
from ntcir.system.parallel import by_first
from ntcir.system.progress import say
from ntcir.system.regular import sha256_of
from ntcir.training.carrying import carry_learnt
from ntcir.training.start_readings import check_same_readings
from ntcir.training.start_words import check_no_more_words, check_texts, check_width, check_words


@dataclass(frozen=True)
class Start:
    """A model that another training begins from.

    Attributes:
        folder: of the model.
        model: as it was saved.
    """

    folder: Path
    model: Model

    @classmethod
    def of(cls, config: Config, folder: Path, *, resume: bool) -> Start | None:
        """Read the model that a configuration names; what can be told to be wrong is told before anything is encoded.

        Args:
            config: resolved.
            folder: of the training that is to begin.
            resume: whether it goes on where it was interrupted, if it was: then it has towers of its own already.

        Returns:
            None where the configuration names none, or the training has begun already.

        Raises:
            UserError: if it is no model, this very training, or of other modalities, dimensions or layers.
        """
        place = config.training.start
        if place is None or (resume and by_first((folder / LAST).is_file)):
            return None
        if place.resolve() == folder.resolve():
            raise UserError(f"training.start = {place} is the folder of this training: name another model's.")
        check_start(config)
        start = cls(place, Model.load(place))
        start.tell_other_split(config)
        return start

    def tell_other_split(self, config: Config) -> None:
        """Warn where the model may have seen what is to be held out from a training."""
        theirs, ours = self.model.config.data, config.data
        if theirs.path == ours.path and theirs.split != ours.split:
            say(
                f"WARNING: training.start: {self.folder} was made with another data.split of the same corpus, so it "
                "may know items that this training holds out, and figures may be too good."
            )

    def check_captions(self, config: Config, rows: Mapping[str, Rows], train: pd.DataFrame) -> None:
        """Check, before anything is encoded, that the words which the model knows may be those of a training.

        Args:
            config: of the training.
            rows: of its corpus, not yet fitted.
            train: the pairs of its training split; not all of them need be readable.

        Raises:
            UserError: if it knows a word that the training captions lack, or has word vectors of another width than
                the configuration asks for.
        """
        for name, each in rows.items():
            theirs = self.model.encoders[name]
            if not (isinstance(each, WordRows) and isinstance(theirs, WordsEncoder)):
                continue
            if config.texts.form != "bag" and config.texts.vectors is None:  # else their file says how wide they are
                check_width(theirs, config.texts.width, self.folder)
            words = each.vocabulary(train[name].tolist())
            if len(words) < config.texts.most:  # else those of unreadable pictures may keep others out
                check_no_more_words(name, theirs, words, self.folder)
            if len(words) > len(theirs.vocabulary):
                say(
                    f"WARNING: training.start: the {name} tower of {self.folder} knows {len(theirs.vocabulary):,} "
                    f"words, and these training captions have {len(words):,}: unless captions with the others drop "
                    "out because their pictures cannot be read, the training will be refused after encoding."
                )

    def give_projections(self, rows: Mapping[str, Rows]) -> None:
        """Let rows be projected as this model's were, which is what its towers know.

        Args:
            rows: of the training's corpus, not yet fitted.

        Raises:
            UserError: if they have other columns.
        """
        for name, each in rows.items():
            theirs = self.model.encoders[name]
            projection = theirs.projection if isinstance(theirs, ProjectableEncoder) else None
            if projection is None or not isinstance(each, ProjectableRows):
                continue
            try:
                each.keep(projection)
            except ValueError as error:
                raise UserError(
                    f"training.start: the {name} tower of {self.folder} does not fit this configuration: {error} "
                    "(features.backbones, or the file that the rows come from, are others)."
                ) from error

    def give_towers(self, model: Model) -> None:
        """Put these towers in place of those of a model, statistics of their training split included.

        What objectives have learnt is taken along where they declare so; see ``carry_learnt``.

        Raises:
            UserError: if one does not fit.
        """
        for name in model.towers:
            if list(self.model.encoders[name].fingerprints) != list(model.encoders[name].fingerprints):
                say(
                    f"WARNING: training.start: the {name} tower of {self.folder} was trained on rows of other networks "
                    "than this training's: what it knows of their columns is of little use."
                )
            check_words(name, self.model.encoders[name], model.encoders[name], self.folder)
            check_same_readings(name, self.model.encoders[name], model.encoders[name], self.folder)
            try:
                if _grows(name, model.config, self.model.config):
                    model.tower(name).grow_from(self.model.tower(name))
                else:
                    model.tower(name).begin_as(self.model.tower(name))
            except (RuntimeError, ValueError) as error:
                raise UserError(
                    f"training.start: the {name} tower of {self.folder} does not fit this configuration: its encoder "
                    f"or its settings (towers.{name}) are others."
                ) from error
        carry_learnt(self.model, model, self.folder)


def _grows(name: str, ours: Config, theirs: Config) -> bool:
    """Return whether a tower of gated blocks for single vectors is to begin from one that is a linear layer."""
    here, there = ours.towers.of(name), theirs.towers.of(name)
    if (here.head, there.head, there.layers, there.norm) != ("gmlp", "mlp", 1, "none"):
        return False
    sides = ((here, ours), (there, theirs))
    return all(encoder_class(str(tower.encoder)).positions(tower, config) is None for tower, config in sides)


def check_start(config: Config) -> None:
    """Check, without reading weights, that the model a training would begin from is there and has towers that fit.

    Raises:
        UserError: if it is no model, or of other modalities, dimensions or layers.
    """
    place = config.training.start
    if place is None:
        return
    try:
        theirs = read_config(place)
    except UserError as error:
        raise UserError(f"training.start: {error}") from error
    between = " and ".join(theirs.pair)
    for name in config.pair:
        if name not in theirs.pair:
            raise UserError(
                f"training.start: {place} is a model between {between}, which has no tower of the modality {name}: "
                "name a model of the same pair."
            )
    for key in ("dim", "members"):
        have, want = getattr(theirs.towers, key), getattr(config.towers, key)
        if have != want:
            raise UserError(
                f"training.start: {place} has towers.{key} = {have}, and this training {want}: set "
                f"towers.{key}={have}, or name another model."
            )
    for name in config.pair:
        _check_mirror(name, config, theirs, place)
        grown = _grows(name, config, theirs)
        _check_tower(name, config.towers.of(name), theirs.towers.of(name), place, grown=grown)
        check_texts(name, config, theirs, place)


def _check_mirror(name: str, ours: Config, theirs: Config, place: Path) -> None:
    """Check that both towers are of pictures alone, or of pictures and their mirror images.

    Raises:
        UserError: if they are not.
    """
    kinds = {ours.towers.of(name).encoder, theirs.towers.of(name).encoder}
    have, want = theirs.features.mirror, ours.features.mirror
    if kinds == {"frozen"} and have != want:
        raise UserError(
            f"training.start: {place} has features.mirror = {_yaml(have)}, and this training {_yaml(want)}: set "
            f"features.mirror={_yaml(have)}, or name another model."
        )


def fingerprint(place: Path) -> str:
    """Return the SHA-256 of a model's weights, by which it is told from what its folder may hold later.

    Raises:
        UserError: if they cannot be read.
    """
    try:
        return sha256_of(place / WEIGHTS)
    except OSError as error:
        raise UserError(
            f"training.start: cannot read {place / WEIGHTS}: {(error.strerror or str(error)).lower()}."
        ) from error


def _check_tower(name: str, ours: Tower, theirs: Tower, place: Path, *, grown: bool) -> None:
    """Check that a modality's towers have the same layers, as far as settings tell.

    Args:
        name: of the modality.
        ours: settings of the tower that is to begin.
        theirs: of the one that it begins from.
        place: of the model that has that.
        grown: whether theirs is to be the first layer of ours.

    Raises:
        UserError: naming the first setting that is another one.
    """
    layers = [] if grown else ["head", *_shape_keys(ours)]
    for key in ("power", "standardise", "pca", "facets", *layers):
        have, want = getattr(theirs, key), getattr(ours, key)
        if have != want:
            raise UserError(
                f"training.start: {place} has towers.{name}.{key} = {_yaml(have)}, and this training "
                f"{_yaml(want)}: set towers.{name}.{key}={_yaml(have)}, or name another model."
            )


def _shape_keys(tower: Tower) -> list[str]:
    """Return the settings that say which weights the head of a tower has."""
    if tower.head == "cnn":
        return ["norm", "blocks", "widths"]
    has_hidden = tower.layers > 1 or tower.head == "gmlp"
    return ["layers", *(["hidden"] if has_hidden else []), *(["norm"] if tower.head == "mlp" else [])]


def _yaml(value: object) -> str:
    """Return a value as it is typed behind ``--set``, where a space would end it."""
    return "null" if value is None else str(value).lower().replace(" ", "")

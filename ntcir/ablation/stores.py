"""What networks and detectors say of the items, looked at before anything is trained and stored for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ntcir.config import Config
from ntcir.corpora.corpus import Corpus
from ntcir.encoders import open_rows
from ntcir.encoders.encoder import Rows
from ntcir.encoders.frozen import FrozenRows
from ntcir.features.image_features import AlteredFeatures
from ntcir.features.objects import ObjectDetections
from ntcir.modalities import modality, pictured
from ntcir.sampling.augment import Augmenter
from ntcir.training.categories import categories_are_objects
from ntcir.training.preparation import open_detections
from ntcir.training.start import fingerprint

_OF_TEXTS = ("words", "sentences")  # the encoders that the section ``texts`` is about


class Planned(Protocol):
    """Trainings that are planned: a grid's, or those of a search."""

    @property
    def pair(self) -> tuple[str, str]:
        """The two modalities, by name."""

    @property
    def configs(self) -> Mapping[Any, Config]:
        """The configurations, by whatever tells them apart."""


class Splits(Protocol):
    """A corpus and what is used of it."""

    @property
    def corpus(self) -> Corpus:
        """With the splits."""

    @property
    def items(self) -> Mapping[str, list[str]]:
        """Those that are encoded, by modality."""


class Stores:
    """The rows, altered views and detections of all configurations of a grid or a search.

    Opening loads every network, so that missing weights are reported at once.

    Args:
        plan: resolved.
        folds: of the same items.

    Raises:
        UserError: if the weights of a network or a detector cannot be obtained, or an encoder cannot be used.
    """

    def __init__(self, plan: Planned, folds: Sequence[Splits]) -> None:
        self._pair, self._folds = plan.pair, folds
        self._configs = list(plan.configs.values())
        self._rows: dict[tuple[str, str], Rows] = {}
        self._detections: dict[str, ObjectDetections] = {}
        corpus = folds[0].corpus
        for config in self._configs:
            for name in self._pair:
                if (key := _key(config, name)) not in self._rows:
                    self._rows[key] = open_rows(config, corpus, name)
            detector = config.objects.model_dump_json()
            if self._asks_for_objects(config) and detector not in self._detections:
                self._detections[detector] = open_detections(config, corpus)
        starts = {place for config in self._configs if (place := config.training.start) is not None}
        self._of_starts = {place: [fingerprint(place)] for place in starts}
        self._of_rows = {key: rows.origins() for key, rows in self._rows.items()}
        self._of_detections = {kind: [detections.fingerprint] for kind, detections in self._detections.items()}

    def fingerprints(self, config: Config) -> list[str]:
        """Return what tells the networks, files, detector and start of a configuration from others."""
        found = [each for name in self._pair for each in self._of_rows[_key(config, name)]]
        if self._asks_for_objects(config):
            found += self._of_detections[config.objects.model_dump_json()]
        return found + ([] if config.training.start is None else self._of_starts[config.training.start])

    def fill(self) -> None:
        """Compute and store what is missing, with progress.

        Raises:
            UserError: if a detector or an augmentation is none, or the features of an item cannot be stored.
        """
        # What must not be found out in the middle comes first.
        for detections in self._detections.values():
            _ = detections.names  # starts the detector
        views = [altered for name in self._pair if modality(name).pictured for altered in self._views(name)]
        for (name, _kind), rows in self._rows.items():
            rows.ensure(list(dict.fromkeys(item for fold in self._folds for item in fold.items[name])))
        if (shown := pictured(self._pair)) is not None:
            for detections in self._detections.values():
                detections.ensure(self._trained(shown.name))
        for altered, name in views:
            altered.ensure(self._trained(name))
        # Trainings open what they need themselves.
        self._rows.clear()
        self._detections.clear()

    def _asks_for_objects(self, config: Config) -> bool:
        """Return whether a training asks which objects pictures show."""
        return config.needs_objects or categories_are_objects(config, self._folds[0].corpus)

    def _trained(self, name: str) -> list[str]:
        """Return the items of a modality that are trained on in any fold."""
        return list(dict.fromkeys(item for fold in self._folds for item in fold.corpus.split("train")[name]))

    def _views(self, name: str) -> list[tuple[AlteredFeatures, str]]:
        """Open the stores of a modality's altered pictures, once each.

        Raises:
            UserError: if an encoder cannot see altered pictures, or a transform is none.
        """
        opened = {}
        for config in self._configs:
            key, altered = _key(config, name), config.augment.model_dump_json()
            # A network that is trained along is given new views at each step, which are not stored.
            unused = config.solved is not None or config.encoder.finetune
            if not config.augment.views or unused or (key, altered) in opened:
                continue
            augmenter, rows = Augmenter(config.augment, config.features.crop), self._rows[key]
            if isinstance(rows, FrozenRows):
                opened[key, altered] = rows.features.views(augmenter, config.augment.views), name
            else:
                rows.altered(augmenter, config.augment.views, [])  # which refuses
        return list(opened.values())


def _key(config: Config, name: str) -> tuple[str, str]:
    """Return the modality, and what tells its rows from those of other configurations."""
    tower = config.towers.of(name)
    texts = config.texts.model_dump_json() if tower.encoder in _OF_TEXTS else ""
    return name, f"{tower.encoder} {tower.vectors} {config.features.model_dump_json()} {texts}"

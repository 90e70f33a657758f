"""What networks and detectors say of the photographs, looked at before anything is trained and stored for all."""

from __future__ import annotations

from collections.abc import Sequence

from ntcir.ablation.folds import Fold
from ntcir.ablation.grid import Plan
from ntcir.config import Config
from ntcir.encoders.frozen import FrozenEncoder
from ntcir.features.image_features import AlteredFeatures, ImageFeatures
from ntcir.features.objects import ObjectDetections
from ntcir.modalities.image import IMAGE
from ntcir.sampling.augment import Augmenter


class Stores:
    """The stored features, altered views and detections of all configurations of a grid.

    Opening loads every network, so that weights which cannot be had are known of at once.

    Args:
        plan: resolved.
        folds: of the same photographs.

    Raises:
        UserError: if the weights of a network or a detector cannot be had.
    """

    def __init__(self, plan: Plan, folds: Sequence[Fold]) -> None:
        self._folds = folds
        self._configs = list(plan.configs.values())
        self._features: dict[str, ImageFeatures] = {}
        self._detections: dict[str, ObjectDetections] = {}
        corpus = folds[0].corpus
        for config in self._configs:
            kind = config.features.model_dump_json()
            if kind not in self._features and _has_networks(config):
                self._features[kind] = ImageFeatures(corpus, config.features)
            detector = config.objects.model_dump_json()
            if config.needs_objects and detector not in self._detections:
                self._detections[detector] = ObjectDetections(corpus, config.objects, config.features.store)
        self._fingerprints = {kind: features.fingerprints for kind, features in self._features.items()}
        self._fingerprints |= {kind: [detections.fingerprint] for kind, detections in self._detections.items()}

    def fingerprints(self, config: Config) -> list[str]:
        """Return what tells the networks of a configuration, and its detector if it asks for one, from others."""
        return self._fingerprints.get(config.features.model_dump_json(), []) + (
            self._fingerprints[config.objects.model_dump_json()] if config.needs_objects else []
        )

    def fill(self) -> None:
        """Compute and store what is missing, with progress.

        Raises:
            UserError: if a detector or an augmentation is none, or a photograph's features cannot be stored.
        """
        # What must not be found out in the middle comes first.
        for detections in self._detections.values():
            _ = detections.names  # starts the detector
        views = self._views()
        asked = list(dict.fromkeys(item for fold in self._folds for item in fold.images))
        for features in self._features.values():
            features.ensure(asked)
        if self._detections or views:
            trained = list(
                dict.fromkeys(item for fold in self._folds for item in fold.corpus.split("train")[IMAGE.name])
            )
            for detections in self._detections.values():
                detections.ensure(trained)
            for altered in views:
                altered.ensure(trained)
        # Trainings open what they need themselves.
        self._features.clear()
        self._detections.clear()

    def _views(self) -> list[AlteredFeatures]:
        """Open the stores of altered photographs, once each."""
        opened = {}
        for config in self._configs:
            kind, altered = config.features.model_dump_json(), config.augment.model_dump_json()
            # A network that is trained along is given new views at each step, which are not stored.
            altering = config.augment.views and not config.encoder.finetune and kind in self._features
            if altering and (kind, altered) not in opened:
                augmenter = Augmenter(config.augment, config.features.crop)
                opened[kind, altered] = self._features[kind].views(augmenter, config.augment.views)
        return list(opened.values())


def _has_networks(config: Config) -> bool:
    """Return whether a configuration encodes anything by frozen networks."""
    return any(config.towers.of(name).encoder == FrozenEncoder.kind for name in config.pair)

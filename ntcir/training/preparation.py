"""From a corpus and a configuration to what a training needs: the pairs, and what they are contrasted with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ntcir.config import Config
from ntcir.corpora.corpus import Corpus
from ntcir.encoders import encoder_class, open_rows
from ntcir.encoders.encoder import Rows
from ntcir.features.objects import ObjectDetections
from ntcir.modalities import modality, pictured
from ntcir.sampling.augment import Augmenter
from ntcir.sampling.drawn_together import seconds_of_pairs
from ntcir.sampling.examples import Composer, Shares, Side
from ntcir.sampling.negatives import HardNegatives
from ntcir.sampling.negatives_by_objects import mine_by_objects
from ntcir.sampling.overlap import ObjectOverlap, check_weights, class_weights
from ntcir.sampling.positives import FalseNegatives, ObjectPositives
from ntcir.system.errors import UserError
from ntcir.system.parallel import by_first, ranks
from ntcir.system.progress import say
from ntcir.training.categories import categories_are_objects, categories_of, why_objects
from ntcir.training.needs import require_needs
from ntcir.training.readable import readable_pairs, require_pairs
from ntcir.training.readiness import check_negatives
from ntcir.training.remarks import idle_settings, of_validation
from ntcir.training.watching import nothing_mined


@dataclass
class Preparation:
    """The readable pairs of a corpus and what is known about them.

    Attributes:
        config: resolved.
        corpus: with a training split.
        rows: of its items, by modality; fitted to the training split.
        train: the readable pairs of the training split, in order of time.
        val: those of the validation split.
        augmenter: what alters photographs, if anything does.
        detections: the objects in the photographs, if anybody asks for them or an objective needs categories.
    """

    config: Config
    corpus: Corpus
    rows: Mapping[str, Rows]
    train: pd.DataFrame
    val: pd.DataFrame
    augmenter: Augmenter | None
    detections: ObjectDetections | None

    @classmethod
    def of(cls, config: Config, corpus: Corpus, rows: Mapping[str, Rows]) -> Preparation:
        """Read what there is.

        Args:
            config: resolved.
            corpus: with a training split.
            rows: opened for the corpus, not yet fitted; what is not stored of them is computed.

        Raises:
            UserError: if the training split is too small, an encoder can learn nothing from it, a transform is none,
                or the detector is none or lacks a class.
        """
        require_pairs(corpus, rows)
        # What is wrong with these must not be found out after hours of encoding.
        require_pictures(config)
        require_needs(config, corpus)
        augmenter = Augmenter(config.augment, config.features.crop) if config.augment.views else None
        detections = None
        if config.needs_objects or categories_are_objects(config, corpus):
            detections = open_detections(config, corpus)
        if config.needs_objects and detections is not None:
            check_weights(config.positives.class_weights, detections.counted)
        check_in_time(config, corpus)
        train, val = readable_pairs(corpus, rows)
        return cls(config, corpus, rows, train, val, augmenter, detections)

    @cached_property
    def seconds(self) -> np.ndarray:
        """The times of the training pairs in seconds, float64 [pairs]."""
        return seconds_of_pairs(self.train)

    @cached_property
    def loaded(self) -> dict[str, np.ndarray]:
        """The rows of the training pairs' items by modality, float32 [pairs, columns]."""
        return {name: each.load(self.train[name].tolist()) for name, each in self.rows.items()}

    @property
    def pictures(self) -> Side | None:
        """The side whose items are pictures."""
        found = pictured(self.config.pair)
        return None if found is None else Side(self.config.pair.index(found.name))

    def facts(self) -> list[Any]:
        """Return what a training starts with, besides its configuration; a resumed one must have the same."""
        facts = [fact for name, each in self.rows.items() for fact in each.facts(self.train[name].tolist())]
        facts += [self.augmenter.meta] if self.augmenter else []
        facts += [hashlib.sha256(side.tobytes()).hexdigest() for side in self.categories or ()]
        return facts + ([self.detections.fingerprint] if self.detections else [])

    def views_of(self, name: str) -> np.ndarray | None:
        """Return rows of altered training items, float16 [views, pairs, columns], or None where nothing alters them."""
        if self.augmenter is None or not modality(name).pictured:
            return None
        return self.rows[name].altered(self.augmenter, self.config.augment.views, self.train[name].tolist())

    @cached_property
    def overlap(self) -> ObjectOverlap | None:
        """How far the training photographs show the same objects; None where nobody asks, or none was detected."""
        if self.detections is None or self.pictures is None or not self.config.needs_objects:
            return None
        name = self.config.pair[self.pictures]
        photographs = self.train[name].tolist()
        counts = self._count_objects(photographs)
        options = self.config.positives
        weights = class_weights(counts, self.detections.counted, options.weights, options.class_weights)
        overlap = ObjectOverlap(counts, weights, options.least)
        if not overlap.shows.any():
            say(
                f"WARNING: no training {modality(name).noun} shows {options.least} or more of the objects that "
                "count: continuing without pseudo-positives and negatives from objects."
            )
            return None
        return overlap

    def _count_objects(self, photographs: list[str]) -> np.ndarray:
        """Return how many objects of each class are in photographs, int64 [photographs, classes]."""
        if self.detections is None:
            raise ValueError("nobody asked for objects")
        return self._detected(self.detections, photographs).counts(photographs)

    def _detected(self, detections: ObjectDetections, photographs: list[str]) -> ObjectDetections:
        """Return the detections, those of the training photographs stored; one process detects for all."""
        by_first(lambda: detections.ensure(photographs))
        if ranks().first:
            return detections
        return open_detections(self.config, self.corpus)

    @cached_property
    def categories(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Those of the training pairs' items; see ``categories_of``."""
        return categories_of(self.config, self.corpus, self.train, self._count_objects)

    def composer(self) -> Composer:
        """Return what puts a step's examples together; what came of matching and mining by objects is said."""
        config, groups = self.config, self.train["group"].to_numpy()
        shown = pictured(config.pair)
        of = "" if shown is None else shown.plural
        repeated = {name: self.loaded[name] for name, each in self.rows.items() if each.encoder.repeats}
        known = _false_negatives(config, self.train, repeated)
        side = Side.LEFT if self.pictures is None else self.pictures
        objects = None
        if self.overlap is not None and config.positives.objects:
            objects = ObjectPositives(self.overlap, groups, self.seconds, config.positives)
            say(objects.sentence(of), kind="positives by objects")
        composer = Composer(
            known,
            config.seed,
            Shares.of(config),
            objects=objects,
            shared=known.same if self.corpus.shared_are_positive else None,
            side=side,
        )
        if self.overlap is None or not config.negatives.objects:
            return composer
        looks = self.loaded[config.pair[side]]
        mined = mine_by_objects(self.seconds, groups, looks, self.overlap, composer.forbidden(), config.negatives, of)
        for line in [*mined.report.lines(), *filter(None, [nothing_mined(mined.report, "objects", config.pair)])]:
            say(line)
        return composer.with_hard("objects", HardNegatives(mined.rows, mined.rows))

    def check_negatives(self, composer: Composer) -> None:
        """Say how many negatives the left items will have, where an objective learns from them.

        Raises:
            UserError: if none has any.
        """
        if not contrasts(self.config):
            return
        mined = any(not found.is_empty for found in composer.hard.values())
        groups = self.train["group"].to_numpy()
        census = check_negatives(
            self.config, groups, self.seconds, composer.forbidden(), mined=mined, grouped=self.corpus.grouped
        )
        say(census.sentence(), kind=f"negatives in batches of {self.config.training.batch}")


def check_in_time(config: Config, corpus: Corpus) -> None:
    """Report what a training would do in vain, or what is solved has no use for, before hours of encoding.

    Raises:
        UserError: if it would do nothing else, or the corpus lacks what an encoder needs.
    """
    train, val = corpus.split("train"), corpus.split("val")
    for sentence in (
        *idle_settings(config, train.groupby("group").size().to_numpy(), grouped=corpus.grouped),
        *of_validation(val.groupby("group")[config.pair[1]].nunique().to_numpy(), trained=config.solved is None),
    ):
        say(sentence)
    if not contrasts(config):
        return
    repeated = {}
    for name in config.pair:
        if encoder_class(str(config.towers.of(name).encoder)).repeats:
            rows = open_rows(config, corpus, name)
            rows.fit(train[name].tolist())
            repeated[name] = rows.load(train[name].tolist())
    related = _false_negatives(config, train, repeated)
    check_negatives(
        config, train["group"].to_numpy(), seconds_of_pairs(train), related.relations, grouped=corpus.grouped
    )


def contrasts(config: Config) -> bool:
    """Return whether an objective learns from negatives."""
    return any(objective.contrasts for objective in config.losses)


def open_detections(config: Config, corpus: Corpus) -> ObjectDetections:
    """Open the detections of objects in a corpus's pictures.

    Args:
        config: of a pair with pictures; see ``require_pictures``.
        corpus: whose pictures.

    Raises:
        UserError: if the weights of the detector cannot be obtained.
    """
    shown = pictured(config.pair)
    pictures = corpus if shown is None else corpus.picturing(shown.name)
    if shown is not None:
        corpus.require_content(shown.name, "to detect objects in")
    with why_objects(config, corpus):
        return ObjectDetections(pictures, config.objects, config.features.store)


def require_pictures(config: Config) -> None:
    """Check that there are photographs, where something is asked of them, and networks, where these are to be trained.

    Raises:
        UserError: naming the setting that needs some.
    """
    kinds = [config.towers.of(name).encoder for name in config.pair]
    if config.encoder.finetune and "frozen" not in kinds:
        raise UserError(
            "encoder.finetune trains the networks of the encoder frozen, and the encoders are "
            f"{' and '.join(map(str, kinds))}: turn it off."
        )
    if pictured(config.pair) is not None:
        return
    asked = {
        "augment.views": config.augment.views > 0,
        "positives.objects": config.positives.objects,
        "negatives.objects": config.negatives.objects,
        "encoder.finetune": config.encoder.finetune,
    }
    for key, is_asked in asked.items():
        if is_asked:
            raise UserError(f"{key} needs photographs, and the pair is {' and '.join(config.pair)}: turn it off.")


def _false_negatives(config: Config, pairs: pd.DataFrame, repeated: Mapping[str, np.ndarray]) -> FalseNegatives:
    """Return which pairs are no negatives of each other.

    Args:
        config: resolved.
        pairs: of the training split.
        repeated: rows of the pairs' items, of the modalities of which different items may have equal rows.
    """
    training, (left, right) = config.training, config.pair
    compared = repeated if training.mask_equal_readings else {}
    return FalseNegatives(
        pairs[left].to_numpy(),
        pairs[right].to_numpy(),
        seconds_of_pairs(pairs),
        compared.get(right),
        training.near_seconds,
        left_rows=compared.get(left),
        pair=config.pair,
    )

"""From a corpus and a configuration to what a training needs: the pairs, and what they are contrasted with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ntcir.config import Config
from ntcir.corpora.corpus import Corpus
from ntcir.encoders.presets import chosen_columns, named_columns
from ntcir.encoders.readings import ReadingsEncoder
from ntcir.encoders.understanding import idle_columns, require_values
from ntcir.features.image_features import ImageFeatures
from ntcir.features.objects import ObjectDetections
from ntcir.sampling.augment import Augmenter
from ntcir.sampling.examples import Composer
from ntcir.sampling.negatives import mine_by_objects
from ntcir.sampling.overlap import ObjectOverlap, check_weights, class_weights
from ntcir.sampling.positives import FalseNegatives, ObjectPositives, Relation
from ntcir.system.errors import UserError
from ntcir.system.parallel import by_first, ranks
from ntcir.system.progress import say
from ntcir.training.readiness import check_negatives
from ntcir.training.remarks import idle_settings, of_validation
from ntcir.training.watching import nothing_mined

_BLOCK = 4096  # photographs whose views are read at once


@dataclass
class Preparation:
    """The readable pairs of a corpus and what is known about them.

    Attributes:
        config: resolved.
        corpus: with a training split.
        features: of its photographs; missing ones are extracted.
        train: the readable pairs of the training split, in order of time.
        val: those of the validation split.
        readings: fitted to the training split.
        augmenter: what alters photographs, if anything does.
        detections: the objects in the photographs, if anybody asks for them.
    """

    config: Config
    corpus: Corpus
    features: ImageFeatures
    train: pd.DataFrame
    val: pd.DataFrame
    readings: ReadingsEncoder
    augmenter: Augmenter | None
    detections: ObjectDetections | None

    @classmethod
    def of(cls, config: Config, corpus: Corpus, features: ImageFeatures) -> Preparation:
        """Read what there is.

        Raises:
            UserError: if the training split is too small, a sensor column is not there or has no value, a transform is
                none, or the detector is none or lacks a class.
        """
        columns = chosen_columns(config.sensors, corpus.sensors, corpus.layout)
        corpus.require_columns(columns.names)
        train, val = corpus.split("train"), corpus.split("val")
        if len(train) < 2:
            raise UserError(
                f"{corpus.root} has {len(train)} pairs in its training split; at least 2 are needed "
                "(see data.split in the configuration)."
            )
        named, why = named_columns(config.sensors, corpus.layout), corpus.report.empty
        require_values(columns, corpus.sensors.loc[train["sensor"]], named, corpus.root, why)
        # What is wrong with these must not be found out after hours of encoding.
        augmenter = Augmenter(config.augment, config.features.crop) if config.augment.views else None
        detections = None
        if config.needs_objects:
            detections = ObjectDetections(corpus, config.objects, config.features.store)
            check_weights(config.positives.class_weights, detections.counted)
        check_in_time(config, corpus)
        present = features.ensure([*train["image"], *val["image"]])
        train, val = train[present[: len(train)]], val[present[len(train) :]]
        if len(train) < 2:
            raise UserError(
                f"Of the training split of {corpus.root}, {len(train)} photographs can be read; at least 2 are needed."
            )
        sensors = corpus.sensors.loc[train["sensor"]]
        require_values(columns, sensors, named, corpus.root, why)
        readings = ReadingsEncoder.fit(columns, sensors, config.sensors.rare)
        for remark in idle_columns(readings, sensors):
            say(remark)
        return cls(config, corpus, features, train, val, readings, augmenter, detections)

    @property
    def ids(self) -> list[str]:
        """The training photographs."""
        return list(self.train["image"])

    @cached_property
    def seconds(self) -> np.ndarray:
        """The times of the training pairs in seconds, float64 [pairs]."""
        return _seconds(self.train)

    @cached_property
    def encoded(self) -> np.ndarray:
        """The encoded readings of the training pairs, float32 [pairs, dim]."""
        return self.readings.encode(self.corpus.sensors.loc[self.train["sensor"]])

    def facts(self) -> list[Any]:
        """Return what a training is begun with, besides its configuration; a resumed one must have the same."""
        facts = [self.features.fingerprints, self.ids, self.train["sensor"].tolist(), self.readings.to_json()]
        facts += [self.augmenter.meta] if self.augmenter else []
        return facts + ([self.detections.fingerprint] if self.detections else [])

    def stored_views(self) -> np.ndarray | None:
        """Return the features of the altered training photographs, float16 [views, pairs, dim], or None without any.

        Half the precision is more than enough for what is altered at random, and half the memory.
        """
        if self.augmenter is None:
            return None
        views = self.features.views(self.augmenter, self.config.augment.views)
        views.ensure(self.ids)
        result = np.empty((self.config.augment.views, len(self.ids), self.features.dim), dtype=np.float16)
        for start in range(0, len(self.ids), _BLOCK):
            result[:, start : start + _BLOCK] = views.load(self.ids[start : start + _BLOCK])
        return result

    @cached_property
    def overlap(self) -> ObjectOverlap | None:
        """How far the training photographs show the same objects; None where nobody asks, or none was detected."""
        if self.detections is None:
            return None
        detections = self._detected(self.detections)
        counts = detections.counts(self.ids)
        options = self.config.positives
        weights = class_weights(counts, detections.counted, options.weights, options.class_weights)
        overlap = ObjectOverlap(counts, weights, options.least)
        if not overlap.shows.any():
            say(
                f"WARNING: no training photograph shows {options.least} or more of the objects that count: "
                "going on without pseudo-positives and negatives from objects."
            )
            return None
        return overlap

    def _detected(self, detections: ObjectDetections) -> ObjectDetections:
        """Return the detections, those of the training photographs stored; one process detects for all."""
        by_first(lambda: detections.ensure(self.ids))
        if ranks().first:
            return detections
        return ObjectDetections(self.corpus, self.config.objects, self.config.features.store)

    def composer(self, images: np.ndarray) -> Composer:
        """Return what puts a step's examples together; what came of matching and mining by objects is said.

        Args:
            images: the features of the training photographs, float32 [pairs, dim].
        """
        composer = Composer(
            _false_negatives(self.config, self.train, self.encoded),
            self.config.seed,
            positives=self.config.positives,
            augment=self.config.augment,
            negatives=self.config.negatives,
        )
        if self.overlap is not None:
            groups = self.train["group"].to_numpy()
            if self.config.positives.objects:
                composer.objects = ObjectPositives(self.overlap, groups, self.seconds, self.config.positives)
                say(composer.objects.sentence(), kind="positives by objects")
            if self.config.negatives.objects:
                mined = mine_by_objects(
                    self.seconds, groups, images, self.overlap, forbidden(composer), self.config.negatives
                )
                composer.hard_images["objects"] = composer.hard_sensors["objects"] = mined.rows
                for line in [*mined.report.lines(), *filter(None, [nothing_mined(mined.report, "objects")])]:
                    say(line)
        return composer

    def check_negatives(self, composer: Composer) -> None:
        """Say how many negatives the photographs will have.

        Raises:
            UserError: if none has any.
        """
        mined = any((rows >= 0).any() for rows in composer.hard_sensors.values())
        groups = self.train["group"].to_numpy()
        census = check_negatives(self.config, groups, self.seconds, forbidden(composer), mined=mined)
        say(census.sentence(), kind=f"negatives in batches of {self.config.training.batch}")


def check_in_time(config: Config, corpus: Corpus) -> None:
    """Say what a training would do in vain, before hours of encoding.

    Raises:
        UserError: if it would do nothing else, or the corpus lacks a reading.
    """
    train, val = corpus.split("train"), corpus.split("val")
    for sentence in (
        *idle_settings(config, train.groupby("group").size().to_numpy()),
        *of_validation(val.groupby("group")["sensor"].nunique().to_numpy()),
    ):
        say(sentence)
    columns = chosen_columns(config.sensors, corpus.sensors, corpus.layout)
    table = corpus.sensors.loc[train["sensor"]]
    encoded = ReadingsEncoder.fit(columns, table, config.sensors.rare).encode(table)
    related = _false_negatives(config, train, encoded)
    check_negatives(config, train["group"].to_numpy(), _seconds(train), related.relations)


def _false_negatives(config: Config, pairs: pd.DataFrame, encoded: np.ndarray) -> FalseNegatives:
    training = config.training
    return FalseNegatives(
        pairs["image"].to_numpy(),
        pairs["sensor"].to_numpy(),
        _seconds(pairs),
        encoded if training.mask_equal_readings else None,
        training.near_seconds,
    )


def _seconds(pairs: pd.DataFrame) -> np.ndarray:
    return np.asarray((pairs["timestamp"] - pd.Timestamp(0, tz="UTC")).dt.total_seconds())


def forbidden(composer: Composer) -> dict[str, Relation]:
    """Return why a pair may not be a hard negative of another: reason -> relation."""
    relations = dict(composer.false_negatives.relations)
    if composer.objects is not None:
        relations["pseudo-positive"] = composer.objects
    return relations

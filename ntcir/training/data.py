"""What the steps of a training draw on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ntcir.modalities import DEFAULT_PAIR
from ntcir.sampling.batches import BatchSampler
from ntcir.sampling.examples import Composer
from ntcir.sampling.negatives import HardNegatives
from ntcir.sampling.relations import instances
from ntcir.training.preparation import Preparation
from ntcir.training.sources import LiveImages, Source, StoredRows
from ntcir.training.validation import Validation


@dataclass(frozen=True)
class TrainingData:
    """The pairs of a training split, and where batches, examples and rows come from.

    Attributes:
        pair: the modalities on the left and on the right.
        digest: of all that is trained on; a resumed training must have the same.
        sampler: draws the batches.
        composer: adds to them what belongs to them.
        sources: of the left and the right items' rows.
        instances: what each pair shows, int64 [pairs].
        validation: None where the validation split is too small.
    """

    pair: Sequence[str]
    digest: str
    sampler: BatchSampler
    composer: Composer
    sources: tuple[Source, Source]
    instances: np.ndarray
    validation: Validation | None

    @classmethod
    def of(cls, prepared: Preparation, images: np.ndarray) -> TrainingData:
        """Read what is left to be read, and say what came of matching and mining by objects.

        Args:
            prepared: the readable pairs.
            images: the features of the training photographs, float32 [pairs, dim].

        Raises:
            UserError: if there is nothing to learn from.
        """
        config, corpus, train = prepared.config, prepared.corpus, prepared.train
        composer = prepared.composer(images)
        prepared.check_negatives(composer)
        readings = StoredRows(prepared.encoded)
        pictures: Source
        if config.encoder.finetune:
            pictures = live = LiveImages(prepared.features, prepared.ids, config.encoder, prepared.augmenter)
            encode = live.encode_ids
        else:
            pictures, encode = StoredRows(images, prepared.stored_views()), prepared.features.load
        options = config.training
        validation = None
        if len(prepared.val) > 1:
            validation = Validation(corpus, encode, prepared.val, prepared.readings, config)
        return cls(
            DEFAULT_PAIR,
            hashlib.sha256(json.dumps(prepared.facts(), sort_keys=True).encode()).hexdigest(),
            BatchSampler(train["group"].to_numpy(), options.batch, options.batches, config.seed),
            composer,
            (pictures, readings),
            instances(train["image"].to_numpy(), train["sensor"].to_numpy()),
            validation,
        )

    @property
    def pairs(self) -> int:
        """How many training pairs there are."""
        return len(self.instances)

    def with_hard(self, kind: str, found: HardNegatives) -> TrainingData:
        """Return the same data with other hard negatives of a kind."""
        return replace(self, composer=self.composer.with_hard(kind, found))

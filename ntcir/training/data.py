"""What the steps of a training draw on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ntcir.encoders.frozen import FrozenRows
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
        categories: of the left and of the right items, float32 [pairs, concepts] of 0 and 1; None where no objective
            needs them.
        validation: None where the validation split is too small.
    """

    pair: Sequence[str]
    digest: str
    sampler: BatchSampler
    composer: Composer
    sources: tuple[Source, Source]
    instances: np.ndarray
    categories: tuple[np.ndarray, np.ndarray] | None
    validation: Validation | None

    @classmethod
    def of(cls, prepared: Preparation) -> TrainingData:
        """Read what is left to be read, and say what came of matching and mining by objects.

        Args:
            prepared: the readable pairs.

        Raises:
            UserError: if there is nothing to learn from.
        """
        config, train = prepared.config, prepared.train
        left, right = config.pair
        composer = prepared.composer()
        prepared.check_negatives(composer)
        sources = {name: _source(prepared, name) for name in config.pair}
        validation = None
        if len(prepared.val) > 1:
            live = {name: source.encode_ids for name, source in sources.items() if isinstance(source, LiveImages)}
            encode = {name: live.get(name, rows.load) for name, rows in prepared.rows.items()}
            validation = Validation(prepared.corpus, prepared.val, encode, list(live), config)
        options = config.training
        batches = options.batches if prepared.corpus.grouped else "all"
        return cls(
            config.pair,
            hashlib.sha256(json.dumps(prepared.facts(), sort_keys=True).encode()).hexdigest(),
            BatchSampler(train["group"].to_numpy(), options.batch, batches, config.seed),
            composer,
            (sources[left], sources[right]),
            instances(train[left].to_numpy(), train[right].to_numpy()),
            prepared.categories,
            validation,
        )

    @property
    def pairs(self) -> int:
        """How many training pairs there are."""
        return len(self.instances)

    def with_hard(self, kind: str, found: HardNegatives) -> TrainingData:
        """Return the same data with other hard negatives of a kind."""
        return replace(self, composer=self.composer.with_hard(kind, found))


def _source(prepared: Preparation, name: str) -> Source:
    """Return where the rows of one modality come from: from memory, or from networks that are trained along."""
    rows, config = prepared.rows[name], prepared.config
    if config.encoder.finetune and isinstance(rows, FrozenRows):
        ids = prepared.train[name].tolist()
        return LiveImages(rows.features, ids, config.encoder, prepared.augmenter, config.seed)
    return StoredRows(prepared.loaded[name], prepared.views_of(name))

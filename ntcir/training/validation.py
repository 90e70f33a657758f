"""How good a model is while it is trained: MRR on the validation split."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from ntcir.config import Config
from ntcir.corpora.corpus import Corpus
from ntcir.encoders.readings import ReadingsEncoder
from ntcir.modalities import directions
from ntcir.model.model import Model
from ntcir.sampling.positives import group_equal_rows
from ntcir.sampling.topics import sample_pool
from ntcir.search.ranking import average_ranks, score_candidates
from ntcir.system.errors import UserError


class Validation:
    """MRR on the validation split, in one pool a group like the topics' in which every pair is asked once.

    Args:
        corpus: whose ``val`` split is used.
        encode: gives the image features of ids, float32 [ids, dim].
        pairs: the pairs to draw from.
        readings: encodes the readings.
        config: pool size and seed, and whether the image networks stay as they are.
    """

    def __init__(
        self,
        corpus: Corpus,
        encode: Callable[[Sequence[str]], np.ndarray],
        pairs: pd.DataFrame,
        readings: ReadingsEncoder,
        config: Config,
    ) -> None:
        pools = [
            pairs.loc[sample_pool(rows, config.topics.pool, np.random.default_rng([config.seed, 2, number]))]
            for number, (_, rows) in enumerate(pairs.groupby("group", sort=False))
        ]
        drawn = pd.concat(pools)
        ends = np.cumsum([len(pool) for pool in pools])
        self._pools = [slice(end - len(pool), end) for pool, end in zip(pools, ends, strict=True)]
        self._encode, self._ids = encode, drawn["image"].tolist()
        self._frozen = not config.encoder.finetune
        # What does not change from one validation to the next is worked out once.
        self._readings = readings.encode(corpus.sensors.loc[drawn["sensor"]])
        self._reading_twins = group_equal_rows(self._readings)
        self._images = encode(self._ids)
        self._image_twins = group_equal_rows(self._images)

    def __call__(self, model: Model) -> dict[str, float]:
        """Return the MRR of each direction."""
        if not self._frozen:
            self._images = self._encode(self._ids)
            self._image_twins = group_equal_rows(self._images)
        images, sensors = model.unit_vectors("image", self._images), model.unit_vectors("sensor", self._readings)
        if not (np.isfinite(images).all() and np.isfinite(sensors).all()):
            raise UserError("The training has diverged (NaN): lower training.lr or raise training.temperature.")
        reciprocal: dict[str, list[np.ndarray]] = {direction.name: [] for direction in directions()}
        for pool in self._pools:
            own = np.arange(pool.stop - pool.start)
            to_sensors = score_candidates(images[pool], sensors[pool], self._reading_twins[pool])
            to_images = score_candidates(sensors[pool], images[pool], self._image_twins[pool])
            reciprocal["img2sen"].append(1 / average_ranks(to_sensors, own))
            reciprocal["sen2img"].append(1 / average_ranks(to_images, own))
        return {direction: float(np.concatenate(parts).mean()) for direction, parts in reciprocal.items()}

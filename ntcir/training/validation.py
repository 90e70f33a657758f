"""How good a model is while it is trained: MRR on the validation split."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from ntcir.config import Config
from ntcir.model.model import Model
from ntcir.sampling.pools import draw_pools
from ntcir.sampling.relations import group_equal_rows
from ntcir.search.ranking import average_ranks, score_candidates
from ntcir.training.watching import require_finite

Encode = Callable[[Sequence[str]], np.ndarray]  # ids -> float32 [ids, columns]


class Validation:
    """MRR on the validation split, in one pool a group like the topics' in which every pair is asked once.

    Args:
        pairs: the pairs to draw from.
        encode: gives the rows of items, by modality.
        trained: modalities whose encoders are trained along, so that rows change from one validation to the next.
        config: pair, pool size and seed.
    """

    def __init__(
        self, pairs: pd.DataFrame, encode: Mapping[str, Encode], trained: Sequence[str], config: Config
    ) -> None:
        drawn, self._pools = draw_pools(pairs, config.pair, config.topics.pool, config.seed)
        self._ids = {name: drawn[name].tolist() for name in config.pair}
        self._encode, self._trained = encode, trained
        self._rows: dict[str, np.ndarray] = {}
        self._twins: dict[str, np.ndarray] = {}
        for name in reversed(config.pair):
            self._load(name)

    def _load(self, name: str) -> None:
        self._rows[name] = self._encode[name](self._ids[name])
        self._twins[name] = group_equal_rows(self._rows[name])

    def __call__(self, model: Model) -> dict[str, float]:
        """Return the MRR of each direction, by its name.

        Raises:
            UserError: if a vector is not finite.
        """
        for name in self._trained:
            self._load(name)
        vectors = {name: model.unit_vectors(name, rows) for name, rows in self._rows.items()}
        for each in vectors.values():
            require_finite(each, model.config)
        measured = {}
        for direction in model.directions:
            asked, ranked = vectors[direction.query.name], vectors[direction.answer.name]
            twins = self._twins[direction.answer.name]
            reciprocal = []
            for pool in self._pools:
                scores = score_candidates(asked[pool], ranked[pool], twins[pool])
                reciprocal.append(1 / average_ranks(scores, np.arange(pool.stop - pool.start)))
            measured[direction.name] = float(np.concatenate(reciprocal).mean())
        return measured

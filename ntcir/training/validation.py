"""How good a model is while it is trained: MRR on the validation split."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from ntcir.config import Config
from ntcir.corpora.corpus import Corpus
from ntcir.measures.reciprocal import Figures
from ntcir.model.model import Model, Vectors
from ntcir.model.split_ranks import pool_figures, whole_figures
from ntcir.sampling.drawn_together import in_pools, in_whole
from ntcir.sampling.galleries import WholeSplit, pool_galleries
from ntcir.sampling.pools import draw_pools
from ntcir.sampling.relations import group_equal_rows
from ntcir.training.watching import require_finite

Encode = Callable[[Sequence[str]], np.ndarray]  # ids -> float32 [ids, columns]


class Validation:
    """MRR on the validation split: what ``ntcir evaluate`` finds for it.

    Of a corpus with groups, in one pool a group like the topics', in which every pair is asked once; else every item
    asks once, and ranks all of the other side. Scores are cosines also where the configuration has a bias against hubs:
    what that needs is made once, of the model that is kept.

    Args:
        corpus: of the pairs.
        pairs: the pairs to draw from.
        encode: gives the rows of items, by modality.
        trained: modalities whose encoders are trained along, so that rows change from one validation to the next.
        config: pair, pool size and seed.
    """

    def __init__(
        self,
        corpus: Corpus,
        pairs: pd.DataFrame,
        encode: Mapping[str, Encode],
        trained: Sequence[str],
        config: Config,
    ) -> None:
        self._corpus = corpus
        if corpus.grouped:
            self._drawn, self._pools = draw_pools(pairs, config.pair, config.topics.pool, config.seed)
            self._together = in_pools(self._drawn, config.pair, corpus)
            self._ids = {name: self._drawn[name].tolist() for name in config.pair}
        else:
            self._whole = WholeSplit.of(pairs, config.pair)
            self._together = in_whole(pairs, self._whole, corpus)
            self._ids = {name: self._whole.items[name].tolist() for name in config.pair}
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
        return {name: figures.mean() for name, figures in self.figures(model).items()}

    def figures(self, model: Model) -> dict[str, Figures]:
        """Return what the MRR of each direction is made of, by its name.

        Queries that are neighbours in time are clustered, as are the captions of one picture: they are no draws of
        their own, which the standard error takes into account.

        Raises:
            UserError: if a vector is not finite.
        """
        for name in self._trained:
            self._load(name)
        vectors = {
            name: Vectors(model.unit_vectors(name, rows), self._twins[name]) for name, rows in self._rows.items()
        }
        for each in vectors.values():
            require_finite(each.vectors, model.config)
        if not self._corpus.grouped:
            return whole_figures(vectors, self._whole, model.directions, self._corpus, clusters=self._together.codes)
        return {
            direction.name: pool_figures(
                vectors[direction.query.name],
                vectors[direction.answer.name],
                pool_galleries(self._drawn, self._pools, direction, self._corpus),
                self._corpus,
                self._together.codes.get(direction.query.name),
            )
            for direction in model.directions
        }

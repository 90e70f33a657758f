"""Which items are asked with, which are ranked for them, and which of these are right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ntcir.corpora.corpus import Corpus
from ntcir.modalities import Direction
from ntcir.sampling.relations import instances


@dataclass(frozen=True)
class Gallery:
    """What is ranked for some queries of one direction.

    Attributes:
        queries: rows of the query vectors that ask, int64 [queries].
        candidates: rows of the answer vectors that are ranked, int64 [candidates].
        query: of each relevant row, the position of its query, ascending; int64 [relevant].
        relevant: the position of the candidate, int64 [relevant].
    """

    queries: np.ndarray
    candidates: np.ndarray
    query: np.ndarray
    relevant: np.ndarray


@dataclass(frozen=True)
class WholeSplit:
    """All items of some pairs, each of which asks once and is ranked among all others of its modality.

    Attributes:
        items: by modality, distinct ids in the order of the pairs.
        place: by modality, the position of each pair's item, int64 [pairs].
    """

    items: Mapping[str, np.ndarray]
    place: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, pairs: pd.DataFrame, pair: Sequence[str]) -> WholeSplit:
        """Return the items of pairs of two modalities."""
        items = {name: np.asarray(pairs[name].unique(), dtype=object) for name in pair}
        place = {name: pd.Index(items[name]).get_indexer(pd.Index(pairs[name])) for name in pair}
        return cls(items, place)

    def clusters(self) -> dict[str, np.ndarray]:
        """Return by modality which items belong together, as a picture and its captions do; int64 [items]."""
        linked = instances(*self.place.values())
        found = {}
        for name, place in self.place.items():
            found[name] = np.empty(len(self.items[name]), dtype=np.int64)
            found[name][place] = linked
        return found


def pool_galleries(drawn: pd.DataFrame, pools: Sequence[slice], direction: Direction, corpus: Corpus) -> list[Gallery]:
    """Return pools as galleries: an item's answer is its own partner, or any partner where these are positives.

    Args:
        drawn: pairs whose items all differ within a pool.
        pools: the rows of each.
        direction: which side asks.
        corpus: where other pairs of the same items may be.
    """
    return [_pool(drawn, np.arange(part.start, part.stop), direction, corpus) for part in pools]


def _pool(drawn: pd.DataFrame, rows: np.ndarray, direction: Direction, corpus: Corpus) -> Gallery:
    own = np.arange(len(rows))
    if not corpus.shared_are_positive:
        return Gallery(rows, rows, own, own)
    asks, answers = direction.query.name, direction.answer.name
    asked, ranked = (pd.Index(drawn[name].iloc[rows]) for name in (asks, answers))
    query, relevant = (
        asked.get_indexer(pd.Index(corpus.pairs[asks])),
        ranked.get_indexer(pd.Index(corpus.pairs[answers])),
    )
    found = np.unique(np.stack([query, relevant], axis=1)[(query >= 0) & (relevant >= 0)], axis=0)
    return Gallery(rows, rows, found[:, 0], found[:, 1])

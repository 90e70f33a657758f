"""How a model ranks the partners of a split's items, and the figures that come of it.

Training validates by this and ``ntcir evaluate`` measures by it, so that both find the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ntcir.corpora.corpus import Corpus
from ntcir.formats.columns import Ints
from ntcir.measures.reciprocal import Figures, Mrr, by_best, official
from ntcir.modalities import Direction
from ntcir.model.model import Vectors
from ntcir.sampling.galleries import Gallery, WholeSplit
from ntcir.search.counting import Side, ranks_both_ways, ranks_one_way
from ntcir.search.ranking import average_ranks, distinct_scores

_CELLS = 1 << 22  # scores in memory at once


def mean_of(corpus: Corpus) -> Mrr:
    """Return which mean of reciprocal ranks is MRR: that of the best-ranked partners where partners are positives."""
    return "best" if corpus.shared_are_positive else "official"


def whole_figures(
    vectors: Mapping[str, Vectors],
    whole: WholeSplit,
    directions: Sequence[Direction],
    corpus: Corpus,
    ranked: Mapping[str, Vectors] | None = None,
    clusters: Mapping[str, Ints] | None = None,
) -> dict[str, Figures]:
    """Return what the figures of each direction are made of where every item ranks all items of the other side.

    Args:
        vectors: of the distinct items, by modality.
        whole: which these are.
        directions: both, the left modality asking first.
        corpus: says which mean is meant.
        ranked: of the same items where they are ranked; None where an item has one vector for both, so that one product
            ranks both ways.
        clusters: of the items that ask, by modality, where they are clustered (``ntcir.sampling.drawn_together``).
    """
    left, right = directions[0]
    best = mean_of(corpus) == "best"
    rows, columns = whole.place[left.name], whole.place[right.name]
    pairs = np.unique(np.stack([rows, columns], axis=1), axis=0)
    sides = side_of(vectors[left.name]), side_of(vectors[right.name])
    if ranked is None:
        ranks = ranks_both_ways(*sides, pairs[:, 0], pairs[:, 1], best=best)
    else:
        theirs = side_of(ranked[left.name]), side_of(ranked[right.name])
        ranks = (
            ranks_one_way(sides[0], theirs[1], pairs[:, 0], pairs[:, 1], best=best),
            ranks_one_way(sides[1], theirs[0], pairs[:, 1], pairs[:, 0], best=best),
        )
    found = {}
    for number, direction in enumerate(directions):
        order = np.argsort(pairs[:, number], kind="stable")
        asked = len(whole.items[direction.query.name])
        sizes = np.full(asked, len(whole.items[direction.answer.name]))
        figures = _figures(pairs[order, number], ranks[number][order], sizes, mean_of(corpus))
        found[direction.name] = replace(figures, clusters=(clusters or {}).get(direction.query.name))
    return found


def pool_figures(
    asked: Vectors, ranked: Vectors, galleries: Sequence[Gallery], corpus: Corpus, clusters: Ints | None = None
) -> Figures:
    """Return what the figures of one direction are made of where items are ranked in pools.

    Args:
        asked: vectors of the queries.
        ranked: of the candidates.
        galleries: the pools.
        corpus: says which mean is meant.
        clusters: of the queries, where they are clustered.
    """
    topic, ranks, sizes = [], [], []
    before = 0
    for gallery in galleries:
        for queries, found in _ranks(asked, ranked, gallery):
            topic.append(before + queries)
            ranks.append(found)
        before += len(gallery.queries)
        sizes += [len(gallery.candidates)] * len(gallery.queries)
    figures = _figures(np.concatenate(topic), np.concatenate(ranks), np.array(sizes), mean_of(corpus))
    return replace(figures, clusters=clusters)


def _figures(topic: np.ndarray, ranks: np.ndarray, sizes: np.ndarray, mean: Mrr) -> Figures:
    rows = np.bincount(topic, minlength=len(sizes))
    if mean == "best":
        return by_best(topic, ranks, rows, sizes)
    return official(topic, np.ones_like(topic), ranks, rows, sizes)


def side_of(vectors: Vectors) -> Side:
    """Return vectors as a side: what is the same to the model, or has the very same vector, is scored once."""
    return Side(vectors.vectors, vectors.distinct())


def _ranks(asked: Vectors, ranked: Vectors, gallery: Gallery) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the queries and the ranks of relevant rows, a block at a time."""
    candidates, twins = ranked.vectors[gallery.candidates], ranked.twins[gallery.candidates]
    scores_of = distinct_scores(candidates, twins)
    step = max(1, _CELLS // max(len(candidates), 1))
    for start in range(0, len(gallery.query), step):
        query, relevant = gallery.query[start : start + step], gallery.relevant[start : start + step]
        own, back = np.unique(query, return_inverse=True)
        scores = scores_of(asked.vectors[gallery.queries[own]])
        yield query, average_ranks(scores[back.reshape(-1)], relevant)

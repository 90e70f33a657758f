"""The verb ``search``: one query, typed by a person, and the best items of a whole corpus."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ntcir.corpora.corpus import Corpus
from ntcir.encoders import open_pair
from ntcir.modalities import Direction, Query
from ntcir.model.model import Model
from ntcir.retrieval.asking import ALL, check_split, corpus_to_ask, warn_if_interrupted
from ntcir.retrieval.galleries import gallery
from ntcir.retrieval.queries import Given, direction_of, parsed
from ntcir.retrieval.query_rows import content_of, encoded_query, searchable
from ntcir.search.ranking import rank_all, score_candidates
from ntcir.system.progress import say
from ntcir.workspace import newest_model


@dataclass(frozen=True)
class Hit:
    """An item that is found.

    Attributes:
        id: the item's.
        score: its cosine with the query, less a bias against hubs where the model has one.
        content: the path of a picture; of anything else what would be asked with it, such as the words of a caption.
        partner: the content of the first item of the other modality that it is paired with; None if there is none.
    """

    id: str
    score: float
    content: Any
    partner: Any


@dataclass(frozen=True)
class Findings:
    """What a search has found.

    Attributes:
        direction: which modality asked, and which was searched.
        query: the words, the path of the picture, or the reading.
        model: the model's folder.
        corpus: the name of the corpus.
        searched: items that were ranked.
        hits: the best of them, best first.
        random: as many drawn at random, for comparison; none where that is not asked for.
    """

    direction: Direction
    query: Query
    model: Path
    corpus: str
    searched: int
    hits: list[Hit]
    random: list[Hit]


def search(
    query: Given,
    model: Path | None,
    data: Path | None,
    *,
    k: int = 10,
    split: str | None = None,
    random: bool = False,
    settings: Sequence[str] = (),
) -> Findings:
    """Find the items of a corpus that fit a query best, exactly.

    Args:
        query: as typed.
        model: the model's folder; the newest under ``runs/`` if None.
        data: the corpus folder; the one the model was trained on if None.
        k: how many.
        split: whose pairs' items are searched; if None, all items of the corpus, those in no pair as well.
        random: whether as many items are drawn at random too, by the model's seed and the query.
        settings: as for ``run``.

    Raises:
        UserError: if the model cannot be asked so, the query cannot be read, or anything else is missing or wrong.
    """
    check_split(split, settings)
    if split in {None, ALL} and (idle := [each for each in settings if each.strip().startswith("data.split")]):
        say(f"All of the corpus is searched: --set {' '.join(idle)} is not used (--split says which part is searched).")
    folder = model or newest_model()
    trained = Model.load(folder)
    direction = direction_of(query, trained.config.pair, folder)
    asked = parsed(query, direction.query)
    warn_if_interrupted(folder)
    corpus, searched = corpus_to_ask(trained, folder, data, pooled=False, split=split or ALL, settings=settings)
    for each in direction:
        corpus.require_content(each.name, "to show what is found")
    rows = open_pair(trained.config, corpus, trained.encoders)
    encoded = encoded_query(asked, corpus, rows[direction.query.name], direction.query)
    vector = trained.as_queries(trained.unit_vectors(direction.query.name, encoded.row)[0])
    candidates = gallery(corpus, searched, direction.answer)
    items = searchable(trained, rows[direction.answer.name], candidates, direction.answer)
    ids = np.asarray(list(items.position), dtype=object)
    tell = _teller(corpus, direction)
    best, scores = next(rank_all(vector[None], items.vectors.vectors, items.vectors.twins, ids, k))
    hits = [tell(str(ids[row]), float(score)) for row, score in zip(best, scores, strict=True)]
    drawn: list[Hit] = []
    if random:
        seed = [trained.config.seed, zlib.crc32(query.text.encode(errors="surrogatepass"))]
        chosen = np.random.default_rng(seed).choice(len(ids), size=len(hits), replace=False)
        values = score_candidates(vector, items.vectors.vectors[chosen], items.vectors.twins[chosen])
        drawn = [tell(str(ids[row]), float(value)) for row, value in zip(chosen, values, strict=True)]
    return Findings(direction, encoded.content, folder, corpus.name, len(ids), hits, drawn)


def _teller(corpus: Corpus, direction: Direction) -> Callable[[str, float], Hit]:
    """Return what makes a hit of an item and its score."""
    asks, answers = direction
    partners = corpus.pairs.drop_duplicates(answers.name).set_index(answers.name)[asks.name]

    def tell(item: str, score: float) -> Hit:
        partner = content_of(corpus, asks, str(partners[item])) if item in partners.index else None
        return Hit(item, score, content_of(corpus, answers, item), partner)

    return tell

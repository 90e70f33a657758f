"""Every item of a split asks, in both directions: how good a model is, without topics, pools and run files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ntcir.corpora.corpus import Corpus
from ntcir.encoders import open_pair
from ntcir.encoders.encoder import Rows
from ntcir.formats.reading import StrPath, read_bytes
from ntcir.measures.reciprocal import Figures, official
from ntcir.modalities import Direction
from ntcir.model.model import Model, Vectors
from ntcir.model.trained import is_finished
from ntcir.retrieval.asking import check_split, corpus_to_ask, pairs_of
from ntcir.retrieval.items import encoded
from ntcir.sampling.pools import draw_pools
from ntcir.scoring import Report, group_score, groups_of
from ntcir.search.ranking import average_ranks, distinct_scores
from ntcir.system.errors import UserError, shown, some
from ntcir.system.progress import say
from ntcir.workspace import newest_model

WHOLE = 0  # in place of the size of a pool
_CELLS = 1 << 22  # scores in memory at once


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


def evaluate(
    folder: Path | None,
    data: Path | None,
    *,
    split: str | None = None,
    pool: int | None = None,
    subset: Path | None = None,
    settings: Sequence[str] = (),
) -> Report:
    """Measure a model on a split, and say on stderr what was asked.

    Args:
        folder: the model's; the newest under ``runs/`` if None.
        data: the corpus folder; the one the model was trained on if None.
        split: whose pairs; if None, the test split of the model's own corpus or the whole of another.
        pool: pairs of a pool, one a group (day, session); the model's ``topics.pool`` if None; ``WHOLE`` to rank the
            whole split, where an item's partners are all relevant.
        subset: a file of ids, one a line: only pairs with one of these are asked and ranked.
        settings: of ``data.split``, ``data.outside`` and ``features.store``, in place of the model's.

    Raises:
        UserError: for anything missing or wrong.
    """
    check_split(split, settings)
    folder = folder or newest_model()
    model = Model.load(folder)
    if not is_finished(folder):
        say(f"WARNING: the training in {folder} was interrupted; its best model so far is evaluated.")
    corpus, asked = corpus_to_ask(model, folder, data, pooled=False, split=split, settings=settings)
    pairs = pairs_of(corpus, asked)
    if subset is not None:
        pairs = _of_subset(pairs, model.config.pair, subset, corpus)
    size = None if pool == WHOLE else pool or model.config.topics.pool
    report = evaluate_pairs(model, corpus, pairs, size)
    among = f"in pools of up to {size} a group" if size else "among all of them"
    say(f"{corpus.name}, split {asked}: every item asks both ways {among} ({folder})")
    return report


def pool_size(typed: str | None) -> int | None:
    """Return the size of pools as typed: a number from 2 on, ``none`` for ``WHOLE``, or None for the model's own.

    Raises:
        UserError: if it is anything else.
    """
    if typed is None or typed == "none":
        return None if typed is None else WHOLE
    if not (typed.isascii() and typed.isdecimal() and len(typed) < 10 and int(typed) >= 2):
        raise UserError(f"--pool {shown(typed)} is not valid: give a whole number of at least 2, or none.")
    return int(typed)


def evaluate_pairs(model: Model, corpus: Corpus, pairs: pd.DataFrame, pool: int | None) -> Report:
    """Return the scores of pairs, each item of which asks for its partners.

    With pools every pair is asked once in a pool of its group in which all items differ, as validation does while a
    model is trained, and with the same draw; where partners are positives, others in the pool are relevant as well.
    Without, each item is asked once, and ranks all items of the other side.

    Args:
        model: trained.
        corpus: of the pairs.
        pairs: a part of ``corpus.pairs``; those with an item that cannot be read are left out, which is said.
        pool: pairs a pool at most; None ranks all.

    Raises:
        UserError: if no pair can be read.
    """
    rows = open_pair(model.config, corpus, model.encoders)
    pairs = _readable(rows, pairs, corpus)
    left, right = model.config.pair
    if pool is None:
        items = {name: pairs[name].unique() for name in rows}
        vectors = {name: encoded(model, name, rows[name], items[name].tolist()) for name in rows}
        place = {name: pd.Index(items[name]).get_indexer(pd.Index(pairs[name])) for name in rows}
        galleries = {
            direction: [_whole(place[direction.query.name], place[direction.answer.name])]
            for direction in model.directions
        }
    else:
        drawn, pools = draw_pools(pairs, (left, right), pool, model.config.seed)
        if len(drawn) < len(pairs):
            say(
                f"{len(pairs) - len(drawn):,} of {len(pairs):,} pairs are in no pool, because pools of {pool} are full."
            )
        vectors = {name: encoded(model, name, rows[name], drawn[name].tolist()) for name in rows}
        own = [np.arange(part.start, part.stop) for part in pools]
        if alone := sum(len(each) == 1 for each in own):
            say(
                f"WARNING: {alone:,} of {len(drawn):,} pairs are alone in their day (session) and so ranked first "
                "whatever the model: rank the whole split with --pool none."
            )
        galleries = {
            direction: [_pool(drawn, each, direction, corpus) for each in own] for direction in model.directions
        }
    found = {direction.name: _figures(vectors, direction, galleries[direction]) for direction in model.directions}
    figures = {"all": _joined(list(found.values())), **found}
    return Report({name: group_score(figures[name]) for name in groups_of(list(found))}, [], [])


def _of_subset(pairs: pd.DataFrame, pair: Sequence[str], subset: StrPath, corpus: Corpus) -> pd.DataFrame:
    """Return the pairs that have an item which a file names.

    Raises:
        UserError: if the file names none.
    """
    try:
        named = list(dict.fromkeys(line.strip() for line in read_bytes(subset).decode().splitlines() if line.strip()))
    except UnicodeDecodeError:
        raise UserError(f"{subset} is not a text file in UTF-8: expected ids, one a line.") from None
    known = set().union(*(pairs[name] for name in pair))
    unknown = [item for item in named if item not in known]
    if len(unknown) == len(named):
        what = f"names none of the pairs asked for ({some(unknown)})" if named else "is empty"
        raise UserError(f"{subset} {what}: expected ids of {corpus.root}, one a line.")
    if unknown:
        say(f"{subset}: {len(unknown):,} of {len(named):,} ids are not among the pairs asked for: {some(unknown)}.")
    wanted = set(named)
    return pairs[np.logical_or.reduce([pairs[name].isin(wanted) for name in pair])]


def _readable(rows: dict[str, Rows], pairs: pd.DataFrame, corpus: Corpus) -> pd.DataFrame:
    """Return the pairs whose items can both be read, and say how many cannot.

    Raises:
        UserError: if there is none.
    """
    present = np.logical_and.reduce([each.ensure(pairs[name].tolist()) for name, each in rows.items()])
    if not present.any():
        raise UserError(f"None of the {len(pairs):,} pairs asked for can be read in {corpus.root}.")
    if not present.all():
        say(f"WARNING: {(~present).sum():,} of {len(pairs):,} pairs cannot be read and are left out.")
    return pairs[present]


def _pool(drawn: pd.DataFrame, rows: np.ndarray, direction: Direction, corpus: Corpus) -> Gallery:
    """Return a pool as a gallery: an item's answer is its own partner, or any partner where these are positives.

    Args:
        drawn: pairs whose items all differ within a pool.
        rows: those of the pool, int64 [pairs].
        direction: which side asks.
        corpus: where other pairs of the same items may be.
    """
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


def _whole(query: np.ndarray, answer: np.ndarray) -> Gallery:
    """Return a gallery of all items, given the positions of the pairs' items on both sides, int64 [pairs]."""
    distinct = np.unique(np.stack([query, answer], axis=1), axis=0)  # which sorts by query
    return Gallery(np.arange(query.max() + 1), np.arange(answer.max() + 1), distinct[:, 0], distinct[:, 1])


def _figures(vectors: dict[str, Vectors], direction: Direction, galleries: Sequence[Gallery]) -> Figures:
    """Return what the figures of one direction are made of."""
    asked, ranked = vectors[direction.query.name], vectors[direction.answer.name]
    topic, ranks, sizes = [], [], []
    before = 0
    for gallery in galleries:
        for queries, found in _ranks(asked, ranked, gallery):
            topic.append(before + queries)
            ranks.append(found)
        before += len(gallery.queries)
        sizes += [len(gallery.candidates)] * len(gallery.queries)
    topics = np.concatenate(topic)
    rows = np.bincount(topics, minlength=before)
    return official(topics, np.ones_like(topics), np.concatenate(ranks), rows, np.array(sizes))


def _ranks(asked: Vectors, ranked: Vectors, gallery: Gallery) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the queries and the ranks of relevant rows, counting better-scored candidates a block at a time."""
    candidates, twins = ranked.vectors[gallery.candidates], ranked.twins[gallery.candidates]
    scores_of = distinct_scores(candidates, twins)
    step = max(1, _CELLS // max(len(candidates), 1))
    for start in range(0, len(gallery.query), step):
        query, relevant = gallery.query[start : start + step], gallery.relevant[start : start + step]
        own, back = np.unique(query, return_inverse=True)
        scores = scores_of(asked.vectors[gallery.queries[own]])
        yield query, average_ranks(scores[back.reshape(-1)], relevant)


def _joined(parts: Sequence[Figures]) -> Figures:
    return Figures(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("sums", "rows", "ranks", "chances"))
    )

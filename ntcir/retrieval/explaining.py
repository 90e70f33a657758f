"""The verb ``explain``: what in two items of a pair a model's score of them comes from, by leaving out part after part.

The parts are the words of a caption, the columns of a reading, or the cells of a picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ntcir.corpora.corpus import SPLITS, Corpus
from ntcir.encoders import open_pair
from ntcir.encoders.encoder import Rows
from ntcir.encoders.parts import WORD, Parts
from ntcir.modalities import Direction, Modality, Query, directions, modality
from ntcir.model.model import Model
from ntcir.retrieval.asking import ALL, check_split, corpus_to_ask, warn_if_interrupted
from ntcir.retrieval.galleries import gallery
from ntcir.retrieval.queries import READING, Given, direction_of, parsed
from ntcir.retrieval.query_rows import Encoded, content_of, encoded_item, encoded_query, searchable
from ntcir.search.ranking import rank_all
from ntcir.system.errors import UserError, short, some
from ntcir.system.progress import say
from ntcir.workspace import newest_model


@dataclass(frozen=True)
class Contribution:
    """What a part of an item contributes to the score.

    Attributes:
        name: see ``ntcir.encoders.parts.Part``.
        without: the score without the part; None where the model passes it over.
        note: why it does.
        amount: the score with the part, minus the score without it.
    """

    name: str
    without: float | None
    note: str | None
    amount: float | None


@dataclass(frozen=True)
class Side:
    """One of the two items, and what its parts contribute.

    Attributes:
        modality: what it is.
        item: its id; None where it is not of the corpus.
        content: the path of a picture; of anything else what would be asked with it, such as the words of a caption.
        kind: what a part is: ``word``, ``column`` or ``cell``.
        parts: in order; cells row by row, as many rows as columns.
        area: of a picture, what its cells divide: left, top, right and bottom in shares of its width and height.
    """

    modality: Modality
    item: str | None
    content: Any
    kind: str
    parts: list[Contribution]
    area: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Explanation:
    """Why a model gives two items their score.

    Attributes:
        model: the model's folder.
        corpus: the name of the corpus.
        score: the cosine of the two.
        sides: what was given first, then the other.
        bias: what a ranking takes off the score where the first item asks for the other (``ntcir.model.hubness``), a
            number of the other item alone; None where the model has no such bias.
    """

    model: Path
    corpus: str
    score: float
    sides: list[Side]
    bias: float | None = None

    @property
    def ranked_by(self) -> float:
        """The score by which a run or a search ranks the second item for the first one."""
        return self.score - (self.bias or 0.0)


def explain(
    items: Sequence[Given],
    model: Path | None,
    data: Path | None,
    *,
    split: str | None = None,
    cells: int = 7,
    settings: Sequence[str] = (),
) -> Explanation:
    """Say what each part of two items contributes to their score.

    Args:
        items: as typed, one or two of different modalities; the other is the best of the corpus if there is one.
        model: the model's folder; the newest under ``runs/`` if None.
        data: the corpus folder; the one the model was trained on if None.
        split: whose pairs' items are searched for the other; if None, all items of the corpus.
        cells: on a side of a picture.
        settings: as for ``run``.

    Raises:
        UserError: if the model cannot be asked so, an item cannot be read or taken apart, or anything else is missing
            or wrong.
    """
    check_split(split, settings)
    folder = model or newest_model()
    trained = Model.load(folder)
    asked = _by_modality(items, trained.config.pair, folder)
    warn_if_interrupted(folder)
    if len(asked) == len(trained.config.pair) and split is not None:
        say(f"Both items are given, so nothing is searched: --split {split} is not used.")
    corpus = _corpus(trained, folder, data, split, settings)
    both = next(each for each in directions(trained.config.pair) if each.query.name == next(iter(asked)))
    for each in both:
        corpus.require_content(each.name, "to explain a score")
    rows = open_pair(trained.config, corpus, trained.encoders)
    for each in both:
        if not rows[each.name].has_parts:
            raise UserError(
                f"The model {folder} cannot be explained: its encoder {rows[each.name].encoder.kind} cannot take "
                f"{each.plural} apart."
            )
    given = [each for each in both if each.name in asked]
    found = {each.name: _located(asked[each.name], corpus, rows[each.name], each) for each in given}
    if both.answer.name not in found:
        found[both.answer.name] = _best(trained, corpus, rows, both, found[both.query.name], split or ALL)
    apart = {each.name: rows[each.name].apart(found[each.name].content, found[each.name].row, cells) for each in both}
    return _compared(trained, folder, corpus, both, found, apart)


@dataclass(frozen=True)
class _Asked:
    """A given item, and what its encoder takes in its place."""

    given: Given
    query: Query


def _by_modality(items: Sequence[Given], pair: Sequence[str], folder: Path) -> dict[str, _Asked]:
    """Return the given items by the names of their modalities.

    Raises:
        UserError: if the model has no side for one, or the same for both, or one cannot be an item.
    """
    asked: dict[str, _Asked] = {}
    for one in items:
        kind = direction_of(one, pair, folder).query
        if kind.name in asked:
            ways = f"{asked[kind.name].given.way.option}, {one.way.option}"
            raise UserError(
                f"Both items ({ways}) are {kind.plural} to the model {folder}: give one {' and one '.join(pair)}."
            )
        asked[kind.name] = _Asked(one, one.text if one.is_id else parsed(one, kind))
    return asked


def _corpus(model: Model, folder: Path, data: Path | None, split: str | None, settings: Sequence[str]) -> Corpus:
    """Read the corpus; with its training split, if it has one and readings, for these are replaced by means over it."""

    def read(part: str) -> Corpus:
        return corpus_to_ask(model, folder, data, pooled=False, split=part, settings=settings)[0]

    if split not in {None, ALL}:
        return read(str(split))
    if any(READING.holds(modality(name)) for name in model.config.pair):
        with suppress(UserError):  # a model may be asked about a corpus that cannot be split
            return read(SPLITS[0])
    return read(ALL)


def _located(asked: _Asked, corpus: Corpus, rows: Rows, kind: Modality) -> Encoded:
    """Return a given item and its row.

    Raises:
        UserError: if it is not there, or cannot be read.
    """
    if not asked.given.is_id:
        return encoded_query(asked.query, corpus, rows, kind)
    table, item = corpus.tables[kind.name], asked.given.text
    if item not in table.index:
        raise UserError(
            f"{corpus.root} has no {kind.noun} of the id {short(item)!r}; its ids are {some(table.index, 3)}."
        )
    return encoded_item(item, corpus, rows, kind)


def _best(
    model: Model, corpus: Corpus, rows: Mapping[str, Rows], both: Direction, query: Encoded, split: str
) -> Encoded:
    """Return the item that a search would find first, and say which."""
    asks, answers = both
    items = searchable(model, rows[answers.name], gallery(corpus, split, answers), answers)
    ids = np.asarray(list(items.position), dtype=object)
    vector = model.as_queries(model.unit_vectors(asks.name, query.row))
    best, _ = next(rank_all(vector, items.vectors.vectors, items.vectors.twins, ids, 1))
    item = str(ids[best[0]])
    say(f"No {answers.noun} is given: the best of {len(ids):,} is taken, {short(item)}.")
    # Its row is loaded as it was for the search: how a column is read may depend on the others.
    return Encoded(item, content_of(corpus, answers, item), rows[answers.name].load([item]))


def _compared(
    model: Model,
    folder: Path,
    corpus: Corpus,
    both: Direction,
    found: Mapping[str, Encoded],
    apart: Mapping[str, Parts],
) -> Explanation:
    """Return what the parts contribute: how the score changes without each of them."""
    # Whole and without each part at once: equal rows in the same product have equal vectors.
    vectors = {
        name: model.unit_vectors(name, np.concatenate([parts.whole, parts.without])).astype(np.float64)
        for name, parts in apart.items()
    }
    score = float(vectors[both.query.name][0] @ vectors[both.answer.name][0])
    sides = []
    for each, other in (both, both[::-1]):
        parts = apart[each.name]
        scores = iter([float(vector @ vectors[other.name][0]) for vector in vectors[each.name][1:]])
        told = []
        for part in parts.parts:
            without = next(scores) if part.note is None else None
            told.append(Contribution(part.name, without, part.note, None if without is None else score - without))
        one = found[each.name]
        sides.append(Side(each, one.item, one.content, parts.kind, told, parts.area))
        _tell_empty(sides[-1])
    return Explanation(folder, corpus.name, score, sides, _bias(model, both.answer.name, apart))


def _bias(model: Model, answers: str, apart: Mapping[str, Parts]) -> float | None:
    """Return the bias of the item that is answered, which has no parts of its own; None where there is none."""
    if not model.config.hubness.beta:
        return None
    answer = model.as_documents(answers, model.encode(answers, apart[answers].whole))
    return -float(answer.vectors[0, -1])


def _tell_empty(side: Side) -> None:
    """Say so where a caption is empty to the model, or would be without its only word."""
    if side.kind != WORD:
        return
    counted, noun = [part.name for part in side.parts if part.note is None], side.modality.noun
    if not counted:
        say(f"WARNING: the {noun} has no word that counts: the score is that of an empty {noun}.")
    if len(counted) == 1:
        only = short(counted[0])
        say(f"Only {only!r} counts in the {noun}: without it, the score is that of an empty {noun}.")

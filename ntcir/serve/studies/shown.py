"""A topic as the page shows it: the query, the best answers of each run, and where the right one is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ntcir.formats.topics import Topic
from ntcir.modalities import Modality, modality
from ntcir.report.comparison_table import rank_text
from ntcir.report.items import lines_of
from ntcir.serve.hits import Clock, caption_of, one
from ntcir.serve.index.catalogue import Catalogue
from ntcir.serve.state import Ask, State
from ntcir.serve.studies.runs import BEST
from ntcir.serve.studies.studies import Studies
from ntcir.system.errors import short

_SUMMARY = 90  # characters of a query in the list


@dataclass(frozen=True)
class Shown:
    """An item for a template.

    Attributes:
        id: as the run or the topic has it.
        known: whether the corpus has it.
        photo: the id of its photograph in the catalogue, or None.
        partner: whether the photograph is its partner's, not the item itself.
        words: what is read of it, or None.
        readings: columns and values, most telling first.
        clock: its local time, or None.
        labels: such as places.
        caption: what was written about the photograph, or None.
    """

    id: str
    known: bool = True
    photo: str | None = None
    partner: bool = False
    words: str | None = None
    readings: tuple[tuple[str, str], ...] = ()
    clock: Clock | None = None
    labels: tuple[str, ...] = ()
    caption: str | None = None


@dataclass(frozen=True)
class Answer:
    """A line of a run for a template.

    Attributes:
        item: what it ranks.
        rank: as text; ties share their average rank.
        score: as text.
        right: whether it is relevant.
        after_gap: whether lines before it are left out.
    """

    item: Shown
    rank: str
    score: str
    right: bool
    after_gap: bool


@dataclass(frozen=True)
class RunOfTopic:
    """What a run made of a topic.

    Attributes:
        name: of the run.
        rank: of the best right answer, as text; empty where there is none.
        size: how many documents it ranks; 0 where it lacks the topic.
        reciprocal: the reciprocal rank that counts.
        answers: ten, and right ones below them.
    """

    name: str
    rank: str
    size: int
    reciprocal: float
    answers: tuple[Answer, ...] = field(default_factory=tuple)


@dataclass(frozen=True)
class Right:
    """The right answer of a topic, and how many more there are."""

    item: Shown
    more: int


class Shower:
    """Describes topics.

    Args:
        studies: the topics.
        catalogue: of what can be found.
        ways: by which the model can be asked.
        columns: of a reading, those that the model uses.
    """

    def __init__(self, studies: Studies, catalogue: Catalogue, ways: frozenset[str], columns: Sequence[str]) -> None:
        self._studies, self._catalogue, self._ways, self._columns = studies, catalogue, ways, columns

    def brief(self, number: int) -> dict[str, Any]:
        """Return a topic as a row of the list, in JSON's values."""
        studies = self._studies
        name, direction = studies.names[number], studies.directions[number]
        topic = studies.asked.get(name)
        row = None if topic is None else self._row_of_query(topic)
        ranks = [float(run.ranks[number]) for run in studies.runs]
        photo = None if row is None or not self._pictured else self._of_row(name, row)
        return {
            "topic": name,
            "direction": direction,
            "photo": photo and photo.photo,
            "query": "" if topic is None else (photo and _moment(photo)) or _summary(topic),
            "ranks": [rank_text(rank) if np.isfinite(rank) else None for rank in ranks],
            "ranked": [int(run.sizes[number]) > 0 for run in studies.runs],
            "change": float(studies.change[number]) if len(studies.runs) > 1 else None,
        }

    def query(self, topic: Topic) -> Shown:
        """Return what a topic asks with."""
        kind = topic.direction.query
        if kind.pictured:
            row = self._row_of_query(topic)
            return Shown(str(topic.query), known=False) if row is None else self._of_row(str(topic.query), row)
        return _told(Shown(topic.topic_id), topic.query)

    def right(self, number: int, topic: Topic) -> Right:
        """Return the right answer, of several the one that a run ranks best."""
        lines = [line for run in self._studies.runs for line in run.lines.of(number) if line.right]
        documents = [line.document for line in sorted(lines, key=lambda line: line.rank)]
        right = self._studies.right
        shown = documents[0] if documents else right.documents[number].decode()
        return Right(self._answer(topic, shown), int(right.counts[number]) - 1)

    def search(self, topic: Topic) -> str:
        """Return the address that asks the page the same, without the question mark; empty if it cannot be asked."""
        row = self._row_of_query(topic)
        if row is not None:
            return State(ask=Ask(like=(self._catalogue.ids[row],))).address()
        if topic.direction.answer.name != self._catalogue.modality:
            return ""
        if isinstance(topic.query, dict):
            used = [(name, topic.query[name]) for name in self._columns if topic.query.get(name) is not None]
            usable = used if "reading" in self._ways else []
            return State(ask=Ask(reading=tuple((name, str(value)) for name, value in usable))).address()
        if "words" in self._ways and not topic.direction.query.pictured:
            return State(ask=Ask(words=" ".join(str(topic.query).split()))).address()
        return ""

    def runs(self, number: int, topic: Topic | None) -> list[RunOfTopic]:
        """Return what each run made of a topic."""
        found = []
        for run in self._studies.runs:
            rank = float(run.ranks[number])
            lines = run.lines.of(number)
            answers = [
                Answer(
                    item=Shown(line.document) if topic is None else self._answer(topic, line.document),
                    rank=rank_text(line.rank),
                    score=f"{line.score:.4f}",
                    right=line.right,
                    after_gap=place >= BEST and (place == BEST or line.rank - lines[place - 1].rank > 1),
                )
                for place, line in enumerate(lines)
            ]
            found.append(
                RunOfTopic(
                    name=run.name,
                    rank=rank_text(rank) if np.isfinite(rank) else "",
                    size=int(run.sizes[number]),
                    reciprocal=float(run.reciprocal[number]),
                    answers=tuple(answers),
                )
            )
        return found

    @property
    def _pictured(self) -> bool:
        return modality(self._catalogue.modality).pictured

    def _row_of_query(self, topic: Topic) -> int | None:
        kind = topic.direction.query
        return self._studies.items.row(kind, str(topic.query)) if kind.pictured else None

    def _answer(self, topic: Topic, document: str) -> Shown:
        items, kind = self._studies.items, topic.direction.answer
        row = items.answer_row(topic.direction, document)
        if row is not None:
            return self._of_row(document, row)
        stored = items.stored(kind, document)
        if stored is None:
            return Shown(document, known=False)
        partner = self._catalogue.ids.find(stored.partner) if stored.partner else None
        if partner is None:
            return _told(Shown(stored.item), stored.query)
        return _told(self._of_row(stored.item, partner, partner=True), stored.query)

    def _of_row(self, item: str, row: int, *, partner: bool = False) -> Shown:
        """Return an item of the catalogue, or one by its partner there."""
        told = one(self._catalogue, row)
        return Shown(
            id=item,
            photo=self._catalogue.ids[row] if self._pictured else None,
            partner=partner,
            words=None if partner or self._pictured else caption_of(self._catalogue, row),
            clock=Clock.of(self._catalogue, row),
            labels=() if partner else tuple(dict.fromkeys(map(str, told["labels"].values()))),
            caption=caption_of(self._catalogue, row) if self._pictured else None,
        )


def _told(shown: Shown, query: Any) -> Shown:
    """Return an item with what it says: its readings by column, or its words."""
    if isinstance(query, dict):
        there = {name: value for name, value in query.items() if value is not None}
        lines = (line.split(":  ", 1) for line in lines_of(there))
        return replace(shown, readings=tuple((name, value) for name, value in lines))
    return replace(shown, words=None if query is None else str(query))


def _moment(photo: Shown) -> str:
    """Return when and where a photograph was taken, as far as it is known."""
    when = [f"{photo.clock.day} {photo.clock.time[:5]}"] if photo.clock else []
    return short(" · ".join([*when, *photo.labels]), _SUMMARY)


def _summary(topic: Topic) -> str:
    """Return a query in few words."""
    if isinstance(topic.query, dict):
        there = {name: value for name, value in topic.query.items() if value is not None}
        return short(" · ".join(line.split(":  ", 1)[1] for line in lines_of(there)[:6]), _SUMMARY)
    return short(str(topic.query), _SUMMARY)


def kinds(names: Sequence[Modality]) -> str:
    """Return the nouns of a direction for people: ``photograph → reading``."""
    return " → ".join(each.noun for each in names)

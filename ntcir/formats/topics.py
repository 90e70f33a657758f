"""Topics, their pools and their answers: tables that can be read, and written by hand. Nothing here imports pandas."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ntcir.formats.columns import LONGEST, is_word
from ntcir.formats.manifest import TREC, write_set
from ntcir.formats.reading import StrPath, named
from ntcir.formats.topic_table import TopicTable, parse_lines, read_lines
from ntcir.modalities import DEFAULT_PAIR, Direction, Query, all_directions, directions
from ntcir.system.errors import UserError, did_you_mean, short, some
from ntcir.system.progress import say

TOPICS, POOLS, QRELS = "topics.tsv", "pools.tsv", "qrels.txt"
_COLUMNS = ("topic_id", "timestamp", "query")
_DIRECTION = "direction"  # a column that a table need not have
_BREAKS = re.compile(r"[\t\r\n]+")


@dataclass(frozen=True)
class Topic:
    """One question.

    Attributes:
        topic_id: opaque.
        timestamp: of the query, UTC ``YYYY-MM-DD HH:MM:SS``; may be empty.
        query: what the modality that asks makes of the cell: an image's file name, readings by column.
        direction: which modality asks, and which is ranked.
    """

    topic_id: str
    timestamp: str
    query: Query
    direction: Direction


@dataclass(frozen=True)
class TopicSet:
    """Topics with their candidates and their relevant documents.

    Attributes:
        topics: in order.
        pools: topic id -> document ids; empty where whole splits are ranked.
        relevant: topic id -> the relevant documents' ids.
        items: topic id -> the item that asks, where whole splits are ranked; it is written to no file.
    """

    topics: list[Topic]
    pools: dict[str, list[str]]
    relevant: dict[str, list[str]]
    items: dict[str, str] = field(default_factory=dict)

    def by_direction(self) -> dict[str, list[Topic]]:
        """Return the topics of each direction, by its name, in the order in which directions first occur."""
        found: dict[str, list[Topic]] = {}
        for topic in self.topics:
            found.setdefault(topic.direction.name, []).append(topic)
        return found

    def sentence(self) -> str:
        """Return how many topics and candidates there are, and in which files ``save`` writes them."""
        if not self.pools:
            return f"{len(self.topics):,} topics, for which the whole split is ranked ({TOPICS}, {QRELS})"
        size = max(len(pool) for pool in self.pools.values())
        return f"{len(self.topics)} topics with {size} candidates each ({TOPICS}, {POOLS}, {QRELS})"

    def save(self, folder: Path) -> None:
        """Write ``topics.tsv``, ``pools.tsv`` and ``qrels.txt``, with a manifest by which a mixture would be noticed.

        Without pools there is no ``pools.tsv`` afterwards: one of an earlier call is removed, which is said. The topics
        have a column ``direction`` unless all are of the default pair, whose queries tell it.

        Raises:
            UserError: if there is no room or no permission, or another process writes there at the same time.
        """
        pools = [f"{topic}\t{document}\n" for topic, documents in self.pools.items() for document in documents]
        answers = [f"{topic} 0 {document} 1\n" for topic, documents in self.relevant.items() for document in documents]
        told_by_query = directions(DEFAULT_PAIR)
        with_direction = any(each.direction not in told_by_query for each in self.topics)
        texts = {
            POOLS: "topic_id\tdoc_id\n" + "".join(pools),
            QRELS: "".join(answers),
            TOPICS: topics_text(self.topics, with_direction=with_direction),
        }
        without = () if self.pools else (POOLS,)
        stale = [folder / name for name in without if (folder / name).is_file()]
        with write_set(TREC, folder, without) as places:
            for name, place in places.items():
                place.write_text(texts[name], encoding="utf-8")
        for place in stale:
            say(f"{place}, of earlier topics, has been removed: these have no pools, and the whole split is ranked.")


def topics_text(topics: Iterable[Topic], *, with_direction: bool) -> str:
    """Return topics as a table, with or without the column ``direction``."""
    lines = ["\t".join([*_COLUMNS, *([_DIRECTION] if with_direction else [])])]
    for topic in topics:
        # A caption may have a tab or an end of line, of which this format has no other.
        query = _BREAKS.sub(" ", topic.direction.query.write(topic.query))
        cells = [topic.topic_id, topic.timestamp, query]
        lines.append("\t".join([*cells, *([topic.direction.name] if with_direction else [])]))
    return "".join(f"{line}\n" for line in lines)


def read_topics(path: StrPath, pair: Sequence[str] | None = None) -> list[Topic]:
    """Read topics: a tab-separated table with ``topic_id``, ``timestamp``, ``query`` and perhaps ``direction``.

    Columns may come in any order, and others among them are ignored. Where no direction is given, the query tells it:
    the modality whose cell it is asks, the other one answers.

    Args:
        path: the file; see :mod:`ntcir.formats.reading` for what it may be.
        pair: the modalities of the model that is to answer, by name. If None, any direction may be given, and what is
            told from a query is told from the modalities of the default pair.

    Raises:
        UserError: if the file cannot be read, or lacks a column; else naming the first lines that are wrong: cells that
            are missing or cannot be parsed, a topic that comes twice, a direction that does not fit its query, that is
            not the pair's, or that there is not.
    """
    header, lines = read_lines(path)
    absent = [column for column in _COLUMNS if column not in header]
    if absent:
        raise UserError(
            f"{path} has no column '{absent[0]}': its first line must be topic_id, timestamp, query, tab-separated."
        )
    twice = [column for column in (*_COLUMNS, _DIRECTION) if header.count(column) > 1]
    if twice:
        raise UserError(f"{path} has {header.count(twice[0])} columns named '{twice[0]}': remove all but one.")
    topics: dict[str, Topic] = {}

    def parse(cells: Mapping[str, str]) -> None:
        topic = _topic(cells, pair)
        if topic.topic_id in topics:
            raise ValueError(f"the topic {topic.topic_id} appears twice")
        topics[topic.topic_id] = topic

    _say_near_misses(path, header)
    if pair is not None and _DIRECTION not in header:
        _check_pair(
            path, [(number, dict(zip(header, row, strict=False)).get("query", "")) for number, row in lines], pair
        )
    parse_lines(path, header, lines, parse)
    if not topics:
        raise UserError(f"{path} has no topics.")
    return list(topics.values())


def read_topic_table(path: StrPath, known: str | None = None) -> TopicTable:
    """Read of topics what scores need: a table with ``topic_id`` and ``query`` or ``direction``, and others if any.

    ``known`` is the name of another column that is used, and so not taken for a misspelt ``direction``.

    A query need not be one that could be answered; if no direction is given, it tells one of the default pair's.

    Raises:
        UserError: if the file cannot be read, or lacks these columns; else naming the first lines that are wrong: with
            too many or too few cells, or a direction that does not fit its query or that there is not.
    """
    header, lines = read_lines(path)
    if "topic_id" not in header or not {"query", _DIRECTION} & set(header):
        raise UserError(
            f"{named(path)} line 1: expected the tab-separated columns topic_id and query, or topic_id and direction, "
            f"found {some(header)}."
        )
    found: dict[str, str] = {}
    others: dict[str, dict[str, str]] = {}

    def parse(cells: Mapping[str, str]) -> None:
        query, name = cells.get("query", ""), cells.get(_DIRECTION, "")
        if query or name:
            found[cells["topic_id"]] = _direction(query, name, None).name
        others[cells["topic_id"]] = {column: cell for column, cell in cells.items() if column != "query"}

    _say_near_misses(path, [column for column in header if column != known])
    parse_lines(path, header, lines, parse)
    return TopicTable(path, others, header, found)


def _say_near_misses(path: StrPath, header: Sequence[str]) -> None:
    """Name a column that is ignored, and was perhaps meant to be the one with directions."""
    for column in header if _DIRECTION not in header else ():
        if hint := did_you_mean(column, [_DIRECTION]):
            say(f"{named(path)}: the column '{short(column)}' is ignored{hint}.")


def _check_pair(path: StrPath, queries: Iterable[tuple[int, str]], pair: Sequence[str]) -> None:
    """Refuse topics that are evidently those of the default pair, which name no direction, for a model of another.

    Raises:
        UserError: naming the first query that only the default pair has.
    """
    own, usual = ([each.query for each in directions(names)] for names in (pair, DEFAULT_PAIR))
    for number, query in queries:
        other = next((each for each in usual if each not in own and each.takes(query)), None)
        if other is not None and not any(each.takes(query) for each in own):
            neither = " nor ".join(_a(each.noun) for each in own)
            raise UserError(
                f"{path} line {number}: the query '{short(query)}' is {_a(other.noun)}, neither {neither}, and the "
                f"model's pair is {' and '.join(pair)}: name another with --model, or build topics of its pair with "
                f"`ntcir build-topics --set 'pair=[{', '.join(pair)}]'`."
            )


def _topic(cells: Mapping[str, str], pair: Sequence[str] | None) -> Topic:
    """Return the topic of a line; a ValueError says what is wrong with it."""
    topic_id, query = cells["topic_id"], cells["query"]
    if not topic_id or not query or len(topic_id.split()) > 1:
        raise ValueError("a topic_id without blanks and a query are needed")
    if not is_word(topic_id):
        raise ValueError(
            f"the topic_id '{short(topic_id)}' contains control characters or has more than {LONGEST} bytes"
        )
    direction = _direction(query, cells.get(_DIRECTION, ""), pair)
    return Topic(topic_id, cells["timestamp"], direction.query.parse(query), direction)


def _direction(query: str, name: str, pair: Sequence[str] | None) -> Direction:
    """Return the direction of a topic, as it is named, or as its query tells; either cell may be empty, not both.

    Raises:
        ValueError: if there is no such direction, or it does not fit the query, or the query tells none.
    """
    if name:
        direction = _direction_named(name, pair)
        if query and not direction.query.takes(query):
            noun = _a(direction.query.noun)
            raise ValueError(f"the direction is {name}, but the query '{short(query)}' is not {noun}")
        return direction
    possible = directions(pair or DEFAULT_PAIR)
    fitting = [direction for direction in possible if direction.query.takes(query)]
    if len(fitting) == 1:
        return fitting[0]
    one, other = (_a(direction.query.noun) for direction in possible)
    if not fitting:
        raise ValueError(f"the query '{short(query)}' is neither {one} nor {other}")
    both = " or ".join(direction.name for direction in possible)
    raise ValueError(f"the query '{short(query)}' may be {one} or {other}: add a column direction with {both}")


def _direction_named(name: str, pair: Sequence[str] | None) -> Direction:
    known = all_directions()
    if name not in known:
        raise ValueError(f"there is no direction '{short(name)}'{did_you_mean(name, known)}, only {', '.join(known)}")
    if pair is not None and known[name] not in directions(pair):
        both = " and ".join(each.name for each in directions(pair))
        raise ValueError(f"the direction is {name}, but the model answers {both}")
    return known[name]


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"

"""Topics that a whole corpus is searched for: an id and what a person would type, a line each.

A tab-separated table with ``topic_id`` and ``query``, and perhaps ``direction``, in any order, others ignored: so
``topics.tsv`` of this project is one. The header may be absent where there are just these two columns, and its
spelling is free (``Topic-ID``). Known-item topics grow by hints, a sentence at a time: lines of the same id are one
topic, whose sentences are joined.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ntcir.formats.columns import LONGEST, is_word
from ntcir.formats.reading import StrPath, named
from ntcir.formats.topic_table import parse_lines, read_lines
from ntcir.modalities.modality import is_json_object
from ntcir.system.errors import UserError, short, some

_ID, _QUERY, _DIRECTION = "topic_id", "query", "direction"
_HEADERLESS = [_ID, _QUERY]
_OTHER_IDS = {"id", "qid", "topic", "topicid", "query_id", "number"}  # no topic is called so: it is another header


@dataclass(frozen=True)
class SearchTopic:
    """One topic.

    Attributes:
        topic_id: opaque; can stand in a run.
        query: words, the id or the path of a picture, or a reading as JSON.
        direction: the name of the direction, such as ``txt2img``; empty where the query tells it.
    """

    topic_id: str
    query: str
    direction: str


def read_search_topics(path: StrPath) -> list[SearchTopic]:
    """Read topics, in the order of their first lines; runs of blanks in a query count as one.

    Raises:
        UserError: if the file cannot be read, lacks a column or has no topic; else naming the first lines that are
            wrong: cells that are missing, an id that cannot stand in a run, or what cannot go on from an earlier line.
    """
    first, lines = read_lines(path)
    header = [cell.lower().replace("-", "_").replace(" ", "_") for cell in first]
    if _ID not in header and len(header) == 2 and all(header) and header[0] not in _OTHER_IDS:
        lines, header = [(1, first), *lines], _HEADERLESS
    if not {_ID, _QUERY} <= set(header):
        raise UserError(
            f"{named(path)} line 1: expected the tab-separated columns {_ID} and {_QUERY}, found {some(first)}."
        )
    found: dict[str, SearchTopic] = {}

    def parse(cells: Mapping[str, str]) -> None:
        topic = _topic(cells)
        before = found.get(topic.topic_id)
        found[topic.topic_id] = topic if before is None else _joined(before, topic)

    parse_lines(path, header, lines, parse)
    if not found:
        raise UserError(f"{named(path)} has no topics.")
    return list(found.values())


def _topic(cells: Mapping[str, str]) -> SearchTopic:
    topic, query = cells[_ID], cells[_QUERY]
    if not topic or not query.strip():
        raise ValueError(f"a {_ID} and a {_QUERY} are needed")
    if not is_word(topic):
        raise ValueError(f"the {_ID} '{short(topic)}' contains blanks or control characters, or over {LONGEST} bytes")
    return SearchTopic(topic, query if is_json_object(query) else " ".join(query.split()), cells.get(_DIRECTION, ""))


def _joined(before: SearchTopic, more: SearchTopic) -> SearchTopic:
    """Return a topic with a further sentence."""
    if is_json_object(before.query) or is_json_object(more.query):
        raise ValueError(f"the topic {more.topic_id} appears twice: only sentences are joined, not readings")
    if before.direction != more.direction:
        raise ValueError(f"the topic {more.topic_id} goes on with another direction, '{short(more.direction)}'")
    return replace(before, query=f"{before.query} {more.query}")

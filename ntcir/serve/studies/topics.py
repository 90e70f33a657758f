"""What topics ask: of the topic files of this project, and of those that ``ntcir search --topics`` takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ntcir.formats.search_topics import SearchTopic, read_search_topics
from ntcir.formats.topic_table import TopicTable, read_lines
from ntcir.formats.topics import Topic, read_topic_table, read_topics
from ntcir.modalities import Direction, directions
from ntcir.serve.index.catalogue import Catalogue
from ntcir.significance.topic_blocks import TIMESTAMP
from ntcir.system.errors import UserError, short


@dataclass(frozen=True)
class Asked:
    """A topic file.

    Attributes:
        topics: by id.
        table: what scores need of them.
    """

    topics: Mapping[str, Topic]
    table: TopicTable


def read_asked(path: Path, pair: Sequence[str], catalogue: Catalogue) -> Asked:
    """Read topics: with times, as ``ntcir topics`` writes them; without, as ``ntcir search --topics`` takes them.

    Args:
        path: the file.
        pair: the modalities of the topics.
        catalogue: has the photographs that a topic may ask with.

    Raises:
        UserError: if the file cannot be read, or a topic does not ask with one of the pair.
    """
    if TIMESTAMP in read_lines(path)[0]:
        return Asked({topic.topic_id: topic for topic in read_topics(path, pair)}, read_topic_table(path))
    topics = {each.topic_id: _topic(path, each, pair, catalogue) for each in read_search_topics(path)}
    told = {name: topic.direction.name for name, topic in topics.items()}
    return Asked(topics, TopicTable(path, {name: {"topic_id": name} for name in topics}, ["topic_id", "query"], told))


def _topic(path: Path, asked: SearchTopic, pair: Sequence[str], catalogue: Catalogue) -> Topic:
    direction = _direction(path, asked, pair, catalogue)
    try:
        return Topic(asked.topic_id, "", direction.query.parse(asked.query), direction)
    except ValueError as error:
        raise UserError(f"{path}: the topic {asked.topic_id} cannot be read: {error}.") from error


def _direction(path: Path, asked: SearchTopic, pair: Sequence[str], catalogue: Catalogue) -> Direction:
    """Return which modality asks, as when the topic is searched for: of what may be words or a picture, words are
    whatever is not the id of a photograph."""
    both = directions(pair)
    if asked.direction:
        fitting = [each for each in both if each.name == asked.direction]
    else:
        fitting = [each for each in both if each.query.takes(asked.query)]
    if len(fitting) > 1:
        pictured = catalogue.ids.find(asked.query) is not None
        fitting = [each for each in fitting if each.query.pictured == pictured] or fitting
    if not fitting:
        nouns, names = (
            " or ".join(words) for words in zip(*((each.query.noun, each.name) for each in both), strict=True)
        )
        what = (
            f"has the direction '{short(asked.direction)}', not {names}" if asked.direction else f"asks with no {nouns}"
        )
        raise UserError(f"{path}: the topic {asked.topic_id} {what}; the model's pair is {' and '.join(pair)}.")
    return fitting[0]

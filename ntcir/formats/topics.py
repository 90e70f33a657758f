"""Topics, their pools and their answers: tables that can be read, and written by hand."""

from __future__ import annotations

import datetime as dt
import json
import math
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from ntcir.corpora.corpus import Corpus
from ntcir.formats.columns import LONGEST, is_word
from ntcir.formats.group_labels import group_labels
from ntcir.formats.manifest import TREC, write_set
from ntcir.system.errors import UserError, short, some
from ntcir.system.json_keys import each_once
from ntcir.system.progress import say
from ntcir.system.regular import LARGEST_TEXT, open_given, read_all

Direction = Literal["img2sen", "sen2img"]
DIRECTIONS: tuple[Direction, ...] = ("img2sen", "sen2img")
TOPICS, POOLS, QRELS = "topics.tsv", "pools.tsv", "qrels.txt"
_MOST = 3  # bad lines named in one sentence


@dataclass(frozen=True)
class Topic:
    """One question.

    Attributes:
        topic_id: opaque.
        timestamp: of the query, UTC ``YYYY-MM-DD HH:MM:SS``; may be empty.
        query: an image's file name, or readings by column.
    """

    topic_id: str
    timestamp: str
    query: str | dict[str, Any]

    @property
    def direction(self) -> Direction:
        """``img2sen`` for a picture, ``sen2img`` for readings."""
        return "img2sen" if isinstance(self.query, str) else "sen2img"


@dataclass(frozen=True)
class TopicSet:
    """Topics with their candidates and their relevant documents.

    Attributes:
        topics: in order.
        pools: topic id -> document ids; empty where whole splits are ranked.
        relevant: topic id -> the relevant document's id.
    """

    topics: list[Topic]
    pools: dict[str, list[str]]
    relevant: dict[str, str]

    def save(self, folder: Path) -> None:
        """Write ``topics.tsv``, ``pools.tsv`` and ``qrels.txt``, with a manifest by which a mixture would be noticed.

        Raises:
            UserError: if there is no room or no permission, or another process writes there at the same time.
        """
        rows = [f"{topic.topic_id}\t{topic.timestamp}\t{_query_text(topic.query)}\n" for topic in self.topics]
        pools = [f"{topic}\t{document}\n" for topic, documents in self.pools.items() for document in documents]
        texts = {
            POOLS: "topic_id\tdoc_id\n" + "".join(pools),
            QRELS: "".join(f"{topic} 0 {document} 1\n" for topic, document in self.relevant.items()),
            TOPICS: "topic_id\ttimestamp\tquery\n" + "".join(rows),
        }
        with write_set(TREC, folder) as places:
            for name, text in texts.items():
                places[name].write_text(text, encoding="utf-8")


def sample_pool(pairs: pd.DataFrame, size: int, generator: np.random.Generator, target: object = None) -> np.ndarray:
    """Draw pairs whose images and readings all differ, so that a pool has one right answer.

    Args:
        pairs: of one group.
        size: how many; all that differ, if there are fewer.
        generator: fixes the draw.
        target: an index label that must be among them.

    Returns:
        index labels of ``pairs``, in random order.
    """
    order = generator.permutation(len(pairs))
    if target is not None:
        place = pairs.index.get_loc(target)
        order = np.concatenate([[place], order[order != place]])
    shuffled = pairs.iloc[order]
    distinct = shuffled[~shuffled["sensor"].duplicated() & ~shuffled["image"].duplicated()]
    return np.asarray(generator.permutation(distinct.index[:size].to_numpy()))


def build_topics(
    corpus: Corpus, pairs: pd.DataFrame, *, pool: int = 200, per_day: int = 1, seed: int = 0, skip_short: bool = False
) -> TopicSet:
    """Draw topics as the poster and the organisers do: per group and direction, one pair is asked for among ``pool``.

    A pool holds one photograph a minute, all of one day (session). A day's topics depend on the seed and the day only.
    Ids are ``sen2img_0316``; with the year where the days span several, with a number where there are several a day.

    Args:
        corpus: where the readings come from.
        pairs: what to draw from, a part of ``corpus.pairs``.
        pool: candidates a topic, the right one included.
        per_day: topics a direction and day.
        seed: fixes the draw.
        skip_short: leave out, and name, days with fewer distinct minutes than the pool or the topics need.

    Raises:
        UserError: if there is no pair, or such a day and it is not to be left out.
    """
    if pairs.empty:
        raise UserError("There is no pair of photograph and readings in the days asked for.")
    groups = {str(name): rows for name, rows in pairs.groupby("group", sort=False)}
    sizes = {name: rows["sensor"].nunique() for name, rows in groups.items()}
    short = [f"{name} ({size})" for name, size in sizes.items() if size < max(pool, per_day)]
    if short and skip_short and len(short) < len(sizes):
        say(f"Left out, with fewer minutes than a pool of {pool} needs: {some(short, 40)}.")
        groups = {name: rows for name, rows in groups.items() if sizes[name] >= max(pool, per_day)}
    elif short:
        least = min(size for size in sizes.values())
        raise UserError(
            f"A pool of {pool} (and {per_day} topics a day) is more than the minutes with photographs of {some(short)}:"
            f" give --pool {least} or less, other days with --from and --to, or leave them out with --skip-short-days."
        )
    ending = len(f"_{per_day}") if per_day > 1 else 0
    labels = group_labels(list(groups), corpus.groups_are_days, LONGEST - len(f"{DIRECTIONS[0]}_") - ending)
    topics: list[Topic] = []
    pools: dict[str, list[str]] = {}
    relevant: dict[str, str] = {}
    for direction in DIRECTIONS:
        for name, rows in groups.items():
            generator = np.random.default_rng([seed, zlib.crc32(name.encode()), DIRECTIONS.index(direction)])
            targets = sample_pool(rows, per_day, generator)
            for number, target in enumerate(targets, start=1):
                suffix = f"_{number:0{len(str(per_day))}d}" if per_day > 1 else ""
                topic_id = f"{direction}_{labels[name]}{suffix}"
                candidates = rows.loc[sample_pool(rows, pool, generator, target)]
                topic = _topic(topic_id, direction, rows.loc[target], corpus)
                topics.append(topic)
                answer = "sensor" if direction == "img2sen" else "image"
                pools[topic_id] = candidates[answer].tolist()
                relevant[topic_id] = rows.loc[target, answer]
    return TopicSet(topics, pools, relevant)


def _topic(topic_id: str, direction: Direction, pair: pd.Series, corpus: Corpus) -> Topic:
    # The poster's are whole minutes; of records, which may have several pairs a second, the second is kept.
    moment = pair["timestamp"].floor("min") if corpus.layout == "lifelog" else pair["timestamp"]
    timestamp = f"{moment:%Y-%m-%d %H:%M:%S}"
    if direction == "img2sen":
        return Topic(topic_id, timestamp, str(pair["image"]))
    reading = corpus.sensors.loc[pair["sensor"]]
    values = {str(column): _plain(value) for column, value in reading.items() if not _is_missing(value)}
    return Topic(topic_id, timestamp, values)


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _plain(value: Any) -> float | int | str:
    """Return what JSON can hold; a whole number stays one."""
    if isinstance(value, str):
        return value
    number = float(value)
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def _query_text(query: str | dict[str, Any]) -> str:
    return query if isinstance(query, str) else json.dumps(query, ensure_ascii=False)


def read_topics(path: Path) -> list[Topic]:
    """Read a topic file: a TSV with the columns ``topic_id, timestamp, query``.

    Raises:
        UserError: naming the file and the first bad lines, if a column or value is missing, a column or topic comes
            twice, a topic_id cannot be in a run, or a query that starts like a JSON object is none, gives a reading
            twice or an infinite one.
    """
    try:
        with open_given(path) as file:
            text = read_all(file, path, LARGEST_TEXT).decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        raise UserError(f"Cannot read the topics {path}: {(error.strerror or str(error)).lower()}.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"Cannot read the topics {path}: {error}.") from error
    # Not splitlines(): a reading's text may hold U+2028 or U+0085, which end no line of a TSV.
    rows = [line.removesuffix("\r").split("\t") for line in text.split("\n")]
    columns = [cell.strip() for cell in rows[0]]
    absent = [column for column in ("topic_id", "timestamp", "query") if column not in columns]
    if absent:
        raise UserError(
            f"{path} has no column '{absent[0]}': its first line must be topic_id, timestamp, query, tab-separated."
        )
    twice = [column for column in ("topic_id", "timestamp", "query") if columns.count(column) > 1]
    if twice:
        raise UserError(f"{path} has {columns.count(twice[0])} columns named '{twice[0]}': remove all but one.")
    topics: dict[str, Topic] = {}
    wrong: list[str] = []
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        try:
            topic = _parse_topic(columns, row)
            if topic.topic_id in topics:
                raise ValueError(f"the topic {topic.topic_id} comes a second time")
            topics[topic.topic_id] = topic
        except ValueError as error:
            wrong.append(f"line {number}: {error}")
    if wrong:
        more = f"; and {len(wrong) - _MOST} more problems" if len(wrong) > _MOST else ""
        raise UserError(f"{path} {'; '.join(wrong[:_MOST])}{more}.")
    if not topics:
        raise UserError(f"{path} holds no topic.")
    return list(topics.values())


def _parse_topic(columns: Sequence[str], row: Sequence[str]) -> Topic:
    """Return the topic of a line; a ValueError says what is wrong with it."""
    if len(row) != len(columns):
        raise ValueError(f"{len(row)} columns instead of {len(columns)}")
    cells = {column: cell.strip() for column, cell in zip(columns, row, strict=True)}
    topic_id = cells["topic_id"]
    if not topic_id or not cells["query"] or len(topic_id.split()) > 1:
        raise ValueError("a topic_id without blanks and a query are needed")
    if not is_word(topic_id):
        raise ValueError(f"the topic_id '{short(topic_id)}' holds control characters or has over {LONGEST} bytes")
    return Topic(topic_id, cells["timestamp"], _parse_query(cells["query"]))


def _parse_query(text: str) -> str | dict[str, Any]:
    if text.startswith('"{') and text.endswith('}"'):  # as a spreadsheet quotes it
        text = text[1:-1].replace('""', '"')
    if not text.startswith("{"):
        return text
    try:
        query = json.loads(text, object_pairs_hook=each_once)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the query is no JSON object ({error})") from error
    if not query:
        raise ValueError("the query holds no reading")
    return {column: _reading(column, value) for column, value in query.items()}


def _reading(column: str, value: Any) -> int | float | str | None:
    """Return a reading as it is; NaN, which JSON does not have and Python writes all the same, is missing like null."""
    if not (value is None or isinstance(value, int | float | str)):
        raise ValueError(f"the reading '{column}' must be a number, a text or null")
    if isinstance(value, int | float):
        if value != value:  # NaN alone differs from itself
            return None
        if abs(value) > sys.float_info.max:
            raise ValueError(f"the reading '{column}' must be a finite number below 1.8e308")
    return value


def topic_pairs(corpus: Corpus, first: dt.date | None, last: dt.date | None) -> pd.DataFrame:
    """Return the pairs to ask for: those of the days from ``first`` to ``last`` (UTC, included), else the test split.

    Topics on days that a model is trained on measure memory, so that is said on stderr.

    Raises:
        UserError: if there is none; the sentence names the days that there are.
    """
    pairs = corpus.pairs
    days = pairs["timestamp"].dt.strftime("%Y-%m-%d")
    if first is None and last is None:
        chosen, what = corpus.split("test"), "test split"
    else:
        if first and last and first > last:
            raise UserError(f"--from {first} is after --to {last}.")
        chosen = pairs[(days >= str(first or "")) & (days <= str(last or "9999"))]
        what = f"range {first or 'the first day'} to {last or 'the last day'}"
    if chosen.empty:
        there = f"{days.min()} to {days.max()}"
        raise UserError(f"The {what} of {corpus.root} has no pair; there are pairs from {there} (--from, --to).")
    seen = (chosen["split"] == "train").sum()
    if seen:
        say(f"WARNING: {seen} of {len(chosen)} pairs are in the training split; their topics measure memory.")
    return chosen

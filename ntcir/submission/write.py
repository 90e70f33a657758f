"""A rehearsal: topics written as the organisers write them, with the pictures' pixels in JSON."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ntcir.corpora.corpus import OFFICIAL_KEYS, Corpus
from ntcir.features.decode import UnreadableImage
from ntcir.formats.manifest import OFFICIAL, OFFICIAL_TOPICS, write_set
from ntcir.formats.official import format_qrels
from ntcir.formats.topics import Topic, TopicSet, topics_text
from ntcir.modalities.image import IMAGE
from ntcir.submission.pair import MODALS, require_official
from ntcir.submission.pixels import pixel_text
from ntcir.submission.readers import Reader, read_upright
from ntcir.system.errors import UserError, some
from ntcir.system.progress import progress, say

INPUT, TOPICS, QRELS = "input.json", OFFICIAL_TOPICS, "qrels.csv"
SENSOR_COLUMNS = (
    "heart_rate(bpm)", "heart_rate_conf", "calories", "distance", "artist name", "song name", "album name",
    "sleep_level", "awake", "minutesToFallAsleep", "minutesAsleep", "minutesAwake", "minutesAfterWakeup", "timeInBed",
    "sleep_efficiency",
)  # fmt: skip
LOCATION_COLUMNS = (
    "stop", "new_lat", "new_lng", "foursquare_id", "original_name", "categories", "parent", "movement",
    "movement_prob", "city", "country", "new_timezone", "latitude", "longitude", "altitude", "semantic_name",
    "time_zone",
)  # fmt: skip


def record_text(topic_id: str, dmr_minute_id: str, direction: str, image: bytes, readings: Mapping[str, Any]) -> bytes:
    """Return one record of the organisers' input, a JSON object.

    Args:
        topic_id: opaque.
        dmr_minute_id: the candidate's.
        direction: which of picture and readings is the query.
        image: the picture as ``pixel_text`` writes it.
        readings: by column; None and NaN are written as null.
    """
    asked, wanted = MODALS[direction]
    head = {"topic_id": topic_id, "dmr_minute_id": dmr_minute_id, "input_modal": asked, "output_modal": wanted}
    tail = {column: _value(value) for column, value in readings.items()}
    start, end = (json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode() for part in (head, tail))
    return start[:-1] + b',"image":' + image + (b"," if tail else b"") + end[1:]


def _value(value: Any) -> Any:
    """Return what JSON can hold of a reading."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


class OfficialTopics:
    """Topics of a corpus in the organisers' format.

    Args:
        topics: with their pools.
        corpus: has the photographs and readings.
        read: decodes a photograph.

    Raises:
        UserError: if a topic is of other modalities than theirs.
    """

    def __init__(self, topics: TopicSet, corpus: Corpus, read: Reader = read_upright) -> None:
        for direction in dict.fromkeys(topic.direction for topic in topics.topics):
            require_official([each.name for each in direction])
        self._topics, self._corpus, self._read = topics, corpus, read
        # Theirs has no time of day. A corpus that is not a lifelog has columns of its own.
        names = [str(column) for column in corpus.sensors.columns if column not in {"local_hour", *OFFICIAL_KEYS}]
        if own := [column for column in corpus.sensors.columns if column in OFFICIAL_KEYS]:
            say(
                f"WARNING: left out {some(own)}, because the organisers' input uses these names for other "
                "keys; rename the columns."
            )
        official = [*SENSOR_COLUMNS, *LOCATION_COLUMNS] if corpus.layout == "lifelog" else []
        self._columns = official + [name for name in names if name not in official]
        self._minute = dict(zip(corpus.pairs["image"], corpus.pairs["sensor"], strict=True))
        # The organisers number the minutes of the month, those that are in no topic too. A session may see two months.
        minutes = corpus.pairs.drop_duplicates("sensor")
        months = minutes["timestamp"].dt.strftime("%Y%m" if corpus.groups_are_days else "")
        numbers = minutes.groupby(months).cumcount() + 1
        self._number = {minute: f"{number:05d}" for minute, number in zip(minutes["sensor"], numbers, strict=True)}
        self._unreadable: dict[str, None] = {}  # in the order of finding

    def save(self, folder: Path) -> str:
        """Write ``input.json``, one record at a time, ``input.topics.tsv`` and ``qrels.csv``; return a sentence.

        All files are written or none; a manifest beside them reveals a mixture of two calls.

        A photograph that cannot be decoded is no candidate; a topic that asks for one is left out.

        Raises:
            UserError: if there is no room, or no topic is left.
        """
        total = sum(len(pool) for pool in self._topics.pools.values())
        judged: list[tuple[str, str, str, int]] = []
        with write_set(OFFICIAL, folder) as places:
            with places[INPUT].open("wb") as file, progress("Writing candidates", total) as advance:
                for topic in self._topics.topics:
                    for document, image, readings in self._candidates(topic):
                        minute = self._minute.get(document, document)
                        number = self._number[minute]
                        record = record_text(topic.topic_id, number, topic.direction.name, image, readings)
                        if not judged:
                            _check_room(folder, len(record) * total)
                        file.write(b",\n" if judged else b"[")
                        file.write(record)
                        relevant = int(document in self._topics.relevant[topic.topic_id])
                        judged.append((topic.topic_id, number, minute, relevant))
                        advance(1)
                file.write(b"]\n")
                size = file.tell()
            if not judged:
                raise UserError(
                    f"No topic is left, because none of these photographs can be decoded: {some(self._unreadable)}."
                )
            places[QRELS].write_text(format_qrels(judged), encoding="utf-8")
            asked = {topic_id for topic_id, *_ in judged}
            topics = [topic for topic in self._topics.topics if topic.topic_id in asked]
            # The input has the directions, but takes minutes to read; without them there is no score by direction.
            places[TOPICS].write_text(topics_text(topics, with_direction=True), encoding="utf-8")
        if self._unreadable:
            say(f"WARNING: {len(self._unreadable)} photographs cannot be decoded: {some(self._unreadable)}; left out.")
        files = f"{INPUT}, {TOPICS}, {QRELS}"
        return f"{folder}: {len(topics)} topics, {len(judged):,} candidates, {size / 1e9:.2f} GB ({files})"

    def _candidates(self, topic: Topic) -> Iterator[tuple[str, bytes, Mapping[str, Any]]]:
        """Yield each candidate's id with the picture and the readings of its record; nothing if the topic cannot be."""
        pool = self._topics.pools[topic.topic_id]
        right = self._topics.relevant[topic.topic_id][0]
        by_picture = topic.direction.query is IMAGE
        asked = self._picture(topic.query if by_picture else right)
        if asked is None:
            return
        if by_picture:
            for minute, readings in zip(pool, self._readings(pool), strict=True):
                yield minute, asked, readings
            return
        [readings] = self._readings([self._minute[right]])
        for name in pool:
            if (image := self._picture(name)) is not None:
                yield name, image, readings

    def _readings(self, minutes: Sequence[str]) -> list[dict[str, Any]]:
        table = self._corpus.sensors.loc[list(minutes)].reindex(columns=self._columns).astype(object)
        return [dict(zip(self._columns, row, strict=True)) for row in table.where(table.notna(), None).to_numpy()]

    def _picture(self, name: str) -> bytes | None:
        """Return a photograph's pixels as JSON, None if it cannot be decoded."""
        try:
            return pixel_text(self._read(str(self._corpus.images.at[name, "path"])))
        except UnreadableImage:
            self._unreadable[name] = None
            return None


def _check_room(folder: Path, needed: int) -> None:
    """Refuse what does not fit on the disk, before hours are spent on it."""
    room = shutil.disk_usage(folder).free
    if needed > room:
        raise UserError(
            f"The input would take about {needed / 1e9:.1f} GB, but {folder} has {room / 1e9:.1f} GB free: choose "
            "fewer days, a smaller --topics-per-day or --pool, or another --out."
        )

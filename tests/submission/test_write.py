"""Topics in the organisers' format, against their description and the TREC files of the same topics."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import refusal, write_pictures
from PIL import Image

import ntcir.submission.write
from ntcir.config import Config
from ntcir.corpora import open_corpus
from ntcir.corpora.corpus import Corpus
from ntcir.formats.topics import TopicSet, read_topic_table, read_topics
from ntcir.modalities import DEFAULT_PAIR, Direction, Modality
from ntcir.modalities.image import IMAGE
from ntcir.sampling.topics import build_topics
from ntcir.submission.stream import read_records
from ntcir.submission.write import LOCATION_COLUMNS, SENSOR_COLUMNS, OfficialTopics

DAYS = ("2020-03-20", "2020-03-21")


@pytest.fixture
def lifelog(make_lifelog: Callable[..., Path], tmp_path: Path) -> Corpus:
    return open_corpus(make_lifelog(tmp_path / "life", DAYS, per_day=6), Config().data.split)


def topics_of(corpus: Corpus, pool: int = 5, per_day: int = 2) -> TopicSet:
    return build_topics(corpus, corpus.pairs, pool=pool, per_day=per_day, pair=DEFAULT_PAIR)


def written(topics: TopicSet, corpus: Corpus, folder: Path) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    OfficialTopics(topics, corpus).save(folder)
    with (folder / "qrels.csv").open(newline="") as file:
        return json.loads((folder / "input.json").read_bytes()), list(csv.DictReader(file))


def test_records_are_as_the_organisers_describe_them(lifelog: Corpus, tmp_path: Path) -> None:
    topics = topics_of(lifelog)
    records, qrels = written(topics, lifelog, tmp_path / "out")
    assert len(records) == len(qrels) == 8 * 5
    own = ["topic_id", "dmr_minute_id", "input_modal", "output_modal", "image"]
    for record in records:
        assert list(record) == [*own, *SENSOR_COLUMNS, *LOCATION_COLUMNS]
        assert np.array(record["image"]).shape == (3, 36, 48)
    for topic in topics.topics:
        rows = [record for record in records if record["topic_id"] == topic.topic_id]
        images = {json.dumps(record["image"]) for record in rows}
        readings = {json.dumps([record[column] for column in (*SENSOR_COLUMNS, *LOCATION_COLUMNS)]) for record in rows}
        modal = {(record["input_modal"], record["output_modal"]) for record in rows}
        if topic.direction.name == "img2sen":
            assert (len(images), len(readings), modal) == (1, 5, {("image", "sensor")})
        else:
            assert (len(images), len(readings), modal) == (5, 1, {("sensor", "image")})


def test_the_minutes_of_a_month_are_numbered(make_lifelog: Callable[..., Path], tmp_path: Path) -> None:
    corpus = open_corpus(make_lifelog(tmp_path / "life", ("2020-02-29", *DAYS), per_day=6), Config().data.split)
    records, qrels = written(topics_of(corpus), corpus, tmp_path / "out")
    assert [row["dmr_minute_id"] for row in qrels] == [record["dmr_minute_id"] for record in records]
    for row in qrels:
        days = [day for day in ("2020-02-29", *DAYS) if day[:7].replace("-", "") == row["minute_id"][:6]]
        minutes = sorted(name for name in corpus.sensors.index if name[:6] == row["minute_id"][:6])
        assert len(minutes) == 6 * len(days)
        assert int(row["dmr_minute_id"]) == minutes.index(row["minute_id"]) + 1
        assert len(row["dmr_minute_id"]) == 5


def test_pixels_and_readings_are_those_of_the_corpus(lifelog: Corpus, tmp_path: Path) -> None:
    topics = topics_of(lifelog)
    records, _ = written(topics, lifelog, tmp_path / "out")
    minute = dict(zip(lifelog.pairs["image"], lifelog.pairs["sensor"], strict=True))
    rows = iter(records)
    for topic in topics.topics:
        for document in topics.pools[topic.topic_id]:
            record = next(rows)
            name = topic.query if isinstance(topic.query, str) else document
            with Image.open(lifelog.images.at[name, "path"]) as image:
                np.testing.assert_array_equal(np.array(record["image"]).transpose(1, 2, 0), np.asarray(image))
            asked = document if topic.direction.name == "img2sen" else minute[topics.relevant[topic.topic_id][0]]
            for column in lifelog.sensors.columns.drop("local_hour"):
                value = lifelog.sensors.at[asked, column]
                assert record[column] == (None if value != value else value), column
            if isinstance(topic.query, dict):
                told = {key: value for key, value in topic.query.items() if key != "local_hour"}
                assert {key: record[key] for key in told} == told


def test_the_qrels_are_those_of_the_trec_topics(lifelog: Corpus, tmp_path: Path) -> None:
    topics = topics_of(lifelog)
    _, qrels = written(topics, lifelog, tmp_path / "out")
    assert list(qrels[0]) == ["topic_id", "dmr_minute_id", "minute_id", "rel"]
    minute = dict(zip(lifelog.pairs["image"], lifelog.pairs["sensor"], strict=True))
    rows = iter(qrels)
    for topic, pool in topics.pools.items():
        for document in pool:
            row = next(rows)
            assert (row["topic_id"], row["minute_id"]) == (topic, minute.get(document, document))
            assert row["rel"] == str(int(document in topics.relevant[topic]))


def test_the_topics_lie_beside_the_input_with_their_directions(lifelog: Corpus, tmp_path: Path) -> None:
    topics = topics_of(lifelog)
    written(topics, lifelog, tmp_path / "out")
    table = tmp_path / "out" / "input.topics.tsv"
    assert read_topics(table) == topics.topics
    assert read_topic_table(table).directions == {topic.topic_id: topic.direction.name for topic in topics.topics}
    assert "direction" in table.read_text(encoding="utf-8").splitlines()[0].split("\t")


def test_topics_of_other_modalities_have_no_official_format(lifelog: Corpus, caption: Modality) -> None:
    topics = topics_of(lifelog)
    topics.topics[0] = replace(topics.topics[0], direction=Direction(IMAGE, caption))
    sentence = refusal(OfficialTopics, topics, lifelog)
    assert "The organisers' format is for image and sensor, not for image and caption: use --format trec." in sentence


def test_a_corpus_of_another_kind_has_its_own_columns(tmp_path: Path) -> None:
    corpus = open_corpus(write_pictures(tmp_path / "data"), Config().data.split)
    records, _ = written(topics_of(corpus, pool=4, per_day=1), corpus, tmp_path / "out")
    assert list(records[0])[5:] == ["warm", "wet", "noon", "weather"]


def test_a_session_over_the_end_of_a_month_has_no_number_twice(
    make_records: Callable[..., Path], tmp_path: Path
) -> None:
    times = [f"2021-01-31T23:5{minute}:00Z" for minute in range(5)] + [
        f"2021-02-01T00:0{minute}:00Z" for minute in range(5)
    ]
    rows = [{"file": f"{at}.jpg", "timestamp": time, "session": "s", "pulse": at} for at, time in enumerate(times)]
    corpus = open_corpus(make_records(tmp_path / "data", rows), Config().data.split)
    records, _ = written(topics_of(corpus, pool=10, per_day=1), corpus, tmp_path / "out")
    numbers = [record["dmr_minute_id"] for record in records if record["input_modal"] == "image"]
    assert sorted(numbers) == [f"{number:05d}" for number in range(1, 11)]


def spoil(corpus: Corpus, name: str) -> None:
    Path(str(corpus.images.at[name, "path"])).write_bytes(b"no picture")


def test_a_candidate_that_cannot_be_decoded_is_left_out(
    lifelog: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    topics = topics_of(lifelog, per_day=1)
    topic = next(topic for topic in topics.topics if topic.direction.name == "sen2img")
    victim = next(name for name in topics.pools[topic.topic_id] if name not in topics.relevant[topic.topic_id])
    spoil(lifelog, victim)
    records, _ = written(topics, lifelog, tmp_path / "out")
    assert victim in capsys.readouterr().err
    assert sum(record["topic_id"] == topic.topic_id for record in records) == 4


@pytest.mark.parametrize("direction", ["img2sen", "sen2img"])
def test_a_topic_that_asks_for_what_cannot_be_decoded_is_left_out(
    lifelog: Corpus, tmp_path: Path, direction: str
) -> None:
    topics = topics_of(lifelog, per_day=1)
    topic = next(topic for topic in topics.topics if topic.direction.name == direction)
    spoil(lifelog, topic.query if isinstance(topic.query, str) else topics.relevant[topic.topic_id][0])
    records, qrels = written(topics, lifelog, tmp_path / "out")
    assert topic.topic_id not in {record["topic_id"] for record in records} | {row["topic_id"] for row in qrels}
    assert topic.topic_id not in read_topic_table(tmp_path / "out" / "input.topics.tsv").directions
    assert records


def test_without_a_readable_photograph_nothing_is_written(lifelog: Corpus, tmp_path: Path) -> None:
    for name in lifelog.images.index:
        spoil(lifelog, name)
    assert "can be decoded" in refusal(OfficialTopics(topics_of(lifelog), lifelog).save, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_disk_without_room_is_refused_before_the_work(
    lifelog: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 10_000

    monkeypatch.setattr(ntcir.submission.write.shutil, "disk_usage", lambda folder: Usage)
    assert "GB free" in refusal(OfficialTopics(topics_of(lifelog), lifelog).save, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_columns_with_the_names_of_the_organisers_keys_are_left_out_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_pictures(tmp_path / "rec", per_session=3)
    table = root / "records.csv"
    table.write_text(table.read_text().replace("warm,wet,noon", "image,topic_id,dmr_minute_id"), encoding="utf-8")
    corpus = open_corpus(root, Config().data.split)
    OfficialTopics(topics_of(corpus, pool=2, per_day=1), corpus).save(tmp_path / "out")
    assert "WARNING: left out image, topic_id, dmr_minute_id, because" in capsys.readouterr().err
    with (tmp_path / "out" / "input.json").open("rb") as file:
        records = list(read_records(file, "input.json"))  # which refuses a key that comes twice
    assert len(records) == 8 * 2
    assert all(list(record.readings) == ["weather"] for record in records)

"""Topics: drawn as the poster draws them, written, read, and asked as they were drawn."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import refusal, toy_corpus
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ntcir.config import Sensors
from ntcir.corpora.corpus import Corpus
from ntcir.encoders.presets import Columns, chosen_columns
from ntcir.encoders.readings import ReadingsEncoder
from ntcir.formats.runs import format_ranking, read_pools, read_trec_qrels
from ntcir.formats.topics import Topic, TopicSet, build_topics, read_topics, sample_pool, topic_pairs

DAYS = ["2020-03-16", "2020-03-17", "2020-03-19"]
readings = st.dictionaries(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=8),
    st.one_of(st.integers(-(10**6), 10**6), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=12)),
    min_size=1,
    max_size=4,
)


def twice_a_minute(days: list[str] = DAYS, minutes: int = 30) -> Corpus:
    """Return a corpus in which each minute has two photographs."""
    corpus = toy_corpus(days, minutes)
    later = corpus.pairs.assign(
        image=corpus.pairs["image"].str.replace("00_000", "32_000"),
        timestamp=corpus.pairs["timestamp"] + pd.Timedelta(seconds=32),
    )
    pairs = pd.concat([corpus.pairs, later]).sort_values("timestamp", ignore_index=True)
    images = pd.DataFrame({"path": ""}, index=pd.Index(pairs["image"], name="image"))
    return replace(corpus, pairs=pairs, tables={"image": images, "sensor": corpus.sensors})


def minute(document: str) -> str:
    return document[:13]


# ---------------------------------------------------------------------------------------------------------- drawing


def test_there_is_one_topic_a_direction_a_day_named_as_in_the_poster():
    corpus = twice_a_minute()
    topics = build_topics(corpus, corpus.pairs, pool=10)
    assert [topic.topic_id for topic in topics.topics] == [
        "img2sen_0316", "img2sen_0317", "img2sen_0319", "sen2img_0316", "sen2img_0317", "sen2img_0319",
    ]  # fmt: skip
    assert all(topic.topic_id.startswith(topic.direction) for topic in topics.topics)


@pytest.mark.parametrize("pool", [2, 17, 30])
def test_a_pool_holds_one_photograph_a_minute_of_the_day_and_the_one_right_answer(pool):
    corpus = twice_a_minute()
    topics = build_topics(corpus, corpus.pairs, pool=pool, per_day=5)
    assert set(topics.pools) == set(topics.relevant) == {topic.topic_id for topic in topics.topics}
    for topic in topics.topics:
        candidates = topics.pools[topic.topic_id]
        assert len({minute(document) for document in candidates}) == len(candidates) == pool
        assert {document[:8] for document in candidates} == {topic.timestamp[:10].replace("-", "")}
        assert candidates.count(topics.relevant[topic.topic_id]) == 1
        table = corpus.sensors if topic.direction == "img2sen" else corpus.images
        assert set(candidates) <= set(table.index)


def test_the_right_answer_is_the_other_half_of_the_query_s_pair():
    corpus = twice_a_minute()
    topics = build_topics(corpus, corpus.pairs, pool=10, per_day=5)
    for topic in topics.topics:
        answer = topics.relevant[topic.topic_id]
        if topic.direction == "img2sen":
            assert minute(str(topic.query)) == answer
            image = topic.query
        else:
            row = corpus.sensors.loc[minute(answer)]
            assert topic.query == {column: value for column, value in row.items() if pd.notna(value)}
            image = answer
        [pair] = corpus.pairs[corpus.pairs["image"] == image].to_dict("records")
        assert topic.timestamp == f"{pair['timestamp']:%Y-%m-%d %H:%M:%S}"


def test_both_photographs_of_a_minute_can_be_asked_for():
    corpus = twice_a_minute(DAYS[:1])
    asked = [
        str(topic.query)
        for seed in range(10)
        for topic in build_topics(corpus, corpus.pairs, pool=10, per_day=10, seed=seed).topics
        if topic.direction == "img2sen"
    ]
    assert {name[13:15] for name in asked} == {"00", "32"}


def test_where_the_answer_stands_in_its_pool_says_nothing():
    corpus = twice_a_minute()
    topics = build_topics(corpus, corpus.pairs, pool=4, per_day=30)
    places = Counter(topics.pools[topic].index(answer) for topic, answer in topics.relevant.items())
    # 180 topics over 4 places: 45 each, and a standard deviation of 5.8.
    assert set(places) == {0, 1, 2, 3}
    assert all(22 < count < 68 for count in places.values())


def test_several_topics_a_day_ask_for_different_pairs_and_are_numbered():
    corpus = twice_a_minute()
    topics = build_topics(corpus, corpus.pairs, pool=30, per_day=12)
    first_day = [topic for topic in topics.topics if topic.topic_id.startswith("sen2img_0316")]
    assert [topic.topic_id for topic in first_day] == [f"sen2img_0316_{number:02d}" for number in range(1, 13)]
    assert len({topics.relevant[topic.topic_id] for topic in first_day}) == 12


def test_the_same_seed_draws_the_same_and_another_seed_others():
    corpus = twice_a_minute()
    assert build_topics(corpus, corpus.pairs, pool=10, seed=4) == build_topics(corpus, corpus.pairs, pool=10, seed=4)
    one, other = (build_topics(corpus, corpus.pairs, pool=10, seed=seed) for seed in (0, 1))
    assert one.relevant != other.relevant
    assert one.pools != other.pools


def test_a_day_s_topics_do_not_depend_on_the_other_days():
    corpus = twice_a_minute()
    together = build_topics(corpus, corpus.pairs, pool=10, per_day=2)
    alone = corpus.pairs[corpus.pairs["group"] == "2020-03-17"]
    for topic in build_topics(corpus, alone, pool=10, per_day=2).topics:
        assert topic in together.topics
    shuffled_days = pd.concat([corpus.pairs[corpus.pairs["group"] == day] for day in reversed(DAYS)])
    assert build_topics(corpus, shuffled_days, pool=10, per_day=2).pools == together.pools


def test_the_year_is_in_the_id_where_there_are_several():
    corpus = twice_a_minute(["2019-03-16", "2020-03-16"])
    topics = build_topics(corpus, corpus.pairs, pool=10)
    assert [topic.topic_id for topic in topics.topics][2:] == ["sen2img_20190316", "sen2img_20200316"]


def test_sessions_give_their_names_without_blanks_and_each_another():
    corpus = twice_a_minute()
    names = dict(zip(DAYS, ["lap 1", "lap-1", "evening"], strict=True))
    corpus = replace(corpus, pairs=corpus.pairs.assign(group=corpus.pairs["group"].map(names)), groups_are_days=False)
    ids = [topic.topic_id for topic in build_topics(corpus, corpus.pairs, pool=10).topics]
    assert len(set(ids)) == len(ids) == 6
    assert {"img2sen_lap-1", "img2sen_evening"} < set(ids)
    assert not any(" " in topic_id for topic_id in ids)


@pytest.mark.parametrize(
    "names",
    [
        ["x" * 300, "x" * 300 + "y", "x" * 299],
        ["名" * 100, "名" * 101, "lap"],
        ["\x01lap", "\x02lap", "lap\x00"],
        ["lap\x01", "lap%01", "lap%01-2"],
        ["a" * 248, "a" * 124 + " " + "a" * 123, "b" * 244 + "-2"],
        ["a/b", "..", "é"],
        ["", " ", "unnamed"],
    ],
)
@pytest.mark.parametrize("per_day", [1, 12])
def test_every_session_gives_topics_that_can_be_answered(tmp_path, names, per_day):
    corpus = twice_a_minute(minutes=15)
    sessions = corpus.pairs["group"].map(dict(zip(DAYS, names, strict=True)))
    corpus = replace(corpus, pairs=corpus.pairs.assign(group=sessions), groups_are_days=False)
    topics = build_topics(corpus, corpus.pairs, pool=5, per_day=per_day)
    topics.save(tmp_path)
    assert len({topic.topic_id for topic in topics.topics}) == 6 * per_day
    assert read_topics(tmp_path / "topics.tsv") == topics.topics
    assert dict(read_pools(tmp_path / "pools.tsv")) == topics.pools
    for topic_id, pool in topics.pools.items():
        format_ranking(topic_id, pool, np.arange(len(pool)), "tag")


@pytest.mark.parametrize(
    ("name", "said"), [("lap 1", ""), ("\x01a", "1; there '\\x01a' is %01a."), ("y" * 400, "1; there 'yyyyy")]
)
def test_a_session_that_is_called_otherwise_in_ids_is_named(capsys, name, said):
    corpus = twice_a_minute(DAYS[:1])
    corpus = replace(corpus, pairs=corpus.pairs.assign(group=name), groups_are_days=False)
    build_topics(corpus, corpus.pairs, pool=5)
    told = capsys.readouterr().err
    assert said in told
    assert bool(told) == bool(said)
    assert len(told) < 250


def test_a_day_smaller_than_the_pool_is_refused_by_name_with_a_pool_that_fits():
    corpus = twice_a_minute(minutes=30)
    short = corpus.pairs[(corpus.pairs["group"] != "2020-03-17") | (corpus.pairs["timestamp"].dt.hour < 2)]
    sentence = refusal(build_topics, corpus, short, pool=25)
    assert "2020-03-17 (12)" in sentence  # 24 photographs, but of 12 minutes
    assert "--pool 12" in sentence
    assert "2020-03-16" not in sentence
    assert len(build_topics(corpus, short, pool=12).topics) == 6


def test_more_topics_a_day_than_minutes_are_refused():
    corpus = twice_a_minute(minutes=6)
    assert "7 topics a day" in refusal(build_topics, corpus, corpus.pairs, pool=6, per_day=7)


def test_no_pair_is_no_topic():
    corpus = twice_a_minute()
    assert "no pair" in refusal(build_topics, corpus, corpus.pairs.iloc[:0])


def test_a_pool_is_drawn_evenly():
    pairs = twice_a_minute(DAYS[:1]).pairs
    drawn = Counter(
        pairs.loc[row, "sensor"]
        for seed in range(300)
        for row in sample_pool(pairs, 10, np.random.default_rng(seed))
    )  # fmt: skip
    # Each of 30 minutes in a third of 300 pools: 100 times, with a standard deviation of 8.
    assert len(drawn) == 30
    assert all(67 < count < 133 for count in drawn.values())


def test_no_photograph_and_no_reading_is_in_a_pool_twice():
    pairs = pd.DataFrame({"image": list("aabbccd"), "sensor": list("xyyzzxw")}, index=list(range(10, 17)))
    for seed in range(30):
        pool = pairs.loc[sample_pool(pairs, 7, np.random.default_rng(seed), target=12)]
        assert pool["image"].is_unique
        assert pool["sensor"].is_unique
        assert 12 in pool.index


# ------------------------------------------------------------------------------------------------- days to ask for


def test_topics_are_of_the_test_split_unless_days_are_named():
    corpus = toy_corpus(["2020-02-29", "2020-03-02", "2020-03-20", "2020-03-21"])
    assert set(topic_pairs(corpus, None, None)["group"]) == {"2020-03-20", "2020-03-21"}
    named = topic_pairs(corpus, dt.date(2020, 3, 2), dt.date(2020, 3, 20))
    assert set(named["group"]) == {"2020-03-02", "2020-03-20"}
    assert set(topic_pairs(corpus, dt.date(2020, 3, 3), None)["group"]) == {"2020-03-20", "2020-03-21"}


def test_days_of_the_training_are_warned_of(capsys):
    corpus = toy_corpus(["2020-02-29", "2020-03-20"])
    topic_pairs(corpus, None, dt.date(2020, 2, 29))
    assert "measure memory" in capsys.readouterr().err
    topic_pairs(corpus, dt.date(2020, 3, 1), None)
    assert capsys.readouterr().err == ""


def test_days_without_pairs_are_refused_and_the_days_there_are_named():
    corpus = toy_corpus(["2020-02-29", "2020-03-20"])
    sentence = refusal(topic_pairs, corpus, dt.date(2021, 1, 1), None)
    assert "2020-02-29 to 2020-03-20" in sentence
    assert "after" in refusal(topic_pairs, corpus, dt.date(2020, 3, 2), dt.date(2020, 3, 1))
    assert "test split" in refusal(topic_pairs, toy_corpus(["2020-02-29"]), None, None)


# ------------------------------------------------------------------------------------------------------------ files


def test_what_is_saved_is_read_back(tmp_path):
    corpus = twice_a_minute()
    topics = build_topics(corpus, corpus.pairs, pool=10, per_day=2)
    topics.save(tmp_path)
    assert read_topics(tmp_path / "topics.tsv") == topics.topics
    assert dict(read_pools(tmp_path / "pools.tsv")) == topics.pools
    qrels = read_trec_qrels(tmp_path / "qrels.txt")
    assert {topic: qrels.relevant(topic) for topic in qrels.topics} == {
        topic: {answer} for topic, answer in topics.relevant.items()
    }


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(readings)
def test_any_reading_is_read_back_as_it_was(tmp_path, query):
    # Among the texts are tabs, line ends of every alphabet, quotes and backslashes.
    topics = [Topic("a", "", query), Topic("b", "2020-03-16 16:50:00", "20200316_165048.jpg")]
    TopicSet(topics, {}, {}).save(tmp_path)
    assert read_topics(tmp_path / "topics.tsv") == topics


@pytest.mark.parametrize("preset", ["auto", "every column a category"])
def test_a_query_of_readings_is_encoded_like_the_corpus_s_row(tmp_path, preset):
    corpus = twice_a_minute()
    corpus.sensors["lane"] = np.arange(len(corpus.sensors)) % 3.0  # whole numbers, which JSON writes without a point
    corpus.sensors["third"] = np.arange(len(corpus.sensors)) / 3
    names = tuple(corpus.sensors.columns)
    chosen = chosen_columns(Sensors(categories="embedding"), corpus.sensors, "records")
    encoder = ReadingsEncoder.fit(chosen if preset == "auto" else Columns(categorical=names), corpus.sensors)
    topics = build_topics(corpus, corpus.pairs, pool=10, per_day=20)
    topics.save(tmp_path)
    for topic in read_topics(tmp_path / "topics.tsv"):
        if isinstance(topic.query, dict):
            asked = encoder.encode(encoder.table([topic.query], names))
            own = corpus.sensors.loc[[minute(topics.relevant[topic.topic_id])]]
            assert asked.tobytes() == encoder.encode(own).tobytes()


def write(folder: Path, *lines: str, end: str = "\n") -> Path:
    path = folder / "topics.tsv"
    path.write_bytes(end.join(["topic_id\ttimestamp\tquery", *lines, ""]).encode())
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_written_by_hand_is_read(tmp_path, end):
    mine = 'mine\t\t{"heart_rate(bpm)": 61, "city": null, "movement": "Car"}'
    path = write(tmp_path, mine, "", " yours \t2020-03-16\tme at sea.jpg ", end=end)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())  # as some editors begin a file
    assert read_topics(path) == [
        Topic("mine", "", {"heart_rate(bpm)": 61, "city": None, "movement": "Car"}),
        Topic("yours", "2020-03-16", "me at sea.jpg"),
    ]
    assert [topic.direction for topic in read_topics(path)] == ["sen2img", "img2sen"]


def test_nan_is_a_missing_reading_as_in_the_organisers_input(tmp_path):
    assert read_topics(write(tmp_path, 'a\t\t{"x": NaN, "y": true, "z": 1}')) == [
        Topic("a", "", {"x": None, "y": True, "z": 1})
    ]


def test_columns_may_come_in_another_order_and_with_others_between(tmp_path):
    path = tmp_path / "topics.tsv"
    path.write_text("query\tnote\ttimestamp\ttopic_id\na.jpg\tmy favourite\t\tx1\n", encoding="utf-8")
    assert read_topics(path) == [Topic("x1", "", "a.jpg")]


BAD = {
    "a\t\ta.jpg\textra": "4 columns instead of 3",
    "a a.jpg": "1 columns instead of 3",
    "\t\ta.jpg": "topic_id",
    "a b\t\ta.jpg": "without blanks",
    "a\t\t": "query",
    "good\t\tb.jpg": "second time",
    'a\t\t{"x": 1': "no JSON object",
    "a\t\t{x: 1}": "no JSON object",
    "a\t\t{}": "no reading",
    'a\t\t{"x": [1]}': "'x'",
    'a\t\t{"x": {"y": 1}}': "'x'",
    'a\t\t{"x": 1, "y": 2, "x": 3}': "the key 'x' comes twice",
    'a\t\t{"x": 1, "x": 1}': "the key 'x' comes twice",
    'a\t\t{"x": Infinity}': "'x' must be a finite number",
    'a\t\t{"x": -1e999}': "'x' must be a finite number",
    'a\t\t{"x": 1' + "0" * 400 + "}": "'x' must be a finite number",
    "\x01a\t\ta.jpg": "'\\x01a' holds control characters",
    "a" * 257 + "\t\ta.jpg": "has over 256 bytes",
    'a\t\t{"x": ' + "[" * 100_000 + "}": "no JSON object",
}


@pytest.mark.parametrize(("line", "reason"), BAD.items(), ids=range(len(BAD)))
def test_a_bad_line_is_named_with_its_number_and_reason(tmp_path, line, reason):
    path = write(tmp_path, "good\t\tgood.jpg", "", line)
    sentence = refusal(read_topics, path)
    assert f"{path} line 4: " in sentence
    assert reason in sentence
    assert len(sentence) < 1000


def test_the_first_bad_lines_are_named_together_and_the_others_counted(tmp_path):
    sentence = refusal(read_topics, write(tmp_path, *(["good\t\tgood.jpg", "bad"] * 5)))
    assert all(f"line {number}: " in sentence for number in (3, 4, 5))
    assert "line 6" not in sentence
    assert "6 more problems" in sentence


@pytest.mark.parametrize("column", ["topic_id", "timestamp", "query"])
def test_a_column_that_is_not_there_is_named(tmp_path, column):
    path = tmp_path / "topics.tsv"
    path.write_text("\t".join({"topic_id", "timestamp", "query"} - {column}) + "\n", encoding="utf-8")
    assert f"'{column}'" in refusal(read_topics, path)


@pytest.mark.parametrize("column", ["topic_id", "timestamp", "query"])
def test_a_column_that_comes_twice_is_refused(tmp_path, column):
    path = tmp_path / "topics.tsv"
    path.write_text(f"topic_id\ttimestamp\tquery\t{column}\na\t\ta.jpg\tb\n", encoding="utf-8")
    assert f"2 columns named '{column}'" in refusal(read_topics, path)


def test_files_that_are_no_topics_are_one_sentence(tmp_path):
    assert "holds no topic" in refusal(read_topics, write(tmp_path))
    (tmp_path / "picture.tsv").write_bytes(b"\xff\xd8\xff\xe0")
    for path in (tmp_path / "picture.tsv", tmp_path / "absent.tsv", tmp_path):
        assert str(path) in refusal(read_topics, path)


def test_numbers_keep_their_kind_and_every_digit(tmp_path):
    corpus = toy_corpus(["2020-03-20"], 3)
    corpus.sensors.iloc[:, 0] = [1 / 3, 60.0, 1e300]
    TopicSet([Topic("t", "", {"a": 0.1 + 0.2, "b": 60})], {}, {}).save(tmp_path)
    assert '{"a": 0.30000000000000004, "b": 60}' in (tmp_path / "topics.tsv").read_text(encoding="utf-8")
    topics = build_topics(corpus, corpus.pairs, pool=3, per_day=3)
    asked = [topic.query["a"] for topic in topics.topics if isinstance(topic.query, dict)]
    assert sorted(json.dumps(value) for value in asked) == ["0.3333333333333333", "1e+300", "60"]

"""Topics written, read, and asked as they were drawn."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from helpers import question, refusal, toy_corpus, twice_a_minute
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ntcir.config import Sensors
from ntcir.encoders.presets import Columns, chosen_columns
from ntcir.encoders.readings import ReadingsEncoder
from ntcir.formats.runs import read_pools, read_trec_qrels
from ntcir.formats.topics import Topic, TopicSet, read_topic_table, read_topics
from ntcir.modalities import DEFAULT_PAIR, Direction
from ntcir.modalities.image import IMAGE
from ntcir.sampling.topics import build_topics

readings = st.dictionaries(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=8),
    st.one_of(st.integers(-(10**6), 10**6), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=12)),
    min_size=1,
    max_size=4,
)


def minute(document: str) -> str:
    return document[:13]


def test_what_is_saved_is_read_back(tmp_path):
    corpus = twice_a_minute()
    topics = build_topics(corpus, corpus.pairs, pool=10, per_day=2, pair=DEFAULT_PAIR)
    topics.save(tmp_path)
    assert read_topics(tmp_path / "topics.tsv") == topics.topics
    assert dict(read_pools(tmp_path / "pools.tsv")) == topics.pools
    qrels = read_trec_qrels(tmp_path / "qrels.txt")
    assert {topic: qrels.relevant(topic) for topic in qrels.topics} == {
        topic: set(answers) for topic, answers in topics.relevant.items()
    }


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(readings)
def test_any_reading_is_read_back_as_it_was(tmp_path, query):
    # Among the texts are tabs, line ends of every alphabet, quotes and backslashes.
    topics = [question("a", "", query), question("b", "2020-03-16 16:50:00", "20200316_165048.jpg")]
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
    topics = build_topics(corpus, corpus.pairs, pool=10, per_day=20, pair=DEFAULT_PAIR)
    topics.save(tmp_path)
    for topic in read_topics(tmp_path / "topics.tsv"):
        if isinstance(topic.query, dict):
            asked = encoder.encode(encoder.table([topic.query], names))
            own = corpus.sensors.loc[[minute(topics.relevant[topic.topic_id][0])]]
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
        question("mine", "", {"heart_rate(bpm)": 61, "city": None, "movement": "Car"}),
        question("yours", "2020-03-16", "me at sea.jpg"),
    ]
    assert [topic.direction.name for topic in read_topics(path)] == ["sen2img", "img2sen"]


def test_nan_is_a_missing_reading_as_in_the_organisers_input(tmp_path):
    assert read_topics(write(tmp_path, 'a\t\t{"x": NaN, "y": true, "z": 1}')) == [
        question("a", "", {"x": None, "y": True, "z": 1})
    ]


def test_columns_may_come_in_another_order_and_with_others_between(tmp_path):
    path = tmp_path / "topics.tsv"
    path.write_text("query\tnote\ttimestamp\ttopic_id\na.jpg\tmy favourite\t\tx1\n", encoding="utf-8")
    assert read_topics(path) == [question("x1", "", "a.jpg")]


BAD = {
    "a\t\ta.jpg\textra": "4 columns instead of 3",
    "a a.jpg": "1 columns instead of 3",
    "\t\ta.jpg": "topic_id",
    "a b\t\ta.jpg": "without blanks",
    "a\t\t": "query",
    "good\t\tb.jpg": "appears twice",
    'a\t\t{"x": 1': "not a JSON object",
    "a\t\t{x: 1}": "not a JSON object",
    "a\t\t{}": "no reading",
    'a\t\t{"x": [1]}': "'x'",
    'a\t\t{"x": {"y": 1}}': "'x'",
    'a\t\t{"x": 1, "y": 2, "x": 3}': "the key 'x' appears twice",
    'a\t\t{"x": 1, "x": 1}': "the key 'x' appears twice",
    'a\t\t{"x": Infinity}': "'x' must be a finite number",
    'a\t\t{"x": -1e999}': "'x' must be a finite number",
    'a\t\t{"x": 1' + "0" * 400 + "}": "'x' must be a finite number",
    "\x01a\t\ta.jpg": "'\\x01a' contains control characters",
    "a" * 257 + "\t\ta.jpg": "has more than 256 bytes",
    'a\t\t{"x": ' + "[" * 100_000 + "}": "not a JSON object",
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
    assert "has no topics" in refusal(read_topics, write(tmp_path))
    (tmp_path / "picture.tsv").write_bytes(b"\xff\xd8\xff\xe0")
    for path in (tmp_path / "picture.tsv", tmp_path / "absent.tsv", tmp_path):
        assert str(path) in refusal(read_topics, path)


def test_numbers_keep_their_kind_and_every_digit(tmp_path):
    corpus = toy_corpus(["2020-03-20"], 3)
    corpus.sensors.iloc[:, 0] = [1 / 3, 60.0, 1e300]
    TopicSet([question("t", "", {"a": 0.1 + 0.2, "b": 60})], {}, {}).save(tmp_path)
    assert '{"a": 0.30000000000000004, "b": 60}' in (tmp_path / "topics.tsv").read_text(encoding="utf-8")
    topics = build_topics(corpus, corpus.pairs, pool=3, per_day=3, pair=DEFAULT_PAIR)
    asked = [topic.query["a"] for topic in topics.topics if isinstance(topic.query, dict)]
    assert sorted(json.dumps(value) for value in asked) == ["0.3333333333333333", "1e+300", "60"]


# -------------------------------------------------------------------------------------------------------- directions


def table(folder: Path, header: str, *lines: str) -> Path:
    path = folder / "topics.tsv"
    path.write_text("".join(f"{line}\n" for line in (header, *lines)), encoding="utf-8")
    return path


FOUR = "topic_id\ttimestamp\tquery\tdirection"


def test_ids_tell_nothing(tmp_path):
    path = write(tmp_path, 'img2sen_1\t\t{"x": 1}', "sen2img_1\t\ta.jpg")
    assert [topic.direction.name for topic in read_topics(path)] == ["sen2img", "img2sen"]
    assert read_topic_table(path).directions == {"img2sen_1": "sen2img", "sen2img_1": "img2sen"}


@pytest.mark.parametrize("pair", [None, ("image", "caption"), ("caption", "image")])
def test_a_column_tells_the_direction_where_a_query_does_not(tmp_path, caption, pair):
    path = table(tmp_path, "query\tdirection\ttimestamp\ttopic_id", "a.jpg\timg2cap\t\t1", "a.jpg\tcap2img\t\t2")
    found = read_topics(path, pair)
    assert [topic.direction for topic in found] == [(IMAGE, caption), (caption, IMAGE)]
    assert [topic.query for topic in found] == ["a.jpg", "a.jpg"]
    assert read_topic_table(path).directions == {"1": "img2cap", "2": "cap2img"}


@pytest.mark.usefixtures("caption")
def test_a_query_that_may_be_either_needs_the_column(tmp_path):
    sentence = refusal(read_topics, write(tmp_path, "a\t\ta.jpg"), ("image", "caption"))
    assert "line 2: the query 'a.jpg' may be a photograph or a caption: add a column direction" in sentence
    assert "img2cap or cap2img" in sentence


@pytest.mark.parametrize("lines", [["a\t\ta.jpg", 'b\t\t{"x": 1}'], ['b\t\t{"x": 1}', "a\t\ta.jpg"]])
def test_topics_of_the_default_pair_are_named_as_such_to_a_model_of_another(tmp_path, lines):
    sentence = refusal(read_topics, write(tmp_path, *lines), ("image", "text"))
    number = 2 + [line[0] for line in lines].index("b")
    assert f"line {number}: the query '{{\"x\": 1}}' is a reading, neither a photograph nor a caption" in sentence
    assert "the model's pair is image and text: name another with --model" in sentence
    assert "`ntcir build-topics --set 'pair=[image, text]'`" in sentence
    assert "add a column" not in sentence


def test_an_empty_direction_is_told_by_the_query(tmp_path):
    path = table(tmp_path, FOUR, "a\t\ta.jpg\t", 'b\t\t{"x": 1}\t ')
    assert [topic.direction.name for topic in read_topics(path)] == ["img2sen", "sen2img"]
    assert read_topic_table(path).directions == {"a": "img2sen", "b": "sen2img"}


@pytest.mark.parametrize("read", [read_topics, read_topic_table])
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a\t\ta.jpg\tsen2img", "the direction is sen2img, but the query 'a.jpg' is not a reading"),
        ('a\t\t{"x": 1}\timg2sen', "the direction is img2sen, but the query '{\"x\": 1}' is not a photograph"),
        ('a\t\t"{""x"": 1}"\timg2sen', "is not a photograph"),
        ("a\t\ta.jpg\timg2sne", "there is no direction 'img2sne' (did you mean 'img2sen'?), only img2sen, sen2img"),
        ("a\t\ta.jpg\tIMG2SEN", "there is no direction 'IMG2SEN'"),
        ("a\t\ta.jpg", "3 columns instead of 4"),
    ],
)
def test_a_direction_that_does_not_fit_is_named_with_its_line(tmp_path, read, line, said):
    path = table(tmp_path, FOUR, "good\t\tgood.jpg\timg2sen", line)
    sentence = refusal(read, path)
    assert f"{path} line 3: " in sentence
    assert said in sentence


@pytest.mark.parametrize("read", [read_topics, read_topic_table])
def test_a_column_that_was_perhaps_meant_to_be_the_direction_is_named(tmp_path, read, capsys):
    path = table(tmp_path, FOUR.replace("direction", "directon"), "a\t\ta.jpg\tsen2img")
    read(path)
    assert capsys.readouterr().err == f"{path}: the column 'directon' is ignored (did you mean 'direction'?).\n"
    read(table(tmp_path, f"{FOUR}\tdirections\tnote", "a\t\ta.jpg\timg2sen\tx\ty"))
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("caption")
def test_a_direction_of_another_pair_than_the_model_s_is_refused(tmp_path):
    path = table(tmp_path, FOUR, "a\t\ta.jpg\timg2cap")
    assert "line 2: the direction is img2cap, but the model answers img2sen and sen2img" in refusal(
        read_topics, path, ("image", "sensor")
    )


def test_a_column_direction_that_comes_twice_is_refused(tmp_path):
    path = table(tmp_path, f"{FOUR}\tdirection", "a\t\ta.jpg\timg2sen\tsen2img")
    assert "2 columns named 'direction'" in refusal(read_topics, path)


def test_directions_are_read_of_tables_that_could_not_be_answered(tmp_path):
    path = table(tmp_path, "query\ttopic_id", "{x\ta", "\tb", "b.jpg\tc d", "", "\ud7ff\ta")
    assert read_topic_table(path).directions == {"a": "img2sen", "c d": "img2sen"}, "the last line of a topic counts"
    assert read_topic_table(table(tmp_path, "topic_id\tdirection", "a\tsen2img", "b\t")).directions == {"a": "sen2img"}
    assert read_topic_table(table(tmp_path, "topic_id\tquery\tquery", "a\t{\tb.jpg")).directions == {"a": "sen2img"}
    sentence = refusal(read_topic_table, table(tmp_path, "topic_id\ttimestamp", "a\t"))
    assert "line 1: expected the tab-separated columns topic_id and query, or topic_id and direction" in sentence


@pytest.mark.parametrize("save", [gzip.compress, lambda text: text.decode().encode("utf-16")], ids=["gzip", "UTF-16"])
def test_topics_may_be_packed_or_saved_by_powershell(tmp_path, save):
    path = write(tmp_path, "a\t\té.jpg")
    path.write_bytes(save(path.read_bytes()))
    assert [topic.query for topic in read_topics(path)] == ["é.jpg"]


def test_directions_are_written_where_the_queries_do_not_tell_them(tmp_path, caption):
    TopicSet([question("a", "", "a.jpg"), question("b", "", {"x": 1})], {}, {}).save(tmp_path)
    assert (tmp_path / "topics.tsv").read_text() == 'topic_id\ttimestamp\tquery\na\t\ta.jpg\nb\t\t{"x": 1}\n'
    asked = [Topic("a", "", "a.jpg", Direction(IMAGE, caption)), Topic("b", "", "a dog", Direction(caption, IMAGE))]
    TopicSet(asked, {}, {}).save(tmp_path)
    assert (tmp_path / "topics.tsv").read_text() == f"{FOUR}\na\t\ta.jpg\timg2cap\nb\t\ta dog\tcap2img\n"
    assert read_topics(tmp_path / "topics.tsv", ("image", "caption")) == asked


def test_every_relevant_document_has_a_line_in_the_qrels(tmp_path):
    TopicSet([question("a", "", "a.jpg")], {"a": ["x", "y", "z"]}, {"a": ["z", "x"]}).save(tmp_path)
    assert (tmp_path / "qrels.txt").read_text() == "a 0 z 1\na 0 x 1\n"
    assert read_trec_qrels(tmp_path / "qrels.txt").relevant("a") == {"x", "z"}

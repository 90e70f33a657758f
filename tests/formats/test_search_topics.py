"""Topics that a whole corpus is searched for: tables by hand, hints that are joined, and what cannot be one."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import refusal

from ntcir.formats.search_topics import read_search_topics


def written(folder: Path, text: str) -> Path:
    path = folder / "topics.tsv"
    path.write_bytes(text.encode())
    return path


def queries(path: Path) -> list[tuple[str, str]]:
    return [(topic.topic_id, topic.query) for topic in read_search_topics(path)]


@pytest.mark.parametrize(
    "text",
    [
        "topic_id\tquery\nAD26001\tcoffee with milk\nKIS26001\ta red bus\n",
        "AD26001\tcoffee with milk\nKIS26001\ta red bus\n",  # without a header
        "Topic-ID\tnote\tQuery\r\nAD26001\tx\tcoffee  with milk\r\n\r\nKIS26001\t\ta red bus\r\n",
        "\ufefftopic_id\ttimestamp\tquery\tdirection\nAD26001\t\tcoffee with milk\t\nKIS26001\t\ta red bus\t\n",
    ],
)
def test_a_table_with_or_without_a_header_and_other_columns(tmp_path, text):
    path = written(tmp_path, text)
    assert queries(path) == [("AD26001", "coffee with milk"), ("KIS26001", "a red bus")]


def test_hints_of_a_topic_are_joined_in_their_order(tmp_path):
    text = "topic_id\tquery\nKIS26001\tA red bus.\nAD26001\tcoffee\nKIS26001\tIt rains.\nKIS26001\tI am late.\n"
    assert queries(written(tmp_path, text)) == [("KIS26001", "A red bus. It rains. I am late."), ("AD26001", "coffee")]


def test_readings_and_directions_are_kept(tmp_path):
    text = 'topic_id\tquery\tdirection\nt1\t{"heart":  80}\tsen2img\nt2\ta.jpg\t\n'
    found = read_search_topics(written(tmp_path, text))
    assert [(each.query, each.direction) for each in found] == [('{"heart":  80}', "sen2img"), ("a.jpg", "")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "topic_id\ttext\nt1\tx\n",
            "line 1: expected the tab-separated columns topic_id and query, found topic_id, te",
        ),
        ("id\tquery\nt1\tx\n", "line 1: expected the tab-separated columns topic_id and query, found id, query."),
        ("topic_id,query\nt1,x\n", "line 1: expected the tab-separated columns"),
        ("", "line 1: expected the tab-separated columns"),
        ("topic_id\tquery\n", "has no topics."),
        ("topic_id\tquery\nt1\n", "line 2: 1 columns instead of 2"),
        ("topic_id\tquery\nt1\t\n", "line 2: a topic_id and a query are needed"),
        ("topic_id\tquery\nt 1\tx\n", "line 2: the topic_id 't 1' contains blanks"),
        ('topic_id\tquery\nt1\t{"a": 1}\nt1\t{"a": 2}\n', "line 3: the topic t1 appears twice: only sentences are"),
        ('topic_id\tquery\nt1\tx\nt1\t{"a": 2}\n', "line 3: the topic t1 appears twice"),
        ("topic_id\tquery\tdirection\nt1\tx\ttxt2img\nt1\ty\t\n", "line 3: the topic t1 goes on with another direct"),
    ],
)
def test_what_cannot_be_topics_is_one_sentence(tmp_path, text, said):
    path = written(tmp_path, text)
    assert f"{path} {said}" in refusal(read_search_topics, path)


def test_a_file_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "topics.tsv").write_bytes(b"topic_id\tquery\nt1\t\xff\xfe\n")
    assert "is not a text file in UTF-8" in refusal(read_search_topics, tmp_path / "topics.tsv")

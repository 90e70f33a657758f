"""A lifelog's captions and tags, which are read where text is asked for and nowhere else."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from helpers import refusal
from lifelogs import LOCATION_COLUMNS, photograph_ids, write_csv

from ntcir.config import AutoSplit
from ntcir.corpora import open_corpus
from ntcir.corpora.concepts import CONCEPTS_FILE
from ntcir.corpora.corpus import Corpus

COLUMNS = ("ImageID", "Tags", "OCR", "Caption", "CaptionScore")
NAMES = photograph_ids(("2020-02-28", "2020-03-02"), 3)


def read(root: Path, *pair: str) -> Corpus:
    return open_corpus(root, AutoSplit(), pair=pair or ("image", "text"))


def row(name: str, caption: str = "", tags: str = "") -> dict[str, object]:
    return {"ImageID": name, "Caption": caption, "Tags": tags, "OCR": "STOP", "CaptionScore": 0.5}


@pytest.fixture
def lifelog(make_lifelog, tmp_path) -> Path:
    """A lifelog of six photographs without a concepts file."""
    return make_lifelog(tmp_path / "lifelog", ("2020-02-28", "2020-03-02"), 3)


def write(root: Path, rows: Sequence[dict[str, object]], columns: Sequence[str] = COLUMNS) -> Path:
    write_csv(root / CONCEPTS_FILE, columns, [{key: each[key] for key in columns} for each in rows])
    return root


def texts(corpus: Corpus) -> dict[str, str]:
    return corpus.tables["text"]["text"].to_dict()


def test_a_photograph_is_paired_with_its_caption_and_with_its_tags(lifelog):
    write(lifelog, [row(name, f"a desk {n}", "indoor,living room, desk") for n, name in enumerate(NAMES)])
    corpus = read(lifelog)
    assert list(corpus.pairs) == ["image", "text", "group", "timestamp", "split"]
    assert list(corpus.pairs[["image", "text"]].itertuples(index=False, name=None)) == [
        (name, f"{name}#{kind}") for name in NAMES for kind in ("caption", "tags")
    ]
    assert texts(corpus)[f"{NAMES[4]}#caption"] == "a desk 4"
    assert texts(corpus)[f"{NAMES[4]}#tags"] == "indoor living room desk"
    assert list(corpus.tables["text"].index) == corpus.pairs["text"].tolist()
    assert corpus.shared_are_positive
    counts = corpus.report.counts
    assert (counts["captions"], counts["lists of tags"], counts["pairs"]) == (6, 6, 12)
    assert counts[f"rows of {CONCEPTS_FILE}"] == 6


def test_without_text_in_the_pair_the_file_is_not_read_and_changes_nothing(lifelog):
    before = read(lifelog, "image", "sensor")
    (lifelog / CONCEPTS_FILE).write_bytes(b"\xff\xfe\0 not a table")
    after = read(lifelog, "image", "sensor")
    pd.testing.assert_frame_equal(before.pairs, after.pairs)
    assert (before.report, list(before.tables)) == (after.report, list(after.tables))
    assert not after.shared_are_positive


def test_readings_and_texts_are_a_pair_too(lifelog):
    write(lifelog, [row(NAMES[0], "a desk"), row(NAMES[2], "", "tree"), row(NAMES[3], "a car", "road,car")])
    corpus = read(lifelog, "sensor", "text")
    minutes = [name[:13] for name in NAMES]
    assert list(corpus.pairs[["sensor", "text"]].itertuples(index=False, name=None)) == [
        (minutes[0], f"{NAMES[0]}#caption"),
        (minutes[2], f"{NAMES[2]}#tags"),
        (minutes[3], f"{NAMES[3]}#caption"),
        (minutes[3], f"{NAMES[3]}#tags"),
    ]
    assert corpus.report.dropped["reading without a caption"] == [minutes[1], minutes[4], minutes[5]]


def test_a_minute_with_a_caption_is_not_reported_for_another_photograph_that_has_none(make_lifelog, tmp_path):
    twins = ["20200228_080005_000.jpg", "20200228_080035_000.jpg"]
    root = make_lifelog(tmp_path / "twins", located=[{"ImageID": name} for name in twins])
    corpus = read(write(root, [row(twins[0], "a desk")]), "sensor", "text")
    assert len(corpus.pairs) == 1
    assert "reading without a caption" not in corpus.report.dropped


def test_photographs_without_a_text_and_rows_without_a_photograph_are_counted_and_named(lifelog):
    absent = "20200228_235959_000.jpg"
    write(lifelog, [row(NAMES[0], "a desk"), row(NAMES[1]), row(NAMES[0], "again"), row(absent, "gone"), row("", "x")])
    corpus = read(lifelog)
    assert texts(corpus) == {f"{NAMES[0]}#caption": "a desk"}
    assert corpus.report.dropped == {
        f"row of {CONCEPTS_FILE} without an ImageID": ["row 6"],
        f"row of {CONCEPTS_FILE} for a photograph that is not there": [absent],
        f"duplicate row of {CONCEPTS_FILE}": [NAMES[0]],
        "photograph without a caption": NAMES[1:],
    }


@pytest.mark.parametrize(
    "spell",
    [
        lambda name: name,
        lambda name: name.removesuffix(".jpg"),
        lambda name: f"{name[:6]}/{name[6:8]}/{name}",
        lambda name: f"images\\{name[:6]}\\{name}",
        lambda name: f"202003/01/{name.removesuffix('.jpg')}",
        lambda name: f" {name} ",
    ],
)
def test_a_photograph_is_known_by_its_path_and_without_its_ending(lifelog, spell):
    corpus = read(write(lifelog, [row(spell(name), "a desk") for name in NAMES]))
    assert list(texts(corpus)) == [f"{name}#caption" for name in NAMES]


@pytest.mark.parametrize("blank", ["", "   ", "NaN", "null", "\n"])
def test_a_caption_that_is_blank_is_no_caption(lifelog, blank):
    corpus = read(write(lifelog, [row(NAMES[0], blank, blank), row(NAMES[1], " two\n  words ", ", ,")]))
    assert texts(corpus) == {f"{NAMES[1]}#caption": "two words"}


@pytest.mark.parametrize(("column", "kind"), [("Caption", "caption"), ("Tags", "tags")])
def test_one_of_the_two_columns_is_enough(lifelog, column, kind):
    corpus = read(write(lifelog, [row(NAMES[0], "desk", "desk")], ("ImageID", column)))
    assert texts(corpus) == {f"{NAMES[0]}#{kind}": "desk"}


def test_a_file_or_columns_that_are_absent_are_one_sentence(lifelog):
    sentence = refusal(read, lifelog)
    assert f"has no {CONCEPTS_FILE}" in sentence
    assert "a header ImageID,Caption and a single row are enough" in sentence
    assert "pair without text" in refusal(read, lifelog, "sensor", "text")
    write(lifelog, [row(NAMES[0], "a desk")], ("ImageID", "OCR"))
    assert "neither a column Caption nor a column Tags; it has: ImageID, OCR" in refusal(read, lifelog)
    write(lifelog, [row(NAMES[0], "a desk")], ("Caption", "OCR"))
    assert "has no column 'ImageID'" in refusal(read, lifelog)


def test_a_file_without_any_caption_says_what_became_of_its_rows(lifelog):
    sentence = refusal(read, write(lifelog, [row(name) for name in NAMES]))
    assert "holds no usable pair" in sentence
    assert "left out 6: photograph without a caption" in sentence


def test_a_photograph_of_a_minute_without_readings_has_its_caption_all_the_same(make_lifelog, tmp_path):
    silent = dict.fromkeys(set(LOCATION_COLUMNS) - {"ImageID", "minute_id", "new_timezone"}, "")
    located = [{"ImageID": NAMES[0]} | silent, {"ImageID": NAMES[1]}]
    root = make_lifelog(tmp_path / "lifelog", located=located, minutes=[{"minute_id": NAMES[1][:13]}])
    write(root, [row(name, "a desk") for name in NAMES[:2]])
    assert read(root).pairs["image"].tolist() == NAMES[:2]
    assert read(root, "image", "sensor").pairs["image"].tolist() == NAMES[1:2]
    assert read(root, "sensor", "text").pairs["text"].tolist() == [f"{NAMES[1]}#caption"]


def test_captions_are_those_of_plain_loops_on_a_messy_file(lifelog):
    rows = [row(name, f"a {n}" if n % 2 else "", "b,c" if n % 3 else "") for n, name in enumerate(NAMES)] * 2
    corpus = read(write(lifelog, rows[::-1]))
    expected: dict[str, str] = {}
    with (lifelog / CONCEPTS_FILE).open(encoding="utf-8", newline="") as file:
        for each in csv.DictReader(file):
            if each["Caption"]:
                expected[f"{each['ImageID']}#caption"] = each["Caption"]
            if each["Tags"]:
                expected[f"{each['ImageID']}#tags"] = each["Tags"].replace(",", " ")
    assert texts(corpus) == expected


# Records


@pytest.mark.parametrize("column", ["caption", "Caption", " CAPTION "])
def test_the_column_caption_of_records_is_a_text_where_text_is_asked_for(make_records, tmp_path, column):
    said = ["a  dog", "", "NA", "a cat"]
    rows = [
        {"file": f"{n}.jpg", "timestamp": f"2021-05-01T10:0{n}:00Z", "speed": n, column: text}
        for n, text in enumerate(said)
    ]
    root = make_records(tmp_path / "rec", rows)
    corpus = read(root)
    assert texts(corpus) == {"0.jpg#caption": "a dog", "3.jpg#caption": "a cat"}
    assert corpus.pairs["image"].tolist() == ["0.jpg", "3.jpg"]
    assert corpus.report.dropped == {"photograph without a caption": ["1.jpg", "2.jpg"]}
    assert list(corpus.sensors) == ["speed", "local_hour"]
    assert column in read(root, "image", "sensor").sensors  # a reading, as it always was
    assert read(root, "sensor", "text").pairs["sensor"].tolist() == ["0", "3"]


def test_photographs_with_captions_need_no_readings(make_records, tmp_path):
    rows = [{"file": f"{n}.jpg", "timestamp": f"2021-05-01T10:0{n}:00Z", "caption": f"dog {n}"} for n in range(3)]
    root = make_records(tmp_path / "rec", rows)
    assert len(read(root).pairs) == 3
    assert "no usable pair" in refusal(read, root, "sensor", "text")


def test_records_without_captions_say_which_column_is_needed(make_records, tmp_path):
    root = make_records(tmp_path / "rec", [{"file": "a.jpg", "timestamp": "2021-05-01T10:00:00Z", "speed": 1}])
    assert "has no column 'caption', which a pair with text needs; it has: file, timestamp, speed" in refusal(
        read, root
    )
    both = make_records(
        tmp_path / "both", [{"file": "a.jpg", "timestamp": "2021-05-01T10:00:00Z", "Caption": "a", "CAPTION": "b"}]
    )
    assert "name one of them 'caption'" in refusal(read, both)

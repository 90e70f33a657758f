"""Karpathy's splits of captioned collections."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from helpers import refusal
from published import karpathy_records, write_flickr, write_karpathy

from ntcir.config import AutoSplit, OfficialSplit, Split
from ntcir.corpora import open_corpus
from ntcir.corpora.corpus import Corpus

PARTS = {"train": ["t0.jpg", "t1.jpg"], "restval": ["r0.jpg"], "val": ["v0.jpg"], "test": ["e0.jpg"]}
FILE = "dataset_flickr8k.json"


def read(root: Path, split: Split | None = None, **how: Any) -> Corpus:
    return open_corpus(root, split or AutoSplit(), pair=("image", "text"), **how)


def left_out(corpus: Corpus) -> list[str]:
    return corpus.report.lines()[1:]


@pytest.mark.parametrize(
    ("file", "folder"),
    [(FILE, None), ("dataset_flickr30k.json", None), ("dataset_coco.json", "val2014"), (FILE, "a/b")],
)
def test_pictures_captions_and_parts_are_read(tmp_path, file, folder):
    root = write_karpathy(tmp_path, karpathy_records(PARTS, folder), file=file)
    corpus = read(root)
    assert (corpus.layout, corpus.grouped, corpus.annotations) == ("karpathy", False, {"text"})
    assert corpus.pairs["text"].tolist()[:3] == ["t0.jpg#0", "t0.jpg#1", "t1.jpg#2"]  # by sentid
    assert corpus.pairs["image"].tolist()[:3] == ["t0.jpg", "t0.jpg", "t1.jpg"]
    assert corpus.tables["text"].loc["t1.jpg#2", "text"] == "Picture t1.jpg , said ."
    assert corpus.images.loc["t0.jpg", "path"] == str(root / "images" / (folder or "") / "t0.jpg")
    assert Counter(corpus.pairs["split"]) == {"train": 6, "val": 2, "test": 2}
    assert left_out(corpus) == []


def test_restval_can_be_left_out(tmp_path):
    root = write_karpathy(tmp_path, karpathy_records(PARTS))
    corpus = read(root, OfficialSplit(train=["train"]))
    assert Counter(corpus.pairs["split"]) == {"train": 4, "": 2, "val": 2, "test": 2}


def test_the_folder_that_a_record_names_comes_first(tmp_path):
    root = write_karpathy(tmp_path, karpathy_records({"train": ["t0.jpg"]}, "train2014"), pictures="")
    for other in ("images", "elsewhere"):
        write_karpathy(root, karpathy_records({"train": ["t0.jpg"]}), pictures=other)
    write_karpathy(root, karpathy_records({"train": ["t0.jpg"]}, "train2014"), pictures="")
    assert read(root).images["path"].tolist() == [str(root / "train2014" / "t0.jpg")]


@pytest.mark.parametrize("folder", ["../outside", "/etc", "..", "a\0b", "x" * 300, "\ud800"])
def test_a_folder_that_leads_out_or_is_none_is_not_followed(tmp_path, folder):
    root = tmp_path / "corpus"
    write_karpathy(root, karpathy_records({"train": ["inside.jpg"]}))
    outside = karpathy_records({"train": ["outside.jpg"]}, "../outside")
    write_karpathy(root, outside, pictures="")
    assert (tmp_path / "outside" / "outside.jpg").is_file()
    records = karpathy_records({"train": ["inside.jpg", "outside.jpg", "../outside/outside.jpg"]}, folder)
    (root / FILE).write_text(json.dumps({"images": records}))
    corpus = read(root)
    assert corpus.images["path"].tolist() == [str(root / "images" / "inside.jpg")]


def test_the_karpathy_split_is_preferred_to_text_files(tmp_path):
    corpus = read(write_karpathy(write_flickr(tmp_path), karpathy_records(PARTS)))
    assert corpus.layout == "karpathy"
    assert f"{FILE} is read, the text files of Flickr in the same folder are not" in corpus.report.notes


def test_several_of_them_are_refused(tmp_path):
    write_karpathy(tmp_path, karpathy_records(PARTS))
    root = write_karpathy(tmp_path, karpathy_records(PARTS), file="dataset_coco.json")
    assert "dataset_flickr8k.json, dataset_coco.json" in refusal(read, root)


# Bad input


def changed(**fields: Any) -> dict[str, Any]:
    """Return a good record of a picture t9.jpg but for some fields."""
    return karpathy_records({"train": ["t9.jpg"]})[0] | fields


def sentences(*raws: Any, **more: Any) -> list[Any]:
    return [{"raw": raw, "sentid": 90 + place} | more for place, raw in enumerate(raws)]


@pytest.mark.parametrize(
    ("record", "expected", "captions"),
    [
        ("t9.jpg", ["left out 1: entry of dataset_flickr8k.json that is not an object (first: images[5])"], 0),
        (None, ["left out 1: entry of dataset_flickr8k.json that is not an object (first: images[5])"], 0),
        (changed(filename=None), ["left out 1: picture without a valid file name (first: images[5])"], 0),
        (changed(filename=7), ["left out 1: picture without a valid file name (first: images[5])"], 0),
        (changed(filename=""), ["left out 1: picture without a valid file name (first: images[5])"], 0),
        (changed(filename="\udce9.jpg"), ["left out 1: picture without a valid file name (first: images[5])"], 0),
        (changed(sentences=[]), ["left out 1: picture without a caption (first: t9.jpg)"], 0),
        (changed(sentences="A dog."), ["left out 1: picture without a caption (first: t9.jpg)"], 0),
        (changed(sentences=None), ["left out 1: picture without a caption (first: t9.jpg)"], 0),
        (changed(sentences=sentences("A dog.", " \n ")), ["left out 1: caption is empty (first: t9.jpg#91)"], 1),
        (changed(sentences=sentences("A dog.", None)), ["left out 1: caption is not text (first: t9.jpg#91)"], 1),
        (changed(sentences=sentences("A dog.", "\ud83d")), ["left out 1: caption is not text (first: t9.jpg#91)"], 1),
        (changed(sentences=["A dog."]), [
            "left out 1: caption is not text (first: t9.jpg#0)", "left out 1: picture without a caption (first: t9.jpg)"
        ], 0),
        (changed(sentences=sentences("A.", "B.", sentid=5)),
         ["left out 1: caption id appears twice (first: t9.jpg#5)"], 1),
        (changed(sentences=sentences("A.", "B.", sentid=None)), [], 2),
        (changed(sentences=sentences("A.", "B.", sentid=True)), [], 2),
        (changed(split=None), ["1 picture is in no part, and so in no split (first: t9.jpg)"], 2),
        (changed(split="odd"), ["the part odd is not used, and so 1 picture in no split (first: t9.jpg)"], 2),
        (changed(filename="t0.jpg"), ["left out 1: picture is listed twice (first: t0.jpg)",
                                      "left out 2: caption id appears twice (first: t0.jpg#0)"], 0),
        (changed(filename="t0.jpg", split="test"),
         ["left out 1: picture is listed twice, the second time in another part (first: t0.jpg)"], 0),
    ],
)  # fmt: skip
def test_a_bad_record_is_left_out_and_the_others_are_read(tmp_path, record, expected, captions):
    root = write_karpathy(tmp_path, karpathy_records(PARTS | {"train": ["t0.jpg", "t1.jpg", "t9.jpg"]}))
    before = len(read(root).pairs) - 2
    (root / "images" / "t9.jpg").rename(root / "t9.jpg")  # where it is found, but is not looked for
    (root / FILE).write_text(json.dumps({"images": [*karpathy_records(PARTS), record]}))
    corpus = read(root)
    assert left_out(corpus) == expected
    assert len(corpus.pairs) == before + captions


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "is not valid JSON"),
        ('{"images": [{"filename": "a.jp', "it may be truncated; copy it again"),
        ("[" * 100_000, "is not valid JSON (it is too deeply nested)"),
        ("[]", "holds [] instead of an object with the keys images"),
        ("7", "holds 7 instead of an object"),
        ("{}", "has nothing under the key 'images', where a list is expected"),
        ('{"images": {"a": 1}}', "has {'a': 1} under the key 'images', where a list is expected"),
        ('{"images": null}', "has None under the key 'images'"),
        ('{"images": []}', "holds no usable pair (read 0 captions, 0 pictures"),
        ('{"images": [1, "2", [], null]}', "left out 4: entry of dataset_flickr8k.json that is not an object"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path, content, expected):
    root = write_karpathy(tmp_path, karpathy_records(PARTS))
    (root / FILE).write_text(content)
    sentence = refusal(read, root)
    assert expected in sentence
    assert str(root) in sentence


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_another_encoding_is_refused_and_a_byte_order_mark_is_not(tmp_path, encoding):
    root = write_karpathy(tmp_path, karpathy_records(PARTS))
    text = (root / FILE).read_text().replace("said", "sagté")
    (root / FILE).write_text(text, encoding=encoding)
    assert "is not UTF-8 text" in refusal(read, root)
    (root / FILE).write_text(text, encoding="utf-8-sig")
    assert read(root).tables["text"]["text"].iloc[0] == "Picture t0.jpg , sagté ."

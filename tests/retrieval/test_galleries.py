"""Which items a search ranks: all of a corpus, in a pair or not; or those of a split's pairs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import refusal
from lifelogs import photograph_ids, write_csv
from published import karpathy_records, write_coco, write_karpathy

from ntcir.config import AutoSplit
from ntcir.corpora import open_corpus
from ntcir.corpora.concepts import CONCEPTS_FILE
from ntcir.modalities import modality
from ntcir.retrieval.galleries import gallery

DAYS = ("2020-02-28", "2020-03-02", "2020-03-04", "2020-03-05")
NAMES = photograph_ids(DAYS, 2)
PICTURES = {"train": ["t0.jpg", "t1.jpg"], "val": ["v0.jpg"], "test": ["e0.jpg"]}


def lifelog(folder: Path, make_lifelog: Callable[..., Path], make_records: Callable[..., Path]) -> Path:
    make_lifelog(folder, DAYS, 2)
    write_csv(folder / CONCEPTS_FILE, ("ImageID", "Caption"), [{"ImageID": NAMES[3], "Caption": "a desk"}])
    return folder


def records(folder: Path, make_lifelog: Callable[..., Path], make_records: Callable[..., Path]) -> Path:
    rows = [
        {"file": f"{n}.jpg", "timestamp": f"2021-05-0{1 + n}T10:00:00Z", "speed": n, "caption": "a desk" * (n == 3)}
        for n in range(5)
    ]
    return make_records(folder, rows)


def karpathy(folder: Path, make_lifelog: Callable[..., Path], make_records: Callable[..., Path]) -> Path:
    silent = [{"filename": "s0.jpg", "split": "test", "sentences": []}, {"filename": "s1.jpg", "split": "train"}]
    write_karpathy(folder, [*karpathy_records(PICTURES), *silent])
    (folder / "images" / "s1.jpg").unlink()
    return folder


def coco(folder: Path, make_lifelog: Callable[..., Path], make_records: Callable[..., Path]) -> Path:
    images = [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}]
    captions = [{"image_id": 1, "id": 7, "caption": "a desk"}]
    return write_coco(folder, {"val": {"images": images, "annotations": captions}})


# layout -> what writes it, its photographs in a pair, and those in none
LAYOUTS: dict[str, tuple[Callable[..., Path], list[str], list[str]]] = {
    "lifelog": (lifelog, [NAMES[3]], [name for name in NAMES if name != NAMES[3]]),
    "records": (records, ["3.jpg"], ["0.jpg", "1.jpg", "2.jpg", "4.jpg"]),
    "karpathy": (karpathy, ["t0.jpg", "t1.jpg", "v0.jpg", "e0.jpg"], ["s0.jpg"]),
    "coco": (coco, ["a.jpg"], ["b.jpg"]),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_photographs_without_a_caption_are_searched_and_named(tmp_path, capsys, make_lifelog, make_records, layout):
    write, paired, others = LAYOUTS[layout]
    corpus = open_corpus(write(tmp_path / "data", make_lifelog, make_records), None, pair=("image", "text"))
    assert gallery(corpus, "all", modality("image")) == paired + others
    are = "photograph in no pair is" if len(others) == 1 else "photographs in no pair are"
    assert f"data: {len(others)} {are} searched too: {others[0]}" in capsys.readouterr().err
    assert gallery(corpus, "all", modality("text")) == corpus.pairs["text"].tolist()
    assert capsys.readouterr().err == ""


def test_of_a_split_only_what_is_in_its_pairs_is_searched(tmp_path, capsys, make_lifelog, make_records):
    corpus = open_corpus(karpathy(tmp_path, make_lifelog, make_records), AutoSplit(), pair=("image", "text"))
    assert gallery(corpus, "test", modality("image")) == ["e0.jpg"]
    assert capsys.readouterr().err == ""
    empty = open_corpus(coco(tmp_path / "coco", make_lifelog, make_records), AutoSplit(), pair=("image", "text"))
    assert "is empty" in refusal(gallery, empty, "train", modality("image"))


@pytest.mark.parametrize("pair", [("image", "sensor"), ("sensor", "text")])
def test_a_row_without_any_reading_is_not_one_that_can_be_found(tmp_path, capsys, make_records, pair):
    rows: list[dict[str, Any]] = [
        {"file": f"{n}.jpg", "timestamp": f"2021-05-0{1 + n}T10:00:00Z", "speed": "" if n == 1 else n, "caption": "aa"}
        for n in range(4)
    ]
    corpus = open_corpus(make_records(tmp_path / "data", rows), None, pair=pair)
    assert gallery(corpus, "all", modality("sensor")) == (
        ["0", "2", "3"]
        if "text" in pair
        else ["0", "1", "2", "3"]  # a caption is a reading where text is not asked for
    )
    assert capsys.readouterr().err == ""


def test_readings_without_a_caption_are_searched(tmp_path, make_lifelog, make_records):
    corpus = open_corpus(records(tmp_path, make_lifelog, make_records), None, pair=("sensor", "text"))
    assert gallery(corpus, "all", modality("sensor")) == ["3", "0", "1", "2", "4"]

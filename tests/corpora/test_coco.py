"""COCO's captions in their published files."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from helpers import refusal
from published import coco_lists, karpathy_records, write_coco, write_karpathy, write_pictures_of

from ntcir.config import AutoSplit, FractionSplit, OfficialSplit, Split
from ntcir.corpora import open_corpus
from ntcir.corpora.corpus import Corpus
from ntcir.workspace import read_corpus, resolve

TRAIN = [f"{number:012}.jpg" for number in range(1, 11)]
VAL = [f"{number:012}.jpg" for number in range(101, 104)]
LISTS = {"train": coco_lists(TRAIN), "val": coco_lists(VAL, first=101)}
VALIDATION = "captions_val2017.json"


def read(root: Path, split: Split | None = None, **how: Any) -> Corpus:
    return open_corpus(root, split or AutoSplit(), pair=("image", "text"), **how)


def left_out(corpus: Corpus) -> list[str]:
    return [line for line in corpus.report.lines()[1:] if not line.startswith("there is no")]


@pytest.mark.parametrize(("year", "within"), [(2017, ""), (2017, "images"), (2014, "")])
def test_each_file_is_a_part_and_its_pictures_are_in_the_folder_of_its_name(tmp_path, year, within):
    root = write_coco(tmp_path, LISTS, year=year, within=within)
    corpus = read(root)
    assert (corpus.layout, corpus.grouped, corpus.annotations) == ("coco", False, {"text"})
    assert len(corpus.images) == 13
    assert corpus.images.loc[VAL[0], "path"] == str(root / within / f"val{year}" / VAL[0])
    # Captions are brought to their pictures, which are in the files' order.
    assert corpus.pairs["text"].tolist()[:4] == [f"{TRAIN[0]}#1", f"{TRAIN[0]}#101", f"{TRAIN[1]}#2", f"{TRAIN[1]}#102"]
    assert corpus.tables["text"].loc[f"{TRAIN[1]}#102", "text"] == f"Picture {TRAIN[1]} , said again ."
    assert Counter(corpus.pairs["split"]) == {"train": 18, "val": 2, "test": 6}
    assert left_out(corpus) == []


def test_parts_can_be_named_and_fractions_are_of_pictures(tmp_path):
    root = write_coco(tmp_path, LISTS)
    assert Counter(read(root, OfficialSplit(val=["val"])).pairs["split"]) == {"train": 20, "val": 6}
    corpus = read(root, FractionSplit(train=0.5, val=0.25, test=0.25))
    assert corpus.pairs.groupby("image")["split"].nunique().max() == 1
    assert corpus.split("train")["image"].unique().tolist() == TRAIN[:6]


@pytest.mark.parametrize("folder", ["", "val2017", "images/val2017", "all"])
def test_pictures_are_found_in_one_more_folder(tmp_path, folder):
    root = write_coco(tmp_path / "coco", {"train": LISTS["train"]})
    write_coco(root, {"val": LISTS["val"]}, drawn=False)
    write_pictures_of(tmp_path / "photos" / folder, VAL)
    corpus = read(root, pictures=tmp_path / "photos")
    assert corpus.images.loc[VAL[1], "path"] == str(tmp_path / "photos" / folder / VAL[1])
    assert left_out(corpus) == []
    assert left_out(read(root)) == [
        "left out 6: caption whose picture is not on disk (data.pictures may name one more folder to look in) "
        f"(first: {VAL[0]}#101)"
    ]


def test_one_part_alone_is_asked_about(tmp_path):
    assert Counter(read(write_coco(tmp_path, {"val": LISTS["val"]})).pairs["split"]) == {"test": 6}


def test_of_two_years_the_one_whose_pictures_are_there_is_read(tmp_path):
    root = write_coco(tmp_path, LISTS, year=2014, drawn=False)
    write_coco(root, LISTS, year=2017)
    corpus = read(root)
    assert len(corpus.images) == 13
    assert left_out(corpus) == [
        "captions_train2014.json, captions_val2014.json are not read: only pictures of 2017 are in the folder"
    ]
    (root / "val2014").mkdir()
    assert "2014, 2017" in refusal(read, root)


def test_two_years_without_folders_of_pictures_are_refused(tmp_path):
    root = write_coco(tmp_path, LISTS, year=2014, drawn=False)
    write_coco(root, LISTS, drawn=False)
    write_pictures_of(root / "images", [*TRAIN, *VAL])
    assert "2014, 2017" in refusal(read, root)
    (root / "annotations" / "captions_train2014.json").unlink()
    (root / "annotations" / "captions_val2014.json").unlink()
    assert len(read(root).images) == 13


def test_other_annotations_are_not_read_and_are_no_corpus(tmp_path):
    root = write_coco(tmp_path, LISTS)
    for name in ("instances_val2017.json", "captions_val2014_fakecap_results.json", "captions_val.json"):
        (root / "annotations" / name).write_text("nothing")
    assert len(read(root).images) == 13
    for path in root.glob("annotations/captions_*2017.json"):
        path.unlink()
    assert "annotations/captions_*2017.json" in refusal(read, root)


def test_the_karpathy_split_is_preferred(tmp_path):
    root = write_coco(tmp_path, LISTS)
    write_karpathy(root, karpathy_records({"train": ["k.jpg"]}, "train2014"), file="dataset_coco.json", pictures="")
    corpus = read(root)
    assert corpus.layout == "karpathy"
    assert "dataset_coco.json is read, COCO's annotations in the same folder are not" in corpus.report.notes


# Bad input


def spoilt(where: str, change: Any) -> dict[str, Any]:
    """Return the validation part with a change to the first of its images or annotations."""
    tree = json.loads(json.dumps(LISTS["val"]))
    first = tree[where][0]
    tree[where][0] = first | change if isinstance(change, dict) else change
    return tree


ODD_ENTRY = f"entry of {VALIDATION} that is not an object with an id and an image_id (first: annotations[0])"


@pytest.mark.parametrize(
    ("change", "first"),
    [
        ({"caption": ""}, f"caption is empty (first: {VAL[0]}#101)"),
        ({"caption": None}, f"caption is not text (first: {VAL[0]}#101)"),
        ({"caption": ["A"]}, f"caption is not text (first: {VAL[0]}#101)"),
        ({"id": 201}, f"caption id appears twice (first: {VAL[0]}#201)"),
        ({"id": None}, ODD_ENTRY),
        ({"image_id": [1]}, ODD_ENTRY),
        ({"image_id": True}, ODD_ENTRY),
        ("A dog.", ODD_ENTRY),
        ({"image_id": 7}, f"caption whose image_id is not that of a picture of {VALIDATION} (first: 7#101)"),
    ],
)
def test_a_bad_caption_is_left_out_and_the_others_are_read(tmp_path, change, first):
    corpus = read(write_coco(tmp_path, {"train": LISTS["train"], "val": spoilt("annotations", change)}))
    assert left_out(corpus) == [f"left out 1: {first}"]
    assert len(corpus.pairs) == 25


@pytest.mark.parametrize(
    ("change", "first"),
    [
        ({"file_name": None}, "picture without a valid file name (first: images[0])"),
        ({"file_name": "a/"}, "picture without a valid file name (first: images[0])"),
        ({"id": None}, f"entry of {VALIDATION} that is not an object with an id (first: images[0])"),
        ({"id": 1.5}, f"entry of {VALIDATION} that is not an object with an id (first: images[0])"),
        (7, f"entry of {VALIDATION} that is not an object with an id (first: images[0])"),
        ({"file_name": TRAIN[0]}, f"picture is listed twice, the second time in another part (first: {TRAIN[0]})"),
    ],
)
def test_a_bad_picture_is_left_out_with_its_captions(tmp_path, change, first):
    root = write_coco(tmp_path, LISTS)
    write_coco(root, {"val": spoilt("images", change)}, drawn=False)
    corpus = read(root)
    assert left_out(corpus) == [
        f"left out 1: {first}",
        f"left out 2: caption whose image_id is not that of a picture of {VALIDATION} (first: 101#101)",
    ]
    assert len(corpus.pairs) == 24


def test_a_picture_that_is_listed_twice_in_a_file_has_the_captions_of_both(tmp_path):
    root = write_coco(tmp_path, LISTS)
    tree = spoilt("images", {"file_name": VAL[1]})
    write_coco(root, {"val": tree}, drawn=False)
    corpus = read(root)
    assert left_out(corpus) == [f"left out 1: picture is listed twice (first: {VAL[1]})"]
    assert corpus.pairs["image"].tolist().count(VAL[1]) == 4


def test_a_picture_without_a_caption_is_counted(tmp_path):
    tree = coco_lists(VAL, first=101)
    tree["annotations"] = [note for note in tree["annotations"] if note["image_id"] != 102]
    corpus = read(write_coco(tmp_path, {"train": LISTS["train"], "val": tree}))
    assert left_out(corpus) == [f"left out 1: picture without a caption (first: {VAL[1]})"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"images": [', "is not valid JSON"),
        ("[]", "instead of an object with the keys images and annotations"),
        ('{"images": []}', "has nothing under the key 'annotations'"),
        ('{"images": {}, "annotations": []}', "has {} under the key 'images'"),
        (json.dumps({"images": [], "annotations": [], "info": "9" * 5000}), None),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path, content, expected):
    root = write_coco(tmp_path, LISTS)
    (root / "annotations" / VALIDATION).write_text(content)
    if expected is None:
        assert len(read(root).images) == 10
    else:
        assert expected in refusal(read, root)


def test_the_real_sample_has_its_published_numbers(shared):
    root, photos = shared / "data" / "coco", shared / "data" / "photos"
    if not root.is_dir() or not photos.is_dir():
        pytest.skip("../shared/data/coco or photos is not here")
    corpus = read(root, pictures=photos)
    assert (len(corpus.images), len(corpus.pairs)) == (130, 651)
    assert left_out(corpus) == []
    pictures = corpus.pairs.drop_duplicates("image")
    assert Counter(pictures["split"]) == {"train": 72, "val": 8, "test": 50}
    assert Counter(corpus.pairs["split"]) == {"train": 360, "val": 40, "test": 251}
    assert len(read(root).images) == 80  # those of val are only in the other folder


def test_the_configuration_names_the_other_folder(tmp_path):
    root = write_coco(tmp_path / "coco", {"train": LISTS["train"]})
    write_coco(root, {"val": LISTS["val"]}, drawn=False)
    write_pictures_of(tmp_path / "photos", VAL)
    settings = ("pair=[image, text]", f"data.pictures={tmp_path / 'photos'}", "data.split={by: official, test: [val]}")
    corpus = read_corpus(resolve(None, settings, root))
    assert Counter(corpus.pairs["split"]) == {"train": 18, "val": 2, "test": 6}

"""NUS-WIDE-LITE: what its official files say, in which forms they come, and what is wrong with some."""

from __future__ import annotations

import sys
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import ROOT, refusal
from PIL import Image

from ntcir.config import AutoSplit, OfficialSplit
from ntcir.corpora import open_corpus
from ntcir.corpora.corpus import Corpus

sys.path.append(str(ROOT / "benchmarks"))

from nuswide_files import REAL, write_corpus

PAIR = ("image", "text")
FILES = {
    "Train": ["actor/0001_11.jpg", "actor/0002_12.jpg", "zoos/0003_13.jpg", "zoos/0004_14.jpg"],
    "Test": ["actor/0005_21.jpg", "zoos/0006_22.jpg"],
}
LABELS = {"Train": {"sky": "1010", "toy": "0011"}, "Test": {"sky": "01", "toy": "00"}}
TAGS = [
    "21      blue  sea ",
    "11      dog",
    "13\tcafé\tnoël",
    "12      sky dog",
    "14      toy",
    "22      sea",
    "99      x",
]


def write_lines(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with six photographs' lists, labels and tags, under the published names."""
    folder = tmp_path / "nus"
    for part, files in FILES.items():
        write_lines(
            folder / "image list" / f"{part}_imageOutPutFileList.txt", [file.replace("/", "\\") for file in files]
        )
        for concept, values in LABELS[part].items():
            write_lines(folder / "NUS-WIDE-Lite_groundtruth" / f"Lite_Labels_{concept}_{part}.txt", values)
    write_lines(folder / "Concepts81.txt", ["toy", "sky"])
    write_lines(folder / "All_Tags.txt", TAGS)
    return folder


def read(root: Path, pair: Sequence[str] = PAIR, **options: object) -> Corpus:
    return open_corpus(root, OfficialSplit(held_out=0.25), pair=pair, **options)


def captions(corpus: Corpus) -> dict[str, str]:
    return dict(corpus.tables["text"]["text"])


# What is there


def test_photographs_captions_and_concepts_are_those_of_the_lists(root):
    corpus = read(root)
    assert corpus.images.index.tolist() == [file.split("/")[1] for files in FILES.values() for file in files]
    assert captions(corpus) == {
        "0001_11": "dog", "0002_12": "sky dog", "0003_13": "café noël", "0004_14": "toy", "0005_21": "blue sea",
        "0006_22": "sea",
    }  # fmt: skip
    assert [f"{text}.jpg" for text in corpus.pairs["text"]] == corpus.pairs["image"].tolist()
    of_images, of_captions = corpus.categories["image"], corpus.categories["text"]
    assert of_images.columns.tolist() == ["toy", "sky"]  # in the order of Concepts81.txt
    assert of_images["sky"].tolist() == [1, 0, 1, 0, 0, 1]
    assert of_images["toy"].tolist() == [0, 0, 1, 1, 0, 0]
    assert of_captions.index.equals(corpus.tables["text"].index)
    np.testing.assert_array_equal(of_captions, of_images)
    assert "lines of All_Tags.txt of photographs that the image lists do not name: 1 (first: 99)" in corpus.report.notes


def test_there_are_no_days_and_no_groups(root):
    corpus = read(root)
    assert not corpus.grouped
    assert not corpus.groups_are_days
    assert corpus.annotations == {"text"}
    assert corpus.shared_are_positive
    assert corpus.pairs["group"].nunique() == 1
    assert str(corpus.pairs["timestamp"].dtype) == "datetime64[ns, UTC]"
    assert corpus.pairs["timestamp"].isna().all()
    assert corpus.layout == "nus-wide"


@pytest.mark.parametrize("split", [OfficialSplit(held_out=0.25), AutoSplit()])
def test_the_split_is_the_published_one_with_training_photographs_held_out(root, split):
    corpus = open_corpus(root, split, pair=PAIR)
    assert set(corpus.split("test")["image"]) == {"0005_21.jpg", "0006_22.jpg"}
    assert len(corpus.split("val")) in (0, 1)
    assert len(corpus.split("train")) + len(corpus.split("val")) == 4
    again = open_corpus(root, split, pair=PAIR)
    assert again.pairs["split"].tolist() == corpus.pairs["split"].tolist()
    assert open_corpus(root, None, pair=PAIR).pairs["split"].tolist() == [""] * 6


def test_photographs_without_tags_are_in_no_pair(root):
    write_lines(root / "All_Tags.txt", ["11      dog", "12      ", "13", "21      sea", "21      again"])
    corpus = read(root)
    assert corpus.pairs["image"].tolist() == ["0001_11.jpg", "0005_21.jpg"]
    assert len(corpus.images) == 6  # rows of features are in the order of the lists
    assert corpus.tables["text"].index.tolist() == corpus.categories["text"].index.tolist() == ["0001_11", "0005_21"]
    assert corpus.report.dropped["photograph without tags"] == [
        "0002_12.jpg", "0003_13.jpg", "0004_14.jpg", "0006_22.jpg"
    ]  # fmt: skip
    assert any("repeat a photograph, of which the first is used: 1 (first: 21)" in note for note in corpus.report.notes)


@pytest.mark.parametrize("name", ["Lite_Tags1k", "Lite_Tags81"])
def test_tags_may_come_as_a_matrix_with_the_names_of_its_columns(root, name):
    (root / "All_Tags.txt").unlink()
    write_lines(root / "NUS_WID_Tags" / "TagList1k.txt", ["nature", "sky"])
    for part, rows in {"Train": ["1 0 ", "1\t1", "0 0", "0 1"], "Test": ["1 1", "0 0"]}.items():
        write_lines(root / "NUS-WIDE-Lite_tags" / f"{name}_{part}.txt", rows)
    first = "nature" if name == "Lite_Tags1k" else "toy"
    assert captions(read(root)) == {
        "0001_11": first, "0002_12": f"{first} sky", "0004_14": "sky", "0005_21": f"{first} sky"
    }  # fmt: skip


def test_tags_as_they_were_typed_come_before_a_matrix(root):
    for part in FILES:
        write_lines(root / "NUS-WIDE-Lite_tags" / f"Lite_Tags81_{part}.txt", ["1 1"] * len(FILES[part]))
    assert captions(read(root))["0001_11"] == "dog"


@pytest.mark.parametrize("place", ["", "image list", "ImageList"])
def test_lists_and_labels_may_lie_in_any_folder_or_beside_it(root, place):
    for file in [*root.glob("image list/*"), *root.glob("NUS-WIDE-Lite_groundtruth/*")]:
        (root / place).mkdir(exist_ok=True)
        file.rename(root / place / file.name)
    corpus = read(root)
    assert len(corpus.pairs) == 6
    assert corpus.categories["image"].to_numpy().sum() == 5


@pytest.mark.parametrize("change", [lambda data: b"\xef\xbb\xbf" + data, lambda data: data.replace(b"\n", b"\r\n"),
                                    lambda data: data + b"\n \n", lambda data: data.rstrip()],
                         ids=["mark", "CRLF", "empty lines at the end", "no last end of line"])  # fmt: skip
def test_other_ends_of_lines_change_nothing(root, change):
    plain = read(root)
    for file in root.rglob("*.txt"):
        file.write_bytes(change(file.read_bytes()))
    corpus = read(root)
    pd.testing.assert_frame_equal(corpus.pairs, plain.pairs)
    pd.testing.assert_frame_equal(corpus.tables["text"], plain.tables["text"])
    pd.testing.assert_frame_equal(corpus.categories["image"], plain.categories["image"])


def test_ids_are_words_and_have_the_folder_where_names_are_not_unique(root):
    write_lines(root / "image list" / "Test_imageOutPutFileList.txt", ["my dog\\0001_11.jpg", "zoos\\a b.jpg"])
    ids = read(root).images.index.tolist()
    assert ids[0] == "actor/0001_11.jpg"
    assert ids[4:] == ["my%20dog/0001_11.jpg", "zoos/a%20b.jpg"]


def test_a_photograph_that_is_listed_twice_is_its_first_line(root):
    write_lines(root / "image list" / "Test_imageOutPutFileList.txt", ["actor\\0001_11.jpg", "zoos\\0006_22.jpg"])
    corpus = read(root)
    assert corpus.images.index.tolist().count("0001_11.jpg") == 1
    assert corpus.split("test")["image"].tolist() == ["0006_22.jpg"]
    assert corpus.report.dropped["photograph is listed twice"] == ["line 1 of Test_imageOutPutFileList.txt"]
    assert corpus.categories["image"].loc["0006_22.jpg", "sky"] == 1  # the labels of its own line


# Photographs


def test_without_photographs_the_corpus_says_so_and_where_they_would_be(root):
    corpus = read(root)
    assert corpus.images.loc["0003_13.jpg", "path"] == str(root / "images" / "zoos" / "0003_13.jpg")
    assert any(note.startswith("6 of 6 photographs are not under") for note in corpus.report.notes)


@pytest.mark.parametrize(("place", "elsewhere"), [("images", False), ("Flickr", False), ("", False), ("", True)])
def test_photographs_are_found_in_the_folder_and_in_that_of_data_pictures(root, tmp_path, place, elsewhere):
    base = (tmp_path / "disk" if elsewhere else root) / place
    for file in ("actor/0001_11.jpg", "0006_22.jpg", "other/0006_22.jpg"):
        (base / file).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(base / file)
    corpus = read(root, pictures=tmp_path / "disk" if elsewhere else None)
    paths = corpus.images["path"]
    assert paths["0001_11.jpg"] == str(base / "actor" / "0001_11.jpg")
    assert Path(paths["0006_22.jpg"]).is_file()
    assert any(note.startswith("4 of 6 photographs are not under") for note in corpus.report.notes)


def test_data_pictures_must_be_a_folder(root, tmp_path):
    assert refusal(read, root, pictures=tmp_path / "no") == f"data.pictures = {tmp_path / 'no'} is not a folder."


# Features


def test_features_that_came_with_it_are_its_vectors(root):
    assert read(root).vectors == {}
    write_lines(root / "images" / "image_features.csv", ["0001_11.jpg 1 2"])
    assert read(root).vectors == {"image": root / "images" / "image_features.csv"}
    write_lines(root / "NUS-WIDE-Lite_features" / "Normalized_CH_Lite_Train.dat", ["1 2"])
    both = read(root)
    assert both.vectors == {"image": root / "NUS-WIDE-Lite_features"}
    assert any("two kinds of features" in note for note in both.report.notes)


# What is wrong

LIST, LABEL = "image list/{}_imageOutPutFileList.txt", "NUS-WIDE-Lite_groundtruth/Lite_Labels_{}_{}.txt"


def lines(file: str, *text: str) -> Callable[[Path], None]:
    return lambda root: write_lines(root / file, text)


def raw(file: str, data: bytes) -> Callable[[Path], None]:
    return lambda root: (root / file).write_bytes(data) and None


def without(file: str) -> Callable[[Path], None]:
    return lambda root: (root / file).unlink()


WRONG: list[tuple[Callable[[Path], None], Sequence[str]]] = [
    (without(LIST.format("Test")), ["lacks Test_imageOutPutFileList.txt"]),
    (lines(LIST.format("Test")), ["Test_imageOutPutFileList.txt is empty"]),
    (lines(LIST.format("Train"), "a\\1.jpg", "", "b\\2.jpg"), ["Train_imageOut", "line 2 is ''"]),
    (lines(LIST.format("Train"), "..\\..\\secret.jpg"), ["line 1 leads out of the folder"]),
    (raw(LIST.format("Train"), b"a\\\xff.jpg\n"), ["Train_imageOut", "not UTF-8"]),
    (raw(LIST.format("Train"), "a\\1.jpg\n".encode("utf-16")), ["Train_imageOut", "UTF-16"]),
    (lines(LABEL.format("sky", "Train"), *"101"), ["Lite_Labels_sky_Train.txt has 3 lines", "names 4 photographs"]),
    (lines(LABEL.format("sky", "Train"), *"10101"), ["Lite_Labels_sky_Train.txt has 5 lines", "names 4 photographs"]),
    (lines(LABEL.format("sky", "Train")), ["Lite_Labels_sky_Train.txt has 0 lines", "names 4 photographs"]),
    (lines(LABEL.format("sky", "Train"), *"1012"), ["Lite_Labels_sky_Train.txt: line 4 has '2'"]),
    (lines(LABEL.format("sky", "Train"), "1", "-1", "0", "1"), ["line 2 has '-1'", "neither 0 nor 1"]),
    (lines(LABEL.format("sky", "Train"), "1", "1.0", "0", "1"), ["line 2 has '1.0'"]),
    (lines(LABEL.format("sky", "Train"), "1", "10", "", "1"), ["line 2 has '10'"]),
    (lines(LABEL.format("sky", "Train"), "1", "1 0", "0", "1"), ["line 2 has 2 values, but 1"]),
    (lines(LABEL.format("sky", "Train"), "1", "", "0", "1"), ["line 2 has 0 values, but 1"]),
    (without(LABEL.format("sky", "Test")), ["lacks Lite_Labels_sky_Test.txt", "Concepts81.txt names", "'sky'"]),
    (lines("Concepts81.txt", "toy", "sky", "sea"), ["lacks Lite_Labels_sea_Train.txt"]),
    (lines("Concepts81.txt", "toy", "s" * 300), ["lacks Lite_Labels_sss", "Concepts81.txt names"]),
    (lines("Concepts81.txt", "toy", "../sky"), ["lacks Lite_Labels_../sky_Train.txt"]),
    (without("All_Tags.txt"), ["has no tags", "All_Tags.txt", "NUS-WIDE-Lite_tags"]),
    (lines("All_Tags.txt"), ["holds no usable pair", "left out 6: photograph without tags"]),
    (raw("All_Tags.txt", b"\x1f\x8b" + bytes(99)), ["All_Tags.txt", "compressed with gzip"]),
]


@pytest.mark.parametrize(("change", "words"), WRONG, ids=[f"{n} {words[0]}" for n, (_, words) in enumerate(WRONG)])
def test_what_is_wrong_is_refused_in_one_sentence(root, change, words):
    change(root)
    sentence = refusal(read, root)
    assert all(word in sentence for word in words), sentence


def test_a_concept_that_is_not_named_is_left_out_and_said(root):
    write_lines(root / "Concepts81.txt", ["toy"])
    corpus = read(root)
    assert corpus.categories["image"].columns.tolist() == ["toy"]
    assert "Concepts81.txt does not name sky, whose labels are not used" in corpus.report.notes


def test_without_a_list_of_concepts_they_are_those_of_the_files(root):
    (root / "Concepts81.txt").unlink()
    assert read(root).categories["image"].columns.tolist() == ["sky", "toy"]
    (root / LABEL.format("sky", "Test")).unlink()
    assert "lacks Lite_Labels_sky_Test.txt, and a file of the other part names" in refusal(read, root)


def test_without_ground_truth_there_are_no_categories_and_that_is_said(root):
    for file in root.glob("NUS-WIDE-Lite_groundtruth/*"):
        file.unlink()
    corpus = read(root)
    assert corpus.categories == {}
    assert any(note.startswith("there is no ground truth") for note in corpus.report.notes)


MATRIX: list[tuple[Callable[[Path], None], str]] = [
    (without("TagList1k.txt"), "has Lite_Tags1k_Train.txt without TagList1k.txt"),
    (without("NUS-WIDE-Lite_tags/Lite_Tags1k_Test.txt"), "lacks Lite_Tags1k_Test.txt, but has that of the other part"),
    (lines("NUS-WIDE-Lite_tags/Lite_Tags1k_Test.txt", "1 0"), "has 1 line, but Test_imageOutPutFileList.txt names 2"),
    (lines("NUS-WIDE-Lite_tags/Lite_Tags1k_Test.txt", "1 0", "1"), "line 2 has 1 value, but 2 are needed"),
    (lines("NUS-WIDE-Lite_tags/Lite_Tags1k_Test.txt", "1 0", "10 "), "line 2 has '10', which is neither 0 nor 1"),
    (lines("NUS-WIDE-Lite_tags/Lite_Tags1k_Test.txt", "1 0 1", "1"), "line 1 has 3 values, but 2 are needed"),
]


@pytest.mark.parametrize(("change", "words"), MATRIX, ids=[words for _, words in MATRIX])
def test_a_matrix_of_tags_that_does_not_fit_is_refused_in_one_sentence(root, change, words):
    (root / "All_Tags.txt").unlink()
    write_lines(root / "TagList1k.txt", ["nature", "sky"])
    for part, files in FILES.items():
        write_lines(root / "NUS-WIDE-Lite_tags" / f"Lite_Tags1k_{part}.txt", ["1 0"] * len(files))
    change(root)
    assert words in refusal(read, root)


def test_labels_alone_are_read_where_no_captions_are_asked_for(root):
    (root / "All_Tags.txt").unlink()
    corpus = read(root, pair=("image", "sensor"))
    assert list(corpus.tables) == ["image"]
    assert corpus.categories["image"].shape == (6, 2)
    assert "nothing of the modality 'sensor'" in refusal(corpus.require_pair, ("image", "sensor"))


@pytest.mark.parametrize("name", ["nuswide_lite_gt.tar.gz", "NUS-WIDE-LITE.zip", "NUS_WIDE_Lite.rar"])
def test_an_archive_that_is_not_unpacked_is_named(tmp_path, name):
    (tmp_path / name).touch()
    assert f"holds NUS-WIDE in an archive, {name}: unpack it" in refusal(read, tmp_path)


def test_an_archive_beside_the_lists_explains_what_is_missing(root):
    (root / "All_Tags.txt").unlink()
    (root / "NUS_WID_Tags.zip").touch()
    assert "has no tags (NUS_WID_Tags.zip is not unpacked)" in refusal(read, root)


def test_the_folder_above_is_told_which_one_is_meant(root):
    assert f"but {root} in it is: give that one" in refusal(read, root.parent)


# As it is published


def test_generated_files_of_the_published_names_are_read(tmp_path):
    write_corpus(tmp_path / "nus", (40, 30), 5, {"CH": 3, "WT": 2})
    corpus = read(tmp_path / "nus")
    assert len(corpus.pairs) == 70
    assert (corpus.pairs["split"] == "test").sum() == 30
    assert corpus.vectors == {"image": tmp_path / "nus" / "NUS-WIDE-Lite_features"}
    for image, row in corpus.categories["image"].iterrows():
        words = captions(corpus)[str(image).removesuffix(".jpg")].split()
        assert all(row[word] == 1 for word in words if word in row)


@pytest.mark.skipif(not REAL.is_file(), reason="../shared/data/nuswide is absent")
def test_the_real_lists_and_labels_have_the_published_counts(tmp_path):
    with tarfile.open(REAL) as archive:
        archive.extractall(tmp_path, filter="data")
    root = tmp_path / "nuswide_lite_gt"
    corpus = open_corpus(root, OfficialSplit(held_out=0.1), pair=("image", "sensor"))
    assert corpus.images.index.is_unique
    assert corpus.pairs["split"].value_counts().to_dict() == {"test": 27_808, "train": 25_026, "val": 2_781, "": 0}
    labels = corpus.categories["image"]
    assert labels.shape == (55_615, 81)
    assert labels.columns[0] == "airport"
    assert int(labels.to_numpy().sum()) == 234_215
    sky = (root / "NUS-WIDE-Lite_groundtruth" / "Lite_Labels_sky_Test.txt").read_text().split()
    assert labels["sky"].tolist()[27_807:] == [int(value) for value in sky]
    assert "has no tags" in refusal(open_corpus, root, None, pair=PAIR)
    first = (root / "image list" / "Train_imageOutPutFileList.txt").read_text().split()[0]
    assert labels.index[0] == first.rpartition("\\")[2]

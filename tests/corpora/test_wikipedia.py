"""The Wikipedia collection: what its published files say, what is wrong with some, and what only vectors cannot do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers import command_line, refusal
from published import write_wikipedia
from scipy.io import loadmat, savemat

from ntcir.config import AutoSplit, Config, FractionSplit, OfficialSplit
from ntcir.corpora import open_corpus
from ntcir.corpora.corpus import Corpus
from ntcir.encoders import open_pair
from ntcir.encoders.encoder import Rows

PAIR = ("image", "text")
TRAIN, TEST = "trainset_txt_img_cat.list", "testset_txt_img_cat.list"
VECTORS = {"pair": list(PAIR), "towers.image.encoder": "vectors", "towers.text.encoder": "vectors"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_wikipedia(tmp_path / "wiki" / "wikipedia_info", {"train": 6, "test": 3})


def read(root: Path, **split: object) -> Corpus:
    return open_corpus(root, OfficialSplit.model_validate({"val": []} | split), pair=PAIR)


def rows_of(corpus: Corpus) -> dict[str, Rows]:
    return open_pair(Config().changed(VECTORS), corpus)


def change_lines(path: Path, **changed: str) -> None:
    """Replace lines of a file, ``line_2`` being the second one."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for name, line in changed.items():
        lines[int(name.removeprefix("line_")) - 1] = line
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def change_arrays(root: Path, **changed: object) -> None:
    """Write the file of vectors with other arrays; None leaves one out."""
    arrays = {name: value for name, value in loadmat(root / "raw_features.mat").items() if name[0] != "_"}
    savemat(root / "raw_features.mat", {k: v for k, v in (arrays | changed).items() if v is not None})


# What is there


@pytest.mark.parametrize("up", [False, True], ids=["the folder", "the one above"])
def test_pairs_categories_and_the_split_are_those_of_the_lists(root: Path, up: bool) -> None:
    corpus = read(root.parent if up else root)
    assert corpus.layout == "wikipedia"
    assert not corpus.grouped
    assert corpus.pairs["image"].tolist() == [f"train{row}" for row in range(6)] + [f"test{row}" for row in range(3)]
    assert corpus.pairs["text"].tolist()[:2] == ["train-0.1", "train-1.1"]
    assert corpus.pairs["split"].tolist() == ["train"] * 6 + ["test"] * 3
    for name in PAIR:
        assert corpus.tables[name].index.tolist() == corpus.pairs[name].tolist()
        assert corpus.tables[name]["category"].tolist() == ["art", "music"] * 3 + ["art", "music", "art"]
        of_items = corpus.categories[name]
        assert of_items.index.equals(corpus.tables[name].index)
        assert of_items.columns.tolist() == ["art", "music"]
        assert of_items.to_numpy().tolist()[:2] == [[1, 0], [0, 1]]


def test_a_corpus_beside_the_files_is_read_first(root: Path, make_records: Callable[..., Path]) -> None:
    make_records(root.parent, [{"file": "a.jpg", "timestamp": "2020-03-01T08:00:00Z", "speed": "1"}])
    assert open_corpus(root.parent, None).layout == "records"


def test_vectors_are_those_of_the_items(root: Path) -> None:
    corpus = read(root)
    rows = rows_of(corpus)
    assert {name: each.dim for name, each in rows.items()} == {"image": 7, "text": 5}
    assert rows["image"].load(["test2", "train4", "test0"])[:, 0].tolist() == [2, 4, 0]
    assert rows["text"].load(["test-2.1", "train-4.1"])[:, 0].tolist() == [-2, -4]
    assert rows["image"].load(["train0"]).dtype == np.float32


def test_validation_is_drawn_from_training_or_left_out(root: Path) -> None:
    drawn = read(root, val=None, held_out=0.4)
    assert drawn.pairs["split"].value_counts()[["train", "val", "test"]].tolist() == [4, 2, 3]
    assert open_corpus(root, AutoSplit(), pair=PAIR).pairs["split"].value_counts()["test"] == 3
    assert open_corpus(root, FractionSplit(), pair=PAIR).pairs["split"].value_counts()["train"] == 6
    assert (open_corpus(root, None, pair=PAIR).pairs["split"] == "").all()


# What is wrong


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("train-1.1\ttrain1", "left out 1: line is not a text, a picture and a category (first: line 2 of"),
        ("", "left out 1: line is not a text, a picture and a category"),
        ("train-1.1\ttrain1\t3", f"left out 1: category is not a number from 1 to 2 (first: line 2 of {TRAIN}: 3)"),
        ("train-1.1\ttrain1\t0", "left out 1: category is not a number from 1 to 2"),
        ("train-1.1\ttrain1\tart", "left out 1: category is not a number from 1 to 2"),
        ("train-1.1\ttrain1\t-1", "left out 1: category is not a number from 1 to 2"),
        ("train-0.1\ttrain1\t1", f"text or picture is listed twice (first: line 2 of {TRAIN}: text train-0.1)"),
        ("train-1.1\ttrain0\t1", f"text or picture is listed twice (first: line 2 of {TRAIN}: picture train0)"),
    ],
)
def test_a_line_that_cannot_be_used_is_left_out_with_its_vectors(root: Path, line: str, said: str) -> None:
    change_lines(root / TRAIN, line_2=line)
    corpus = read(root)
    assert any(said in told for told in corpus.report.lines()), corpus.report.lines()
    assert corpus.pairs["image"].tolist()[:3] == ["train0", "train2", "train3"]
    rows = rows_of(corpus)
    assert rows["image"].load(corpus.pairs["image"].tolist())[:, 0].tolist() == [0, 2, 3, 4, 5, 0, 1, 2]
    assert rows["text"].load(corpus.pairs["text"].tolist())[:, 0].tolist() == [0, -2, -3, -4, -5, 0, -1, -2]


def test_an_item_of_both_lists_stays_in_the_first(root: Path) -> None:
    change_lines(root / TEST, line_1="test-0.1\ttrain3\t1", line_3="train-5.1\ttest2\t1")
    corpus = read(root)
    assert corpus.split("test")["image"].tolist() == ["test1"]
    assert len(corpus.report.dropped["text or picture is listed twice"]) == 2


@pytest.mark.parametrize("name", [TRAIN, TEST, "categories.list", "raw_features.mat"])
def test_a_missing_file_is_named(root: Path, name: str) -> None:
    (root / name).unlink()
    assert f"lacks {name}" in refusal(read, root)


@pytest.mark.parametrize("name", [TRAIN, "categories.list"])
def test_an_empty_file_is_named(root: Path, name: str) -> None:
    (root / name).write_text("\n")
    assert f"{name} is empty" in refusal(read, root)


@pytest.mark.parametrize(("text", "said"), [("art\nart\n", "line 2 repeats the category 'art'"), ("\nart\n", "line 1")])
def test_categories_have_names_of_their_own(root: Path, text: str, said: str) -> None:
    (root / "categories.list").write_text(text)
    assert said in refusal(read, root)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"I_tr": np.ones((5, 7))}, f"I_tr has 5 rows, but {TRAIN} has 6 lines"),
        ({"I_te": np.ones((1, 7))}, f"I_te has 1 row, but {TEST} has 3 lines"),
        ({"I_te": np.ones((3, 6))}, "different numbers of columns: I_tr has 7 and I_te has 6"),
        ({"I_te": None}, "there is no variable I_te (it has I_tr, T_tr, T_te)"),
        ({"I_te": "word"}, "the variable I_te is char, not a matrix of real numbers"),
        ({"I_te": np.ones((3, 7)) * 1j}, "the variable I_te is complex"),
        ({"I_te": np.full((3, 7), np.nan)}, "test0), column 1 is nan, which is not a finite number"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(root: Path, changed: dict[str, object], said: str) -> None:
    change_arrays(root, **changed)
    sentence = refusal(rows_of, read(root))
    assert said in sentence
    assert "raw_features.mat" in sentence


@pytest.mark.parametrize(
    ("content", "said"), [(b"MATLAB 7.3 MAT-file", "it is HDF5"), (b"", "truncated"), (b"nothing", "truncated")]
)
def test_another_file_in_place_of_the_vectors_is_refused(root: Path, content: bytes, said: str) -> None:
    (root / "raw_features.mat").write_bytes(content)
    assert said in refusal(rows_of, read(root))


def test_what_is_not_read_is_said(root: Path, tmp_path: Path) -> None:
    (root / "texts").mkdir()
    report = open_corpus(root, None, pictures=tmp_path, pair=PAIR).report
    assert "the folders texts are not read: of this collection only vectors are" in report.notes
    assert any(note.startswith("data.pictures") for note in report.notes)


# What needs pictures or words

SET = [word for setting in ("pair=[image,text]",) for word in ("--set", setting)]
BY_VECTORS = [*SET, "--set", "towers.image.encoder=vectors", "--set", "towers.text.encoder=vectors"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["features", "images", *SET], "only vectors of its photographs"),
        (["features", "status", *SET], "only vectors of its photographs"),
        (["features", "objects", *BY_VECTORS], "only vectors of its photographs"),
        (["features", "texts", *SET, "--set", "towers.text.encoder=sentences"], "only vectors of its captions"),
        (["train", *SET, "--set", "towers.image.encoder=vectors"], "use the vectors with towers.text.encoder=vectors"),
        (["train", *SET, "--set", "towers.text.encoder=vectors"], "use the vectors with towers.image.encoder=vectors"),
        (["train", *BY_VECTORS, "--set", "positives.objects=true"], "which are needed to detect objects in"),
        (["train"], "nothing of the modality 'sensor'"),
    ],
)
def test_what_needs_pictures_or_words_is_refused_in_one_sentence(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = command_line(*words, "--data", str(root))
    assert done.exit_code == 2, f"{done.output}{done.exception!r}"
    assert said in done.stderr.splitlines()[-1]


# The real files


def test_the_published_files_are_read_whole(shared: Path) -> None:
    folder = shared / "data" / "wikipedia"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data/wikipedia")
    corpus = read(folder)
    assert corpus.report.dropped == {}
    assert [len(corpus.split(name)) for name in ("train", "val", "test")] == [2173, 0, 693]
    assert corpus.categories["text"].sum().to_dict() == {
        "art": 172, "biology": 360, "geography": 340, "history": 333, "literature": 267, "media": 236, "music": 237,
        "royalty": 185, "sport": 285, "warfare": 451,
    }  # fmt: skip
    arrays = loadmat(folder / "wikipedia_info" / "raw_features.mat")
    for name, rows in rows_of(corpus).items():
        own = np.concatenate([arrays[f"{name[0].upper()}_{part}"] for part in ("tr", "te")])
        np.testing.assert_array_equal(rows.load(corpus.tables[name].index.tolist()), own.astype(np.float32))

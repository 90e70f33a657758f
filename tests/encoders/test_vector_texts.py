"""Vectors in text files: one matrix, or the parts and columns of one, and what is wrong with some."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import refusal

from ntcir.config import Config
from ntcir.corpora.corpus import Corpus, ReadingReport
from ntcir.encoders import open_rows
from ntcir.encoders.encoder import Rows

ITEMS = ["1.jpg", "2.jpg", "3.jpg"]
MATRIX = np.array([[0.25, -1, 3e-2], [0, 5, 7], [1, 2, 1e3]], dtype=np.float32)
TEXT = "0.25 -1 3e-2\n0 5 7\n1 2 1e3\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def corpus(vectors: Path | None = None) -> Corpus:
    images = pd.DataFrame({"path": ""}, index=pd.Index(ITEMS, name="image"))
    sensors = pd.DataFrame({"a": 1.0}, index=pd.Index(["x", "y", "z"], name="sensor"))
    pairs = pd.DataFrame({"image": images.index, "sensor": sensors.index, "group": "s", "split": "train"})
    made = Corpus(
        "toy", Path("toy"), {"image": images, "sensor": sensors}, pairs, False, "records", ReadingReport()
    )  # fmt: skip
    return made if vectors is None else replace(made, vectors={"image": vectors})


def opened(path: str | None, own: Path | None = None) -> Rows:
    changes: dict[str, Any] = {"towers.image.encoder": "vectors", "towers.image.vectors": path}
    return open_rows(Config().changed(changes), corpus(own), "image")


def write(name: str, text: str | bytes) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


# One file


@pytest.mark.parametrize(
    "text",
    [
        TEXT, TEXT.replace(" ", "\t"), TEXT.replace(" ", ", "), TEXT.replace(" ", ";"), TEXT.replace("\n", " \r\n"),
        "\ufeff" + TEXT, "  " + TEXT.replace("\n", "\n  "), TEXT.rstrip(), TEXT + "\n\n",
    ],
    ids=["blanks", "tabs", "commas", "semicolons", "CRLF", "mark", "indented", "no last end", "empty lines"],
)  # fmt: skip
@pytest.mark.parametrize("ending", ["dat", "txt", "csv", "TSV"])
def test_a_row_a_line_is_a_matrix(text, ending):
    write(f"a.{ending}", text)
    rows = opened(f"a.{ending}")
    np.testing.assert_array_equal(rows.load(ITEMS), MATRIX)
    assert rows.origins() == [hashlib.sha256(text.encode()).hexdigest()]


@pytest.mark.parametrize("separator", [" ", ",", "\t"])
def test_a_word_in_front_is_the_rows_id(separator):
    lines = [separator.join([ITEMS[row], *map(str, MATRIX[row])]) for row in (2, 0, 1)]
    write("image_features.csv", "\n".join(lines))
    np.testing.assert_array_equal(opened("image_features.csv").load(ITEMS), MATRIX)


WRONG: list[tuple[str | bytes, str]] = [
    ("", "the file is empty"),
    ("\n \n", "a.dat is empty"),
    ("1 2\n3\n4 5\n", "line 2, column 2 of a.dat is missing"),
    ("1 2\n3 4 5\n6 7\n", "is not a matrix of numbers"),
    ("1 2\n3 x\n5 6\n", "line 2, column 2 of a.dat is 'x', which is not a number"),
    ("1 2\n3 nan\n5 6\n", "line 2, column 2 of a.dat is 'nan', which is not a number"),
    ("1 2\n3 " + "9" * 400 + "\n5 6\n", "line 2, column 2 of a.dat is '999"),
    ("nan 2\n3 4\n5 6\n", "line 1, column 1 of a.dat is 'nan'"),
    ("1 2\n3 inf\n5 6\n", "row 2 (2.jpg), column 2 is inf"),
    ("1 2\nx 4\n5 6\n", "line 2, column 1 of a.dat is 'x', which is not a number"),
    ("h1 h2\n1 2\n3 4\n5 6\n", "line 1, column 2 of a.dat is 'h2', which is not a number"),
    ("1 2\n3 4\n", "has 2 rows without ids, but toy has 3"),
    (b"1 2\n\x00\x01\x02\n5 6\n", "is not"),
    ("1 2\n".encode("utf-16"), "UTF-16"),
    (b"\x1f\x8b" + bytes(20), "compressed with gzip"),
]


@pytest.mark.parametrize(("data", "words"), WRONG, ids=[f"{n} {words}" for n, (_, words) in enumerate(WRONG)])
def test_what_is_not_a_matrix_is_refused_in_one_sentence(data, words):
    write("a.dat", data)
    sentence = refusal(opened, "a.dat")
    assert words in sentence, sentence
    assert "a.dat" in sentence


# Several files


def published() -> None:
    for name, columns in {"Normalized_CH": [0, 1], "Normalized_WT": [2]}.items():
        for part, rows in {"Train": [0, 1], "Test": [2]}.items():
            text = "\n".join(" ".join(map(str, MATRIX[row, columns])) for row in rows)
            write(f"features/{name}_Lite_{part}.dat", text + " \n")


def test_a_folder_is_all_its_files_beside_each_other_training_above_test():
    published()
    rows = opened("features")
    assert rows.dim == 3
    np.testing.assert_array_equal(rows.load(ITEMS), MATRIX)
    before = rows.origins()
    assert opened("features").origins() == before
    write("features/Normalized_WT_Lite_Test.dat", "1001\n")
    assert opened("features").origins() != before


@pytest.mark.parametrize("part", ["Train", "Test"])
def test_a_file_of_a_part_is_read_with_the_other(part):
    published()
    rows = opened(f"features/Normalized_CH_Lite_{part}.dat")
    np.testing.assert_array_equal(rows.load(ITEMS), MATRIX[:, :2])


def test_files_without_parts_stand_beside_each_other_too_but_not_beside_those_with(capsys):
    write("whole/a.dat", TEXT)
    write("whole/B.dat", "1\n2\n3\n")
    np.testing.assert_array_equal(opened("whole").load(ITEMS), np.column_stack([MATRIX, [1, 2, 3]]))
    published()
    write("features/all.dat", TEXT)
    assert opened("features").dim == 3
    assert "features: 1 files are not read" in capsys.readouterr().err


def test_vectors_that_came_with_the_corpus_are_read_where_none_are_named():
    published()
    np.testing.assert_array_equal(opened(None, Path("features")).load(ITEMS), MATRIX)
    write("other.dat", "1\n2\n3\n")
    assert opened("other.dat", Path("features")).dim == 1
    assert "no file is named" in refusal(opened, None)


WRONG_FOLDERS: list[tuple[Callable[[], Any], str]] = [
    (lambda: [file.unlink() for file in Path("features").iterdir()], "is a directory without .dat files"),
    (lambda: Path("features/Normalized_WT_Lite_Test.dat").unlink(), "Normalized_WT_Lite_Test.dat is missing"),
    (lambda: Path("features/Normalized_CH_Lite_Train.dat").unlink(), "Normalized_CH_Lite_Train.dat is missing"),
    (lambda: write("features/Normalized_WT_Lite_Train.dat", "1\n"),
     "Normalized_WT_Lite_Train.dat has 1 rows, and Normalized_CH_Lite_Train.dat has 2"),
    (lambda: write("features/Normalized_WT_Lite_Test.dat", "1 2\n"),
     "Normalized_WT_Lite_Test.dat has 2 columns, and Normalized_WT_Lite_Train.dat has 1"),
    (lambda: write("features/Normalized_WT_Lite_Test.dat", "a.jpg 2\n"), "Normalized_WT_Lite_Test.dat has ids"),
    (lambda: write("features/Normalized_WT_Lite_Test.dat", "2 x\n"), "Normalized_WT_Lite_Test.dat is 'x'"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "words"), WRONG_FOLDERS, ids=[words for _, words in WRONG_FOLDERS])
def test_a_folder_whose_files_do_not_fit_is_refused_in_one_sentence(change, words):
    published()
    change()
    sentence = refusal(opened, "features")
    assert words in sentence, sentence

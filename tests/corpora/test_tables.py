"""CSV tables: rows of another length than the header, columns without a name, other separators and encodings."""

from __future__ import annotations

import gzip
import math
from collections.abc import Sequence
from pathlib import Path

import pytest
from helpers import refusal
from PIL import Image

from ntcir.config import AutoSplit
from ntcir.corpora import open_corpus
from ntcir.corpora.corpus import Corpus


def read(root: Path) -> Corpus:
    return open_corpus(root, AutoSplit())


def written(folder: Path, lines: Sequence[str]) -> Path:
    """Write a records folder with such lines, whose first cell names a picture, and those pictures."""
    (folder / "images").mkdir(parents=True)
    (folder / "records.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for line in lines[1:]:
        if name := line.partition(",")[0].strip('"'):
            Image.new("RGB", (4, 4)).save(folder / "images" / name)
    return folder


def test_a_comma_without_quotes_costs_its_row_and_not_the_reading_beside_it(tmp_path):
    lines = [f"{n}.png,2021-05-01T10:00:{n:02d}Z,{n}.5,7" for n in range(20)]
    lines[4] = "4.png,2021-05-01T10:00:04Z,12,5,7"
    corpus = read(written(tmp_path / "rec", ["file,timestamp,speed,gear", "", *lines]))
    assert "4.png" not in corpus.images.index
    assert corpus.sensors["gear"].unique().tolist() == [7]
    [(reason, rows)] = corpus.report.dropped.items()
    assert reason.endswith(
        "longer than the header, for example because of an unquoted comma (row 7 has 5 cells for 4 columns)"
    )
    assert rows == ["row 7"]


def test_a_table_of_commas_without_quotes_is_refused(tmp_path):
    lines = [f"{n}.png,2021-05-01T10:00:{n:02d}Z,{n},5,7" for n in range(20)]
    sentence = refusal(read, written(tmp_path / "rec", ["file,timestamp,speed,gear", *lines]))
    assert "20 of 20 rows are longer than the header (row 2 has 5 cells for 4 columns)" in sentence
    assert "put cells that contain a comma, such as 12,5, in quotes" in sentence


def test_a_row_that_ends_early_lacks_its_last_readings_and_is_counted(tmp_path):
    lines = [f"{n}.png,2021-05-01T10:00:{n:02d}Z,{n}.5,7" for n in range(20)]
    lines[4] = "4.png,2021-05-01T10:00:04Z,4.5"
    corpus = read(written(tmp_path / "rec", ["file,timestamp,speed,gear", *lines]))
    assert math.isnan(corpus.sensors.loc["4", "gear"])
    [note] = corpus.report.notes
    assert note.startswith("1 rows of records.csv are shorter than the header")
    assert note.endswith("(first: row 6)")


@pytest.mark.parametrize("blank", ['"a\nb"', "\n"])
def test_a_row_s_number_counts_blank_rows_and_not_line_breaks_in_quotes(tmp_path, blank):
    lines = [f"{n}.png,2021-05-01T10:00:{n:02d}Z,{n}.5,x" for n in range(30)]
    if blank == "\n":
        lines.insert(2, "")
    else:
        lines[2] = f"2.png,2021-05-01T10:00:02Z,2.5,{blank}"
    lines[20] = lines[20].replace(".5", "?")
    corpus = read(written(tmp_path / "rec", ["file,timestamp,speed,word", *lines]))
    assert "' in row 22 of records.csv)" in " ".join(corpus.report.notes)


def test_columns_without_a_name_are_left_out_and_that_is_said(tmp_path):
    lines = [f"{n}.png,2021-05-01T10:00:{n:02d}Z,1,2,{n}" for n in range(3)]
    corpus = read(written(tmp_path / "rec", ["file,timestamp,, ,speed", *lines]))
    assert [name for name in corpus.sensors if name != "local_hour"] == ["speed"]
    assert "2 columns of records.csv without a name are left out (columns 3, 4)" in corpus.report.notes
    lines = [f"{n},{n}.png,2021-05-01T10:00:{n:02d}Z,{n}" for n in range(3)]  # a spreadsheet's index is no reading
    assert read(written_with_index(tmp_path / "index", lines)).report.notes == []


def written_with_index(folder: Path, lines: Sequence[str]) -> Path:
    written(folder, ["file", *[line.split(",")[1] for line in lines]])
    (folder / "records.csv").write_text("\n".join([",file,timestamp,speed", *lines]) + "\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("sign", [";", "\t"])
def test_a_table_with_another_separator_is_named(tmp_path, sign):
    lines = ["file,timestamp,speed", "0.png,2021-05-01T10:00:00Z,1"]
    root = written(tmp_path / "rec", lines)
    (root / "records.csv").write_text("\n".join(lines).replace(",", sign))
    assert f"records.csv separates its columns with {sign!r}: save it as CSV, with commas." in refusal(read, root)


@pytest.mark.parametrize(
    ("content", "kind"),
    [("a".encode("utf-16"), "but UTF-16"), ("file\n".encode("utf-16-le") * 40, "but UTF-16"),
     (gzip.compress(b"file,timestamp\n", mtime=0), "but compressed with gzip"), ("é".encode("latin-1"), "(")],
)  # fmt: skip
def test_a_table_in_another_encoding_is_named(tmp_path, content, kind):
    root = written(tmp_path / "rec", ["file,timestamp,speed"])
    (root / "records.csv").write_bytes(content)
    sentence = refusal(read, root)
    assert f"records.csv: it is not UTF-8 text {kind}" in sentence
    assert sentence.endswith("; save it as UTF-8.")


def test_a_report_of_endless_names_is_a_sentence_of_a_page_at_most(tmp_path):
    columns = [f"{'x' * 5000}{number}" for number in range(20)]
    cells = ",".join(["1", "2", "3", "four"] * 5)
    lines = [",".join(["file", "timestamp", *columns]), f"0.png,yesterday,{cells}"]
    assert len(refusal(read, written(tmp_path / "rec", lines))) < 5000
    lines[1:] = [f"{n}.png,2021-05-01T10:00:0{n}Z,{','.join(['1' if n % 4 else 'one'] * 20)}" for n in range(8)]
    report = read(written(tmp_path / "more", lines)).report
    assert len(report.notes) == 20
    assert max(map(len, report.lines())) <= 500
    assert len(report.sentence()) < 4000
    assert report.sentence().endswith("; and 15 more remarks")

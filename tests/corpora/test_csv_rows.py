"""Rows of CSV files: numbered as the file has them, and told from those that are longer or shorter than the header."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ntcir.corpora import csv_rows as rows_module
from ntcir.corpora.csv_rows import survey


def slowly(text: str, columns: int) -> tuple[list[int], dict[int, int], list[int]]:
    """What ``survey`` returns, row by row."""
    numbers: list[int] = []
    longer, shorter = {}, []
    for number, row in enumerate(list(csv.reader(io.StringIO(text, newline="")))[1:], start=2):
        if row:
            if any(row[columns:]):
                longer[len(numbers)] = len(row)
            if len(row) < columns:
                shorter.append(len(numbers))
            numbers.append(number)
    return numbers, longer, shorter


CELLS = ["", "1", "12.5", '"12,5"', '"a\nb"', '"say ""hi"", he said"', "plain text", "é"]


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("block", [1, 7, 1 << 22])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_rows_are_what_a_slow_reader_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, block: int, end: str
):
    draw = random.Random(seed)
    monkeypatch.setattr(rows_module, "_BLOCK", block)
    lines = ["a,b,c,d"]
    for _ in range(draw.randrange(12)):
        odd = draw.random() < (0.3 if seed % 2 else 0)
        lines.append(",".join(draw.choice(CELLS[1:]) for _ in range(draw.choice([3, 5, 6]) if odd else 4)))
        if odd and draw.random() < 0.3:
            lines.append("")
    text = end.join(lines) + (end if draw.random() < 0.5 else "")
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    found = survey(path, 4)
    assert (found.numbers.tolist(), found.longer, found.shorter) == slowly(text, 4)
    frame = pd.read_csv(path, index_col=False, usecols=list("abcd"))  # as tables are read
    assert len(found.numbers) == len(frame)


def test_cells_that_are_too_many_but_empty_are_no_matter(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2,,\n3,4\n")
    assert survey(path, 2).longer == {}


def test_a_large_plain_file_is_not_read_row_by_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + '"x,y",2\n' * 1000)
    monkeypatch.setattr(rows_module, "_survey_by_row", lambda *_: pytest.fail("slow"))
    np.testing.assert_array_equal(survey(path, 2).numbers, np.arange(2, 1002))

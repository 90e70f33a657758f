"""An explanation as a picture: whatever is explained fits on it and can be told apart."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ntcir.encoders.parts import CELL, COLUMN, WORD
from ntcir.modalities import modality
from ntcir.report import explanation as drawing
from ntcir.report.explanation import amount_of, draw_explanation
from ntcir.report.explanations import as_json, as_lines
from ntcir.retrieval.explaining import Contribution, Explanation, Side

LONG = [f"{'very' * (number % 3)}long{number}" for number in range(28)] + ["w" * 200, "$x_1$", "猫", "a\u202eb\x1b[2J"]


def part(name: str, amount: float | None, note: str | None = None) -> Contribution:
    return Contribution(name, None if amount is None else 0.5 - amount, note, amount)


def caption(words: list[str]) -> Side:
    parts = [part(word, None, "not known") if place % 5 == 4 else part(word, 0.01 * place - 0.1)
             for place, word in enumerate(words)]  # fmt: skip
    return Side(modality("text"), None, " ".join(words), WORD, parts)


def reading(number: int) -> Side:
    names = [f"column {place} of a name that is rather long" for place in range(number)]
    values: dict[str, Any] = {name: "text $y$" if place % 2 else place / 3 for place, name in enumerate(names[1:])}
    return Side(
        modality("sensor"), "s1", values, COLUMN, [part(name, 0.05 - 0.001 * n) for n, name in enumerate(names)]
    )


def photograph(folder: Path, size: tuple[int, int], area: tuple[float, ...] = (0, 0, 1, 1)) -> Side:
    path = folder / f"{size[0]}.png"
    Image.new("RGB", size, (30, 30, 230)).save(path)
    amounts = [0.1, 0.0, 0.0, -0.1]
    cells = [part(f"{n // 2 + 1},{n % 2 + 1}", amount) for n, amount in enumerate(amounts)]
    return Side(modality("image"), path.name, str(path), CELL, cells, area)


def drawn(folder: Path, *sides: Side) -> np.ndarray:
    draw_explanation(Explanation(Path("runs/$a$"), "corpus", 0.5, list(sides)), folder / "x.png")
    with Image.open(folder / "x.png") as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def is_blank(pixels: np.ndarray) -> bool:
    return bool((pixels == 255).all())


@pytest.mark.filterwarnings("ignore:Glyph")  # the font has no Chinese
@pytest.mark.parametrize("words", [LONG, ["one"], []])
def test_words_stay_on_the_picture_and_none_covers_another(tmp_path, words):
    side = caption(words)
    pixels = drawn(tmp_path, side)
    assert is_blank(pixels[:, -20:])
    assert is_blank(pixels[-20:])
    for line in drawing._lines(side):
        ends = [(at, at + width) for _, at, width in line]
        assert all(before[1] < after[0] for before, after in pairwise(ends))
    assert [each.name for line in drawing._lines(side) for each, _, _ in line] == words


def test_columns_stay_on_the_picture(tmp_path):
    pixels = drawn(tmp_path, reading(40))
    assert is_blank(pixels[:, :20])
    assert is_blank(pixels[:, -20:])


def test_very_many_words_and_columns_are_not_all_drawn_and_that_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(drawing, "_MOST", 20)
    assert drawn(tmp_path, caption(["word"] * 10_000), reading(5_000)).shape[0] < 1_200
    assert drawing._heading(caption(["word"] * 10_000)) == "caption: as given (20 of 10,000 words)"
    assert drawing._heading(reading(21)) == "reading: s1 (20 of 21 columns)"
    assert "(" not in drawing._heading(reading(20))


@pytest.mark.parametrize("size", [(80, 60), (60, 80), (900, 30), (30, 900)])
def test_the_map_lies_over_the_photograph_green_where_it_raises_the_score_and_red_where_it_lowers_it(tmp_path, size):
    pixels = drawn(tmp_path, photograph(tmp_path, size), caption(["a", "b"]))
    blue = (pixels == (30, 30, 230)).all(axis=2)
    ys, xs = np.nonzero(blue)
    width, height, gap = np.ptp(xs) + 1, np.ptp(ys) + 1, 30
    box = drawing._shape(photograph(tmp_path, size))[0] * 100
    assert width == pytest.approx(box, abs=8)  # a frame is around it
    assert height == pytest.approx(box * size[1] / size[0], abs=8)
    # The second picture is as large as the first and beside it.
    covered = pixels[ys.min() : ys.max(), int(xs.min() + box + gap) :][:, : width - 1]
    corner = (max(height // 4, 1), max(width // 4, 1))
    red, green, _ = covered[corner]
    assert green > red
    red, green, _ = covered[-corner[0], -corner[1]]
    assert red > green


def test_only_what_the_network_sees_is_covered(tmp_path):
    pixels = drawn(tmp_path, photograph(tmp_path, (80, 40), (0.25, 0, 0.75, 1)))
    ys, xs = np.nonzero((pixels == (30, 30, 230)).all(axis=2))
    left = xs.min() + np.ptp(xs) + 30
    covered = pixels[ys.min() + 10 : ys.max() - 10, left + 15 : left + np.ptp(xs) - 15]
    coloured = np.ptp(covered, axis=2).max(axis=0) > 5
    first, last = np.flatnonzero(coloured)[[0, -1]] / len(coloured)
    assert (first, last) == (pytest.approx(0.25, abs=0.05), pytest.approx(0.75, abs=0.05))


def test_lines_and_json_hold_whatever_is_explained():
    explanation = Explanation(Path("runs/a"), "c", 0.5, [caption(["a\tb", "\ud800", "x", "y", "z"]), reading(3)])
    lines = as_lines(explanation).splitlines()
    assert lines[0] == "score\t-\t0.5000\t-"
    assert lines[1] == "word\ta b\t0.6000\t-0.1000"
    assert lines[5] == "word\tz\t-\tnot known"
    assert all(line.count("\t") == 3 for line in lines)
    assert "\ud800" not in as_json(explanation)


@pytest.mark.parametrize(("amount", "shown"), [(0.0, "+0.0000"), (-1e-9, "+0.0000"), (-0.00016, "-0.0002")])
def test_nothing_is_neither_more_nor_less(amount, shown):
    assert amount_of(part("a", amount)) == shown

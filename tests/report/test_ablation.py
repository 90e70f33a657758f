"""An ablation as tables and as a picture."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ntcir.ablation import Estimate, Row, Table
from ntcir.ablation.grid import Cell
from ntcir.report.ablation import COLOURS, draw_chart, markdown, write_csv, write_report

DIRECTIONS = ("img2sen", "sen2img")

METHODS = ("in-batch only", "+ objects", "+ augmentation", "+ mined", "all")


def table(
    methods: Sequence[str] = METHODS,
    weights: Sequence[str] = ("ImageNet", "both"),
    iterations: Sequence[int] = (100, 500),
) -> Table:
    """Return a table of plausible figures; the gain of the last method alone is real."""
    rows = []
    for weight in weights:
        for steps in iterations:
            for method in methods:
                gain = 0.05 if method == methods[-1] else 0.001
                mrr: Any = {direction: Estimate(0.2 + gain, 0.18 + gain, 0.225 + gain) for direction in DIRECTIONS}
                difference: Any = {direction: Estimate(gain, gain - 0.01, gain + 0.01) for direction in DIRECTIONS}
                deviation: Any = dict.fromkeys(DIRECTIONS, 0.003)
                first = method == methods[0]
                file = f"configs/{len(rows)}.yaml"
                rows.append(
                    Row(Cell(weight, steps, method), 80, mrr, {} if first else difference, deviation, 3.21, file)
                )
    random: Any = dict.fromkeys(DIRECTIONS, 0.0294)
    return Table(
        "toy", "lifelog", rows, list(weights), list(methods), list(iterations), [0, 1, 2], [], 200, random, len(rows)
    )


def pixels(path: Path, colour: str) -> int:
    """Return how many pixels have a colour."""
    wanted = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)])
    with Image.open(path) as picture:
        values = np.asarray(picture.convert("RGB")).astype(int)
    return int((np.abs(values - wanted).max(axis=2) < 6).sum())


def test_the_csv_has_a_line_a_row_with_intervals_and_differences(tmp_path):
    write_csv(table(), tmp_path / "results.csv")
    with (tmp_path / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = ["iterations", "method", "weights", "seeds", "folds", "topics"]
    for direction in DIRECTIONS:
        kinds = ("", "_low", "_high", "_seed_sd", "_random", "_difference", "_difference_low", "_difference_high")
        columns += [direction + kind for kind in kinds]
    assert list(rows[0]) == [*columns, "seconds", "config"]
    assert len(rows) == 2 * 2 * 5
    last = rows[4]
    assert (last["iterations"], last["method"], last["weights"], last["seeds"]) == ("100", "all", "ImageNet", "0 1 2")
    assert [float(last[f"img2sen{kind}"]) for kind in ("", "_low", "_high")] == [0.25, 0.23, 0.275]
    assert [float(last[f"sen2img_difference{kind}"]) for kind in ("", "_low", "_high")] == [0.05, 0.04, 0.06]
    assert (last["img2sen_random"], last["img2sen_seed_sd"], last["seconds"]) == ("0.029400", "0.003000", "3.21")
    assert last["config"] == "configs/4.yaml"
    assert rows[0]["img2sen_difference"] == "", "the first method is compared with nothing"


def test_the_markdown_has_random_every_row_and_what_is_real_in_bold():
    lines = markdown(table()).splitlines()
    rows = [line for line in lines if line.startswith("| ")]
    assert len({line.count("|") for line in rows}) == 1
    assert len(rows) == 2 + 20
    assert "| random | 0.0294 |" in rows[1]
    assert "| 100 | ImageNet | all | 0.2500 [0.230, 0.275] | **+0.0500 [+0.0400, +0.0600]** |" in rows[6]
    assert "[4.yaml](configs/4.yaml)" in rows[6]
    assert "**" not in rows[3]
    text = "\n".join(lines)
    assert "80 topics a direction, in pools of 200" in text
    assert "3 trainings each, seeds 0, 1, 2" in text
    assert "8 of 32" in text
    assert "about 2 would be bold by chance" in text


@pytest.mark.usefixtures("caption")
def test_the_directions_of_another_pair_are_the_columns_and_panels(tmp_path):
    whole = table(methods=METHODS[:2], weights=("w",), iterations=(5,))
    other = {"img2sen": "img2cap", "sen2img": "cap2img"}

    def renamed(figures: Any) -> Any:
        return {other[direction]: figure for direction, figure in figures.items()}

    rows = [
        replace(row, mrr=renamed(row.mrr), difference=renamed(row.difference), deviation=renamed(row.deviation))
        for row in whole.rows
    ]
    captions = replace(whole, rows=rows, random=renamed(whole.random), folder=tmp_path)
    write_report(captions)
    text = (tmp_path / "table.md").read_text(encoding="utf-8")
    expected = markdown(whole).replace("img2sen", "img2cap").replace("sen2img", "cap2img")
    assert text == expected
    header = (tmp_path / "results.csv").read_text(encoding="utf-8").splitlines()[0]
    assert "img2cap_low" in header
    assert "sen" not in header
    assert (tmp_path / "chart.png").stat().st_size > 10_000


def test_names_are_no_markup_and_an_unfinished_table_says_so():
    odd = table(methods=("a|b", "*c*\n`d`"), weights=("w",), iterations=(5,))
    text = markdown(replace(odd, rows=odd.rows[:1], folds=["x|y"]))
    row = next(line for line in text.splitlines() if line.startswith("| 5 "))
    assert "a\\|b" in row
    assert "1 of 2 rows" in text
    assert "over 1 folds (x\\|y)" in text
    assert "\\*c\\* 'd'" in markdown(odd)


def test_the_chart_has_a_bar_of_its_own_colour_for_each_method(tmp_path):
    draw_chart(table(), tmp_path / "chart.png")
    with Image.open(tmp_path / "chart.png") as picture:
        picture.verify()
    with Image.open(tmp_path / "chart.png") as picture:
        assert picture.format == "PNG"
        assert 700 <= picture.width <= 2500
        assert 600 <= picture.height <= 1500
    areas = [pixels(tmp_path / "chart.png", colour) for colour in COLOURS[: len(METHODS)]]
    assert min(areas) > 2000
    assert areas[-1] == max(areas[1:]), "the tallest bars"
    assert pixels(tmp_path / "chart.png", COLOURS[5]) == 0


@pytest.mark.parametrize(
    ("methods", "weights", "iterations"),
    [
        (("alone",), ("w",), (1,)),
        (("costs $5", "costs $6"), ("a $\\frac$ b",), (100, 2000)),
        ([f"the method with number {number}" for number in range(16)], ("a very long name of weights, " * 3,), (5,)),
    ],
)
def test_any_number_of_methods_and_any_name_can_be_drawn(tmp_path, methods, weights, iterations):
    draw_chart(table(methods, weights, iterations), tmp_path / "chart.png")
    assert pixels(tmp_path / "chart.png", COLOURS[0]) > 2000


def test_a_table_without_rows_yet_can_be_drawn_and_written(tmp_path):
    whole = table()
    write_report(replace(whole, rows=[], folder=tmp_path / "x"))
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == ["chart.png", "results.csv", "table.md"]
    assert "0 of 20 rows" in (tmp_path / "x/table.md").read_text(encoding="utf-8")


def test_a_chart_that_fails_leaves_the_table(tmp_path, capsys):
    (tmp_path / "x" / "chart.png").mkdir(parents=True)
    write_report(replace(table(), folder=tmp_path / "x"))
    assert (tmp_path / "x" / "table.md").is_file()
    assert (tmp_path / "x" / "results.csv").is_file()
    assert "the chart could not be drawn" in capsys.readouterr().err

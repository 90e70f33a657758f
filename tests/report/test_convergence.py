"""The classification errors of a training by epoch, as a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from matplotlib.axes import Axes
from PIL import Image
from test_curve import has_colour

from ntcir.report.convergence import draw_convergence
from ntcir.report.curve import COLOURS


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[tuple[float, float]]]:
    """What is drawn: the label of each line -> its points."""
    found: dict[str, list[tuple[float, float]]] = {}
    whole = Axes.plot

    def noted(self: Axes, places: Any, values: Any, **options: Any) -> Any:
        label = options["label"]
        found[label + " again" if label in found else label] = list(zip(places, values, strict=True))
        return whole(self, places, values, **options)

    monkeypatch.setattr(Axes, "plot", noted)
    return found


def write(folder: Path, steps: int, *suffixes: str) -> None:
    """Write a log in which the error falls by 1 % a step from 100 %, that of the right side by half as much."""
    rows = []
    for step in range(1, steps + 1):
        row: dict[str, float] = {"step": step, "loss": 1.0}
        for suffix in suffixes:
            for name, share in (("image", 1.0), ("text", 0.5)):
                row[f"{name}_top1_error{suffix}"] = 1 - share * step / 100
                row[f"{name}_top5_error{suffix}"] = 0.5 * (1 - share * step / 100)
        rows.append(row)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def test_points_are_means_over_the_steps_of_an_epoch(tmp_path, lines):
    write(tmp_path, 10, "")
    path = draw_convergence(tmp_path, epoch=4)
    assert path == tmp_path / "convergence.png"
    assert set(lines) == {f"{name}, top-{k}" for name in ("image", "text") for k in (1, 5)}
    # Steps 1 to 4, 5 to 8, and the half of an epoch that is left.
    assert lines["image, top-1"] == [pytest.approx(each) for each in [(1, 0.975), (2, 0.935), (2.5, 0.905)]]
    assert lines["text, top-5"][1] == pytest.approx((2, 0.5 * (1 - 0.0325)))
    assert all(has_colour(path, colour) for colour in COLOURS)
    with Image.open(path) as picture:
        assert 700 <= picture.width <= 2000


def test_an_epoch_of_a_broken_number_of_steps_has_those_that_end_in_it(tmp_path, lines):
    write(tmp_path, 6, "")
    draw_convergence(tmp_path, epoch=1.5)
    # Epochs end at the steps 1.5, 3, 4.5 and 6.
    assert lines["image, top-1"] == [pytest.approx(each) for each in [(1, 0.99), (2, 0.975), (3, 0.96), (4, 0.945)]]


def test_one_epoch_or_less_is_drawn_by_step(tmp_path, lines):
    write(tmp_path, 6, "")
    draw_convergence(tmp_path, epoch=6)
    assert [place for place, _ in lines["image, top-1"]] == [1, 2, 3, 4, 5, 6]
    lines.clear()
    write(tmp_path, 60, "")
    draw_convergence(tmp_path, epoch=1000)
    assert lines["image, top-1"][:2] == [pytest.approx((3, 0.98)), pytest.approx((6, 0.95))]
    assert len(lines["image, top-1"]) == 20


@pytest.mark.parametrize("epoch", [1, 4])
def test_epochs_and_steps_are_marked_by_whole_numbers(tmp_path, monkeypatch, epoch):
    drawn: list[Axes] = []
    monkeypatch.setattr(Axes, "legend", lambda self, **options: drawn.append(self))
    write(tmp_path, 4, "")
    draw_convergence(tmp_path, epoch=epoch)
    marks = drawn[0].get_xticks().tolist()
    assert marks
    assert all(mark == int(mark) for mark in marks)


def test_each_objective_has_its_own_axes(tmp_path, lines):
    write(tmp_path, 6, "", "_2")
    path = draw_convergence(tmp_path, epoch=2)
    assert path is not None
    assert len(lines) == 8
    with Image.open(path) as picture:
        assert picture.height > picture.width


@pytest.mark.parametrize("steps", [0, 3])
def test_a_log_without_errors_is_not_drawn(tmp_path, steps):
    write(tmp_path, steps)
    assert draw_convergence(tmp_path, epoch=2) is None
    assert not (tmp_path / "convergence.png").exists()

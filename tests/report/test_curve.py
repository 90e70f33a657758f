"""The course of a training as a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from PIL import Image

from ntcir.config import Config
from ntcir.report.curve import COLOURS, LOSS, draw_curve


def write_log(folder: Path, steps: int, every: int = 10, ways: tuple[str, ...] = ("img2sen", "sen2img")) -> None:
    folder.mkdir(exist_ok=True)
    rows: list[dict[str, float]] = []
    for step in range(1, steps + 1):
        row = {"step": step, "loss": 5 / step}
        if every and step % every == 0:
            row |= {way: step / (1000 - 500 * place) for place, way in enumerate(ways)} | {"seconds": 0.1}
        rows.append(row)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def has_colour(path: Path, colour: str, within: int = 30) -> bool:
    """Return whether some pixels have a colour, but for the blending of thin lines."""
    wanted = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)])
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    return int((np.abs(pixels - wanted).max(axis=2) < within).sum()) > 20


def test_loss_and_both_validations_are_drawn(tmp_path):
    write_log(tmp_path, 100)
    path = draw_curve(tmp_path, Config().objectives)
    with Image.open(path) as picture:
        picture.verify()
    assert path == tmp_path / "curve.png"
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert 700 <= picture.width <= 2000
        assert 400 <= picture.height <= 1500
    assert all(has_colour(path, colour) for colour in (LOSS, *COLOURS))


def test_standard_errors_are_a_band_where_the_log_has_them(tmp_path):
    write_log(tmp_path, 100)
    plain = draw_curve(tmp_path, Config().objectives).rename(tmp_path / "plain.png")
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    rows = [row | ({"img2sen_se": 0.01} if "img2sen" in row else {}) for row in rows]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    paler = "#f8e4e9"  # 15% of COLOURS[0] on white
    assert not has_colour(plain, paler, within=3)
    assert has_colour(draw_curve(tmp_path, Config().objectives), paler, within=3)


@pytest.mark.usefixtures("caption")
@pytest.mark.parametrize("ways", [("img2cap", "cap2img"), ("cap2img",)])
def test_the_directions_drawn_are_those_of_the_log(tmp_path, ways):
    write_log(tmp_path, 100, ways=ways)
    path = draw_curve(tmp_path, Config().objectives)
    assert [has_colour(path, colour) for colour in COLOURS] == [way in ways for way in ("img2cap", "cap2img")]


def test_without_validation_there_is_the_loss_alone(tmp_path):
    write_log(tmp_path, 100, every=0)
    path = draw_curve(tmp_path, Config().objectives)
    assert [colour for colour in (LOSS, *COLOURS) if has_colour(path, colour)] == [LOSS]


@pytest.mark.parametrize("steps", [0, 1])
def test_a_training_that_has_hardly_begun_can_be_drawn(tmp_path, steps):
    write_log(tmp_path, steps, every=1)
    with Image.open(draw_curve(tmp_path, Config().objectives)) as picture:
        assert picture.width > 700


def test_a_new_picture_takes_the_place_of_the_old_one(tmp_path):
    write_log(tmp_path, 10)
    before = draw_curve(tmp_path, Config().objectives).read_bytes()
    write_log(tmp_path, 90)
    assert draw_curve(tmp_path, Config().objectives).read_bytes() != before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curve.png", "metrics.jsonl"]


def test_a_folder_s_name_is_no_formula(tmp_path):
    folder = tmp_path / "lr_$10^{-3$"
    write_log(folder, steps=20)
    assert draw_curve(folder, Config().objectives).stat().st_size > 0


@pytest.mark.parametrize(
    ("objectives", "words"),
    [
        ([{"kind": "info_nce"}], "loss (InfoNCE, nats)"),
        ([{"kind": "info_nce"}, {"kind": "info_nce", "temperature": 0.2}], "loss (info_nce + info_nce)"),
    ],
)
def test_the_loss_is_called_after_the_objectives(tmp_path, monkeypatch, objectives, words):
    called: list[str] = []
    whole = Axes.set

    def noted(self: Axes, **options: Any) -> Any:
        called.append(options["ylabel"])
        return whole(self, **options)

    monkeypatch.setattr(Axes, "set", noted)
    write_log(tmp_path, steps=20)
    draw_curve(tmp_path, Config().changed({"objectives": objectives}).objectives)
    assert called == [words]

"""Which photographs are blurred or dark, worked out in the background."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from shown import Shown, shown

import ntcir.serve.pictures.quality as quality
from ntcir.serve.pictures.quality import Quality

NAMES = ("sharp.png", "blurred.png", "dark.png", "broken.png", "gone.png")


@pytest.fixture
def walk(tmp_path: Path) -> Shown:
    images = tmp_path / "images"
    images.mkdir()
    grain = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8))
    grain = grain.resize((128, 96), Image.Resampling.NEAREST)
    grain.save(images / "sharp.png")
    grain.filter(ImageFilter.GaussianBlur(6)).save(images / "blurred.png")
    grain.point(lambda value: value // 16).save(images / "dark.png")
    (images / "broken.png").write_bytes((images / "sharp.png").read_bytes()[:300])
    return shown(tmp_path, NAMES)


def judged(walk: Shown) -> Quality:
    found = Quality(walk)
    found.start()
    assert found.wait(10)
    return found


def test_each_photograph_is_judged_and_what_cannot_be_is_not_hidden(walk):
    found = judged(walk)
    assert found.counts() == {"total": 5, "judged": 5, "blurred": 1, "dark": 1, "unreadable": 2}
    assert found.blurred().tolist() == [False, True, False, False, False]
    assert found.dark().tolist() == [False, False, True, False, False]


def test_nothing_is_hidden_before_it_is_judged(walk):
    found = Quality(walk)
    assert found.judged == 0
    assert np.isnan(found.edges).all()
    assert not found.blurred().any()
    assert not found.dark().any()


def test_what_is_known_is_not_worked_out_again_but_what_was_gone_is_tried(walk, monkeypatch):
    first = judged(walk)
    looked = []
    load = quality.load
    monkeypatch.setattr(quality, "load", lambda path, least: looked.append(path.name) or load(path, least))
    again = judged(walk)
    assert looked == ["gone.png"]
    np.testing.assert_array_equal(again.edges, first.edges)
    np.testing.assert_array_equal(again.light, first.light)


def test_an_index_with_other_photographs_takes_over_what_is_known_of_each(walk):
    first = judged(walk)
    names = ["new.png", *reversed(NAMES[:3])]
    (walk.root / "images/sharp.png").rename(walk.root / "images/new.png")
    again = judged(shown(walk.root, names))
    assert again.edges[1:].tolist() == first.edges[2::-1].tolist()
    assert again.edges[0] == first.edges[0]


@pytest.mark.parametrize("content", [b"", b"no array", None])
def test_a_damaged_file_is_made_again(walk, content, capsys):
    first = judged(walk)
    place = walk.folder / "quality.npy"
    place.write_bytes(place.read_bytes()[:-7] if content is None else content)
    assert judged(walk).counts() == first.counts()
    assert "quality.npy is damaged" in capsys.readouterr().err
    assert judged(walk).counts() == first.counts()
    assert "damaged" not in capsys.readouterr().err


def test_it_waits_while_requests_are_answered_and_stops_at_once(walk):
    found = Quality(walk)
    with found.busy():
        found.start()
        time.sleep(0.05)
        assert found.judged == 0
        began = time.monotonic()
        found.stop()
        assert time.monotonic() - began < 0.5
    assert found.judged == 0
    assert not (walk.folder / "quality.npy").exists()


def test_a_page_that_is_always_busy_does_not_stop_it(walk, monkeypatch):
    monkeypatch.setattr(quality, "_PATIENCE", 0.01)
    found = Quality(walk)
    with found.busy():
        found.start()
        assert found.wait(10)
    assert found.judged == 5


def test_what_is_known_when_it_is_stopped_is_kept(walk, monkeypatch):
    load = quality.load
    found = Quality(walk)

    def stopping(path, least):
        found._stop.set()
        return load(path, least)

    monkeypatch.setattr(quality, "load", stopping)
    found.start()
    assert found.wait(10)
    assert found.judged == 1
    monkeypatch.setattr(quality, "load", load)
    assert judged(walk).judged == 5


def test_where_it_cannot_be_kept_it_is_known_all_the_same(walk, capsys):
    (walk.folder / "quality.npy").mkdir()
    assert judged(walk).judged == 5
    assert "cannot be kept" in capsys.readouterr().err

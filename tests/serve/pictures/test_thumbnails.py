"""Photographs as the page shows them."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from picturing import blocks
from shown import Shown, jpeg, opened, says_nothing, shown

import ntcir.serve.pictures.thumbnails as thumbnails
from ntcir.features.decode import UnreadableImage
from ntcir.serve.pictures.photographs import PictureGone
from ntcir.serve.pictures.thumbnails import LARGE, SMALL, Thumbnails


@pytest.fixture
def walk(tmp_path: Path) -> Shown:
    images = tmp_path / "images"
    images.mkdir()
    for number in range(4):
        (images / f"{number}.jpg").write_bytes(jpeg(blocks(640, 480, seed=number)))
    return shown(tmp_path, [f"{number}.jpg" for number in range(4)])


def kept(walk: Shown) -> list[Path]:
    return sorted(walk.folder.glob("thumbnails/??/*"))


def test_a_test_picture_says_where_it_was_taken():
    assert not says_nothing(jpeg(blocks(64, 48)))


@pytest.mark.parametrize("size", ["small", "large"])
def test_a_picture_on_the_page_does_not_say_where_it_was_taken(walk, size):
    assert says_nothing(getattr(Thumbnails(walk), size)(0))


def test_a_small_one_is_small_and_a_large_one_not_too_large(walk):
    (walk.root / "images/1.jpg").write_bytes(jpeg(blocks(1700, 30)))
    made = Thumbnails(walk)
    assert opened(made.small(0)).size == (320, 240)
    assert opened(made.large(0)).size == (640, 480)
    assert opened(made.small(1)).size == (SMALL, 6)
    assert opened(made.large(1)).size == (LARGE, 28)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_both_are_upright(walk, orientation):
    upright = blocks(400, 240)
    (walk.root / "images/0.jpg").write_bytes(jpeg(upright, orientation))
    made = Thumbnails(walk)
    for content in (made.small(0), made.large(0)):
        found = opened(content)
        expected = np.asarray(upright.resize(found.size), dtype=float)
        assert np.abs(np.asarray(found, dtype=float) - expected).mean() < 6


def test_a_small_one_is_made_once_until_the_photograph_changes(walk, monkeypatch):
    first = Thumbnails(walk).small(0)
    with monkeypatch.context() as patch:
        patch.setattr(thumbnails, "load", lambda *_: pytest.fail("it was decoded again"))
        again = Thumbnails(walk)
        assert again.kept(0) == again.small(0) == first
    assert len(kept(walk)) == 1
    tag = again.tag(0)
    (walk.root / "images/0.jpg").write_bytes(jpeg(blocks(300, 200, seed=9)))
    assert again.tag(0) != tag
    assert again.kept(0) is None
    assert opened(again.small(0)).size == (300, 200)


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff\xe0 half"])
def test_one_that_a_crash_has_truncated_is_made_again(walk, content):
    made = Thumbnails(walk)
    whole = made.small(0)
    kept(walk)[0].write_bytes(content)
    assert made.kept(0) is None
    assert made.small(0) == whole == kept(walk)[0].read_bytes()


def test_many_at_once_decode_two_at_a_time_and_each_once(walk, monkeypatch):
    running, most, made = 0, 0, []
    load = thumbnails.load

    def counted(path, at_least):
        nonlocal running, most
        running += 1
        most = max(most, running)
        made.append(path.name)
        try:
            return load(path, at_least)
        finally:
            running -= 1

    monkeypatch.setattr(thumbnails, "load", counted)
    one = Thumbnails(walk)
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(one.small, [0, 1, 2, 3] * 10))
    assert len(set(found)) == 4
    assert sorted(made) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert most <= 2
    assert len(kept(walk)) == 4  # and no half ones beside them


def test_what_cannot_be_shown_is_counted_once_with_its_reason_until_it_can(walk):
    images = walk.root / "images"
    (images / "0.jpg").unlink()
    (images / "1.jpg").write_bytes(jpeg(blocks(640, 480))[:5000])
    (images / "2.jpg").unlink()
    os.mkfifo(images / "2.jpg")  # nobody writes into it: whoever opens it waits for ever
    one = Thumbnails(walk)
    for _ in range(2):
        for size in (one.small, one.large):
            with pytest.raises(PictureGone):
                size(0)
            for row in (1, 2):
                with pytest.raises(UnreadableImage):
                    size(row)
    one.small(3)
    told = one.gone()
    assert told["count"] == 3
    reasons = {each["id"]: each["reason"].partition(" (")[0] for each in told["first"]}
    assert reasons == {
        "0.jpg": "its file is gone", "1.jpg": "image file is truncated", "2.jpg": "it is a named pipe, not a file"
    }  # fmt: skip
    (images / "0.jpg").write_bytes(jpeg(blocks(64, 48)))
    one.small(0)
    assert one.gone()["count"] == 2


def test_where_nothing_can_be_kept_pictures_are_shown_all_the_same(walk, capsys):
    (walk.folder / "thumbnails").write_text("in the way")
    one = Thumbnails(walk)
    assert opened(one.small(0)).size == opened(one.small(0)).size == (320, 240)
    assert capsys.readouterr().err.count("Thumbnails cannot be kept") == 1

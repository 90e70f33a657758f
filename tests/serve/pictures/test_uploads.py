"""Pictures that people upload to ask with."""

from __future__ import annotations

import os
import zlib
from io import BytesIO

import numpy as np
import pytest
from helpers import refusal
from picturing import blocks
from PIL import Image
from shown import jpeg, opened, says_nothing

import ntcir.serve.pictures.uploads as uploads
from ntcir.serve.pictures.uploads import MOST_BYTES, NotUploaded, TooLarge, Uploads


def saved(picture: Image.Image, kind: str, **options) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be vast."""

    def part(name: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    data = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", data) + part(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_picture_of_any_usual_kind_is_kept_as_a_jpeg_of_its_pixels(tmp_path, kind):
    upright = blocks(200, 120)
    folder = Uploads(tmp_path)
    digest = folder.add(saved(upright, kind))
    content = folder.path(digest).read_bytes()
    assert says_nothing(content)
    assert np.abs(np.asarray(opened(content), dtype=float) - np.asarray(upright, dtype=float)).mean() < (
        20 if kind == "GIF" else 6
    )


@pytest.mark.parametrize("orientation", [1, 6, 8])
def test_what_a_phone_sends_is_turned_reduced_and_says_nothing_of_where(tmp_path, orientation):
    folder = Uploads(tmp_path)
    content = folder.path(folder.add(jpeg(blocks(1700, 900), orientation))).read_bytes()
    assert says_nothing(content)
    assert opened(content).size == (1600, 847)


def test_of_an_animation_the_first_picture_is_taken(tmp_path):
    red, blue = Image.new("RGB", (40, 40), "red"), Image.new("RGB", (40, 40), "blue")
    folder = Uploads(tmp_path)
    found = opened(folder.path(folder.add(saved(red, "GIF", save_all=True, append_images=[blue]))).read_bytes())
    assert found.getpixel((20, 20))[0] > 240


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is empty"),
        (b"%PDF-1.7 and so on", "not a picture in a known format"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "a drawing (SVG)"),
        (b'\n<?xml version="1.0"?><svg onload="alert(1)"/>', "a drawing (SVG)"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (saved(blocks(40, 40), "PPM"), "is a PPM file: a picture must be JPEG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "not a picture in a known format"),
        (jpeg(blocks(640, 480))[:5000], "cannot be read: image file is truncated"),
        (saved(blocks(90, 90), "PNG")[:-500], "cannot be read"),
        (bomb(50_000, 50_000), "more than the 50 million pixels"),
        (bomb(65_536, 10), "65,536 x 10 pixels: no side may have more than 65,535"),
        (bomb(1, 50_000_000), "1 x 50,000,000 pixels: no side may have more than 65,535"),
        (bomb(10_000, 5_001), "10,000 x 5,001 pixels, more than the 50 million pixels"),
    ],
)
def test_anything_else_is_refused_in_a_sentence_and_not_kept(tmp_path, data, why):
    assert why in refusal(Uploads(tmp_path).add, data)
    assert not (tmp_path / "uploads").exists()


def test_more_bytes_than_are_read_are_refused(tmp_path):
    with pytest.raises(TooLarge, match="more than 20 megabytes"):
        Uploads(tmp_path).add(b"\xff" * (MOST_BYTES + 1))


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "0" * 31, "0" * 33, "A" * 32, "0" * 32 + "\n", "0" * 32])
def test_only_a_digest_leads_to_a_file(tmp_path, digest):
    (tmp_path / "uploads").mkdir()
    with pytest.raises(NotUploaded):
        Uploads(tmp_path).path(digest)


def test_what_was_not_used_for_longest_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_KEPT", 3)
    folder = Uploads(tmp_path)
    kept = []
    for number in range(3):
        kept.append(folder.add(saved(blocks(40, 40, seed=number), "PNG")))
        os.utime(folder.path(kept[-1]), (number, number))
    folder.path(kept[0])  # used
    kept.append(folder.add(saved(blocks(40, 40, seed=3), "PNG")))
    assert {path.stem for path in (tmp_path / "uploads").iterdir()} == {kept[0], kept[2], kept[3]}
    assert "upload it again" in refusal(folder.path, kept[1])


def test_the_same_picture_is_kept_once(tmp_path):
    folder = Uploads(tmp_path)
    assert folder.add(jpeg(blocks(40, 40))) == folder.add(jpeg(blocks(40, 40)))
    assert len(list((tmp_path / "uploads").iterdir())) == 1

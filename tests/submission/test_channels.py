"""Pictures of one to four channels are to the networks what training made of their files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ntcir.features.decode import decode, squares_of_planes
from ntcir.features.preprocessing import Square
from ntcir.submission.channels import channel_remarks, rgb_planes
from ntcir.submission.readers import TorchvisionReader, read_upright


def drawn(mode: str) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 12, 4), dtype=np.uint8).repeat(30, 0).repeat(30, 1)
    picture = Image.fromarray(pixels, "RGBA")
    if mode == "LA":
        return Image.merge("LA", [picture.convert("L"), picture.getchannel("A")])
    return picture if mode == "RGBA" else picture.convert("RGB").convert(mode)


@pytest.mark.parametrize(
    ("mode", "suffix", "channels"),
    [("L", "jpg", 1), ("RGB", "jpg", 3), ("CMYK", "jpg", 4), ("L", "png", 1), ("LA", "png", 2), ("RGBA", "png", 4),
     ("1", "png", 1)],
)  # fmt: skip
@pytest.mark.parametrize("way", ["full", "scaled"])
def test_a_picture_as_torchvision_reads_it_is_what_it_was_in_training(
    tmp_path: Path, mode: str, suffix: str, channels: int, way: str
) -> None:
    square = Square(decode=way)
    path = str(tmp_path / f"a.{suffix}")
    drawn(mode).save(path)
    planes = TorchvisionReader()(path)
    assert planes.shape == (channels, 270, 360)
    expected = decode(path, square)
    found = squares_of_planes(rgb_planes(planes), [square])[square]
    if mode == "CMYK":  # converted to RGB with rounding
        assert np.abs(found.astype(int) - expected).max() <= 1
    else:
        np.testing.assert_array_equal(found, expected)
    assert rgb_planes(planes).shape == (3, 270, 360)


def test_what_is_done_is_said_a_sentence_a_kind_with_number_and_first_place() -> None:
    assert channel_remarks([]) == []
    found = [(4, "record 1"), (1, "record 2"), (1, "record 5"), (2, "record 7")]
    one, two, four = channel_remarks(found)
    assert one == "2 images have one channel (grey): the plane is repeated (first: record 2)."
    assert two.startswith("1 image has two channels (grey and alpha)")
    assert "the first three are taken as RGB" in four


def test_their_reader_tells_what_it_gives_in_another_way_than_ours(tmp_path: Path) -> None:
    read, exif = TorchvisionReader(), Image.Exif()
    exif[274] = 6
    drawn("RGB").save(tmp_path / "turned.jpg", exif=exif)
    drawn("L").save(tmp_path / "grey.jpg")
    drawn("RGB").save(tmp_path / "plain.jpg")
    assert read(str(tmp_path / "plain.jpg")).shape == (3, 270, 360)
    assert read.remarks() == []
    for _ in range(2):  # a picture is read once for each topic that it is in
        turned, _grey = (read(str(tmp_path / name)) for name in ("turned.jpg", "grey.jpg"))
    np.testing.assert_array_equal(np.rot90(turned, -1, (1, 2)), read_upright(str(tmp_path / "turned.jpg")))
    grey, rotated = read.remarks()
    assert grey == "Written with 1 channel instead of 3, as torchvision reads them: 1 photograph (grey.jpg)."
    assert rotated.endswith("ignores the EXIF orientation: 1 photograph (turned.jpg).")

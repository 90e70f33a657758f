"""A picture becomes the square that each network names, whichever others are asked for beside it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from picturing import blocks, saved, turned_jpeg
from PIL import Image
from torchvision import transforms

import ntcir.features.decode as decode_module
from ntcir.config import Features
from ntcir.features.decode import decode, decode_squares, squares_of_planes, to_square
from ntcir.features.jpegs import DeviceDecoder, to_squares
from ntcir.features.preprocessing import IMAGENET, Preprocessing, Square, Statistics, configured, distinct

OURS = Square(size=40, crop=32)
THEIRS = Square(resize="shorter", size=36, crop=32, interpolation="bicubic", reduced=False)
LARGER = Square(resize="squash", size=80, crop=80, interpolation="bicubic", reduced=False)
ALL = (OURS, THEIRS, LARGER)
SCALED = tuple(
    Square(one.resize, one.size, one.crop, "scaled", one.interpolation, reduced=True) for one in (OURS, THEIRS, LARGER)
)


def apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.abs(one.astype(int) - other.astype(int))


@pytest.mark.parametrize("size", [(1024, 768), (300, 501), (90, 64), (20, 31)])
@pytest.mark.parametrize(("resize", "to", "crop"), [("shorter", 72, 64), ("squash", 72, 64), ("shorter", 64, 64)])
def test_bicubic_without_reducing_is_torchvisions_resize_of_all_pixels(tmp_path, size, resize, to, crop):
    image = blocks(*size)
    resizing = transforms.Resize(
        (to, to) if resize == "squash" else to, interpolation=transforms.InterpolationMode.BICUBIC
    )
    expected = transforms.Compose([resizing, transforms.CenterCrop(crop), transforms.PILToTensor()])(image)
    square = Square(resize, to, crop, interpolation="bicubic", reduced=False)
    np.testing.assert_array_equal(decode(saved(tmp_path / "a.png", image), square), expected.numpy())


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
@pytest.mark.parametrize("wanted", [ALL, SCALED], ids=["full", "scaled"])
def test_each_square_is_what_it_is_alone_in_any_company(tmp_path, name, wanted):
    path = saved(tmp_path / name, blocks(640, 480))
    planes = np.asarray(Image.open(path).convert("RGB")).transpose(2, 0, 1)
    for order in itertools.permutations(wanted):
        for found in (decode_squares(path, order), squares_of_planes(planes, order)):
            assert list(found) == list(order)
        for square, picture in decode_squares(path, order).items():
            np.testing.assert_array_equal(picture, decode(path, square))


def test_all_pixels_are_decoded_once_for_all_squares(tmp_path, monkeypatch):
    path = saved(tmp_path / "a.jpg", blocks(640, 480))
    seen: list[int | None] = []
    load = decode_module.load_image
    monkeypatch.setattr(decode_module, "load_image", lambda file, least: (seen.append(least), load(file, least))[1])
    decode_squares(path, ALL)
    assert seen == [None]
    decode_squares(path, SCALED)  # a JPEG is reduced as far as each size allows, whoever else asks
    assert seen[1:] == [40, 36, 80]


@pytest.mark.parametrize("size", [(1024, 768), (150, 100), (31, 20)])
@pytest.mark.parametrize("resize", ["squash", "shorter"])
def test_bicubic_of_scaled_decoding_is_within_a_grey_level_of_pillows(size, resize):
    image = blocks(*size)
    pillow = to_square(image, Square(resize, 72, 65, interpolation="bicubic"))
    assert apart(to_square(image, Square(resize, 72, 65, "scaled", "bicubic")), pillow).max() <= 1


@pytest.mark.parametrize("turn", [None, Image.Transpose.ROTATE_90])
def test_bicubic_on_a_device_goes_neither_below_black_nor_beyond_white(turn):
    image = Image.fromarray((np.indices((120, 160)).sum(axis=0) // 9 % 2 * 255).astype(np.uint8)).convert("RGB")
    square = Square("shorter", 72, 65, interpolation="bicubic", reduced=False)
    found = to_squares(torch.from_numpy(np.array(image)).permute(2, 0, 1)[None], turn, square)[0].numpy()
    expected = to_square(image if turn is None else image.transpose(turn), square)
    assert apart(found, expected).max() <= 2
    assert {0, 255} <= set(np.unique(found))


def test_a_devices_decoder_gives_every_square_of_every_file(tmp_path):
    paths = [str(turned_jpeg(tmp_path / f"{turn}.jpg", blocks(300, 200), turn)) for turn in (1, 6)]
    paths.append(str(saved(tmp_path / "c.png", blocks(90, 80))))
    found = DeviceDecoder(torch.device("cpu"), SCALED)(paths)
    for path, one in zip(paths, found, strict=True):
        assert list(one) == list(SCALED)
        for square, picture in one.items():
            assert apart(picture.numpy(), decode(path, square)).mean() < 2.5


def test_networks_with_the_same_square_share_it_whatever_their_statistics():
    other = Statistics((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    assert distinct([Preprocessing(OURS), Preprocessing(THEIRS, other), Preprocessing(OURS, other)]) == [OURS, THEIRS]


def test_what_the_configuration_says_is_described_as_it_always_was():
    for decoding, more in (("full", {}), ("scaled", {"resample": "torch"})):
        square = Square.of(Features(resize="shorter", size=72, crop=64, decode=decoding))
        assert configured(square) == {"decode": decoding, "resize": "shorter", "size": 72, "crop": 64, **more}
    whole = Preprocessing(THEIRS).described()
    assert whole["mean"] == list(IMAGENET.mean)
    assert (whole["interpolation"], whole["reduced"], whole["size"]) == ("bicubic", False, 36)

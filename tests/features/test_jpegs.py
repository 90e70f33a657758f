"""A device's decoder gives what the ordinary one gives, and never more; what is odd goes the ordinary way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from picturing import TURNED, blocks, kinds_of, ramp, saved, turned_jpeg
from PIL import Image

import ntcir.features.jpegs as jpegs_module
from ntcir.features.decode import UnreadableImage, decode, reduce, to_square
from ntcir.features.jpegs import Decoded, DeviceDecoder, available, to_squares
from ntcir.features.preprocessing import Square

pytestmark = pytest.mark.filterwarnings("ignore:The image decoding and encoding capabilities")
PLAIN = {"plain", "whole colours", "halved colours", "progressive", "restarts"}
SMALL = Square(decode="scaled", size=72, crop=65)


@pytest.fixture(params=["cpu", "cuda"])
def device(request) -> torch.device:
    chosen = torch.device(request.param)
    if not available(chosen):
        pytest.skip(f"torchvision cannot decode JPEGs on {chosen} here")
    return chosen


@pytest.fixture
def given(monkeypatch) -> list[int]:
    """How many files the device's decoder was given, each time."""
    seen: list[int] = []
    decoded = jpegs_module._decoded

    def counted(data: list[torch.Tensor], device: torch.device) -> list[torch.Tensor]:
        seen.append(len(data))
        return decoded(data, device)

    monkeypatch.setattr(jpegs_module, "_decoded", counted)
    return seen


def square(decoded: Decoded | UnreadableImage, device: torch.device | None = None) -> np.ndarray:
    assert isinstance(decoded, dict), decoded
    (found,) = decoded.values()
    assert found.dtype == torch.uint8
    assert found.is_contiguous()
    assert device is None or found.device.type == device.type
    return found.cpu().numpy()


def verdict(path: Path) -> str | None:
    """Why the ordinary way cannot read a file, if it cannot."""
    try:
        decode(path, SMALL)
    except UnreadableImage as error:
        return str(error)
    return None


def apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


def test_a_device_without_a_decoder_is_none():
    assert available(torch.device("cpu"))
    assert not available(torch.device("meta"))
    assert torch.cuda.is_available() or not available(torch.device("cuda"))


def test_a_decoder_that_fails_or_gives_something_else_is_none(monkeypatch):
    def failing(data: list[torch.Tensor], device: torch.device) -> list[torch.Tensor]:
        raise RuntimeError("torchvision not compiled with nvJPEG support")

    for decoder in (failing, lambda data, device: [torch.zeros(3, 48, 64, dtype=torch.uint8)]):
        available.cache_clear()
        monkeypatch.setattr(jpegs_module, "_decoded", decoder)
        assert not available(torch.device("cpu"))
    available.cache_clear()


@pytest.mark.parametrize("size", [(1024, 768), (701, 503), (143, 144), (100, 90), (20, 31), (1, 1), (160, 10)])
@pytest.mark.parametrize("turn", [None, *Image.Transpose])
@pytest.mark.parametrize("resize", ["squash", "shorter"])
def test_pixels_become_the_square_that_pillow_makes_of_them(size, turn, resize):
    options = Square(resize=resize, size=72, crop=65)
    stored = [blocks(*size, seed=seed) for seed in (1, 2)]
    pictures = torch.stack([torch.from_numpy(np.array(image)).permute(2, 0, 1) for image in stored])
    found = to_squares(pictures, turn, options).numpy()
    for one, image in zip(found, stored, strict=True):
        small = reduce(image, options.size)
        expected = to_square(small if turn is None else small.transpose(turn), options)
        assert np.abs(one.astype(int) - expected).max() <= 2
        assert apart(one, expected) < 0.5


@pytest.mark.parametrize("resize", ["squash", "shorter"])
@pytest.mark.parametrize("size", [(800, 600), (700, 500), (150, 100), (1500, 100), (16, 16)])
def test_files_become_what_the_ordinary_way_makes_of_them(tmp_path, device, given, size, resize):
    upright = blocks(*size)
    paths = kinds_of(tmp_path, upright)
    options = replace(SMALL, resize=resize)
    found = DeviceDecoder(device, [options])([str(path) for path in paths.values()])
    assert given == [len(PLAIN)]
    for (name, path), one in zip(paths.items(), found, strict=True):
        if name in PLAIN:  # compared to all their pixels, as reducing within the JPEG moves halved colours
            assert apart(square(one, device), decode(path, replace(options, decode="full"))) < 1, name
        else:
            np.testing.assert_array_equal(square(one, device), decode(path, options), err_msg=name)


@pytest.mark.parametrize("resize", ["squash", "shorter"])
def test_every_orientation_is_turned_upright(tmp_path, device, given, resize):
    options = replace(SMALL, resize=resize)
    upright = blocks(700, 500)
    paths = [turned_jpeg(tmp_path / f"{number}.jpg", upright, number) for number in TURNED]
    found = DeviceDecoder(device, [options])([str(path) for path in paths])
    assert given == [8]
    expected = to_square(reduce(upright, 72), options)
    for one, path in zip(found, paths, strict=True):
        assert apart(square(one, device), expected) < 2, path.name


def test_real_photographs_are_as_in_the_ordinary_way(shared, device, given):
    folders = [shared / "data" / "exif" / "orientation", shared / "data" / "exif" / "gps"]
    paths = [str(path) for folder in folders for path in sorted(folder.glob("*.jpg"))]
    paths += [str(path) for path in sorted((shared / "data" / "photos").glob("*.jpg"))[:10]]
    for resize in ("squash", "shorter"):
        options = Square(decode="scaled", resize=resize)
        found = DeviceDecoder(device, [options])(paths)
        for path, one in zip(paths, found, strict=True):
            assert apart(square(one, device), decode(path, options)) < 2.5, path
    assert sum(given) >= 2 * (len(paths) - 2)  # a grey one or two may be among them


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
def test_half_a_picture_is_never_taken_for_a_whole_one(tmp_path, device, given, options):
    thumbnail = saved(tmp_path / "small.jpg", ramp()).read_bytes()  # within a segment, with an end of its own
    data = saved(tmp_path / "a.jpg", blocks(300, 200), quality=90, comment=thumbnail, **options).read_bytes()
    lengths = sorted({*range(0, len(data), 97), *range(0, 40), *range(len(data) - 300, len(data)), len(thumbnail) + 24})
    assert any(data[:length].endswith(b"\xff\xd9") for length in lengths)  # the trap is there
    paths = []
    for length in lengths:
        paths.append(tmp_path / f"{length}.jpg")
        paths[-1].write_bytes(data[:length])
    found = DeviceDecoder(device, [SMALL])([*map(str, paths), str(tmp_path / "a.jpg")])
    for path, one in zip(paths, found, strict=False):
        assert isinstance(one, UnreadableImage), path.name
        assert str(one) == verdict(path)
    assert square(found[-1]).shape == (3, 65, 65)
    assert given == [1]


def test_corrupt_files_have_the_ordinary_verdict(tmp_path, device):
    data = saved(tmp_path / "a.jpg", blocks(300, 200), quality=90).read_bytes()
    draw = np.random.default_rng(4)
    paths = []
    for number in range(60):
        wrong = bytearray(data)
        for place in draw.integers(2 if number % 2 else 600, len(data), 1 + number % 7):
            wrong[place] = draw.integers(256)
        paths.append(tmp_path / f"{number}.jpg")
        paths[-1].write_bytes(wrong)
    unreadable = 0
    for path, one in zip(paths, DeviceDecoder(device, [SMALL])([str(path) for path in paths]), strict=True):
        assert str(one) == verdict(path) or (verdict(path) is None and square(one).shape == (3, 65, 65)), path.name
        unreadable += verdict(path) is not None
    assert 0 < unreadable < len(paths)


def test_bad_files_have_their_reasons_and_cost_the_others_nothing(tmp_path, device):
    good = saved(tmp_path / "a.jpg", blocks(300, 200), quality=90)
    (tmp_path / "text.jpg").write_bytes(b"This is no picture.\n")
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "folder.jpg").mkdir()
    bad = [tmp_path / name for name in ("text.jpg", "empty.jpg", "folder.jpg", "absent.jpg")]
    paths = [bad[0], good, bad[1], good, bad[2], bad[3]]
    found = DeviceDecoder(device, [SMALL])([str(path) for path in paths])
    for path, one in zip(paths, found, strict=True):
        if path == good:
            assert apart(square(one), decode(good, SMALL)) < 1
        else:
            assert str(one) == verdict(path)
    assert DeviceDecoder(device, [SMALL])([]) == []


def some(folder: Path, number: int) -> list[str]:
    return [str(saved(folder / f"{seed}.jpg", blocks(300, 200, seed), quality=90)) for seed in range(number)]


def test_what_the_device_refuses_goes_the_ordinary_way_alone(tmp_path, monkeypatch):
    paths = some(tmp_path, 6)
    refused = Path(paths[2]).read_bytes()
    decoded, asked = jpegs_module._decoded, []

    def choosy(data: list[torch.Tensor], device: torch.device) -> list[torch.Tensor]:
        asked.append(len(data))
        if any(one.numpy().tobytes() == refused for one in data):
            raise RuntimeError("Failed to decode jpeg stream: 2")
        return decoded(data, device)

    monkeypatch.setattr(jpegs_module, "_decoded", choosy)
    found = DeviceDecoder(torch.device("cpu"), [SMALL])(paths)
    np.testing.assert_array_equal(square(found[2]), decode(paths[2], SMALL))
    for path, one in zip(paths, found, strict=True):
        assert apart(square(one), decode(path, SMALL)) < 1
    assert asked == [6, 1, 1, 1, 1, 1, 1]


def test_a_picture_of_another_size_than_its_header_says_is_not_believed(tmp_path, monkeypatch):
    paths = some(tmp_path, 2)
    monkeypatch.setattr(
        jpegs_module, "_decoded", lambda data, device: [torch.zeros(3, 10, 10, dtype=torch.uint8) for _ in data]
    )
    for path, one in zip(paths, DeviceDecoder(torch.device("cpu"), [SMALL])(paths), strict=True):
        np.testing.assert_array_equal(square(one), decode(path, SMALL))


def test_batches_are_cut_to_what_fits_and_change_nothing(tmp_path, monkeypatch, device, given):
    paths = some(tmp_path, 5)
    paths.insert(1, str(saved(tmp_path / "other.jpg", blocks(200, 170), quality=90)))
    together = DeviceDecoder(device, [SMALL])(paths)
    monkeypatch.setattr(jpegs_module, "_PIXELS", 2 * 300 * 200)
    parts = DeviceDecoder(device, [SMALL])(paths)
    assert given == [6, 2, 2, 2]
    monkeypatch.setattr(jpegs_module, "_PIXELS", 300 * 200 - 1)  # all but the other are too large
    ordinary = DeviceDecoder(device, [SMALL])(paths)
    assert given == [6, 2, 2, 2, 1]
    for path, one, part, last in zip(paths, together, parts, ordinary, strict=True):
        np.testing.assert_array_equal(square(one), square(part))
        if "other" not in path:
            np.testing.assert_array_equal(square(last), decode(path, SMALL))


def test_what_follows_a_picture_does_not_matter(tmp_path, device, given):
    path = saved(tmp_path / "a.jpg", blocks(300, 200), quality=90)
    expected = DeviceDecoder(device, [SMALL])([str(path)])[0]
    path.write_bytes(path.read_bytes() + b"a film, as some telephones add it" * 100)
    np.testing.assert_array_equal(square(DeviceDecoder(device, [SMALL])([str(path)])[0]), square(expected))
    assert given == [1, 1]


@pytest.mark.parametrize("marker", [b"\xff\xc4\0\4\0\0", b"\xff\xc8\0\2", b"\xff\xd8"])
def test_a_scan_that_something_breaks_off_goes_the_ordinary_way(tmp_path, device, given, marker):
    path = saved(tmp_path / "a.jpg", blocks(300, 200), quality=90)
    data = path.read_bytes()
    path.write_bytes(data[:-2000] + marker + data[-2000:])
    found = DeviceDecoder(device, [SMALL])([str(path)])[0]
    assert str(found) == verdict(path) or np.array_equal(square(found), decode(path, SMALL))
    assert given == []

"""Pictures of every kind, upright and in eight bits; and what is no picture."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from picturing import TURNED, ramp, saved
from PIL import Image
from torchvision import transforms

from ntcir.features.decode import UnreadableImage, decode, load_image, reduce, squares_of_planes, to_square
from ntcir.features.preprocessing import Square


def pixels(path: Path, at_least: int | None = None) -> np.ndarray:
    image = load_image(path, at_least)
    assert image.mode == "RGB"
    return np.asarray(image).astype(int)


def test_an_rgb_picture_is_as_it_is(tmp_path):
    np.testing.assert_array_equal(pixels(saved(tmp_path / "a.png", ramp())), ramp())
    assert np.abs(pixels(saved(tmp_path / "a.jpg", ramp(), quality=98, subsampling=0)) - ramp()).mean() < 1


@pytest.mark.parametrize("name", ["grey.png", "grey.jpg", "grey.tif", "grey.bmp"])
def test_grey_is_the_same_in_each_channel(tmp_path, name):
    grey = ramp()[..., 0]
    found = pixels(saved(tmp_path / name, grey))
    for channel in range(3):
        assert np.abs(found[..., channel] - grey).max() <= 3


def test_transparency_is_dropped_and_the_colours_stay(tmp_path):
    grey = Image.fromarray(np.dstack([ramp()[..., 0], np.full((64, 96), 128, dtype=np.uint8)]), "LA")
    np.testing.assert_array_equal(pixels(saved(tmp_path / "la.png", grey))[..., 1], ramp()[..., 0])
    colour = np.dstack([ramp(), ramp()[..., 0]])
    np.testing.assert_array_equal(pixels(saved(tmp_path / "rgba.png", colour)), ramp())


@pytest.mark.parametrize("options", [{}, {"transparency": 3}])
def test_a_palette_picture_has_the_colours_of_its_palette(tmp_path, options):
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 30]], dtype=np.uint8)
    places = np.tile(np.arange(4, dtype=np.uint8), (8, 2))
    image = Image.fromarray(places, "P")
    image.putpalette(colours.tobytes())
    for name in ("palette.png", "palette.gif"):
        np.testing.assert_array_equal(pixels(saved(tmp_path / name, image, **options)), colours[places])


def test_one_bit_a_pixel_is_black_and_white(tmp_path):
    image = Image.fromarray(np.eye(8, dtype=bool))
    np.testing.assert_array_equal(pixels(saved(tmp_path / "bits.png", image))[..., 0], np.eye(8) * 255)


def test_a_cmyk_jpeg_has_its_colours_and_not_their_negative(tmp_path):
    image = Image.new("CMYK", (64, 32))
    image.paste((0, 255, 255, 0), (0, 0, 32, 32))  # red
    image.paste((255, 255, 0, 128), (32, 0, 64, 32))  # dark blue
    found = pixels(saved(tmp_path / "cmyk.jpg", image, quality=95))
    assert np.abs(found[16, 8] - [255, 0, 0]).max() < 12
    assert np.abs(found[16, 56] - [0, 0, 127]).max() < 12
    assert decode(tmp_path / "cmyk.jpg", Square(size=16, crop=16)).shape == (3, 16, 16)


@pytest.mark.parametrize("name", ["deep.png", "deep.tif"])
def test_sixteen_bit_grey_is_scaled_and_not_clipped(tmp_path, name):
    values = np.linspace(0, 65535, 64 * 96).astype(np.uint16).reshape(64, 96)
    found = pixels(saved(tmp_path / name, values))
    np.testing.assert_array_equal(found[..., 0], np.rint(values / 257))
    np.testing.assert_array_equal(found[..., 0], found[..., 2])
    dark = saved(tmp_path / f"dark-{name}", (values // 100).astype(np.uint16))
    assert pixels(dark).max() == 3  # dark stays dark


def test_a_big_endian_sixteen_bit_tiff_is_the_same(tmp_path):
    values = np.linspace(0, 65535, 64 * 96).astype(np.uint16).reshape(64, 96)
    image = Image.frombytes("I;16B", (96, 64), values.astype(">u2").tobytes())
    np.testing.assert_array_equal(pixels(saved(tmp_path / "big.tif", image))[..., 0], np.rint(values / 257))


def test_float_pictures_are_taken_for_zero_to_one_or_else_for_zero_to_255(tmp_path):
    values = np.linspace(0, 0.5, 64 * 96, dtype=np.float32).reshape(64, 96)
    np.testing.assert_array_equal(pixels(saved(tmp_path / "unit.tif", values))[..., 0], np.rint(values * 255))
    bytes_ = np.linspace(-3, 300, 64 * 96, dtype=np.float32).reshape(64, 96)
    bytes_[0, 0] = np.nan
    found = pixels(saved(tmp_path / "bytes.tif", bytes_))[..., 0]
    np.testing.assert_array_equal(found, np.rint(np.clip(np.nan_to_num(bytes_), 0, 255)))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "deep.png", "deep.tif"])
def test_every_exif_orientation_is_turned_upright(tmp_path, name, orientation):
    upright = Image.fromarray(ramp())
    stored = TURNED[orientation](upright)
    if name.startswith("deep"):
        stored = Image.fromarray(np.asarray(stored)[..., 0].astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / name, stored, exif=exif, **({"quality": 98, "subsampling": 0} if ".jpg" in name else {}))
    found = pixels(path)
    assert found.shape == (64, 96, 3)
    assert np.abs(found[..., 0] - ramp()[..., 0]).mean() < 1.5
    square = decode(path, Square(size=32, crop=32))
    assert square[0, 16, 31] > square[0, 16, 0] + 100  # red still grows to the right
    assert name.startswith("deep") or square[1, 31, 16] > square[1, 0, 16] + 100


def test_real_photographs_in_all_orientations_are_the_same_upright_picture(shared):
    folder = shared / "data" / "exif" / "orientation"
    small = Square(size=16, crop=16)  # each has its number in the middle, and the first is darker
    squares = [decode(folder / f"landscape_{number}.jpg", small) for number in range(1, 9)]
    for number, square in enumerate(squares[1:], 2):
        assert np.corrcoef(square.ravel(), squares[0].ravel())[0, 1] > 0.98, number
        for wrong in (square[:, ::-1], square[:, :, ::-1], square.transpose(0, 2, 1), square[:, ::-1, ::-1]):
            assert np.corrcoef(wrong.ravel(), squares[0].ravel())[0, 1] < 0.9


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("tag", [b"", b"Exif\0\0garbage that is no TIFF header", b"Exif\0\0II*\0\xff\xff\xff\xff"])
def test_broken_exif_does_not_cost_the_picture(tmp_path, tag):
    path = saved(tmp_path / "a.jpg", ramp(), quality=95)
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff\xe1" + (len(tag) + 2).to_bytes(2, "big") + tag + data[2:])
    assert np.abs(pixels(path) - ramp()).mean() < 3


def unreadable(path: Path) -> str:
    with pytest.raises(UnreadableImage) as caught:
        decode(path, Square(size=32, crop=32))
    assert "\n" not in str(caught.value)
    assert str(path.parent) not in str(caught.value)
    return str(caught.value)


def test_what_is_no_whole_picture_is_unreadable_with_a_reason(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    whole = saved(tmp_path / "whole.jpg", noise).read_bytes()
    png = saved(tmp_path / "whole.png", noise).read_bytes()
    broken = {
        "empty.jpg": b"",
        "text.jpg": b"This is no picture, whatever its name says.\n",
        "half.jpg": whole[: len(whole) // 2],
        "head.jpg": whole[:300],
        "half.png": png[: len(png) // 2],
        "corrupt.png": png[:100] + bytes(reversed(png[100:5000])) + png[5000:],
        "zeros.jpg": bytes(5000),
    }
    for name, data in broken.items():
        (tmp_path / name).write_bytes(data)
        assert unreadable(tmp_path / name), name
    assert unreadable(tmp_path / "absent.jpg") == "no such file or directory"
    assert unreadable(tmp_path / "text.jpg") == "the file is not an image in a known format"
    (tmp_path / "folder.jpg").mkdir()
    assert unreadable(tmp_path / "folder.jpg")


def test_a_picture_that_would_fill_the_memory_is_unreadable(tmp_path):
    path = tmp_path / "bomb.png"
    Image.new("1", (20_000, 20_000)).save(path)
    assert "exceeds limit" in unreadable(path)


@pytest.mark.parametrize("resize", ["squash", "shorter"])
def test_one_pixel_becomes_a_square_of_its_colour(tmp_path, resize):
    path = saved(tmp_path / "dot.png", np.array([[[10, 200, 30]]], dtype=np.uint8))
    square = decode(path, Square(size=20, crop=16, resize=resize))
    assert square.shape == (3, 16, 16)
    assert square.dtype == np.uint8
    assert square.flags["C_CONTIGUOUS"]
    np.testing.assert_array_equal(square, np.broadcast_to(np.array([10, 200, 30])[:, None, None], (3, 16, 16)))


@pytest.mark.parametrize("size", [(30_000, 3), (3, 30_000)])
def test_a_very_long_picture_costs_little_memory_and_gives_its_middle(tmp_path, size):
    width, height = size
    values = np.zeros((height, width, 3), dtype=np.uint8)
    values[height // 2 - 200 : height // 2 + 200] = 200 if height > width else 0
    if width > height:
        values[:, width // 2 - 200 : width // 2 + 200] = 200
    path = saved(tmp_path / "long.png", values)
    code = """
import resource, sys
from ntcir.features.decode import decode
from ntcir.features.preprocessing import Square
resource.setrlimit(resource.RLIMIT_AS, (1_500_000_000, 1_500_000_000))  # resized whole, it would take more
decode(sys.argv[1], Square(resize="shorter"))
"""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2]), "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", code, str(path)], env=environment, check=True)
    square = decode(path, Square(resize="shorter"))
    assert square.shape == (3, 224, 224)
    assert square.min() > 190
    assert decode(path, Square(resize="squash")).shape == (3, 224, 224)


@pytest.mark.parametrize("size", [(1024, 768), (768, 1024), (1023, 767), (300, 250), (129, 64), (4000, 500)])
@pytest.mark.parametrize(("to", "crop"), [(64, 64), (72, 65), (256, 224)])
def test_shorter_is_torchvisions_resize_and_centre_crop(size, to, crop):
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (size[1] // 8, size[0] // 8, 3), dtype=np.uint8))
    image = image.resize(size, Image.Resampling.BICUBIC)
    expected = transforms.Compose([transforms.Resize(to), transforms.CenterCrop(crop), transforms.PILToTensor()])(image)
    found = to_square(image, Square(resize="shorter", size=to, crop=crop))
    np.testing.assert_array_equal(found, expected.numpy())


@pytest.mark.parametrize("size", [(1024, 768), (300, 250), (160, 120)])
@pytest.mark.parametrize(("to", "crop"), [(64, 64), (256, 224)])
def test_squash_is_torchvisions_resize_to_a_square(size, to, crop):
    image = Image.fromarray(ramp(*size))
    steps = [transforms.Resize((to, to)), transforms.CenterCrop(crop), transforms.PILToTensor()]
    np.testing.assert_array_equal(
        to_square(image, Square(resize="squash", size=to, crop=crop)), transforms.Compose(steps)(image).numpy()
    )
    # And nearly what its other implementation, on tensors, gives.
    tensor = transforms.Resize((to, to), antialias=True)(transforms.PILToTensor()(image)).numpy().astype(int)
    assert np.abs(to_square(image, Square(resize="squash", size=to, crop=to)) - tensor).max() <= 1


@pytest.mark.parametrize("size", [(1024, 768), (768, 1024), (447, 1000), (449, 448), (223, 100), (8 * 224, 8 * 224)])
def test_a_jpeg_is_never_decoded_to_less_than_the_size_asked_for(tmp_path, size):
    path = saved(tmp_path / "a.jpg", ramp(*size), quality=95)
    image = load_image(path, at_least=224)
    assert min(image.size) >= min(224, *size)
    assert abs(image.width / image.height - size[0] / size[1]) < 0.02
    assert load_image(path).size == size
    if min(size) >= 448:
        assert image.width < size[0]  # and it does save work


@pytest.mark.parametrize("way", ["full", "scaled"])
@pytest.mark.parametrize("resize", ["squash", "shorter"])
def test_decoding_at_reduced_size_changes_little(tmp_path, resize, way):
    blocks = np.random.default_rng(2).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    image = Image.fromarray(blocks).resize((1024, 768), Image.Resampling.BICUBIC)
    path = saved(tmp_path / "a.jpg", image, quality=95)
    options = Square(resize=resize, size=224, crop=224, decode=way)
    assert load_image(path, at_least=224).size == (341, 256) or load_image(path, at_least=224).size == (512, 384)
    difference = np.abs(decode(path, options).astype(int) - to_square(image, options))
    assert difference.mean() < 2


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_reducing_averages_blocks_and_keeps_the_size_asked_for(factor):
    pixels = np.random.default_rng(5).integers(0, 256, (16 * factor, 24 * factor + 7, 3), dtype=np.uint8)
    reduced = np.asarray(reduce(Image.fromarray(pixels), at_least=16))
    blocks = pixels[:, : 24 * factor].reshape(16, factor, 24, factor, 3).mean(axis=(1, 3))
    assert np.abs(reduced[:, :24] - blocks).max() <= 0.5 + 1e-9
    assert reduce(Image.fromarray(pixels), at_least=16 * factor).size == (24 * factor + 7, 16 * factor)


@pytest.mark.parametrize("resize", ["squash", "shorter"])
@pytest.mark.parametrize("size", [(1024, 768), (767, 1023), (100, 80), (3000, 250)])
def test_pixels_from_elsewhere_give_the_square_that_their_file_gives(tmp_path, resize, size):
    draw = np.random.default_rng(6)
    planes = draw.integers(0, 256, (3, size[1], size[0]), dtype=np.uint8)
    options = Square(resize=resize)
    path = saved(tmp_path / "a.png", planes.transpose(1, 2, 0))
    np.testing.assert_array_equal(squares_of_planes(planes, [options])[options], decode(path, options))


@pytest.mark.parametrize("exif", [False, True])
def test_all_pixels_of_a_jpeg_give_the_square_that_the_jpeg_gives(tmp_path, exif):
    tags = Image.Exif()
    tags[0x0112] = 6
    path = saved(tmp_path / "a.jpg", ramp(1024, 768), quality=90, **({"exif": tags} if exif else {}))
    planes = np.ascontiguousarray(np.asarray(load_image(path)).transpose(2, 0, 1))
    np.testing.assert_array_equal(squares_of_planes(planes, [Square()])[Square()], decode(path, Square()))


def test_decoding_keeps_no_file_open_and_little_memory(tmp_path):
    path = saved(tmp_path / "a.jpg", ramp(640, 480))
    options = Square(size=32, crop=32)
    decode(path, options)
    handles = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 0
    tracemalloc.start()
    for _ in range(20):
        decode(path, options)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 100_000
    assert handles == (len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 0)

"""Fast decoding gives nearly what full decoding gives, and the same however the pixels come."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from picturing import blocks, kinds_of, ramp, saved, turned_jpeg
from PIL import Image, ImageOps
from torch.nn import functional
from torchvision.transforms import v2

from ntcir.features.decode import UnreadableImage, decode, load_image, reduce, squares_of_planes, to_square
from ntcir.features.preprocessing import Square

QUICK = "AVX" in torch.backends.cpu.get_cpu_capability()  # where torch resizes bytes as such
SIZES = [(1024, 768), (768, 1023), (640, 480), (447, 300), (224, 224), (100, 80), (1, 1), (3, 500), (3000, 250)]


def noise(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(width * height).integers(0, 256, (height, width, 3), dtype=np.uint8)


def apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.abs(one.astype(int) - other.astype(int))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("resize", "to", "crop"), [("squash", 224, 224), ("squash", 97, 64), ("shorter", 72, 65)])
def test_resizing_is_within_a_grey_level_of_pillows(size, resize, to, crop):
    image = Image.fromarray(noise(*size))
    found = to_square(image, Square(decode="scaled", resize=resize, size=to, crop=crop))
    expected = to_square(image, Square(decode="full", resize=resize, size=to, crop=crop))
    assert found.dtype == np.uint8
    assert found.flags["C_CONTIGUOUS"]
    assert found.flags["OWNDATA"] or found.base.nbytes == found.nbytes  # no whole picture is kept alive by its crop
    assert found.shape == expected.shape == (3, crop, crop)
    difference = apart(found, expected)
    assert difference.max() <= 1
    assert difference.mean() < (0.03 if min(size) > 100 else 0.25)


@pytest.mark.parametrize("size", [(1024, 768), (300, 250), (129, 64), (4000, 500)])
@pytest.mark.parametrize(("resize", "to", "crop"), [("squash", 64, 64), ("shorter", 72, 65), ("shorter", 256, 224)])
def test_resizing_is_torchvisions_on_tensors(size, resize, to, crop):
    image = Image.fromarray(noise(*size))
    resizing = v2.Resize((to, to) if resize == "squash" else to, antialias=True)
    expected = v2.Compose([v2.PILToTensor(), resizing, v2.CenterCrop(crop)])(image)
    found = to_square(image, Square(decode="scaled", resize=resize, size=to, crop=crop))
    assert apart(found, expected.numpy()).max() <= (0 if QUICK else 1)  # it takes floats where bytes are slow


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("threads", [1, 2])
def test_layout_threads_and_batch_make_no_difference(size, threads):
    pixels = noise(*size)
    expected = to_square(Image.fromarray(pixels), Square(decode="scaled"))
    torch.set_num_threads(threads)
    planes = torch.from_numpy(pixels.transpose(2, 0, 1).copy())
    batch = torch.stack([planes, 255 - planes, planes])
    for values in (
        planes[None],
        planes[None].contiguous(memory_format=torch.channels_last),
        batch,
        batch.contiguous(memory_format=torch.channels_last),
    ):
        found = functional.interpolate(values, (224, 224), mode="bilinear", antialias=True)
        np.testing.assert_array_equal(found[0].numpy(), expected)
        np.testing.assert_array_equal(found[-1].numpy(), expected)
    np.testing.assert_array_equal(to_square(Image.fromarray(pixels), Square(decode="scaled")), expected)


@pytest.mark.skipif(not QUICK, reason="torch's quick resizing needs AVX2")
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted by /proc")
def test_decoders_start_no_threads_of_their_own(tmp_path):
    path = saved(tmp_path / "a.jpg", blocks(1024, 768))
    code = """
import sys, threading
from pathlib import Path
import torch
from ntcir.features.decode import decode
from ntcir.features.preprocessing import Square

def work():
    decode(sys.argv[1], Square(decode="scaled"))
    decoded.wait()
    leave.wait()

torch.set_num_threads(4)
decode(sys.argv[1], Square(decode="scaled"))
decoded, leave = threading.Barrier(4), threading.Event()
before = len(list(Path("/proc/self/task").iterdir()))
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
decoded.wait()
print(torch.get_num_threads(), len(list(Path("/proc/self/task").iterdir())) - before)
leave.set()
"""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    command = [sys.executable, "-c", code, str(path)]
    assert subprocess.run(command, env=environment, check=True, capture_output=True).stdout.split() == [b"4", b"3"]


@pytest.mark.parametrize("resize", ["squash", "shorter"])
@pytest.mark.parametrize("size", [(447, 300), (600, 447), (100, 80), (7000, 200), (3, 400)])
@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_planes_give_the_square_of_their_file_where_nothing_is_reduced(tmp_path, size, resize, name):
    path = saved(tmp_path / name, noise(*size))
    options = Square(decode="scaled", resize=resize)
    planes = np.asarray(load_image(path)).transpose(2, 0, 1)
    expected = decode(path, options)
    np.testing.assert_array_equal(squares_of_planes(planes, [options])[options], expected)
    np.testing.assert_array_equal(squares_of_planes(np.ascontiguousarray(planes), [options])[options], expected)


@pytest.mark.parametrize("resize", ["squash", "shorter"])
@pytest.mark.parametrize("size", [(1024, 768), (767, 1023), (3000, 450)])
def test_planes_that_are_reduced_give_the_square_of_their_png_and_nearly_that_of_their_jpeg(tmp_path, size, resize):
    options = Square(decode="scaled", resize=resize)
    image = blocks(*size)
    square = squares_of_planes(np.asarray(image).transpose(2, 0, 1), [options])[options]
    np.testing.assert_array_equal(square, decode(saved(tmp_path / "a.png", image), options))
    assert apart(square, decode(saved(tmp_path / "a.jpg", image, quality=95), options)).mean() < 2


@pytest.mark.parametrize("resize", ["squash", "shorter"])
def test_full_decoding_stays_what_pillow_makes_of_all_pixels(tmp_path, resize):
    path = turned_jpeg(tmp_path / "a.jpg", Image.fromarray(noise(1024, 768)), 6)
    with Image.open(path) as opened:
        image = ImageOps.exif_transpose(opened).convert("RGB").reduce(2)
    width, height = (224, 224) if resize == "squash" else (224 * image.width // image.height, 224)
    left = round((width - 200) / 2)
    resized = image.resize((width, height), Image.Resampling.BILINEAR).crop((left, 12, left + 200, 212))
    expected = np.asarray(resized).transpose(2, 0, 1)
    np.testing.assert_array_equal(decode(path, Square(resize=resize, crop=200)), expected)


@pytest.mark.parametrize("resize", ["squash", "shorter"])
@pytest.mark.parametrize("size", [(150, 100), (700, 500)])
def test_every_kind_of_picture_is_as_in_full(tmp_path, resize, size):
    upright = blocks(*size)
    for name, path in kinds_of(tmp_path, upright).items():
        found = decode(path, Square(decode="scaled", resize=resize, size=72, crop=64))
        full = decode(path, Square(decode="full", resize=resize, size=72, crop=64))
        assert apart(found, full).mean() < 1.5, name
        expected = to_square(reduce(upright, 72), Square(resize=resize, size=72, crop=64))
        if name in ("grey", "deep"):
            expected = np.broadcast_to(
                np.asarray(Image.fromarray(expected.transpose(1, 2, 0)).convert("L")), (3, 64, 64)
            )
        assert apart(found, expected).mean() < (12 if name == "palette" else 2), name


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("resize", ["squash", "shorter"])
@pytest.mark.parametrize("size", [(150, 100), (700, 500)])
def test_every_orientation_is_turned_upright(tmp_path, orientation, resize, size):
    upright = blocks(*size)
    options = Square(decode="scaled", resize=resize, size=72, crop=65)
    found = decode(turned_jpeg(tmp_path / "a.jpg", upright, orientation), options)
    assert apart(found, to_square(reduce(upright, 72), options)).mean() < 2


def test_real_photographs_in_all_orientations_are_as_in_full(shared):
    for path in sorted((shared / "data" / "exif" / "orientation").glob("*.jpg")):
        for resize in ("squash", "shorter"):
            found = decode(path, Square(decode="scaled", resize=resize))
            assert apart(found, decode(path, Square(resize=resize))).mean() < 2, path.name


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_that_ends_too_soon_is_unreadable_wherever_it_ends(tmp_path, progressive):
    data = saved(tmp_path / "a.jpg", blocks(640, 480), quality=90, progressive=progressive).read_bytes()
    path = tmp_path / "cut.jpg"
    for length in [*range(3, len(data), len(data) // 30), len(data) - 20, len(data) - 2, len(data) - 1]:
        path.write_bytes(data[:length])
        with pytest.raises(UnreadableImage):
            decode(path, Square(decode="scaled"))
    path.write_bytes(data)
    assert decode(path, Square(decode="scaled")).shape == (3, 224, 224)


@pytest.mark.parametrize("resize", ["squash", "shorter"])
def test_one_pixel_becomes_a_square_of_its_colour(tmp_path, resize):
    path = saved(tmp_path / "dot.png", np.array([[[10, 200, 30]]], dtype=np.uint8))
    square = decode(path, Square(decode="scaled", size=20, crop=16, resize=resize))
    np.testing.assert_array_equal(square, np.broadcast_to(np.array([10, 200, 30])[:, None, None], (3, 16, 16)))


@pytest.mark.parametrize("size", [(30_000, 3), (3, 30_000)])
def test_a_very_long_picture_gives_its_middle(tmp_path, size):
    values = np.zeros((size[1], size[0], 3), dtype=np.uint8)
    along = values if size[1] > size[0] else values.transpose(1, 0, 2)
    along[15_000 - 200 : 15_000 + 200] = 200
    path = saved(tmp_path / "long.png", values)
    assert decode(path, Square(decode="scaled", resize="shorter")).min() > 190
    squashed = decode(path, Square(decode="scaled", resize="squash"))
    assert apart(squashed, decode(path, Square(resize="squash"))).max() <= 1


def test_a_jpeg_that_was_read_needs_its_file_no_more(tmp_path):
    path = saved(tmp_path / "a.jpg", ramp(), quality=98, subsampling=0)
    image = load_image(path)
    path.unlink()
    assert image.mode == "RGB"
    assert apart(np.asarray(reduce(image, 32)), np.asarray(Image.fromarray(ramp()).reduce(2))).mean() < 1
    assert image.copy().resize((8, 8)).crop((1, 1, 3, 3)).size == (2, 2)

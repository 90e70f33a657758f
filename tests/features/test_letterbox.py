"""From a file to what a detector sees, and its boxes back to the file's pixels."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest
from detecting import (
    options,
)
from PIL import ExifTags, Image

from ntcir.features.detector import Detector
from ntcir.features.letterbox import Frame, Letterboxed, letterbox


@pytest.mark.parametrize("stride", [0, 32])
@pytest.mark.parametrize("size", [(640, 480), (90, 133), (31, 700), (1000, 1), (96, 96), (97, 95)])
def test_boxes_go_back_to_where_they_were(tmp_path, size, stride):
    Image.new("RGB", size, "red").save(tmp_path / "a.png")
    picture = letterbox(tmp_path / "a.png", Frame(96, 128, stride))
    height, width = picture.pixels.shape[1:]
    assert (height, width) == (96, 128) if stride == 0 else (height <= 96 and width <= 128 and not height % 32)
    assert picture.original == size
    red = (picture.pixels == np.array([255, 0, 0])[:, None, None]).all(axis=0)
    rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    around = np.array([[columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]], dtype=np.float32)
    np.testing.assert_allclose(picture.restored(around), [[0, 0, *size]], rtol=1e-6)
    np.testing.assert_allclose(picture.restored(around + np.array([-50, -50, 50, 50])), [[0, 0, *size]], rtol=1e-6)
    assert (picture.pixels[:, ~red] == 114).all()
    middle = np.array([[around[0, ::2].mean(), around[0, 1::2].mean()] * 2])
    np.testing.assert_allclose(picture.restored(middle), [[size[0] / 2, size[1] / 2] * 2], rtol=1e-6)


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_a_picture_is_seen_upright_whatever_its_orientation_in_the_file(tmp_path, kind):
    draw = np.random.default_rng(2)
    upright = Image.fromarray(draw.integers(0, 256, (6, 9, 3), dtype=np.uint8)).resize((960, 640))
    to_file = [
        None, Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180, Image.Transpose.FLIP_TOP_BOTTOM,
        Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_90, Image.Transpose.TRANSVERSE, Image.Transpose.ROTATE_270,
    ]  # fmt: skip
    seen = []
    for orientation, turn in enumerate(to_file, 1):
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        path = tmp_path / f"{orientation}.{kind}"
        (upright.transpose(turn) if turn is not None else upright).save(path, exif=exif, quality=97)
        seen.append(letterbox(path, Frame(96, 96, 32)))
    assert {picture.original for picture in seen} == {(960, 640)}
    assert {picture.pixels.shape for picture in seen} == {(3, 64, 96)}
    for picture in seen[1:]:
        difference = np.abs(picture.pixels.astype(int) - seen[0].pixels)
        assert difference.mean() < (0.5 if kind == "png" else 2)


def test_a_batch_that_ultralytics_gave_up_on_is_predicted_again_one_by_one(weights):
    """It ends its suppression of overlapping boxes after some seconds, and the rest of the batch has no boxes."""
    detector = Detector(weights, options(weights))
    draw = np.random.default_rng(1)
    pictures = []
    for _ in range(3):
        pixels = draw.integers(0, 256, (3, 96, 96), dtype=np.uint8)
        pictures.append(Letterboxed(pixels, 0, 0, (96, 96), (96, 96)))
    expected = [len(rows) for rows in detector.submit(pictures).result()]
    predictor = detector._idle.get()
    postprocess = predictor.postprocess

    def gives_up(*given: Any) -> list[Any]:
        results = list(postprocess(*given))
        if len(results) > 1:
            logging.getLogger("ultralytics").warning("NMS time limit 2.150s exceeded")
            results[1:] = [result[:0] for result in results[1:]]
        return results

    predictor.postprocess = gives_up
    detector._idle.put(predictor)
    assert [len(rows) for rows in detector.submit(pictures).result()] == expected
    assert min(expected) > 0

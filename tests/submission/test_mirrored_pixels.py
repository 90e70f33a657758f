"""A model of pictures and their mirror images, on the organisers' pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bundling import small_config, small_model
from extracting import corpus_of
from PIL import Image

from ntcir.features.image_features import ImageFeatures
from ntcir.model.model import Model
from ntcir.submission.accepted import self_contained
from ntcir.submission.pictures import PictureEncoder
from ntcir.submission.pixels import pixel_text
from ntcir.submission.readers import read_upright


@pytest.mark.parametrize("of_its_own", [False, True])
def test_pixels_get_the_vector_of_their_file_and_mirror_images_that_of_the_picture(tmp_path: Path, of_its_own) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    draw = np.random.default_rng(0)
    for number in range(3):
        pixels = draw.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        Image.fromarray(np.ascontiguousarray(pixels[:, ::-1])).save(folder / f"{number}-mirrored.png")
    config = small_config(features__mirror=True, features__store=str(tmp_path / "store"), features__precision="fp32")
    model = small_model(config)
    if of_its_own:  # networks lie in the model, as in what is handed in
        self_contained(model)
        model.save(tmp_path / "model")
        model = Model.load(tmp_path / "model")
    corpus = corpus_of(folder)
    features, ids = ImageFeatures(corpus, model.config.features), corpus.images.index.tolist()
    features.ensure(ids)
    expected = model.unit_vectors("image", features.load(ids))
    paths = corpus.images["path"].tolist()
    np.testing.assert_allclose(model.unit_vectors("image", features.encode_files(paths)), expected, atol=1e-5)
    with PictureEncoder(model, self_contained(model)) as encoder:
        for path in paths:
            encoder.number(pixel_text(read_upright(path)), "a record")
        found = encoder.vectors()
    np.testing.assert_allclose(found.vectors, expected, atol=1e-5)
    assert found.twins.tolist() == list(range(6))
    np.testing.assert_allclose(expected[::2], expected[1::2], atol=1e-5)  # a picture and its mirror image
    assert np.abs(expected[0] - expected[2]).max() > 1e-3

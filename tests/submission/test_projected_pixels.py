"""A model of levels and their principal components, on the organisers' pixels, and explained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from bundling import small_config
from extracting import corpus_of
from helpers import toy_corpus
from PIL import Image

from ntcir.encoders import open_rows
from ntcir.encoders.presets import chosen_columns
from ntcir.encoders.readings import ReadingsEncoder
from ntcir.model.model import Model
from ntcir.submission.accepted import self_contained
from ntcir.submission.pictures import PictureEncoder
from ntcir.submission.pixels import pixel_text
from ntcir.submission.readers import read_upright

LEVELS = {
    "arch": "squeezenet1_1", "weights": "random",
    "levels": [{"layer": "features.12", "grid": 2}, {"layer": "features.4", "grid": 3}],
}  # fmt: skip


@pytest.mark.parametrize("mirror", [False, True])
def test_pixels_get_the_vector_of_their_file(tmp_path: Path, mirror: bool) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    draw = np.random.default_rng(0)
    for number in range(5):
        Image.fromarray(draw.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    config = small_config(
        LEVELS, features__store=str(tmp_path / "store"), features__precision="fp32", features__mirror=mirror,
        towers__image__pca=3, towers__image__standardise=False,
    )  # fmt: skip
    corpus, readings = corpus_of(folder), toy_corpus()
    rows, ids = open_rows(config, corpus, "image"), corpus.images.index.tolist()
    rows.ensure(ids)
    rows.fit(ids)
    columns = chosen_columns(config.sensors, readings.sensors, readings.layout)
    encoders = {"image": rows.encoder, "sensor": ReadingsEncoder.fit(columns, readings.sensors)}
    model = Model(config, encoders, {"corpus": "toy"})
    expected = model.unit_vectors("image", rows.load(ids))
    self_contained(model)  # networks lie in the model, as in what is handed in
    model.save(tmp_path / "model")
    model = Model.load(tmp_path / "model")
    assert [facet.name for facet in model.encoders["image"].facets(config)] == [
        "squeezenet1_1 features.12", "squeezenet1_1 features.4",
    ]  # fmt: skip
    opened = open_rows(config, corpus, "image", model.encoders["image"])
    paths = corpus.images["path"].tolist()
    asked = np.concatenate([encoded for _, encoded in opened.encode(dict(zip(ids, paths, strict=True)))])
    np.testing.assert_allclose(model.unit_vectors("image", asked), expected, atol=1e-5)
    with PictureEncoder(model, self_contained(model)) as encoder, torch.inference_mode():
        for path in paths:
            encoder.number(pixel_text(read_upright(path)), "a record")
        found = encoder.vectors()
    np.testing.assert_allclose(found.vectors, expected, atol=1e-5)
    parts = opened.apart(paths[0], asked[:1], 2)
    np.testing.assert_allclose(parts.whole, asked[:1], atol=1e-4)
    assert parts.without.shape == (4, rows.dim)

"""Encoders whose rows are principal components: from the configuration to saved models; and facets of networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from helpers import FEATURES, one_thread, refusal, toy_config, toy_corpus, toy_rows  # noqa: F401
from toy_captions import captioned

from ntcir.config import Config, load_config
from ntcir.encoders import open_rows
from ntcir.encoders.frozen import FrozenEncoder
from ntcir.encoders.sentences import SentencesEncoder
from ntcir.encoders.vectors import VectorsEncoder

pytestmark = pytest.mark.usefixtures("one_thread")
PCA: dict[str, Any] = {"towers__image__pca": 5, "towers__image__standardise": False}
LEVELS = [
    {"arch": "squeezenet1_1", "weights": "random", "levels": [{"layer": "features.12", "grid": 2}, {"layer": "b"}]},
    {"arch": "resnet18", "weights": "places365"},
    {"arch": "resnet18", "weights": "/tmp/own.pth"},
]


def typed(*settings: str) -> list[str]:
    return [f"towers.{setting}" for setting in settings]


@pytest.mark.parametrize("mirror", [False, True])
def test_rows_are_projected_wherever_they_come_from(mirror):
    corpus = toy_corpus()
    rows = toy_rows(toy_config(**PCA, features__mirror=mirror), corpus)["image"]
    assert rows.is_fitted
    assert rows.dim == 5 * (1 + mirror)
    ids = corpus.split("train")["image"].tolist()
    (remark,) = rows.fit(ids)
    assert remark.startswith("towers.image.pca = 5: the components have these shares of the variance: ")
    loaded = rows.load(ids)
    assert loaded.shape == (len(ids), rows.dim)
    assert np.square(loaded).mean() == pytest.approx(1, abs=1e-3)
    assert np.array_equal(rows.load(ids[7:8])[0], loaded[7])
    assert rows.altered(None, 2, ids).shape == (2, len(ids), 5)
    again = FrozenEncoder.from_json(rows.encoder.to_json())
    again.restore(toy_config(**PCA), rows.encoder.weights())
    assert again.dim == rows.dim
    assert np.array_equal(again.projected(rows.made(ids)), loaded)
    (facet,) = rows.encoder.facets(toy_config(**PCA, features__mirror=mirror, features__backbones=[LEVELS[1]]))
    assert len(facet.columns) == 5


def test_vectors_that_came_with_the_data_are_projected(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    corpus = toy_corpus()
    made = np.random.default_rng(0).normal(size=(len(corpus.images), 9)).astype(np.float32)
    np.save("made.npy", made)
    config = toy_config(**PCA, towers__image__encoder="vectors", towers__image__vectors="made.npy")
    rows = open_rows(config, corpus, "image")
    rows.check(corpus.images.index.tolist())
    rows.fit(corpus.images.index.tolist())
    found = rows.load(corpus.images.index.tolist())
    assert found.shape == (len(made), 5)
    again = VectorsEncoder.from_json(rows.encoder.to_json())
    again.restore(config, rows.encoder.weights())
    assert np.array_equal(open_rows(config, corpus, "image", again).load(corpus.images.index.tolist()), found)


def test_older_descriptions_are_of_one_facet_without_components():
    config = toy_config(features__backbones=LEVELS[1:])
    old = FrozenEncoder.from_json({"dim": 12, "fingerprints": ["one", "other"]})
    assert old.to_json() == {"dim": 12, "fingerprints": ["one", "other"]}
    (facet,) = old.facets(config)
    assert (facet.name, len(facet.columns), facet.encoder) == ("resnet18, resnet18", 12, old)
    assert not SentencesEncoder.from_json({"dim": 3, "fingerprint": "a", "network": "b"}).weights()
    assert FrozenEncoder(12, ["one"], widths=[12]).to_json() == {"dim": 12, "fingerprints": ["one"]}


@pytest.mark.parametrize("views", [1, 2])
def test_facets_are_the_levels_and_whole_networks_in_the_order_of_their_columns(views):
    config = toy_config(features__backbones=LEVELS, features__mirror=views == 2, towers__image__head="gmlp")
    encoder = FrozenEncoder(views * 17, ["a", "b", "c"], widths=[8, 3, 4, 2])
    again = FrozenEncoder.from_json(encoder.to_json())
    for one in (encoder, again):
        found = one.facets(config)
        assert [facet.name for facet in found] == [
            "squeezenet1_1 features.12", "squeezenet1_1 b", "resnet18 places365", "resnet18 own.pth",
        ]  # fmt: skip
        assert [facet.columns.tolist() for facet in found] == [
            list(range(8)), [8, 9, 10], [11, 12, 13, 14], [15, 16],
        ]  # fmt: skip
        assert [facet.encoder.dim for facet in found] == [views * width for width in (8, 3, 4, 2)]
        tower = config.towers.of("image")
        assert [facet.encoder.positions(tower, config) for facet in found] == [4, None, None, None]
        stem, width = found[0].encoder.stem(tower, config)
        assert width == 2
        assert stem(torch.ones(3, 8)).vectors.shape == (3, 4, 2)


def test_a_gated_head_is_over_cells_of_one_grid_unless_each_member_has_a_facet_of_its_own():
    joined = toy_config(features__backbones=LEVELS[:1], towers__image__head="gmlp")
    tower = joined.towers.of("image")
    assert "squeezenet1_1 features.12 2 x 2, squeezenet1_1 b 1 x 1" in refusal(FrozenEncoder.positions, tower, joined)
    apart = joined.changed({"towers.image.facets": "alternate"})
    assert FrozenEncoder.positions(apart.towers.of("image"), apart) == 4
    projected = joined.changed({"towers.image.pca": 3, "towers.image.standardise": False})
    assert FrozenEncoder.positions(projected.towers.of("image"), projected) is None


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (typed("image.pca=5"), "would give all principal components (pca) the same size"),
        (typed("sensor.pca=5"), "pca is for features of networks and for vectors, not for readings: leave it out"),
        ([*typed("image.pca=5", "image.standardise=false"), "encoder.finetune=true"], "leave one of them out"),
    ],
)
def test_settings_that_do_not_go_with_components_are_refused(settings, why):
    assert why in refusal(load_config, None, settings)


def test_more_components_than_columns_or_items_are_refused_before_anything_is_encoded():
    corpus, config = toy_corpus(), toy_config(**PCA | {"towers__image__pca": FEATURES + 1})
    sentence = refusal(toy_rows, config, corpus)
    assert sentence.startswith(f"towers.image.pca = {FEATURES + 1} is more than the {FEATURES} columns of resnet50")
    rows = toy_rows(toy_config(**PCA), corpus)["image"]
    sentence = refusal(rows.check, corpus.images.index[:3].tolist())
    assert "towers.image.pca = 5 is more than the 2 principal components that the 3 items of the training" in sentence
    assert "towers.image.pca = 5 is more than the 4 principal" in refusal(rows.fit, corpus.images.index[:5].tolist())


def test_an_encoder_whose_rows_stay_says_so(monkeypatch):
    import ntcir.encoders

    kinds = ntcir.encoders.KINDS
    monkeypatch.setitem(kinds, "sentences", kinds["words"])  # as one that lives elsewhere may be
    config = Config(pair=("image", "text"), towers={"text": {"encoder": "sentences", "pca": 3, "standardise": False}})
    assert "towers.text.pca = 3 is not for the encoder sentences" in refusal(open_rows, config, captioned(), "text")


def test_a_damaged_description_is_told():
    for tree, why in (
        ({"dim": 5, "fingerprints": ["a"], "widths": [2, 2]}, "its 5 columns are not those of its facets"),
        ({"dim": 4, "fingerprints": ["a"], "widths": [2, -2]}, "its widths are not numbers of columns"),
        ({"dim": 4, "fingerprints": ["a"], "pca": {"kept": 0, "power": 1.0}}, "its pca is not a number of components"),
    ):
        with pytest.raises(ValueError, match=why):
            FrozenEncoder.from_json(tree)


def test_components_of_rows_that_are_not_projected_are_told():
    with pytest.raises(ValueError, match="principal components of rows that are not projected"):
        FrozenEncoder(4, ["a"]).restore(toy_config(), {"pca.0.mean": torch.zeros(4)})

"""Networks of several libraries in one configuration: each photograph read once, and given to each as it wants it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from extracting import SHARD, SHUFFLENET, SQUEEZENET, by_a_plain_loop, close, corpus_of, options, write_pictures
from tiny_networks import timm_net, tiny_clip

import ntcir.features.blocks as blocks
import ntcir.features.decode as decode_module
import ntcir.features.extraction as extraction
from ntcir.config import Augment, Backbone, Features
from ntcir.corpora.corpus import Corpus
from ntcir.features.backbones import FrozenNetwork
from ntcir.features.decode import decode
from ntcir.features.image_features import ImageFeatures
from ntcir.sampling.augment import Augmenter

DIMS = (512, 8, 1024, 96)


@pytest.fixture
def photographs(tmp_path, monkeypatch) -> Corpus:
    monkeypatch.setattr(blocks, "SHARD_ITEMS", SHARD)
    return corpus_of(write_pictures(tmp_path / "photographs", 11, corrupt=[4]))


@pytest.fixture
def mixed(tmp_path) -> list[Backbone]:
    clip = Backbone(arch=tiny_clip(tmp_path / "clip"), weights="random")
    return [SQUEEZENET, clip, SHUFFLENET, timm_net("test_resnet")]


@pytest.mark.parametrize("decoding", ["full", "scaled"])
def test_each_network_is_given_its_own_square_of_a_photograph_that_is_read_once(
    photographs, mixed, tmp_path, monkeypatch, decoding
):
    read, decoded = Counter(), Counter()
    read_file, load_image = extraction.read_file, decode_module.load_image
    monkeypatch.setattr(extraction, "read_file", lambda path: read.update([Path(path).name]) or read_file(path))
    monkeypatch.setattr(
        decode_module, "load_image", lambda data, least: decoded.update([least]) or load_image(data, least)
    )
    how = options(tmp_path / "store", *mixed, decode=decoding)
    ids = photographs.images.index.tolist()
    features = ImageFeatures(photographs, how)
    assert features.dim == sum(DIMS)
    assert features.ensure(ids).tolist() == [item != "004.jpg" for item in ids]
    assert set(read.values()) == {1}
    if decoding == "full":
        assert decoded[None] == len(ids)
    good = [item for item in ids if item != "004.jpg"]
    monkeypatch.undo()
    expected = by_a_plain_loop(photographs, how, good)
    close(features.load(good), expected)
    close(features.encode_files([photographs.images.loc[item, "path"] for item in good]), expected)


def test_their_stores_have_names_that_any_disk_takes(photographs, mixed, tmp_path):
    features = ImageFeatures(photographs, options(tmp_path / "store", *mixed))
    names = [store.folder.name for store in features.stores]
    assert names[0] == f"squeezenet1_1-random-{features.fingerprints[0][:10]}"
    assert names[3] == f"timm-test_resnet-random-{features.fingerprints[3][:10]}"
    assert not set("".join(names)) & set(':/\\ *?"')


def test_a_network_added_later_runs_on_its_own_square_alone(photographs, mixed, tmp_path):
    ids = [item for item in photographs.images.index if item != "004.jpg"]
    ImageFeatures(photographs, options(tmp_path / "store", mixed[0])).ensure(ids)
    how = options(tmp_path / "store", mixed[0], mixed[3])
    features = ImageFeatures(photographs, how)
    features.ensure(ids)
    close(features.load(ids), by_a_plain_loop(photographs, how, ids))


def test_altered_views_are_made_of_each_square(photographs, mixed, tmp_path):
    how = options(tmp_path / "store", mixed[0], mixed[3])
    ids = photographs.images.index.tolist()[:4]
    alter = Augmenter(Augment(), how.crop)
    views = ImageFeatures(photographs, how).views(alter, 2)
    assert views.ensure(ids).all()
    expected = np.empty((2, len(ids), views.dim), dtype=np.float32)
    networks = [FrozenNetwork(backbone, how) for backbone in how.backbones]
    for view in range(2):
        for row, item in enumerate(ids):
            squares = [decode(photographs.images.loc[item, "path"], each.preprocessing.square) for each in networks]
            pictures = [torch.from_numpy(alter(square, item, view))[None] for square in squares]
            with torch.inference_mode():
                parts = [network(one)[0].numpy() for network, one in zip(networks, pictures, strict=True)]
            expected[view, row] = np.concatenate(parts)
    close(views.load(ids), expected)


def test_with_a_network_of_another_library_the_precision_left_open_is_single(photographs, mixed, tmp_path):
    how = Features(backbones=mixed, store=tmp_path / "store", batch=4)
    features = ImageFeatures(photographs, how)
    features.ensure(photographs.images.index.tolist())
    assert {name for store in features.stores for name in store.backends} == {"eager fp32"}

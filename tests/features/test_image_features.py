"""From photographs to stored features: against a plain loop, with bad and changed pictures."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from extracting import (
    SHARD,
    SHUFFLENET,
    SQUEEZENET,
    by_a_plain_loop,
    close,
    corpus_of,
    cosines,
    options,
    write_pictures,
)
from PIL import Image

import ntcir.features.blocks as blocks
import ntcir.features.extraction as extraction
from ntcir.config import Augment, Backbone
from ntcir.corpora.corpus import Corpus, ReadingReport
from ntcir.features.backbones import FrozenNetwork
from ntcir.features.backends import Backend
from ntcir.features.decode import UnreadableImage, decode
from ntcir.features.image_features import ImageFeatures
from ntcir.features.preprocessing import Square
from ntcir.sampling.augment import Augmenter
from ntcir.system.errors import UserError


@pytest.fixture
def photographs(tmp_path) -> Corpus:
    return corpus_of(write_pictures(tmp_path / "photographs", 22))


@pytest.fixture(autouse=True)
def small_shards(monkeypatch) -> None:
    monkeypatch.setattr(blocks, "SHARD_ITEMS", SHARD)


@pytest.fixture
def passed(monkeypatch) -> list[tuple[str, int]]:
    """What was encoded by which network: (arch, pictures), in order."""
    seen: list[tuple[str, int]] = []
    begin, call = Backend.__init__, Backend.__call__

    def named(self: Backend, network: FrozenNetwork, *arguments) -> None:
        self.arch = network.backbone.arch
        begin(self, network, *arguments)

    def counted(self: Backend, pictures: torch.Tensor) -> np.ndarray:
        seen.append((self.arch, len(pictures)))
        return call(self, pictures)

    monkeypatch.setattr(Backend, "__init__", named)
    monkeypatch.setattr(Backend, "__call__", counted)
    return seen


@pytest.mark.parametrize("resize", ["squash", "shorter"])
def test_features_are_those_of_a_plain_loop_in_whatever_order_they_are_asked_for(photographs, tmp_path, resize):
    how = options(tmp_path / "store", SQUEEZENET, SHUFFLENET, resize=resize)
    ids = photographs.images.index.tolist()
    features = ImageFeatures(photographs, how)
    assert features.ensure(ids).all()
    assert features.dim == 512 + 1024
    expected = by_a_plain_loop(photographs, how, ids)
    close(features.load(ids), expected)
    order = np.random.default_rng(0).permutation(len(ids))
    close(features.load([ids[place] for place in order]), expected[order])
    close(ImageFeatures(photographs, how).load(ids[3:5]), expected[3:5])
    close(features.encode_files(photographs.images["path"].tolist()[:3]), expected[:3])


def test_what_is_stored_is_not_computed_again(photographs, tmp_path, passed):
    ids = photographs.images.index.tolist()
    ImageFeatures(photographs, options(tmp_path / "store")).ensure(ids[:10])
    passed.clear()
    features = ImageFeatures(photographs, options(tmp_path / "store"))
    features.ensure(ids[:10])
    features.ensure([])
    assert passed == []
    features.ensure(ids)
    assert sum(number for _, number in passed) == 12


def test_bad_pictures_are_left_out_and_listed_and_shift_nobodys_row(photographs, tmp_path, capsys):
    ids = photographs.images.index.tolist()
    paths = photographs.images["path"]
    Path(paths["005.jpg"]).write_bytes(Path(paths["005.jpg"]).read_bytes()[:300])
    Path(paths["011.jpg"]).write_bytes(b"")
    Path(paths["012.jpg"]).unlink()
    how = options(tmp_path / "store")
    features = ImageFeatures(photographs, how)
    present = features.ensure(ids)
    good = [item for item in ids if item not in {"005.jpg", "011.jpg", "012.jpg"}]
    assert [item for item, there in zip(ids, present, strict=True) if there] == good
    close(features.load(good), by_a_plain_loop(photographs, how, good))
    listed = features.stores[0].folder / "failed.csv"
    with listed.open(encoding="utf-8", newline="") as file:
        rows = {row["id"]: row["reason"] for row in csv.DictReader(file)}
    assert list(rows) == ["005.jpg", "011.jpg", "012.jpg"]
    assert rows["012.jpg"] == "no such file or directory"
    assert all(rows.values())
    captured = capsys.readouterr()
    assert f"3 unreadable photographs are left out; they are listed in {listed}" in captured.err
    assert captured.out == ""


def test_a_bad_picture_is_tried_again_only_when_its_file_has_changed(photographs, tmp_path, monkeypatch):
    tried: list[str] = []
    read_file = extraction.read_file
    monkeypatch.setattr(extraction, "read_file", lambda path: tried.append(Path(path).name) or read_file(path))
    path = Path(photographs.images.loc["005.jpg", "path"])
    whole = path.read_bytes()
    path.write_bytes(whole[:300])
    ids = photographs.images.index.tolist()
    how = options(tmp_path / "store")
    assert not ImageFeatures(photographs, how).ensure(ids).all()
    tried.clear()
    assert not ImageFeatures(photographs, how).ensure(ids).all()
    assert tried == []
    path.write_bytes(whole)
    features = ImageFeatures(photographs, how)
    assert features.ensure(ids).all()
    assert tried == ["005.jpg"]
    close(features.load(ids), by_a_plain_loop(photographs, how, ids))
    listed = features.stores[0].folder / "failed.csv"
    assert listed.read_text(encoding="utf-8").splitlines() == ["id,signature,reason"]
    path.write_bytes(whole[:200])
    assert not ImageFeatures(photographs, how).ensure(ids).all()
    assert len(listed.read_text(encoding="utf-8").splitlines()) == 2


def test_a_changed_photograph_is_encoded_again(photographs, tmp_path, passed):
    ids = photographs.images.index.tolist()
    how = options(tmp_path / "store")
    before = ImageFeatures(photographs, how)
    before.ensure(ids)
    Image.new("RGB", (50, 50), "red").save(photographs.images.loc["007.jpg", "path"])
    os.utime(photographs.images.loc["008.jpg", "path"], ns=(1, 1))  # touched: it may be another picture
    passed.clear()
    after = ImageFeatures(photographs, how)
    assert after.ensure(ids).all()
    assert sum(number for _, number in passed) == 2
    close(after.load(ids), by_a_plain_loop(photographs, how, ids))
    assert np.abs(after.load(["007.jpg"]) - before.load(["007.jpg"])).max() > 0.01


def test_a_photograph_that_has_become_unreadable_is_no_longer_present(photographs, tmp_path):
    ids = photographs.images.index.tolist()
    how = options(tmp_path / "store")
    ImageFeatures(photographs, how).ensure(ids)
    Path(photographs.images.loc["003.jpg", "path"]).write_bytes(b"spoilt")
    present = ImageFeatures(photographs, how).ensure(ids)
    assert [item for item, there in zip(ids, present, strict=True) if not there] == ["003.jpg"]


def test_when_no_photograph_can_be_read_the_sentence_gives_the_first_reason(photographs, tmp_path):
    for path in photographs.images["path"]:
        Path(path).write_bytes(b"nothing")
    with pytest.raises(
        UserError, match=r"None of the 22 photographs can be read; the first, .*000\.jpg: the file is no"
    ):
        ImageFeatures(photographs, options(tmp_path / "store")).ensure(photographs.images.index.tolist())


def test_a_network_added_later_runs_alone_and_is_put_where_the_configuration_says(photographs, tmp_path, passed):
    ids = photographs.images.index.tolist()
    ImageFeatures(photographs, options(tmp_path / "store", SQUEEZENET)).ensure(ids)
    passed.clear()
    both = options(tmp_path / "store", SHUFFLENET, SQUEEZENET)
    features = ImageFeatures(photographs, both)
    features.ensure(ids)
    assert {arch for arch, _ in passed} == {"shufflenet_v2_x0_5"}
    assert sum(number for _, number in passed) == 22
    close(features.load(ids), by_a_plain_loop(photographs, both, ids))
    passed.clear()
    turned = ImageFeatures(photographs, options(tmp_path / "store", SQUEEZENET, SHUFFLENET))
    turned.ensure(ids)
    assert passed == []
    np.testing.assert_array_equal(turned.load(ids)[:, :512], features.load(ids)[:, 1024:])


def test_a_network_added_later_computes_the_rest_for_both(photographs, tmp_path, passed):
    ids = photographs.images.index.tolist()
    ImageFeatures(photographs, options(tmp_path / "store", SQUEEZENET)).ensure(ids[4:9])
    both = options(tmp_path / "store", SQUEEZENET, SHUFFLENET)
    features = ImageFeatures(photographs, both)
    passed.clear()
    assert features.ensure(ids).all()
    assert sum(number for arch, number in passed if arch == "squeezenet1_1") == 17
    assert sum(number for arch, number in passed if arch == "shufflenet_v2_x0_5") == 22
    close(features.load(ids), by_a_plain_loop(photographs, both, ids))
    assert [len(store) for store in features.stores] == [22, 22]


def test_other_preprocessing_has_a_store_of_its_own(photographs, tmp_path):
    ids = photographs.images.index.tolist()[:4]
    found = []
    for how in (options(tmp_path / "store"), options(tmp_path / "store", resize="shorter")):
        features = ImageFeatures(photographs, how)
        features.ensure(ids)
        found.append(features.load(ids))
        close(found[-1], by_a_plain_loop(photographs, how, ids))
    assert np.abs(found[0] - found[1]).max() > 0.01
    assert len(list((tmp_path / "store" / "photographs").glob("*/"))) == 2


def test_a_picture_outside_the_corpus_that_cannot_be_read_is_said_to_be_so(photographs, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    features = ImageFeatures(photographs, options(tmp_path / "store"))
    with pytest.raises(UnreadableImage, match="not an image"):
        features.encode_files([str(tmp_path / "bad.jpg")])


def test_real_weights_on_real_photographs(shared, tmp_path):
    path = str(shared / "weights" / "squeezenet1_1_imagenet_features.pth")
    folder = shared / "data" / "track" / "images"
    files = sorted(folder.iterdir())[:6]
    images = pd.DataFrame({"path": [str(file) for file in files]}, index=[file.name for file in files])
    track = Corpus("track", folder, {"image": images}, pd.DataFrame(), False, "records", ReadingReport())
    how = options(tmp_path / "store", Backbone(arch="squeezenet1_1", weights=path), size=96, crop=96)
    features = ImageFeatures(track, how)
    assert features.ensure(images.index.tolist()).all()
    close(features.load(images.index.tolist()), by_a_plain_loop(track, how, images.index.tolist()))
    assert (tmp_path / "store" / "track").is_dir()


def test_photographs_are_decoded_as_the_networks_are_given_them(photographs, tmp_path):
    how = options(tmp_path / "store")
    features, ids = ImageFeatures(photographs, how), photographs.images.index.tolist()
    ids = [*ids[::-1], ids[3], ids[3]]
    plain = np.stack([decode(photographs.images.loc[item, "path"], Square.of(how)) for item in ids])
    found = features.decode_many(ids)
    assert found.dtype == torch.uint8
    np.testing.assert_array_equal(found.numpy(), plain)
    alter = Augmenter(Augment(), how.crop)
    altered = features.decode_many(ids, alter, 7).numpy()
    np.testing.assert_array_equal(
        altered, np.stack([alter(one, item, 7) for one, item in zip(plain, ids, strict=True)])
    )
    assert features.decode_many([], alter).shape == (0, 3, 32, 32)
    Path(photographs.images.loc["011.jpg", "path"]).write_bytes(b"")
    with pytest.raises(UserError, match=r"^The photograph .*011\.jpg cannot be read: .*\.$"):
        features.decode_many(ids)


def test_networks_may_be_given_in_place_of_those_of_the_configuration(photographs, tmp_path, passed):
    ids = photographs.images.index.tolist()[:3]
    how = options(tmp_path / "store", SQUEEZENET)
    network = FrozenNetwork(SHUFFLENET, how)
    features = ImageFeatures(photographs, how, [network])
    features.ensure(ids)
    assert {arch for arch, _ in passed} == {"shufflenet_v2_x0_5"}
    assert features.fingerprints == [network.meta["fingerprint"]]
    close(features.load(ids), by_a_plain_loop(photographs, options(tmp_path / "store", SHUFFLENET), ids))


def test_with_the_precision_left_open_features_are_nearly_those_of_the_published_network(photographs, tmp_path):
    ids = photographs.images.index.tolist()
    how = options(tmp_path / "store", SQUEEZENET, SHUFFLENET, precision="auto")
    features = ImageFeatures(photographs, how)
    features.ensure(ids)
    expected = by_a_plain_loop(photographs, how, ids)
    for part in (slice(0, 512), slice(512, None)):
        assert cosines(features.load(ids)[:, part], expected[:, part]).min() >= 0.999
    single = features.encode_files(photographs.images["path"].tolist()[:3])
    assert cosines(single, features.load(ids[:3])).min() >= 0.9999


def test_other_weights_have_a_store_of_their_own(photographs, tmp_path, passed):
    ids = photographs.images.index.tolist()[:4]
    found = []
    for seed in (0, 1, 0):
        how = options(tmp_path / "store", Backbone(arch="squeezenet1_1", weights="random", seed=seed))
        features = ImageFeatures(photographs, how)
        features.ensure(ids)
        found.append(features.load(ids))
        close(found[-1], by_a_plain_loop(photographs, how, ids))
    assert passed == [("squeezenet1_1", 4)] * 2
    assert np.abs(found[0] - found[1]).max() > 0.01
    assert len(list((tmp_path / "store" / "photographs").glob("*/"))) == 2

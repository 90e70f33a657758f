"""Features of pictures and of their mirror images: against flipping by hand, stored beside one another."""

# ruff: noqa: F811 (fixtures of another file are imported, and then named as arguments)

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from extracting import SHUFFLENET, SQUEEZENET, Shifted, by_a_plain_loop, close, contents, options
from PIL import Image
from test_image_features import passed, photographs, small_shards  # noqa: F401
from test_views import decoded, views_by_a_plain_loop  # noqa: F401

from ntcir.corpora.corpus import Corpus
from ntcir.features.backbones import FrozenNetwork
from ntcir.features.image_features import ImageFeatures, encode_corpus
from ntcir.features.mirror import MirroredAtRandom, mirrored
from ntcir.features.status import corpus_status
from ntcir.features.views import unaltered

SIZE = 32


def flipped_by_hand(corpus: Corpus, how, ids: list[str]) -> np.ndarray:
    """float32 [ids, columns] of the mirror images, one picture after the other, flipped column by column."""
    networks = [FrozenNetwork(backbone, how) for backbone in how.backbones]
    rows = []
    for item in ids:
        with Image.open(corpus.images.loc[item, "path"]) as opened:
            square = np.asarray(opened.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR))
        turned = np.stack([square[:, SIZE - 1 - column] for column in range(SIZE)], axis=1).transpose(2, 0, 1)
        with torch.inference_mode():
            rows.append([network(torch.from_numpy(turned.copy())[None])[0].numpy() for network in networks])
    return np.stack([np.concatenate(row) for row in rows])


def test_a_row_has_the_picture_and_then_its_mirror_image(photographs, tmp_path, decoded):
    how = options(tmp_path / "store", SQUEEZENET, SHUFFLENET, mirror=True)
    ids = photographs.images.index.tolist()[:9]
    features = ImageFeatures(photographs, how)
    assert (features.width, features.dim) == (512 + 1024, 2 * (512 + 1024))
    assert features.ensure(ids).all()
    assert set(decoded.values()) == {1}  # one reading and decoding for both
    one, other = by_a_plain_loop(photographs, how, ids), flipped_by_hand(photographs, how, ids)
    assert not np.allclose(one, other, atol=1e-3)
    expected = np.concatenate([one, other], axis=1)
    close(features.load(ids), expected)
    order = np.random.default_rng(0).permutation(len(ids))
    close(ImageFeatures(photographs, how).load([ids[place] for place in order]), expected[order])
    close(features.encode_files(photographs.images["path"].tolist()[:3]), expected[:3])


def test_what_is_stored_without_mirror_images_stays_and_is_used(photographs, tmp_path, passed):
    ids = photographs.images.index.tolist()
    plain = ImageFeatures(photographs, options(tmp_path / "store"))
    plain.ensure(ids)
    before = contents(tmp_path / "store")
    passed.clear()
    both = ImageFeatures(photographs, options(tmp_path / "store", mirror=True))
    both.ensure(ids)
    assert sum(number for _, number in passed) == len(ids)  # the mirror images only
    after = contents(tmp_path / "store")
    assert {name: after[name] for name in before} == before
    assert {Path(name).parent.name for name in after.keys() - before.keys()} == {"mirror"}
    assert both.fingerprints == plain.fingerprints
    passed.clear()
    for mirror in (True, False):
        assert ImageFeatures(photographs, options(tmp_path / "store", mirror=mirror)).ensure(ids).all()
    assert passed == []
    assert np.array_equal(both.load(ids)[:, : plain.dim], plain.load(ids))


def test_pictures_that_cannot_be_read_are_left_out_of_both(photographs, tmp_path):
    ids = photographs.images.index.tolist()
    Path(photographs.images.loc["005.jpg", "path"]).write_bytes(b"")
    how = options(tmp_path / "store", mirror=True)
    features = ImageFeatures(photographs, how)
    assert [item for item, there in zip(ids, features.ensure(ids), strict=True) if not there] == ["005.jpg"]
    good = [item for item in ids if item != "005.jpg"]
    close(features.load(good)[:, 512:], flipped_by_hand(photographs, how, good))


def test_altered_views_have_no_mirror_images(photographs, tmp_path):
    how = options(tmp_path / "store", mirror=True)
    ids = photographs.images.index.tolist()[:5]
    views = ImageFeatures(photographs, how).views(Shifted(), 2)
    views.ensure(ids)
    assert views.dim == 512
    close(views.load(ids), views_by_a_plain_loop(photographs, how, Shifted(), 2, ids))


def test_both_are_extracted_and_told(photographs, tmp_path):
    store = tmp_path / "store"
    said = encode_corpus(photographs, options(store, mirror=True))
    assert "22 of 22 photographs have features, and so have their mirror images; stored in" in said
    found = {each.kind: each for each in corpus_status(photographs, store)}
    assert {kind: each.done for kind, each in found.items()} == {"features": 22, "mirror": 22}
    assert found["mirror"].fingerprint != found["features"].fingerprint


@pytest.mark.parametrize("half", [False, True])
def test_a_mirror_image_of_a_mirror_image_is_the_picture(photographs, tmp_path, half):
    picture = np.random.default_rng(0).integers(0, 256, (3, 4, 5), dtype=np.uint8)
    assert np.array_equal(mirrored(mirrored(picture)), picture)
    assert mirrored(picture)[:, 2].tolist() == picture[:, 2, [4, 3, 2, 1, 0]].tolist()
    # A file that shows the mirror image has the same row but for the order of its halves.
    size = 2 * SIZE if half else SIZE
    pixels = np.random.default_rng(1).integers(0, 256, (size, size, 3), dtype=np.uint8)
    names = [str(tmp_path / name) for name in ("one.png", "other.png")]
    for name, shown in zip(names, (pixels, pixels[:, ::-1]), strict=True):
        Image.fromarray(np.ascontiguousarray(shown)).save(name)
    one, other = ImageFeatures(photographs, options(tmp_path / "store", mirror=True)).encode_files(names)
    np.testing.assert_allclose(one, np.concatenate([other[512:], other[:512]]), rtol=1e-4, atol=1e-5)


def test_it_depends_on_seed_step_and_picture_which_are_mirrored():
    picture = np.random.default_rng(0).integers(0, 256, (3, 2, 2), dtype=np.uint8)

    def chosen(seed: int, step: int) -> list[bool]:
        draw = MirroredAtRandom(seed)
        return [not np.array_equal(draw(picture, f"{item}.jpg", step), picture) for item in range(400)]

    assert chosen(0, 3) == chosen(0, 3)
    assert chosen(0, 3) != chosen(0, 4)
    assert chosen(0, 3) != chosen(1, 3)
    assert 150 < sum(chosen(0, 3)) < 250


def test_pictures_decoded_on_a_device_are_mirrored_there(photographs, tmp_path):
    features = ImageFeatures(photographs, options(tmp_path / "store", mirror=True))
    square = features.one_square()
    picture = torch.randint(0, 256, (3, SIZE, SIZE), dtype=torch.uint8)
    found = unaltered({square: picture}, features._extraction.outputs)
    assert isinstance(found, dict)
    assert [each.mirrored for each in found] == [False, True]
    assert torch.equal(*(shown.flip(-1) if wanted.mirrored else shown for wanted, shown in found.items()))

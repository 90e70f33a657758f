"""Stored features of altered photographs: against a plain loop, resumed, added to, and with bad pictures."""

# ruff: noqa: F811 (fixtures of another file are imported, and then named as arguments)

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from extracting import SHUFFLENET, SQUEEZENET, by_a_plain_loop, close, options
from test_image_features import passed, photographs, small_shards  # noqa: F401

import ntcir.features.extraction as extraction
from ntcir.config import Augment, Features
from ntcir.corpora.corpus import Corpus
from ntcir.features.backbones import FrozenNetwork
from ntcir.features.decode import decode
from ntcir.features.image_features import ImageFeatures
from ntcir.features.preprocessing import Square
from ntcir.sampling.augment import Augmenter
from ntcir.system.errors import UserError


class Shifted:
    """Alters a picture by shifting it round, as far as the view says; notes what it was asked for."""

    def __init__(self, step: int = 3, fails_at: str | None = None) -> None:
        self.meta = {"step": step}
        self.asked: list[tuple[str, int]] = []
        self._fails_at = fails_at

    def __call__(self, picture: np.ndarray, item: str, view: int) -> np.ndarray:
        self.asked.append((item, view))
        if item == self._fails_at:
            raise UserError("That is enough.")
        return np.roll(picture, self.meta["step"] * (view + 1) + len(item), axis=2)


@pytest.fixture
def decoded(monkeypatch) -> Counter[str]:
    """How often each photograph was decoded."""
    seen: Counter[str] = Counter()
    read_file = extraction.read_file
    monkeypatch.setattr(extraction, "read_file", lambda path: seen.update([Path(path).name]) or read_file(path))
    return seen


def views_by_a_plain_loop(corpus: Corpus, how: Features, alteration, number: int, ids: list[str]) -> np.ndarray:
    """float32 [number, ids, dim]: one picture after the other."""
    networks = [FrozenNetwork(backbone, how) for backbone in how.backbones]
    result = np.empty((number, len(ids), sum(network.dim for network in networks)), np.float32)
    for view in range(number):
        for row, item in enumerate(ids):
            picture = alteration(decode(corpus.images.loc[item, "path"], Square.of(how)), item, view)
            with torch.inference_mode():
                each = [network(torch.from_numpy(picture)[None])[0].numpy() for network in networks]
            result[view, row] = np.concatenate(each)
    return result


def test_views_are_those_of_a_plain_loop_in_whatever_order_they_are_asked_for(photographs, tmp_path):
    how = options(tmp_path / "store", SQUEEZENET, SHUFFLENET)
    ids = photographs.images.index.tolist()[:9]
    features, alter = ImageFeatures(photographs, how), Augmenter(Augment(), how.crop)
    views = features.views(alter, 3)
    assert (views.number, views.dim) == (3, 512 + 1024)
    assert views.ensure(ids).all()
    expected = views_by_a_plain_loop(photographs, how, alter, 3, ids)
    close(views.load(ids), expected)
    order = np.random.default_rng(0).permutation(len(ids))
    close(ImageFeatures(photographs, how).views(alter, 3).load([ids[place] for place in order]), expected[:, order])
    features.ensure(ids)
    close(features.load(ids), by_a_plain_loop(photographs, how, ids))
    everything = np.concatenate([features.load(ids)[None], views.load(ids)]).reshape(4 * len(ids), -1)
    assert len(np.unique(everything.round(4), axis=0)) == 4 * len(ids)


def test_a_photograph_is_decoded_once_for_all_its_views_and_networks(photographs, tmp_path, decoded, passed):
    ids = photographs.images.index.tolist()
    views = ImageFeatures(photographs, options(tmp_path / "store", SQUEEZENET, SHUFFLENET)).views(Shifted(), 3)
    passed.clear()
    views.ensure(ids)
    assert decoded == Counter(ids)
    assert {arch: sum(number for name, number in passed if name == arch) for arch, _ in passed} == {
        "squeezenet1_1": 66, "shufflenet_v2_x0_5": 66
    }  # fmt: skip
    assert max(number for _, number in passed) <= 4  # features.batch
    assert views.load([]).shape == (3, 0, 512 + 1024)


def test_more_views_are_computed_besides_those_there_are(photographs, tmp_path, decoded):
    ids = photographs.images.index.tolist()
    how = options(tmp_path / "store")
    ImageFeatures(photographs, how).views(Shifted(), 2).ensure(ids)
    decoded.clear()
    alter = Shifted()
    views = ImageFeatures(photographs, how).views(alter, 4)
    views.ensure(ids)
    assert sorted(alter.asked) == sorted((item, view) for item in ids for view in (2, 3))
    assert decoded == Counter(ids)
    close(views.load(ids), views_by_a_plain_loop(photographs, how, Shifted(), 4, ids))
    again = Shifted()
    assert ImageFeatures(photographs, how).views(again, 3).ensure(ids).all()
    assert again.asked == []


def test_another_alteration_has_stores_of_its_own(photographs, tmp_path):
    ids = photographs.images.index.tolist()[:4]
    how = options(tmp_path / "store")
    features = ImageFeatures(photographs, how)
    for step in (3, 5):
        views = features.views(Shifted(step), 2)
        views.ensure(ids)
        close(views.load(ids), views_by_a_plain_loop(photographs, how, Shifted(step), 2, ids))
    assert len(list(features.stores[0].folder.glob("view-*-1"))) == 2
    first = features.views(Augmenter(Augment(), how.crop), 1)
    second = features.views(Augmenter(Augment(seed=1), how.crop), 1)
    first.ensure(ids)
    second.ensure(ids)
    assert np.abs(first.load(ids) - second.load(ids)).max() > 0.01


def test_views_that_were_stopped_in_the_middle_are_resumed(photographs, tmp_path):
    ids = photographs.images.index.tolist()
    how = options(tmp_path / "store")
    with pytest.raises(UserError, match=r"^That is enough\.$"):
        ImageFeatures(photographs, how).views(Shifted(fails_at="017.jpg"), 2).ensure(ids)
    alter = Shifted()
    views = ImageFeatures(photographs, how).views(alter, 2)
    views.ensure(ids)
    assert 12 <= len(alter.asked) <= 44 - 16  # the first shard of each view was there
    close(views.load(ids), views_by_a_plain_loop(photographs, how, Shifted(), 2, ids))


def test_bad_pictures_have_no_views_and_are_not_tried_again(photographs, tmp_path, decoded, capsys):
    ids = photographs.images.index.tolist()
    Path(photographs.images.loc["011.jpg", "path"]).write_bytes(b"")
    how = options(tmp_path / "store")
    views = ImageFeatures(photographs, how).views(Shifted(), 2)
    present = views.ensure(ids)
    good = [item for item in ids if item != "011.jpg"]
    assert [item for item, there in zip(ids, present, strict=True) if there] == good
    close(views.load(good), views_by_a_plain_loop(photographs, how, Shifted(), 2, good))
    said = capsys.readouterr().err
    assert "Encoding altered photographs: 22 done" in said
    assert "1 unreadable photographs are left out; they are listed in " in said
    decoded.clear()
    ImageFeatures(photographs, how).views(Shifted(), 2).ensure(ids)
    assert not decoded

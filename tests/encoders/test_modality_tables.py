"""Encoders read the table of their own modality, whatever it is called, and of two that are alike each its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import read_pictures, refusal, write_pictures
from second_pair import METER, PHOTO

import ntcir.modalities
from ntcir.config import Config
from ntcir.corpora.corpus import Corpus
from ntcir.encoders import open_pair

NETWORK = {
    "features.backbones": [{"arch": "squeezenet1_1", "weights": "random"}], "features.size": 64, "features.crop": 64,
    "features.resize": "squash",
}  # fmt: skip


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """A corpus of pictures and readings, and of other pictures and readings: the same, the last ones first."""
    for each in (PHOTO, METER):
        monkeypatch.setitem(ntcir.modalities._MODALITIES, each.name, each)
    monkeypatch.chdir(tmp_path)
    known = read_pictures(write_pictures(tmp_path / "data", ("s1", "s2")))
    pairs = known.pairs.assign(photo=[f"p-{item}" for item in known.pairs["image"]])
    pairs = pairs.assign(meter=[f"m-{item}" for item in known.pairs["sensor"]])
    photos = pd.DataFrame({"path": known.images["path"].to_numpy()[::-1]}, index=pd.Index(pairs["photo"]))
    meters = known.sensors.loc[known.pairs["sensor"]].iloc[::-1].set_axis(pd.Index(pairs["meter"]))
    return replace(known, pairs=pairs, tables={**known.tables, "photo": photos, "meter": meters})


def test_two_tables_of_pictures_have_features_of_their_own(corpus):
    rows = open_pair(Config().changed({"pair": ["image", "photo"], **NETWORK}), corpus)
    images, photos = corpus.pairs["image"].tolist(), corpus.pairs["photo"].tolist()
    assert rows["image"].ensure(images).all()
    assert rows["photo"].ensure(photos).all()
    found = rows["image"].load(images)
    assert len(np.unique(found, axis=0)) == len(images)
    np.testing.assert_allclose(rows["photo"].load(photos), found[::-1], rtol=1e-4, atol=1e-5)


def test_two_tables_of_readings_are_encoded_each_by_its_own(corpus):
    config = Config().changed({"pair": ["sensor", "meter"]})
    rows = open_pair(config, corpus)
    sensors, meters = corpus.pairs["sensor"].tolist(), corpus.pairs["meter"].tolist()
    rows["sensor"].fit(sensors)
    rows["meter"].fit(meters)
    np.testing.assert_array_equal(rows["meter"].load(meters), rows["sensor"].load(sensors)[::-1])


def test_a_column_that_a_table_lacks_is_named_with_its_modality(corpus):
    narrow = replace(corpus, tables={**corpus.tables, "meter": corpus.tables["meter"].drop(columns="warm")})
    config = Config().changed({"pair": ["image", "meter"], "sensors.numeric": ["warm"], **NETWORK})
    assert "The meter column 'warm' is not in" in refusal(open_pair, config, narrow)


def test_pictures_that_a_corpus_has_not_are_one_sentence(corpus):
    assert "nothing of the modality 'film'" in refusal(corpus.picturing, "film")

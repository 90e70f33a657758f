"""Pairs without days and times, as captions and pictures are: nothing is near, and nothing is said of days."""

from __future__ import annotations

import numpy as np
import pytest

from ntcir.config import Config, Negatives, Positives
from ntcir.sampling.negatives_by_objects import mine_by_objects
from ntcir.sampling.overlap import ObjectOverlap
from ntcir.sampling.positives import FalseNegatives, ObjectPositives
from ntcir.sampling.relations import NEAR
from ntcir.training.readiness import check_negatives
from ntcir.training.remarks import idle_settings

SIX = 6
NO_TIMES = np.full(SIX, np.nan)
ONE_GROUP = np.full(SIX, "all")


def known(right_rows: np.ndarray | None = None) -> FalseNegatives:
    """Return the relations of three pictures with two captions each."""
    return FalseNegatives(
        ["a", "a", "b", "b", "c", "c"], list("123456"), NO_TIMES, right_rows, 60.0, pair=("image", "text")
    )


def test_what_has_no_time_is_near_nothing():
    related = known()
    assert NEAR not in related.relations
    places = np.arange(SIX)
    assert related(places[:, None], places).sum() == 3 * 4  # the captions of a picture, and nothing else


@pytest.mark.parametrize("batches", ["all", "day"])
def test_negatives_are_counted_and_no_time_is_advised(capsys, batches):
    config = Config().changed({"pair": ["image", "text"], "training.batch": 4, "training.batches": batches})
    census = check_negatives(config, ONE_GROUP, NO_TIMES, known().relations, mined=False, grouped=False)
    assert census.is_fine
    assert capsys.readouterr().err == ""


def test_advice_is_of_what_there_is(capsys):
    config = Config().changed({"pair": ["image", "text"], "training.batches": "day", "training.iters": 3})
    alike = np.zeros((SIX, 2))
    alike[0] = 1
    check_negatives(config, ONE_GROUP, NO_TIMES, known(alike).relations, mined=False, grouped=False)
    told = capsys.readouterr().err
    assert "WARNING" in told
    assert not any(word in told for word in ("near_seconds", "batches=all", "day"))


@pytest.mark.parametrize(
    ("settings", "sentences"),
    [
        ({}, []),
        ({"training.batches": "day"}, ["training.batches = day has no effect"]),
        ({"training.near_seconds": 5}, ["training.near_seconds = 5 has no effect"]),
        ({"training.near_seconds": 0}, []),
        ({"positives.objects": True, "positives.within_seconds": 9}, ["positives.within_seconds has no effect"]),
        ({"training.batch": 4000}, ["training.batch = 4000 is more than the 900 training pairs"]),
    ],
)
def test_settings_of_days_and_times_have_no_effect(settings, sentences):
    config = Config().changed(settings)
    told = list(idle_settings(config, np.array([900]), grouped=False))
    assert len(told) == len(sentences)
    assert all(sentence in each for sentence, each in zip(sentences, told, strict=True))
    assert not any("largest day" in each for each in told)


def overlap() -> ObjectOverlap:
    counts = np.array([[2, 0], [2, 0], [2, 0], [0, 2], [0, 2], [0, 2]])
    return ObjectOverlap(counts, np.ones(2, np.float32), 1)


@pytest.mark.parametrize("within", [None, 30.0])
def test_pictures_match_by_objects_whenever_they_were_taken(within):
    found = ObjectPositives(overlap(), ONE_GROUP, NO_TIMES, Positives(objects=True, within_seconds=within))
    assert [sorted(set(row) - {-1}) for row in found.matches.tolist()] == [
        [1, 2],
        [0, 2],
        [0, 1],
        [4, 5],
        [3, 5],
        [3, 4],
    ]


@pytest.mark.parametrize("similar", [0, 3])
def test_hard_negatives_are_mined_by_looks_alone(similar):
    looks = np.random.default_rng(0).normal(size=(SIX, 3)).astype(np.float32)
    same = {"same": lambda left, right: left == right}
    mined = mine_by_objects(NO_TIMES, ONE_GROUP, looks, overlap(), same, Negatives(similar=similar), "photographs")
    assert (mined.rows >= 0).any() == (similar > 0)

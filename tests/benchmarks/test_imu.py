"""The measurements of benchmarks/imu.py --why against plain loops and cases whose answer is known."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import ROOT
from lifelogs import write_records
from PIL import Image

sys.path.append(str(ROOT / "benchmarks"))

from imu_frames import PENALTY, WAYS, Answer, Frames, ask, chosen, in_mirror, opposite, reciprocal_ranks, regress, same
from imu_tubs import ROWS, write_mirrored
from imu_why import shifted, sideways, turning
from track import Fold

from ntcir.corpora import open_corpus

COLUMNS = ["gyr_y_mean", "steering", "throttle"]
SESSIONS = ["a-0", "a-1", "b-0", "b-1"]


def frames(tmp_path: Path | None = None, number: int = 30) -> Frames:
    """Return sessions in which tub ``b`` is the mirror image of tub ``a``: a feature and its mirror image exchanged."""
    generator = np.random.default_rng(0)
    session = np.repeat(SESSIONS, number)
    pictures = generator.normal(size=(len(session), 6))
    mirrored = np.concatenate([pictures[:, 3:], pictures[:, :3]], axis=1)
    turn = pictures[:, 0] - pictures[:, 3]
    readings = np.stack([turn, -2 * turn, generator.normal(size=len(session))], axis=1)
    paths = [str((tmp_path or Path()) / f"{place}.png") for place in range(len(session))]
    return Frames(session, np.arange(len(session)) / 10, pictures, mirrored, readings, COLUMNS, paths)


def test_ridge_regression_is_that_of_the_normal_equations() -> None:
    every = frames()
    x, y = every.pictures[:60], every.readings[:60]
    answer = regress(x, y)(every.pictures[60:], every.readings[60:])
    centred, scaled = ((rows - rows.mean(axis=0)) / rows.std(axis=0) for rows in (x, y))
    weights = np.linalg.inv(centred.T @ centred + PENALTY * np.eye(6)) @ centred.T @ scaled
    assert answer.predicted == pytest.approx((every.pictures[60:] - x.mean(axis=0)) / x.std(axis=0) @ weights)
    assert answer.actual * y.std(axis=0) + y.mean(axis=0) == pytest.approx(every.readings[60:])
    by_numpy = [np.corrcoef(answer.predicted[:, place], answer.actual[:, place])[0, 1] for place in range(3)]
    assert answer.correlations() == pytest.approx(by_numpy)


def test_mirror_images_with_signs_changed_teach_what_the_frames_themselves_do() -> None:
    every = frames()
    for select in (same, opposite):
        straight, mirrored = (ask(every, "a-0", make(select)) for make in (chosen, in_mirror))
        assert (straight.correlations()[:2] > 0.8).all()
        assert (mirrored.correlations()[:2] > 0.8).all()
    assert every.signs().tolist() == [-1, -1, 1]


def test_sessions_are_chosen_by_tub() -> None:
    every = frames()
    assert set(every.session[same(every, "a-0")]) == {"a-1"}
    assert set(every.session[opposite(every, "a-0")]) == {"b-0", "b-1"}


def test_ranks_are_those_of_a_pool_that_holds_the_own_answer() -> None:
    readings = np.random.default_rng(1).normal(size=(12, 2))
    assert all((Answer(readings, readings).ranks(5)[way] == 1).all() for way in WAYS)
    ties = reciprocal_ranks(np.zeros((12, 12)), 5)
    assert all((ties[way] == 1 / 3).all() for way in WAYS)
    whole = reciprocal_ranks(readings[:, :1] * readings[:, 0], 12)["img2sen"]
    scores = readings[:, :1] * readings[:, 0]
    assert whole == pytest.approx([1 / (1 + (row > row[place]).sum()) for place, row in enumerate(scores)])


def test_readings_are_shifted_in_time() -> None:
    every = frames()
    later = shifted(every, "a-1", 0.1)
    own = every.readings[every.session == "a-1"]
    assert later[:-1] == pytest.approx(own[1:])
    assert later[-1] == pytest.approx(own[-1])


@pytest.mark.parametrize("pixels", [-7, 0, 3])
def test_the_motion_of_a_scene_is_found(tmp_path: Path, pixels: int) -> None:
    scene = np.random.default_rng(2).integers(0, 256, size=(60, 160), dtype=np.uint8)
    every = frames(tmp_path, number=3)
    for place, path in enumerate(every.paths[:3]):
        Image.fromarray(np.roll(scene, -pixels * place, axis=1)).save(path)
    profile = scene[15:55].mean(axis=0)
    assert sideways(profile, np.roll(profile, -pixels)) == pixels
    assert turning(every, "a-0") == pytest.approx([10 * pixels] * 3)


def test_a_mirrored_corpus_has_each_frame_twice_with_left_and_right_exchanged(tmp_path: Path) -> None:
    names = ["acl_x_mean", "gyr_x_mean", "gyr_y_mean", "gyr_z_mean", "steering", "throttle"]
    rows = [
        {"file": f"{n}.png", "timestamp": f"2021-05-01T08:00:0{n}Z", "session": "a-0"} | dict.fromkeys(names, n - 0.5)
        for n in range(3)
    ]
    source = write_records(tmp_path / "source", rows)
    write_mirrored(source, tmp_path / "both")
    corpus = open_corpus(tmp_path / "both", None)
    assert corpus.pairs["group"].tolist() == ["a-0"] * 3 + ["a-0-mirrored"] * 3
    days = corpus.pairs["timestamp"].dt.day.tolist()
    assert days == [1] * 3 + [2] * 3
    ours, theirs = (corpus.pairs.iloc[place] for place in (1, 4))
    assert corpus.sensors.loc[theirs["sensor"], names].tolist() == [-0.5] * 5 + [0.5]
    pictures = [np.asarray(Image.open(corpus.images.at[each["image"], "path"])) for each in (ours, theirs)]
    assert (pictures[0][:, ::-1] == pictures[1]).all()


def test_nothing_is_trained_on_that_is_asked_or_chosen_by() -> None:
    sessions = [f"{tub}-{number}" for tub in "ab" for number in range(3)]
    for parts in ROWS.values():
        for place, test in enumerate(sessions):
            learnt, val = parts(Fold(test, sessions[(place + 1) % 6]), sessions)
            assert not {test, val} & {name.removesuffix("-mirrored") for name in learnt}
            assert val != test

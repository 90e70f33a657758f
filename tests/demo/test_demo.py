"""The demo lifelog: its layout, its gaps, its pictures, and what happens to a folder that holds something already."""

from __future__ import annotations

import ast
import datetime as dt
import hashlib
import json
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from ntcir.config import DateSplit
from ntcir.corpora.lifelog import read_lifelog
from ntcir.system.errors import UserError
from ntcir_demo import CLASSES, DemoSummary, demo_config, demo_picture, demo_shot, write_demo
from ntcir_demo.activities import ACTIVITIES
from ntcir_demo.camera import Camera
from ntcir_demo.canvas import Canvas
from ntcir_demo.day import TRIP
from ntcir_demo.light import Weather, sky_at, sun_elevation
from ntcir_demo.places import PLACES, route_between
from ntcir_demo.scenes import SCENES, render_scene
from ntcir_demo.shots import Plan, day_plan
from ntcir_demo.stage import Moment
from ntcir_demo.tables import CONCEPT_COLUMNS, LOCATION_COLUMNS, METADATA_COLUMNS, MOVEMENTS

DAYS, PER_DAY = 3, 12


def contents(folder: Path) -> dict[str, str]:
    """Return the digest of each file by its path."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DemoSummary]:
    folder = tmp_path_factory.mktemp("demo") / "lifelog"
    return folder, write_demo(folder, days=DAYS, per_day=PER_DAY, workers=1)


@pytest.fixture(scope="module")
def locations(demo: tuple[Path, DemoSummary]) -> pd.DataFrame:
    return pd.read_csv(demo[0] / "vaisl_gps.csv")


@pytest.fixture(scope="module")
def metadata(demo: tuple[Path, DemoSummary]) -> pd.DataFrame:
    return pd.read_csv(demo[0] / "lsc22_metadata.csv", low_memory=False)


def test_columns_are_those_of_the_export(
    demo: tuple[Path, DemoSummary], locations: pd.DataFrame, metadata: pd.DataFrame
) -> None:
    assert list(metadata.columns) == ["Unnamed: 0", *METADATA_COLUMNS]
    assert list(locations.columns) == list(LOCATION_COLUMNS)
    assert list(pd.read_csv(demo[0] / "lsc22_visual_concepts.csv").columns) == list(CONCEPT_COLUMNS)


def test_photographs_lie_where_their_names_say(demo: tuple[Path, DemoSummary], locations: pd.DataFrame) -> None:
    folder, summary = demo
    on_disk = {path.name: path for path in (folder / "images").rglob("*.jpg")}
    assert len(on_disk) == summary.photographs == DAYS * PER_DAY
    for name, path in on_disk.items():
        assert path.relative_to(folder) == Path("images", name[:6], name[6:8], name)
        assert dt.datetime.strptime(name, "%Y%m%d_%H%M%S_000.jpg")
    listed = set(locations["ImageID"])
    assert set(on_disk) < listed
    assert len(listed - set(on_disk)) == summary.lost == 1
    assert set(Counter(name[:8] for name in on_disk).values()) == {PER_DAY}


def test_photographs_are_whole_jpegs_of_1024x768(demo: tuple[Path, DemoSummary]) -> None:
    for path in (demo[0] / "images").rglob("*.jpg"):
        with Image.open(path) as picture:
            picture.load()
            assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (1024, 768))
            assert b"drawn" in picture.info["comment"]


def test_minutes_name_their_photographs(locations: pd.DataFrame, metadata: pd.DataFrame) -> None:
    assert metadata["minute_id"].is_unique
    named = metadata.dropna(subset="ImageID").set_index("minute_id")["ImageID"].map(ast.literal_eval)
    assert sorted(name for names in named for name in names) == sorted(locations["ImageID"].unique())
    assert all(name[:13] == minute for minute, names in named.items() for name in names)
    assert (locations["minute_id"] == locations["ImageID"].str[:13]).all()
    # Most minutes of a day have no photograph, and almost all are there.
    assert 0.98 * 1440 * DAYS < len(metadata) <= 1440 * DAYS


def test_location_rows_repeat_and_hold_known_values(locations: pd.DataFrame) -> None:
    assert locations.duplicated().sum() >= 1
    assert not locations.drop_duplicates().duplicated("ImageID").any()
    assert set(locations["movement"]) <= set(MOVEMENTS)
    assert set(locations["new_timezone"]) == {"Europe/Dublin"}
    still = locations[locations["stop"]]
    assert still["original_name"].notna().all()
    assert locations.loc[~locations["stop"], "original_name"].isna().all()
    assert locations["new_lat"].dropna().between(53.3, 53.5).all()


def test_settings_fit_the_number_of_photographs(demo: tuple[Path, DemoSummary]) -> None:
    assert (demo[0] / "ntcir.yaml").read_text() == demo_config(PER_DAY)
    pools = {per_day: yaml.safe_load(demo_config(per_day))["topics"]["pool"] for per_day in (2, 11, 12, 120, 240, 1000)}
    assert pools == {2: 2, 11: 2, 12: 10, 120: 100, 240: 200, 1000: 200}
    assert yaml.safe_load(demo_config(120))["name"] == "demo"


def test_the_lifelog_reader_takes_it_whole(demo: tuple[Path, DemoSummary]) -> None:
    corpus = read_lifelog(demo[0], DateSplit())
    assert len(corpus.pairs) == DAYS * PER_DAY
    assert Counter(corpus.pairs["split"].astype(str)) == {"train": PER_DAY, "val": PER_DAY, "test": PER_DAY}


# Days


@pytest.mark.parametrize("days", [3, 4, 16, 60])
def test_days_fall_into_all_three_splits(days: int) -> None:
    dates = Plan(days, 12, 0).dates()
    assert len(set(dates)) == days
    assert dates == sorted(dates)
    train = [date for date in dates if date <= dt.date(2020, 2, 29)]
    val = [date for date in dates if dt.date(2020, 3, 1) <= date <= dt.date(2020, 3, 16)]
    test = [date for date in dates if date >= dt.date(2020, 3, 17)]
    assert train[0] >= dt.date(2020, 1, 1)
    assert train[-1] == dt.date(2020, 2, 29)
    assert val[-1] == dt.date(2020, 3, 16)
    assert test[0] == dt.date(2020, 3, 17)
    assert test[-1] <= dt.date(2020, 3, 31)
    if days > 10:
        assert len(train) / days == pytest.approx(0.62, abs=0.03)


@pytest.mark.parametrize("per_day", [2, 11, 120, 1000])
def test_a_day_has_enough_minutes_for_its_pool(per_day: int) -> None:
    plan = Plan(16, per_day, 3)
    pool = yaml.safe_load(demo_config(per_day))["topics"]["pool"]
    for number in (0, 2, 13, 15):
        shots = day_plan(plan, number).shots
        assert len(shots) == len({shot.name for shot in shots}) == per_day
        minutes = Counter(shot.minute for shot in shots)
        assert len(minutes) >= max(pool, 5 * per_day / 6)
        assert max(minutes.values()) <= 2
        assert {shot.when.date() for shot in shots} == {plan.dates()[number]}


def test_segments_have_no_gaps_and_ways_join_up() -> None:
    plan = Plan(60, 2, 5)
    for number in range(60):
        segments = day_plan(plan, number).segments
        assert segments[0].start == 0
        assert all(a.end == b.start for a, b in pairwise(segments))
        assert all(0 <= edge <= s.route.length + 1e-6 for s in segments if s.route for edge in (s.begin, s.finish))
        assert {segment.activity for segment in segments} <= set(ACTIVITIES)


def test_the_way_back_is_the_way_out() -> None:
    out, backwards = route_between("home", "office")
    back, reverse = route_between("office", "home")
    assert out == back
    assert (backwards, reverse) == (False, True)
    assert out.at(0)[:2] == pytest.approx((PLACES["home"].latitude, PLACES["home"].longitude))
    assert out.at(out.length)[:2] == pytest.approx((PLACES["office"].latitude, PLACES["office"].longitude))


def test_a_long_demo_has_a_weekend_in_another_time_zone() -> None:
    plan = Plan(30, 120, 0)
    away = day_plan(plan, plan.dates().index(TRIP[0]))
    zones = {away.segments[away.readings.segment[shot.minute]].place.zone for shot in away.shots}
    assert zones == {"Europe/Dublin", "Europe/Copenhagen"}
    last = away.shots[-1]
    assert last.moment.hour == pytest.approx(last.when.hour + 1 + last.when.minute / 60 + last.when.second / 3600)


# Readings


def test_heart_rate_follows_what_is_done() -> None:
    plan = Plan(16, 120, 0)
    beats: dict[str, list[float]] = {}
    asked, measured = [], []
    for number in range(16):
        day = day_plan(plan, number)
        for minute in range(1440):
            activity, beat = day.segments[day.readings.segment[minute]].activity, float(day.readings.heart[minute])
            if not np.isnan(beat):
                beats.setdefault(activity, []).append(beat)
                asked.append(ACTIVITIES[activity].pulse + ACTIVITIES[activity].span * day.readings.effort[minute])
                measured.append(beat)
    mean = {activity: float(np.mean(values)) for activity, values in beats.items()}
    assert 50 <= mean["sleep"] <= 60
    assert 62 <= mean["desk"] <= 76
    assert 90 <= mean["walk"] <= 108
    assert 125 <= mean["treadmill"] <= 160
    assert np.corrcoef(asked, measured)[0, 1] > 0.95


def test_readings_go_missing_at_a_realistic_rate() -> None:
    plan = Plan(16, 120, 0)
    days = [day_plan(plan, number) for number in range(16)]
    lost_beats = np.concatenate([np.isnan(day.readings.heart[[shot.minute for shot in day.shots]]) for day in days])
    lost_spots = np.concatenate([~day.readings.located[[shot.minute for shot in day.shots]] for day in days])
    assert 0.07 < lost_beats.mean() < 0.17
    assert 0.005 < lost_spots.mean() < 0.08


def test_sparse_columns_are_sparse(metadata: pd.DataFrame) -> None:
    share = metadata.notna().mean()
    assert 0.2 < share["local_time"] < 0.4
    assert 0 < share["sleep_level"] < 0.5
    assert share["song name"] < 0.3
    assert metadata.loc[metadata["sleep_level"].notna(), "timeInBed"].notna().all()
    assert metadata["heart_rate(bpm)"].dropna().between(40, 190).all()
    assert (metadata["calories"] > 0).all()


# Pictures


def test_boxes_lie_inside_the_picture_and_are_of_known_classes() -> None:
    found: Counter[str] = Counter()
    for index in range(0, DAYS * PER_DAY, 3):
        picture, boxes = demo_picture(index, days=DAYS, per_day=PER_DAY)
        assert picture.size == (1024, 768)
        for box in boxes:
            assert box.label in CLASSES
            assert 0 <= box.x1 < box.x2 <= 1024
            assert 0 <= box.y1 < box.y2 <= 768
            found[box.label] += 1
    assert len(found) >= 6


def test_a_picture_can_be_drawn_again(demo: tuple[Path, DemoSummary]) -> None:
    shot = demo_shot(17, days=DAYS, per_day=PER_DAY)
    picture, _ = demo_picture(17, days=DAYS, per_day=PER_DAY)
    with Image.open(demo[0] / "images" / shot.name[:6] / shot.name[6:8] / shot.name) as saved:
        difference = np.abs(np.asarray(saved, np.int16) - np.asarray(picture, np.int16))
    assert difference.mean() < 6  # JPEG's own loss
    with pytest.raises(IndexError, match="0 to 35"):
        demo_picture(36, days=DAYS, per_day=PER_DAY)


@pytest.mark.parametrize("scene", sorted(SCENES))
def test_every_scene_can_be_drawn_by_day_and_by_night(scene: str) -> None:
    day, _ = render_scene(Moment(scene, look=5, seed=(1, 2), hour=12.5, elevation=30, crowd=3, along=310.5))
    night, _ = render_scene(
        Moment(
            scene, look=5, seed=(1, 3), hour=21.5, elevation=-30, weather=Weather(0.9, True), effort=1.0, crowd=3,
            along=900.0, backwards=True, sea=True, speed=4.0,
        )
    )  # fmt: skip
    # A shop's lamps burn all day; anything with a window is darker by night.
    assert np.asarray(day).mean() > 45
    assert scene in ("shop", "treadmill", "weights") or np.asarray(night).mean() < np.asarray(day).mean() + 4


def test_a_covered_lens_hides_what_is_there() -> None:
    moment = Moment("desk", look=5, seed=(1, 2), crowd=3.0)
    _, all_boxes = render_scene(moment)
    black, none = render_scene(replace(moment, cover=1.0))
    assert len(all_boxes) > 2
    assert none == []
    assert np.asarray(black).mean() < 60


def test_the_same_place_looks_the_same_on_another_day_and_another_place_does_not() -> None:
    there = Moment("walk", look=5, crowd=0.0, along=300.0, length=3000.0, character=((0.1, 0.8), (0.95, 0.1)))

    def colours(moment: Moment, day: int) -> np.ndarray:
        """Return the mean of some pictures: what remains is neither the wearer's sway nor who passes by."""
        pictures = [render_scene(replace(moment, seed=(1, day, k)))[0].resize((8, 6)) for k in range(6)]
        return np.mean([np.asarray(picture, float) for picture in pictures], axis=0)

    here, again, far = colours(there, 1), colours(there, 2), colours(replace(there, along=2400.0), 3)
    assert np.abs(here - again).mean() < 0.6 * np.abs(here - far).mean()


def test_a_box_shrinks_to_what_can_be_seen() -> None:
    canvas = Canvas(Camera(y=1.0))
    plane = canvas.plane((0, 1, 4), (1, 0, 0), (0, 1, 0))
    with canvas.thing("tv"):
        plane.rect(-1, -1, 1, 1, (200, 0, 0))
    (whole,) = canvas.boxes()
    assert whole[1:] == pytest.approx((512 - 155, 384 - 155, 512 + 155, 384 + 155), abs=0.2)
    canvas.plane((0, 1, 3), (1, 0, 0), (0, 1, 0)).rect(0, -1, 1, 1, (0, 0, 0))
    (half,) = canvas.boxes()
    assert half.x1 == whole.x1
    assert half.x2 == pytest.approx(512, abs=8)
    canvas.plane((0, 1, 2), (1, 0, 0), (0, 1, 0)).rect(-1, -1, 1, 1, (0, 0, 0))
    assert canvas.boxes() == []


def test_the_sun_stands_where_it_should() -> None:
    def at(hour: int) -> float:
        return sun_elevation(dt.datetime(2020, 3, 20, hour, tzinfo=dt.UTC), 53.35, -6.26)

    assert at(12) == pytest.approx(90 - 53.35, abs=1.5)  # equinox
    assert at(0) < -30
    assert abs(at(6)) < 6
    assert sky_at(40, Weather(0)).day == 1
    assert sky_at(-20, Weather(0)).day == 0


# Folders


def test_any_number_of_workers_writes_the_same_bytes(demo: tuple[Path, DemoSummary], tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    write_demo(tmp_path, days=DAYS, per_day=PER_DAY, workers=2, progress=lambda done, of: steps.append((done, of)))
    assert contents(tmp_path) == contents(demo[0])
    assert steps[-1] == (DAYS * PER_DAY, DAYS * PER_DAY)
    assert steps == sorted(steps)


def test_another_seed_is_another_life(tmp_path: Path) -> None:
    write_demo(tmp_path / "a", days=3, per_day=2, seed=1, workers=1)
    write_demo(tmp_path / "b", days=3, per_day=2, seed=2, workers=1)
    assert not set(contents(tmp_path / "a")) & {name for name in contents(tmp_path / "b") if name.endswith(".jpg")}


def test_a_complete_demo_is_left_alone(tmp_path: Path) -> None:
    first = write_demo(tmp_path, days=3, per_day=2, workers=1)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    again = write_demo(tmp_path, days=3, per_day=2, workers=1)
    assert (first.written, again.written) == (True, False)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_an_interrupted_demo_starts_again(tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop(done: int, of: int) -> None:
        if done >= 4:
            raise Stop

    with pytest.raises(Stop):
        write_demo(tmp_path, days=3, per_day=2, workers=1, progress=stop)
    assert not list(tmp_path.glob("*.csv"))
    assert not (tmp_path / "ntcir.yaml").exists()
    half = next((tmp_path / "images").rglob("*.jpg"))
    half.write_bytes(b"")  # as a kill in the middle of a file leaves it
    assert write_demo(tmp_path, days=3, per_day=2, workers=1).written
    assert half.stat().st_size > 10_000


def test_a_demo_with_a_photograph_gone_is_written_again(tmp_path: Path) -> None:
    write_demo(tmp_path, days=3, per_day=2, workers=1)
    before = contents(tmp_path)
    next((tmp_path / "images").rglob("*.jpg")).unlink()
    assert write_demo(tmp_path, days=3, per_day=2, workers=1).written
    assert contents(tmp_path) == before


def test_other_arguments_replace_the_demo_but_nothing_else(tmp_path: Path) -> None:
    write_demo(tmp_path, days=3, per_day=2, workers=1)
    day = next((tmp_path / "images").rglob("*.jpg")).parent
    notes, own = tmp_path / "notes.txt", day / "20200229_000000_000.jpg"
    notes.write_text("mine")
    Image.new("RGB", (8, 8)).save(own)
    write_demo(tmp_path, days=3, per_day=3, workers=1)
    assert notes.read_text() == "mine"
    assert own.exists()
    assert len(list((tmp_path / "images").rglob("*.jpg"))) == 3 * 3 + 1
    assert json.loads((tmp_path / "demo.json").read_text())["per_day"] == 3


@pytest.mark.parametrize("again", [{"per_day": 3}, {"seed": 1}, {"days": 4}, {}], ids=str)
def test_a_configuration_that_was_edited_is_kept_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], again: dict[str, int]
) -> None:
    first = {"days": 3, "per_day": 2}
    write_demo(tmp_path, **first, workers=1)  # type: ignore[arg-type]
    config = tmp_path / "ntcir.yaml"
    edited = config.read_text() + "training: {lr: 0.1}\n"
    config.write_text(edited)
    (tmp_path / "lsc22_metadata.csv").unlink(missing_ok=True)
    next((tmp_path / "images").rglob("*.jpg")).unlink()  # so that it is written again in any case
    capsys.readouterr()
    assert write_demo(tmp_path, **first | again, workers=1).written  # type: ignore[arg-type]
    assert config.read_text() == edited
    assert f"{config} was edited and is kept as it is" in capsys.readouterr().err


def test_a_configuration_that_nobody_edited_is_that_of_the_new_demo(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_demo(tmp_path, days=3, per_day=2, workers=1)
    capsys.readouterr()
    write_demo(tmp_path, days=3, per_day=14, workers=1)
    assert (tmp_path / "ntcir.yaml").read_text() == demo_config(14) != demo_config(2)
    assert capsys.readouterr().err == ""


def test_a_folder_with_other_files_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"precious")
    with pytest.raises(UserError, match="choose a new or empty folder"):
        write_demo(tmp_path, days=3, per_day=2)
    assert contents(tmp_path) == {"holiday.jpg": hashlib.sha256(b"precious").hexdigest()}
    with pytest.raises(UserError, match="is a file"):
        write_demo(tmp_path / "holiday.jpg", days=3, per_day=2)


def test_a_demo_that_was_renamed_is_not_overwritten(tmp_path: Path) -> None:
    write_demo(tmp_path, days=3, per_day=2, workers=1)
    (tmp_path / "ntcir.yaml").write_text("name: mine\n")
    with pytest.raises(UserError, match="no longer"):
        write_demo(tmp_path, days=4, per_day=2)


@pytest.mark.parametrize("wrong", ["days=2", "days=61", "per_day=1", "per_day=1001", "seed=-1", "workers=0"])
def test_arguments_out_of_range_are_refused(tmp_path: Path, wrong: str) -> None:
    name, value = wrong.split("=")
    with pytest.raises(UserError, match=f"{name.replace('_', '-')} is {value}"):
        write_demo(tmp_path / "new", **{name: int(value)})  # type: ignore[arg-type]
    assert not (tmp_path / "new").exists()

"""The Lifelog-6 reader against a join in plain loops, and on all that exports get wrong."""

from __future__ import annotations

import csv
import datetime as dt
import math
import random
import zoneinfo
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ntcir.config import AutoSplit, FractionSplit
from ntcir.corpora import open_corpus
from ntcir.corpora.corpus import Corpus
from ntcir.corpora.lifelog import IMAGE_NUMERIC, IMAGE_TEXT, MINUTE_NUMERIC, MINUTE_TEXT
from ntcir.formats.runs import format_ranking
from ntcir.system.errors import UserError

NUMERIC, TEXT = (*IMAGE_NUMERIC, *MINUTE_NUMERIC), (*IMAGE_TEXT, *MINUTE_TEXT)


def read(root: Path) -> Corpus:
    return open_corpus(root, AutoSplit())


def joined_by_loops(root: Path) -> tuple[list[tuple[str, str]], dict[str, dict[str, str]]]:
    """Return the pairs in order of time and what each minute says, without pandas."""
    with (root / "lsc22_metadata.csv").open(encoding="utf-8", newline="") as file:
        metadata: dict[str, dict[str, str]] = {}
        for row in csv.DictReader(file):
            metadata.setdefault(row["minute_id"], row)
    with (root / "vaisl_gps.csv").open(encoding="utf-8", newline="") as file:
        located: dict[str, dict[str, str]] = {}
        for row in csv.DictReader(file):
            located.setdefault(row["ImageID"], row)
    pairs, minutes = [], {}
    for name in sorted(located):
        row = located[name]
        if not (root / "images" / name[:6] / name[6:8] / name).exists():
            continue
        found = metadata.get(row["minute_id"], {})
        said = {column: row[column] for column in (*IMAGE_NUMERIC, *IMAGE_TEXT)}
        said |= {column: found.get(column, "") for column in (*MINUTE_NUMERIC, *MINUTE_TEXT)}
        if not any(said[column] for column in said if column not in ("new_timezone", "time_zone")):
            continue
        pairs.append((name, row["minute_id"]))
        minutes.setdefault(row["minute_id"], said)
    return pairs, minutes


def messy_lifelog(make_lifelog, folder: Path) -> Path:
    """Several photographs a minute, gaps in every column, duplicates, photographs and minutes that are not there."""
    draw = random.Random(1)
    times = [dt.datetime(2020, 2, 27) + dt.timedelta(seconds=53 * number) for number in range(120)]
    names = [f"{time:%Y%m%d_%H%M%S}_000.jpg" for time in times]
    located = [
        {"ImageID": name} | {column: "" for column in (*IMAGE_NUMERIC, *IMAGE_TEXT) if draw.random() < 0.3}
        for name in names
    ]
    located += [{"ImageID": name, "city": "Another"} for name in draw.sample(names, 15)]
    draw.shuffle(located)
    ids = sorted({name[:13] for name in names})
    minutes = [
        {"minute_id": name} | {column: "" for column in (*MINUTE_NUMERIC, *MINUTE_TEXT) if draw.random() < 0.3}
        for name in draw.sample(ids, len(ids) - 20)
    ]
    minutes += [{"minute_id": row["minute_id"], "semantic_name": "Another"} for row in draw.sample(minutes, 10)]
    return make_lifelog(folder, located=located, minutes=minutes, missing=draw.sample(names, 12))


def test_the_join_is_that_of_plain_loops(make_lifelog, tmp_path):
    root = messy_lifelog(make_lifelog, tmp_path / "life")
    pairs, minutes = joined_by_loops(root)
    corpus = read(root)
    assert list(zip(corpus.pairs["image"], corpus.pairs["sensor"], strict=True)) == pairs
    assert len(pairs) > len(minutes) > 60  # there are minutes with two photographs
    assert set(corpus.sensors.index) == set(minutes)
    for minute, said in minutes.items():
        row = corpus.sensors.loc[minute]
        for column in NUMERIC:
            assert row[column] == float(said[column]) if said[column] else math.isnan(row[column]), (minute, column)
        for column in TEXT:
            assert row[column] == said[column] if said[column] else pd.isna(row[column]), (minute, column)
    for image, path in corpus.images["path"].items():
        assert Path(path) == (root / "images" / image[:6] / image[6:8] / image).absolute()
        assert Path(path).is_file()


def test_everything_listed_is_a_pair_or_is_reported_with_its_reason(make_lifelog, tmp_path):
    root = messy_lifelog(make_lifelog, tmp_path / "life")
    report = read(root).report
    assert report.counts["rows of vaisl_gps.csv"] == 135
    assert report.counts["rows of lsc22_metadata.csv"] == len(report.dropped["duplicate row of lsc22_metadata.csv"]) + (
        report.counts["rows of lsc22_metadata.csv"] - 10
    )
    of_images = [ids for reason, ids in report.dropped.items() if "lsc22_metadata.csv" not in reason]
    assert sum(map(len, of_images)) + report.counts["pairs"] == 135
    assert {reason: len(ids) for reason, ids in report.dropped.items()} == {
        "duplicate row of vaisl_gps.csv": 15,
        "photograph is listed but not on disk (looked for in images/YYYYMM/DD/)": 12,
        "duplicate row of lsc22_metadata.csv": 10,
    }


def test_dropped_items_are_listed_in_a_file(make_lifelog, tmp_path):
    names = ["20200228_080000_000.jpg", "20200228_090000_000.jpg", "cat.jpg"]
    root = make_lifelog(tmp_path / "life", located=[{"ImageID": name} for name in [*names, names[0]]], missing=names[1])
    report = read(make_lifelog(root, located=[{"ImageID": n} for n in [*names, names[0]]], missing=names[1:])).report
    (root / "images/202002/28/20200228_090000_000.jpg").unlink()
    report = read(root).report
    report.save_dropped(tmp_path / "dropped.csv")
    listed = pd.read_csv(tmp_path / "dropped.csv")
    assert dict(zip(listed["id"], listed["reason"], strict=True)) == {
        names[0]: "duplicate row of vaisl_gps.csv",
        "cat.jpg": "file name without a time YYYYMMDD_HHMMSS",
        names[1]: "photograph is listed but not on disk (looked for in images/YYYYMM/DD/)",
    }
    assert report.lines()[0].endswith("1 pairs, 1 minutes with readings")


@pytest.mark.parametrize("location_file", ["vaisl_gps.csv", "VAISL_metadata.csv"])
@pytest.mark.parametrize("metadata_file", ["lsc22_metadata.csv", "lsc22_medatada.csv"])
def test_both_names_of_both_files_are_read(make_lifelog, tmp_path, location_file, metadata_file):
    root = make_lifelog(tmp_path / "life", location_file=location_file, metadata_file=metadata_file)
    corpus = read(root)
    assert len(corpus.pairs) == 12
    assert f"rows of {metadata_file}" in corpus.report.counts


def test_byte_order_mark_and_order_of_columns_change_nothing(make_lifelog, tmp_path):
    plain = read(make_lifelog(tmp_path / "plain"))
    columns = [
        (tmp_path / "plain" / name).read_text(encoding="utf-8").splitlines()[0].split(",")
        for name in ("vaisl_gps.csv", "lsc22_metadata.csv")
    ]
    for each in columns:
        random.Random(3).shuffle(each)
    other = read(
        make_lifelog(tmp_path / "other", encoding="utf-8-sig", location_columns=columns[0], minute_columns=columns[1])
    )
    pd.testing.assert_frame_equal(plain.sensors, other.sensors, check_categorical=False)
    pd.testing.assert_frame_equal(plain.pairs, other.pairs)


def test_ids_and_readings_keep_leading_zeros_where_they_are_text(make_lifelog, tmp_path):
    located = [{"ImageID": "20200228_080000_000.jpg", "minute_id": "00007", "foursquare_id": "00012", "stop": "TRUE"}]
    root = make_lifelog(tmp_path / "life", located=located, minutes=[{"minute_id": "00007", "song name": "007"}])
    corpus = read(root)
    assert corpus.pairs["sensor"].tolist() == ["00007"]
    assert corpus.sensors.loc["00007", "foursquare_id"] == "00012"
    assert corpus.sensors.loc["00007", "stop"] == "TRUE"
    assert corpus.sensors.loc["00007", "song name"] == "007"


def test_photographs_of_one_minute_share_its_reading_and_the_first_ones_place(make_lifelog, tmp_path):
    located = [
        {"ImageID": "20200228_080055_000.jpg", "city": "Later"},
        {"ImageID": "20200228_080012_000.jpg", "city": "Earlier"},
    ]
    corpus = read(make_lifelog(tmp_path / "life", located=located))
    assert corpus.pairs["image"].tolist() == ["20200228_080012_000.jpg", "20200228_080055_000.jpg"]
    assert corpus.pairs["sensor"].tolist() == ["20200228_0800"] * 2
    assert corpus.sensors.loc["20200228_0800", "city"] == "Earlier"
    assert len(corpus.sensors) == 1


def test_a_minute_without_metadata_keeps_its_location_and_one_without_any_reading_is_left_out(make_lifelog, tmp_path):
    names = ["20200228_080000_000.jpg", "20200228_081000_000.jpg", "20200228_082000_000.jpg"]
    nothing = dict.fromkeys((*IMAGE_NUMERIC, *IMAGE_TEXT), "")
    silent = {"ImageID": names[1]} | nothing | {"new_timezone": "Europe/Dublin"}
    root = make_lifelog(
        tmp_path / "life",
        located=[{"ImageID": names[0]}, silent, {"ImageID": names[2]} | nothing],
        minutes=[{"minute_id": "20200228_0820"}],
    )
    corpus = read(root)
    assert corpus.pairs["image"].tolist() == [names[0], names[2]]
    assert math.isnan(corpus.sensors.loc["20200228_0800", "heart_rate(bpm)"])
    assert corpus.sensors.loc["20200228_0800", "city"] == "Dublin"
    assert corpus.sensors.loc["20200228_0820", "heart_rate(bpm)"] > 0
    assert corpus.report.dropped["photograph of a minute without any reading"] == [names[1]]


ZONES = ["America/Los_Angeles", "America/St_Johns", "Asia/Kathmandu", "Pacific/Kiritimati", "Europe/Dublin", "UTC"]


def test_local_hour_follows_from_utc_and_the_time_zone_on_both_sides_of_a_change_of_clocks(make_lifelog, tmp_path):
    times = [
        dt.datetime(2020, 3, 29, 0, 59, 30) + dt.timedelta(hours=7 * number, minutes=number) for number in range(12)
    ]
    located = [
        {"ImageID": f"{time:%Y%m%d_%H%M%S}_000.jpg", "new_timezone": ZONES[number % len(ZONES)]}
        for number, time in enumerate(times)
    ]
    corpus = read(make_lifelog(tmp_path / "life", located=located))
    for number, time in enumerate(times):
        local = time.replace(tzinfo=dt.UTC).astimezone(zoneinfo.ZoneInfo(ZONES[number % len(ZONES)]))
        found = corpus.sensors["local_hour"].loc[f"{time:%Y%m%d_%H%M}"]
        assert found == pytest.approx(local.hour + local.minute / 60), (time, local)  # of the minute, not the second
    assert corpus.sensors["local_hour"].between(0, 24, inclusive="left").all()


@pytest.mark.parametrize("unknown", ["", "Mars/Olympus_Mons", "America", "../../etc/passwd", "?"])
def test_without_a_known_time_zone_the_local_hour_is_missing(make_lifelog, tmp_path, unknown):
    located = [
        {"ImageID": "20200228_080000_000.jpg", "new_timezone": unknown},
        {"ImageID": "20200228_090000_000.jpg", "new_timezone": "Asia/Tokyo"},
    ]
    minutes = [{"minute_id": "20200228_0800", "time_zone": unknown}, {"minute_id": "20200228_0900"}]
    hours = read(make_lifelog(tmp_path / "life", located=located, minutes=minutes)).sensors["local_hour"]
    assert math.isnan(hours.iloc[0])
    assert hours.iloc[1] == 18


def test_the_time_zone_of_the_minute_serves_where_the_photograph_has_none(make_lifelog, tmp_path):
    located = [{"ImageID": "20200228_080000_000.jpg", "new_timezone": ""}]
    minutes = [{"minute_id": "20200228_0800", "time_zone": "America/New_York"}]
    corpus = read(make_lifelog(tmp_path / "life", located=located, minutes=minutes))
    assert corpus.sensors["local_hour"].tolist() == [3]


def test_west_of_greenwich_the_group_stays_the_utc_day(make_lifelog, tmp_path):
    names = ["20200229_120000_000.jpg", "20200301_020000_000.jpg"]
    located = [{"ImageID": name, "new_timezone": "America/Los_Angeles"} for name in names]
    corpus = read(make_lifelog(tmp_path / "life", located=located))
    assert corpus.pairs["group"].tolist() == ["2020-02-29", "2020-03-01"]  # there it was still 29 February, 18 o'clock
    assert corpus.pairs["split"].tolist() == ["train", "val"]
    assert corpus.sensors["local_hour"].tolist() == [4, 18]
    assert str(corpus.pairs["timestamp"].iloc[1]) == "2020-03-01 02:00:00+00:00"


def test_an_image_id_without_its_ending_is_the_same_photograph(make_lifelog, tmp_path):
    name = "20200228_080000_000"
    corpus = read(make_lifelog(tmp_path / "life", located=[{"ImageID": name}, {"ImageID": f"{name}.jpg"}]))
    assert corpus.images.index.tolist() == [f"{name}.jpg"]
    assert corpus.report.dropped["duplicate row of vaisl_gps.csv"] == [f"{name}.jpg"]


def test_rows_without_an_image_are_left_out_and_a_minute_id_left_open_follows_from_the_name(make_lifelog, tmp_path):
    located = [{"ImageID": "", "minute_id": "20200228_0700"}, {"ImageID": "20200228_080000_000.jpg", "minute_id": ""}]
    root = make_lifelog(tmp_path / "life", located=located, minutes=[{"minute_id": "20200228_0800"}])
    corpus = read(root)
    assert corpus.pairs["sensor"].tolist() == ["20200228_0800"]
    assert corpus.report.dropped["row of vaisl_gps.csv without an ImageID"] == ["20200228_0700"]


def test_what_is_no_number_is_a_missing_reading(make_lifelog, tmp_path):
    times = ["0800", "0801", "0802", "0803", "0804"]
    written = ["71.5", "--", "inf", " 80 ", "1e2"]
    located = [{"ImageID": f"20200228_{time}00_000.jpg"} for time in times]
    minutes = [
        {"minute_id": f"20200228_{time}", "heart_rate(bpm)": value} for time, value in zip(times, written, strict=True)
    ]
    heart = read(make_lifelog(tmp_path / "life", located=located, minutes=minutes)).sensors["heart_rate(bpm)"]
    np.testing.assert_array_equal(heart.to_numpy(), [71.5, math.nan, math.nan, 80, 100])
    assert heart.dtype == np.float64


@pytest.mark.parametrize("file", ["vaisl_gps.csv", "lsc22_metadata.csv"])
def test_rows_longer_than_the_header_do_not_shift_the_columns(make_lifelog, tmp_path, file):
    root = make_lifelog(tmp_path / "life", days=["2020-02-28"], per_day=2)
    before = read(root)
    path = root / file
    first, *rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([first, *[f"{row}," for row in rows]]) + "\n", encoding="utf-8")
    pd.testing.assert_frame_equal(read(root).sensors, before.sensors)


def test_an_lsc20_export_is_refused_by_name(make_lifelog, tmp_path):
    (tmp_path / "lsc2020-metadata.csv").write_text("minute_id,utc_time,lat,lon,heart,steps\n20150223_0000,x,1,2,3,4\n")
    with pytest.raises(UserError, match=r"lsc2020-metadata\.csv is an LSC'20 export .*lsc22_metadata\.csv"):
        read(tmp_path)
    both = make_lifelog(tmp_path / "both")
    (both / "lsc22_metadata.csv").write_text("minute_id,lat,lon,heart,steps,activity_type\n20150223_0000,1,2,3,4,5\n")
    with pytest.raises(UserError, match="is an LSC'20 export"):
        read(both)


@pytest.mark.parametrize(("file", "column"), [("vaisl_gps.csv", "ImageID"), ("lsc22_metadata.csv", "minute_id")])
def test_a_needed_column_that_is_absent_is_named(make_lifelog, tmp_path, file, column):
    root = make_lifelog(tmp_path / "life")
    path = root / file
    path.write_text(path.read_text(encoding="utf-8").replace(column, "Foto", 1), encoding="utf-8")
    with pytest.raises(UserError, match=rf"{file} has no column '{column}'; it has: .*Foto"):
        read(root)


@pytest.mark.parametrize("file", ["vaisl_gps.csv", "lsc22_metadata.csv"])
def test_an_absent_or_an_empty_file_is_named(make_lifelog, tmp_path, file):
    root = make_lifelog(tmp_path / "life")
    (root / file).write_bytes(b"")
    with pytest.raises(UserError, match=rf"{file} is empty"):
        read(root)
    (root / file).unlink()
    with pytest.raises(UserError, match=rf"has no {file} or .*, which a Lifelog-6 folder needs"):
        read(root)


@pytest.mark.parametrize("rows_before", [0, 5000])
def test_bytes_that_are_no_text_are_one_sentence(make_lifelog, tmp_path, rows_before):
    root = make_lifelog(tmp_path / "life")
    with (root / "lsc22_metadata.csv").open("ab") as file:
        file.write(b",20200228_2359,,,,,,,,,,,,,,,,,,,,,,,\n" * rows_before + b"1,\xff\xfe\x00\xba,2\n")
    with pytest.raises(UserError, match=r"Cannot read .*lsc22_metadata\.csv") as caught:
        read(root)
    assert "\n" not in str(caught.value)


def test_a_lifelog_with_nothing_usable_says_what_became_of_its_rows(make_lifelog, tmp_path):
    names = ["20200228_080000_000.jpg", "20200228_081000_000.jpg"]
    root = make_lifelog(tmp_path / "life", located=[{"ImageID": name} for name in names], missing=names)
    with pytest.raises(UserError, match=r"holds no usable pair .*left out 2: photograph is listed but not on disk"):
        read(root)
    (root / "vaisl_gps.csv").write_text("ImageID,minute_id\n")
    with pytest.raises(UserError, match=r"holds no usable pair .*0 rows of vaisl_gps\.csv"):
        read(root)


def test_a_folder_that_is_no_corpus_is_said_to_be_none(tmp_path):
    with pytest.raises(UserError, match=r"neither a Lifelog-6 folder .* nor a records folder"):
        read(tmp_path)


def test_a_missing_sensor_column_is_named_with_a_near_one(make_lifelog, tmp_path):
    corpus = read(make_lifelog(tmp_path / "life"))
    corpus.require_columns(["heart_rate(bpm)", "local_hour"])
    with pytest.raises(UserError, match=r"'heart_rate\(bmp\)' is not in .*did you mean 'heart_rate\(bpm\)'"):
        corpus.require_columns(["heart_rate(bmp)"])


def test_splits_of_a_lifelog_follow_the_poster_and_the_configuration(make_lifelog, tmp_path):
    root = make_lifelog(tmp_path / "life", days=["2019-12-31", "2020-02-29", "2020-03-01", "2020-03-17", "2020-04-01"])
    corpus = read(root)
    by_day = corpus.pairs.groupby("group", observed=True)["split"].unique().map(list).to_dict()
    assert by_day == {
        "2019-12-31": [""], "2020-02-29": ["train"], "2020-03-01": ["val"], "2020-03-17": ["test"], "2020-04-01": [""]
    }  # fmt: skip
    assert corpus.split("train")["group"].unique().tolist() == ["2020-02-29"]
    halves = open_corpus(root, FractionSplit(train=0.5, val=0.25, test=0.25))
    assert halves.pairs["split"].tolist() == ["train"] * 10 + ["val"] * 5 + ["test"] * 5


def test_a_column_that_the_export_lacks_is_absent_and_refused_where_it_is_needed(make_lifelog, tmp_path):
    root = make_lifelog(tmp_path / "life")
    table = pd.read_csv(root / "lsc22_metadata.csv", dtype=str)
    table.drop(columns=["heart_rate(bpm)", "time_zone"]).to_csv(root / "lsc22_metadata.csv", index=False)
    corpus = read(root)
    assert "heart_rate(bpm)" not in corpus.sensors
    with pytest.raises(UserError, match=r"'heart_rate\(bpm\)' is not in"):
        corpus.require_columns(["calories", "heart_rate(bpm)"])


# ------------------------------------------------------------------------------------- what exports get wrong


@pytest.mark.parametrize("folder", ["202002/28", "LSC23_highres_images/202002/28", "images/2020-02-28", "images"])
def test_photographs_in_other_layouts_are_found_and_that_is_said(make_lifelog, tmp_path, folder):
    root = make_lifelog(tmp_path / "life", days=["2020-02-28"], per_day=2)
    plain = read(root)
    usual = root / "images" / "202002" / "28"
    (root / folder).mkdir(parents=True, exist_ok=True)
    for path in list(usual.iterdir()):
        path.rename(root / folder / path.name)
    corpus = read(root)
    pd.testing.assert_frame_equal(corpus.pairs, plain.pairs)
    for image, path in corpus.images["path"].items():
        assert Path(path) == (root / folder / image).absolute()
        assert Path(path).is_file()
    [note] = corpus.report.notes
    assert note.startswith("2 photographs found under ")
    assert corpus.report.dropped == {}


def test_the_usual_folder_goes_before_others(make_lifelog, tmp_path):
    root = make_lifelog(tmp_path / "life", days=["2020-02-28"], per_day=1)
    usual = next((root / "images").rglob("*.jpg"))
    (root / "images" / usual.name).write_bytes(b"another")
    assert read(root).images["path"].tolist() == [str(usual.absolute())]
    assert read(root).report.notes == []


@pytest.mark.parametrize("prefix", ["202002/28/", "images\\202002\\28\\", "/data/LSC23/images/202002/28/"])
def test_an_image_id_with_its_folders_is_the_photograph(make_lifelog, tmp_path, prefix):
    root = make_lifelog(tmp_path / "life", days=["2020-02-28"], per_day=2)
    plain = read(root)
    table = root / "vaisl_gps.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("\n2020", f"\n{prefix}2020"), encoding="utf-8")
    corpus = read(root)
    pd.testing.assert_frame_equal(corpus.pairs, plain.pairs)
    assert corpus.report.notes == [f"2 ImageIDs read without their folders (first: {prefix}20200228_080032_000.jpg)"]


@pytest.mark.parametrize("year", ["9999", "0001", "1600", "2263"])
def test_a_year_that_no_camera_has_is_left_out(make_lifelog, tmp_path, year):
    names = ["20200228_080000_000.jpg", f"{year}0228_080000_000.jpg"]
    corpus = read(make_lifelog(tmp_path / "life", located=[{"ImageID": name} for name in names]))
    assert corpus.pairs["image"].tolist() == names[:1]
    [(reason, ids)] = corpus.report.dropped.items()
    assert reason.startswith(("time in the file name is outside 1900 to 2199", "file name without a time"))
    assert ids == names[1:]


def test_unknown_time_zones_are_counted_and_named(make_lifelog, tmp_path):
    names = photograph_names(5)
    zones = ["uninhabited", "uninhabited", "Europe/Dublin", "Mars/Phobos", ""]
    located = [{"ImageID": name, "new_timezone": zone} for name, zone in zip(names, zones, strict=True)]
    minutes = [{"minute_id": name[:13], "time_zone": ""} for name in names]
    report = read(make_lifelog(tmp_path / "life", located=located, minutes=minutes)).report
    assert report.notes == [
        "local_hour: 2 minutes have the time zone 'uninhabited', which is unknown",
        "local_hour: 1 minutes have the time zone 'Mars/Phobos', which is unknown",
    ]
    assert set(report.notes) < set(report.lines())


def test_of_many_unknown_time_zones_the_first_are_named(make_lifelog, tmp_path):
    located = [{"ImageID": name, "new_timezone": f"zone {n}"} for n, name in enumerate(photograph_names(9))]
    notes = read(make_lifelog(tmp_path / "life", located=located)).report.notes
    assert len(notes) == 6
    assert notes[-1] == "local_hour: 4 minutes have 4 more unknown time zones"


def photograph_names(number: int) -> list[str]:
    return [f"20200228_08{minute:02d}00_000.jpg" for minute in range(number)]


@pytest.mark.parametrize("minute", ["28 February, 8 am", "tab\there", "x" * 300])
def test_minutes_whose_ids_no_run_could_hold_are_quoted_and_that_is_said(make_lifelog, tmp_path, minute):
    located = [{"ImageID": "20200228_080000_000.jpg", "minute_id": minute}]
    corpus = read(make_lifelog(tmp_path / "life", located=located, minutes=[{"minute_id": minute, "calories": 7}]))
    [item] = corpus.pairs["sensor"]
    format_ranking("t", [item], np.zeros(1), "tag")
    assert corpus.sensors.loc[item, "calories"] == 7  # joined by the id as it was written
    assert corpus.report.notes[0].startswith(
        "1 minutes have ids that a run cannot hold; they are percent-encoded (first: '"
    )


@pytest.mark.parametrize(
    ("file", "column"), [("vaisl_gps.csv", "minute_id"), ("vaisl_gps.csv", "city"), ("lsc22_metadata.csv", "calories")]
)
def test_a_header_with_a_needed_name_twice_is_refused_and_another_is_no_matter(make_lifelog, tmp_path, file, column):
    root = make_lifelog(tmp_path / "life")
    path = root / file
    whole = path.read_text(encoding="utf-8")
    rows = whole.splitlines()
    path.write_text("\n".join([f"{rows[0]},note,note", *[f"{row},1,2" for row in rows[1:]]]) + "\n", encoding="utf-8")
    assert len(read(root).pairs) == 12
    path.write_text("\n".join([f"{rows[0]},{column}", *[f"{row},1" for row in rows[1:]]]) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=rf"{file} has 2 columns named '{column}'"):
        read(root)


def test_columns_in_another_spelling_are_known_and_that_is_said(make_lifelog, tmp_path):
    root = make_lifelog(tmp_path / "life")
    plain = read(root)
    path = root / "vaisl_gps.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("ImageID,minute_id", "imageid, Minute_ID", 1))
    corpus = read(root)
    pd.testing.assert_frame_equal(corpus.pairs, plain.pairs)
    assert corpus.report.notes == [
        "the column 'imageid' of vaisl_gps.csv is read as 'ImageID'",
        "the column ' Minute_ID' of vaisl_gps.csv is read as 'minute_id'",
    ]


# ------------------------------------------------------------------------------------- numbers and minutes as written


@pytest.mark.parametrize(
    ("written", "read_as", "how"),
    [("{:.1f}", None, ""), ("{:.1f} bpm", "{:.1f}", "the unit 'bpm'"), ("{:.1f}bpm", "{:.1f}", "the unit 'bpm'")],
)
@pytest.mark.parametrize("comma", [".", ","])
def test_heart_rates_with_decimal_commas_and_units_are_numbers(make_lifelog, tmp_path, written, read_as, how, comma):
    rates = [60.5 + number for number in range(4)]
    minutes = [
        {"minute_id": name[:13], "heart_rate(bpm)": written.format(rate).replace(".", comma)}
        for name, rate in zip(every_20_minutes(4), rates, strict=True)
    ]
    corpus = read(make_lifelog(tmp_path / "life", ["2020-02-28"], 4, minutes=minutes))
    assert corpus.sensors["heart_rate(bpm)"].tolist() == rates
    how = " and ".join(filter(None, ["a decimal comma" if comma == "," else "", how]))
    first = minutes[0]["heart_rate(bpm)"]
    remark = f"4 values are read as numbers with {how} (first: {first!r} in row 2 of lsc22_metadata.csv, as 60.5; also"
    assert [note for note in corpus.report.notes if how and remark in note] == corpus.report.notes
    assert len(corpus.report.notes) == bool(how)


def every_20_minutes(number: int) -> list[str]:
    """Return the names that ``make_lifelog`` gives the photographs of 2020-02-28."""
    return [f"20200228_{8 + 20 * n // 60:02d}{20 * n % 60:02d}32_000.jpg" for n in range(number)]


@pytest.mark.parametrize(("word", "share"), [("n/a", 1), ("--", 1), ("resting", 2), ("inf", 1), ("1,234", 3)])
def test_what_is_not_a_number_in_a_lifelog_is_missing_and_named(make_lifelog, tmp_path, word, share):
    minutes = [
        {"minute_id": name[:13], "heart_rate(bpm)": word if number < share else 60}
        for number, name in enumerate(every_20_minutes(4))
    ]
    corpus = read(make_lifelog(tmp_path / "life", ["2020-02-28"], 4, minutes=minutes))
    assert corpus.sensors["heart_rate(bpm)"].isna().tolist() == [number < share for number in range(4)]
    [remark] = corpus.report.notes
    assert remark.startswith(f"heart_rate(bpm): {share} of 4 values ")
    assert f"missing{' because' if word == '1,234' else ''}" in remark
    assert f"(first: {word!r} in row 2 of lsc22_metadata.csv)" in remark


@pytest.mark.parametrize(
    "spelling",
    ["%Y-%m-%d %H:%M", "%Y%m%d_%H%M00", "%Y%m%d %H%M", "%Y-%m-%dT%H:%MZ", "%Y%m%d_%H%M.0", "%Y%m%d%H%M", " %Y%m%d_%H%M",
     "%Y/%m/%d %H:%M:32.5", "%Y-%m-%dT%H:%M:00+00:00", "%Y%m%d-%H%M"],
)  # fmt: skip
@pytest.mark.parametrize("where", ["lsc22_metadata.csv", "vaisl_gps.csv"])
def test_a_minute_joins_in_every_spelling_that_can_mean_only_one(make_lifelog, tmp_path, spelling, where):
    names = every_20_minutes(4)
    usual = [name[:13] for name in names]
    odd = [dt.datetime.strptime(minute, "%Y%m%d_%H%M").strftime(spelling) for minute in usual]
    metadata = where == "lsc22_metadata.csv"
    root = make_lifelog(
        tmp_path / "life",
        located=[{"ImageID": n, "minute_id": m} for n, m in zip(names, usual if metadata else odd, strict=True)],
        minutes=[{"minute_id": minute} for minute in (odd if metadata else usual)],
    )
    corpus = read(root)
    assert corpus.pairs["sensor"].tolist() == usual
    assert corpus.sensors["heart_rate(bpm)"].notna().all()
    assert corpus.report.notes == [
        f"{where}: 4 of 4 minute_ids are read from another spelling (first: {odd[0]!r} in row 2, as {usual[0]})"
    ]


@pytest.mark.parametrize("spelling", ["%d/%m/%Y %H:%M", "%H%M", "%Y%m%d", "%Y%m%d_%H%M%S_000"])
def test_minutes_that_do_not_join_are_counted(make_lifelog, tmp_path, spelling):
    names = every_20_minutes(4)
    odd = [dt.datetime.strptime(name[:15], "%Y%m%d_%H%M%S").strftime(spelling) for name in names]
    minutes = [{"minute_id": minute} for minute in odd]
    report = read(make_lifelog(tmp_path / "none", ["2020-02-28"], 4, minutes=minutes)).report
    [remark] = report.notes
    assert (
        "lsc22_metadata.csv: WARNING: NONE of the 4 minutes with photographs has a row here (first: '20200228_0800'"
        in remark
    )
    assert repr(odd[0]) in remark
    assert report.lines()[0].endswith("4 minutes with readings, 0 of these in lsc22_metadata.csv")
    minutes[1:] = [{"minute_id": name[:13]} for name in names[1:]]
    report = read(make_lifelog(tmp_path / "one", ["2020-02-28"], 4, minutes=minutes)).report
    [remark] = report.notes
    assert remark.startswith(
        "lsc22_metadata.csv: 1 of 4 minutes with photographs have no row here (first: '20200228_0800'"
    )


def test_a_row_of_metadata_without_a_minute_is_left_out_and_named(make_lifelog, tmp_path):
    minutes = [{"minute_id": name[:13]} for name in every_20_minutes(2)]
    corpus = read(make_lifelog(tmp_path / "life", ["2020-02-28"], 2, minutes=[{"minute_id": ""}, *minutes]))
    assert corpus.report.dropped == {"row of lsc22_metadata.csv without a minute_id": ["row 2"]}

"""The records reader: any camera with any sensor log."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from helpers import command_line, write_pictures

from ntcir.config import AutoSplit, Sensors, SessionSplit
from ntcir.corpora import open_corpus
from ntcir.corpora.corpus import Corpus
from ntcir.corpora.records import image_id
from ntcir.encoders.presets import chosen_columns
from ntcir.formats.runs import format_ranking
from ntcir.system.errors import UserError


def read(root, split=None) -> Corpus:
    return open_corpus(root, split or AutoSplit())


def row(file: str, timestamp: str = "2021-05-01T10:00:00Z", **readings) -> dict[str, object]:
    return {"file": file, "timestamp": timestamp, "speed": 1.5} | readings


def test_ids_are_file_names_and_keep_leading_zeros(make_records, tmp_path):
    root = make_records(tmp_path / "rec", [row("00001.jpg"), row("00002.jpg"), row("1.jpg")])
    corpus = read(root)
    assert corpus.pairs["image"].tolist() == ["00001.jpg", "00002.jpg", "1.jpg"]
    assert corpus.pairs["sensor"].tolist() == ["00001", "00002", "1"]
    assert corpus.images.loc["00001.jpg", "path"] == str(root / "images" / "00001.jpg")
    assert (corpus.name, corpus.layout) == ("rec", "records")


def test_pairs_are_in_order_of_time_whatever_the_order_of_rows(make_records, tmp_path):
    times = {"b.jpg": "2021-05-01T10:00:02Z", "a.jpg": "2021-05-01T12:00:03+02:00", "c.jpg": "2021-05-01 10:00:01"}
    corpus = read(make_records(tmp_path / "rec", [row(file, time) for file, time in times.items()]))
    assert corpus.pairs["image"].tolist() == ["c.jpg", "b.jpg", "a.jpg"]
    assert [str(time) for time in corpus.pairs["timestamp"]] == [
        "2021-05-01 10:00:01+00:00", "2021-05-01 10:00:02+00:00", "2021-05-01 10:00:03+00:00"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "utc", "hour"),
    [
        ("2021-05-01T10:30:00Z", "2021-05-01 10:30:00", 10.5),
        ("2021-05-01T10:30:00", "2021-05-01 10:30:00", 10.5),
        ("2021-05-01 10:30", "2021-05-01 10:30:00", 10.5),
        (" 2021-05-01T10:30:00Z ", "2021-05-01 10:30:00", 10.5),
        ("2021-05-01T10:30:00-04:00", "2021-05-01 14:30:00", 10.5),
        ("2021-05-01T10:30:00-0400", "2021-05-01 14:30:00", 10.5),
        ("2021-05-01T10:30:00-04", "2021-05-01 14:30:00", 10.5),
        ("2021-05-01T01:00:00+05:45", "2021-04-30 19:15:00", 1.0),
        ("2021-05-01T23:30:00.250-10:00", "2021-05-02 09:30:00.250000", 23.5),
        ("2021-05-01", "2021-05-01 00:00:00", 0.0),
    ],
)
def test_timestamps_give_utc_and_the_hour_on_the_writers_clock(make_records, tmp_path, written, utc, hour):
    corpus = read(make_records(tmp_path / "rec", [row("a.jpg", written)]))
    assert corpus.pairs["timestamp"].iloc[0] == pd.Timestamp(utc, tz="UTC")
    assert corpus.sensors["local_hour"].iloc[0] == pytest.approx(hour)


@pytest.mark.parametrize(
    ("written", "reason"),
    {
        "": "is missing",
        "yesterday": "cannot be read, such as 'yesterday'",
        "2021-13-01T00:00:00": "cannot be read",
        "01/05/2021": "may be day/month or month/day",
        "1619863200": "is a number where other rows are dates",
        "1619863200.5": "is a number where other rows are dates",
        "9999-12-31T00:00:00Z": "is outside 1900 to 2199, such as '9999-12-31T00:00:00Z'",
    }.items(),
)
def test_a_row_whose_timestamp_is_none_is_left_out_and_reported(make_records, tmp_path, written, reason):
    corpus = read(make_records(tmp_path / "rec", [row("bad.jpg", written), row("good.jpg")]))
    assert corpus.pairs["image"].tolist() == ["good.jpg"]
    [(told, rows)] = corpus.report.dropped.items()
    assert told.startswith(f"timestamp {reason}")
    assert rows == ["bad.jpg"]


def test_with_sessions_the_group_is_the_session_and_without_them_the_utc_day(make_records, tmp_path):
    rows = [row("a.jpg", session="007"), row("b.jpg", session=""), row("c.jpg", session="walk")]
    by_session = read(make_records(tmp_path / "with", rows))
    assert by_session.pairs["group"].tolist() == ["007", "unnamed", "walk"]
    assert not by_session.groups_are_days
    days = ["2021-05-01T23:00:00-04:00", "2021-05-01T01:00:00Z"]
    by_day = read(make_records(tmp_path / "without", [row(f"{number}.jpg", day) for number, day in enumerate(days)]))
    assert by_day.pairs["group"].tolist() == ["2021-05-01", "2021-05-02"]
    assert by_day.groups_are_days


def test_a_file_listed_twice_one_not_on_disk_and_a_row_without_a_file_are_left_out(make_records, tmp_path):
    rows = [row("a.jpg"), row("gone.jpg"), row("a.jpg", speed=9), row("", "2021-05-01T10:00:00Z")]
    root = make_records(tmp_path / "rec", rows)
    (root / "images" / "gone.jpg").unlink()
    corpus = read(root)
    assert corpus.pairs["image"].tolist() == ["a.jpg"]
    assert corpus.sensors.loc["a", "speed"] == 1.5
    assert corpus.report.dropped == {
        "row of records.csv without a file": ["2021-05-01T10:00:00Z"],
        "file is listed twice": ["a.jpg"],
        "photograph is listed but not on disk (looked for under images/)": ["gone.jpg"],
    }


def test_columns_of_numbers_are_numbers_with_their_gaps_and_others_are_text(make_records, tmp_path):
    rows = [
        row("a.jpg", heading="183.5", gear="1", place="Café", note="", lap="00012"),
        row("b.jpg", heading="", gear="reverse", place="", note="", lap=""),
        row("c.jpg", heading=" ", gear="2", place=" hall ", note="", lap="3"),
        row("d.jpg", heading="inf", gear="", place="NaN", note="", lap="4"),
        row("e.jpg", heading="nan", gear="2", place="hall", note="", lap="5"),
    ]
    sensors = read(make_records(tmp_path / "rec", rows)).sensors
    np.testing.assert_array_equal(sensors["heading"], [183.5, *[math.nan] * 4])
    np.testing.assert_array_equal(sensors["lap"], [12, math.nan, 3, 4, 5])
    assert sensors["gear"].tolist()[:3] == ["1", "reverse", "2"]
    assert pd.isna(sensors["gear"].iloc[3])
    assert sensors["place"].astype(object).where(sensors["place"].notna(), None).tolist() == [
        "Café", None, "hall", None, "hall"
    ]  # fmt: skip
    assert sensors["note"].dtype == np.float64
    assert sensors["note"].isna().all()
    assert list(sensors.columns) == ["speed", "heading", "gear", "place", "note", "lap", "local_hour"]


@pytest.mark.parametrize(
    ("stray", "value", "remark"),
    [
        ("--", None, "1 of 40 values is not a number and counts as missing (first: '--' in row 17 of records.csv)"),
        ("n/a", None, "1 of 40 values is not a number and counts as missing (first: 'n/a' in row 17 of records.csv)"),
        ("oops", None, "1 of 40 values is not a number and counts as missing (first: 'oops' in row 17 of records.csv)"),
        (
            "1e400",
            None,
            "1 of 40 values is not a number and counts as missing (first: '1e400' in row 17 of records.csv)",
        ),
        (
            "2,5",
            2.5,
            "1 value is read as a number with a decimal comma (first: '2,5' in row 17 of records.csv, as 2.5)",
        ),
        ("2 m/s", 2, "1 value is read as a number with the unit 'm/s' (first: '2 m/s' in row 17 of records.csv, as 2)"),
    ],
)
def test_one_stray_cell_leaves_a_column_numeric_and_is_named(make_records, tmp_path, stray, value, remark):
    rows = [
        row(f"{number:02d}.jpg", f"2021-05-01T10:00:{40 - number:02d}Z", speed=1 + number / 100) for number in range(40)
    ]
    rows[15]["speed"] = stray
    root = make_records(tmp_path / "rec", rows)
    (root / "images" / "03.jpg").unlink()  # a row's number is that of the file, whatever is left out
    corpus = read(root)
    speed = corpus.sensors["speed"]
    assert speed.dtype == np.float64
    assert speed["16"] == 1.16
    assert math.isnan(speed["15"]) if value is None else speed["15"] == value
    assert corpus.report.notes == [f"speed: {remark}"]
    assert corpus.report.lines()[-1] == f"speed: {remark}"


def test_a_column_that_is_half_of_numbers_is_a_category_and_that_is_said(make_records, tmp_path):
    rows = [row(f"{n}.jpg", gear=gear, place="hall", lap="-") for n, gear in enumerate(["1", "2", "reverse", "3", ""])]
    corpus = read(make_records(tmp_path / "rec", rows))
    assert corpus.sensors["gear"].tolist()[:4] == ["1", "2", "reverse", "3"]
    assert corpus.sensors["lap"].tolist() == ["-"] * 5
    assert corpus.report.notes == [
        "gear: WARNING: 3 of 4 values are numbers, too few for a numeric column: it is read as a category (first: "
        "'reverse' in row 4 of records.csv); correct the cells, or list it in sensors.numeric"
    ]


def test_files_in_folders_and_names_with_blanks_have_ids_without_blanks(make_records, tmp_path):
    files = ["mon/0001.jpg", "tue/0001.jpg", "tue/with blank 50%.jpg", "tue/straße.jpg"]
    corpus = read(make_records(tmp_path / "rec", [row(file) for file in files]))
    images = corpus.pairs["image"].tolist()
    assert images[:2] == ["mon/0001.jpg", "tue/0001.jpg"]
    assert len(set(images)) == 4
    assert not any(" " in item for item in [*images, *corpus.pairs["sensor"]])
    assert "tue/with%20blank%2050%25.jpg" in images
    for image, file in zip(sorted(images), sorted(files), strict=True):
        assert corpus.images.loc[image, "path"].endswith(f"/images/{file}")


def test_files_that_differ_in_their_ending_only_have_readings_of_their_own(make_records, tmp_path):
    corpus = read(make_records(tmp_path / "rec", [row("a.jpg", speed=1), row("a.png", speed=2)]))
    assert corpus.pairs["sensor"].tolist() == ["a.jpg", "a.png"]
    assert corpus.sensors["speed"].to_dict() == {"a.jpg": 1, "a.png": 2}


def test_an_unnamed_index_column_a_mark_and_another_order_of_columns_change_nothing(make_records, tmp_path):
    rows = [row("a.jpg", mood="calm"), row("b.jpg", mood="")]
    plain = read(make_records(tmp_path / "plain", rows))
    other = read(
        make_records(
            tmp_path / "other",
            [{"": number} | item for number, item in enumerate(rows)],
            ["", "timestamp", "speed", "mood", "file", ""],
            encoding="utf-8-sig",
        )
    )
    pd.testing.assert_frame_equal(plain.sensors, other.sensors)
    pd.testing.assert_frame_equal(plain.pairs, other.pairs)


def test_a_photograph_without_any_reading_is_left_out(make_records, tmp_path):
    rows = [row("a.jpg", mood="calm"), row("b.jpg", mood="", speed=""), row("c.jpg", mood="")]
    corpus = read(make_records(tmp_path / "rec", rows))
    assert corpus.pairs["image"].tolist() == ["a.jpg", "c.jpg"]
    assert corpus.report.dropped == {"photograph without any reading": ["b.jpg"]}


def test_a_records_folder_without_readings_or_photographs_or_columns_is_one_sentence(make_records, tmp_path):
    root = make_records(tmp_path / "rec", [{"file": "a.jpg", "timestamp": "2021-05-01T10:00:00Z"}])
    with pytest.raises(UserError, match=r"no usable pair .*photograph without any reading"):
        read(root)
    (root / "images" / "a.jpg").unlink()
    with pytest.raises(UserError, match=r"No row of .*records\.csv has a timestamp and a photograph"):
        read(root)
    (root / "records.csv").write_text("file,time,speed\na.jpg,2021-05-01,1\n")
    with pytest.raises(UserError, match="has no column 'timestamp'; it has: file, time, speed"):
        read(root)
    (root / "records.csv").write_text("")
    with pytest.raises(UserError, match=r"records\.csv is empty"):
        read(root)
    (root / "records.csv").write_bytes(b"file,timestamp,x\n\xff\xfe,2021-05-01,1\n")
    with pytest.raises(UserError, match=r"Cannot read .*records\.csv"):
        read(root)


def test_a_session_that_is_not_there_is_refused_and_the_known_ones_are_listed(make_records, tmp_path):
    root = make_records(tmp_path / "rec", [row(f"{name}.jpg", session=name) for name in ("one", "two", "three")])
    with pytest.raises(UserError, match="There is no session 'four' in the data; there are: one, three, two"):
        read(root, SessionSplit(test=["four"]))


# ------------------------------------------------------------------------------------- what exports get wrong


@pytest.mark.parametrize(
    ("written", "note"),
    [
        (["1619865000", "1619865001"], "epoch times in seconds"),
        (["1619865000000", "1619865001000"], "epoch times in milliseconds"),
        (["1619865000000000", "1619865001000000"], "epoch times in microseconds"),
        (["2021:05:01 10:30:00", "2021:05:01 10:30:01"], "EXIF dates"),
    ],
)
def test_a_table_of_other_timestamps_is_read_and_that_is_said(make_records, tmp_path, written, note):
    corpus = read(make_records(tmp_path / "rec", [row(f"{n}.jpg", text) for n, text in enumerate(written)]))
    assert [f"{time:%H:%M:%S}" for time in corpus.pairs["timestamp"]] == ["10:30:00", "10:30:01"]
    assert corpus.report.dropped == {}
    assert f"2 timestamps read as {note}" in corpus.report.lines()[1]


def renamed(root, change) -> None:
    """Alter the table's text, not the photographs."""
    table = root / "records.csv"
    table.write_text(change(table.read_text(encoding="utf-8")), encoding="utf-8")


@pytest.mark.parametrize("prefix", ["images/", "C:\\Users\\me\\images\\", "/mnt/card/images/", ".\\"])
def test_paths_of_another_machine_are_those_of_the_photographs(make_records, tmp_path, prefix):
    root = make_records(tmp_path / "rec", [row("day/a.jpg"), row("day/b.jpg")])
    plain = read(root)
    renamed(root, lambda text: text.replace("day/", f"{prefix}day{prefix[-1]}"))
    corpus = read(root)
    pd.testing.assert_frame_equal(corpus.pairs, plain.pairs)
    pd.testing.assert_frame_equal(corpus.images, plain.images)
    assert corpus.report.dropped == {}
    assert any(note.startswith("2 file names read ") for note in corpus.report.notes)


def test_upper_case_names_are_matched_and_the_right_name_goes_first(make_records, tmp_path):
    root = make_records(tmp_path / "rec", [row("a.jpg", speed=1), row("b.jpg", speed=2)])
    renamed(root, lambda text: text.replace("a.jpg", "B.JPG"))
    corpus = read(root)
    assert corpus.sensors["speed"].to_dict() == {"b": 2}  # of the row that was read before names were repaired
    assert corpus.report.dropped == {"file is listed twice": ["B.JPG"]}
    assert corpus.report.notes == ["1 file name read ignoring case (first: B.JPG is b.jpg)"]


@pytest.mark.parametrize("name", ["x" * 300 + ".jpg", "x\0y.jpg", "ｘ" * 100 + ".jpg"])
def test_a_name_that_no_file_can_have_costs_its_row_only(make_records, tmp_path, name):
    root = make_records(tmp_path / "rec", [row("bad.jpg"), row("good.jpg")])
    renamed(root, lambda text: text.replace("bad.jpg", name))
    corpus = read(root)
    assert corpus.pairs["image"].tolist() == ["good.jpg"]
    assert len(corpus.report.lines()[1]) < 250


def test_a_table_of_nothing_usable_says_how_many_rows_fail_for_which_reason(make_records, tmp_path):
    rows = [row("a.jpg", "yesterday"), row("b.jpg", "03/04/2021"), row("c.jpg"), row("d.jpg"), row("", "2021-05-01")]
    root = make_records(tmp_path / "rec", rows)
    for name in ("c.jpg", "d.jpg"):
        (root / "images" / name).unlink()
    with pytest.raises(UserError) as caught:
        read(root)
    sentence = str(caught.value)
    for part in (
        "No row of ", f"records.csv has a timestamp and a photograph under {root / 'images'}",
        "1 left out: row of records.csv without a file (first: 2021-05-01)",
        "1 left out: timestamp cannot be read, such as 'yesterday'", "(first: a.jpg)",
        "1 left out: timestamp may be day/month or month/day", "(write 2020-03-16)",
        "2 left out: photograph is listed but not on disk (looked for under images/) (first: c.jpg)",
        "a photograph there is a.jpg",
    ):  # fmt: skip
        assert part in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("name", ["NA", "None", "nan", "null", "N/A", "NaN", "<NA>", "-nan", "#N/A", "=x", "001"])
def test_a_session_is_called_what_is_written(make_records, tmp_path, name):
    rows = [row("a.jpg", session=name), row("b.jpg", session="two"), row("c.jpg", session="three")]
    corpus = read(make_records(tmp_path / "rec", rows))
    assert corpus.pairs["group"].tolist() == [name, "two", "three"]
    assert corpus.report.notes == []
    assert set(corpus.pairs["split"]) == {"train", "val", "test"}  # by session, as there are three


def test_rows_without_a_session_are_counted_and_join_no_other(make_records, tmp_path):
    rows = [row("a.jpg", session=""), row("b.jpg", session="unnamed"), row("c.jpg", session="  ")]
    corpus = read(make_records(tmp_path / "rec", rows))
    assert corpus.pairs["group"].tolist() == ["unnamed-2", "unnamed", "unnamed-2"]
    assert corpus.report.notes == ["2 rows without a session form the session 'unnamed-2'"]


@pytest.mark.parametrize("name", ["NA", "null"])
def test_a_photograph_may_be_called_NA(make_records, tmp_path, name):
    root = make_records(tmp_path / "rec", [row(f"{name}.jpg")])
    (root / "images" / f"{name}.jpg").rename(root / "images" / name)
    renamed(root, lambda text: text.replace(f"{name}.jpg", name))
    assert read(root).pairs["image"].tolist() == [name]


@pytest.mark.parametrize("column", ["speed", "file", "timestamp", "session"])
def test_a_header_with_a_name_twice_is_refused(make_records, tmp_path, column):
    root = make_records(tmp_path / "rec", [row("a.jpg", session="one", heading=3)])
    renamed(root, lambda text: text.replace("heading", column))
    with pytest.raises(UserError, match=rf"records\.csv has 2 columns named '{column}': rename or remove all but one"):
        read(root)


def test_columns_that_are_needed_are_known_by_other_spellings_and_that_is_said(make_records, tmp_path):
    root = make_records(tmp_path / "rec", [row("a.jpg", session="one"), row("b.jpg", session="two")])
    plain = read(root)
    renamed(root, lambda text: text.replace("file,timestamp,speed,session", "File , Timestamp,speed,SESSION"))
    corpus = read(root)
    pd.testing.assert_frame_equal(corpus.pairs, plain.pairs)
    pd.testing.assert_frame_equal(corpus.sensors, plain.sensors)
    assert [note for note in corpus.report.notes if "is read as" in note] == [
        "the column 'File ' of records.csv is read as 'file'",
        "the column ' Timestamp' of records.csv is read as 'timestamp'",
        "the column 'SESSION' of records.csv is read as 'session'",
    ]
    renamed(root, lambda text: text.replace("speed", "FILE"))
    with pytest.raises(UserError, match=r"has no column 'file', but 'File ' and 'FILE': rename one of them"):
        read(root)


def test_readings_keep_the_names_they_always_had(make_records, tmp_path):
    root = make_records(tmp_path / "rec", [row("a.jpg", heading=1, Session="one", Speed=3, local_hour=99)])
    renamed(root, lambda text: text.replace("heading", " speed"))
    corpus = read(root)
    assert list(corpus.sensors.columns) == ["speed", " speed", "Session", "Speed", "local_hour"]
    assert corpus.sensors["local_hour"].tolist() == [10]
    assert corpus.groups_are_days
    assert corpus.report.notes == [
        "the column 'local_hour' of records.csv is replaced by the hour of the timestamp",
        "the column 'Session' is a reading; to group rows by it, name it 'session'",
    ]


def test_readings_may_be_called_what_the_reader_works_with(make_records, tmp_path):
    names = ["path", "written", "repaired", "index", "image", "sensor", "group", "split"]
    corpus = read(make_records(tmp_path / "rec", [row("a.jpg") | {name: n for n, name in enumerate(names)}]))
    assert corpus.sensors.loc["a", names].tolist() == list(range(len(names)))


@pytest.mark.parametrize("file", ["名" * 40 + ".jpg", "a" * 200 + "/" + "b" * 200 + ".png", "tab\there.jpg", ".jpg"])
def test_every_id_can_be_in_a_run(make_records, tmp_path, file):
    root = make_records(tmp_path / "rec", [row("ordinary.jpg"), row("other.jpg")])
    (root / "images" / file).parent.mkdir(exist_ok=True)
    (root / "images" / "other.jpg").rename(root / "images" / file)
    renamed(root, lambda text: text.replace("other.jpg", file))
    corpus = read(root)
    for item in [*corpus.pairs["image"], *corpus.pairs["sensor"]]:
        format_ranking("t", [item], np.zeros(1), "tag")
    assert image_id(file) in corpus.images.index  # a topic asks by the file's name
    assert corpus.pairs["image"].is_unique


def test_columns_that_the_organisers_input_cannot_have_are_for_trec_only(make_records, tmp_path):
    rows = [row(f"{n}.jpg", image=n, topic_id="a", dmr_minute_id=n) for n in range(3)]
    corpus = read(make_records(tmp_path / "rec", rows))
    corpus.require_columns(["image", "topic_id"])  # of a model that was trained on them
    assert chosen_columns(Sensors(), corpus.sensors, "records").names == ["speed"]
    assert chosen_columns(Sensors(numeric=["image"]), corpus.sensors, "records").names == ["speed", "image"]
    [note] = corpus.report.notes
    assert "columns image, topic_id, dmr_minute_id" in note
    assert "rename" in note


def test_a_placeholder_year_ends_neither_training_nor_topics(tmp_path):
    root = write_pictures(tmp_path / "rec", per_session=4)
    renamed(root, lambda text: text.replace("2021-05-01T08:01:00Z", "9999-12-31T00:00:00Z"))
    renamed(root, lambda text: text.replace("2021-05-01T08:02:00Z", "-1"))
    model = tmp_path / "model"
    config = f"features.store={tmp_path / 'features'}"
    told = command_line("train", "--data", str(root), "--iters", "2", "--out", str(model), "--set", config)
    assert told.exit_code == 0, told.output
    renamed(root, lambda text: text.replace("session", "walk"))  # then groups are days
    told = command_line(
        "build-topics", "--data", str(root), "--pool", "2", "--out", str(tmp_path / "topics"),
        "--from", "0001-01-01", "--to", "9999-12-31",
    )  # fmt: skip
    assert told.exit_code == 0, told.output


def test_the_track_is_read_as_it_is(shared):
    corpus = read(shared / "data" / "track")
    assert len(corpus.pairs) == 3344
    assert corpus.report.dropped == {}
    laps = pd.read_csv(shared / "data" / "track" / "records.csv").sort_values("timestamp")["session"].unique().tolist()
    assert corpus.pairs["group"].unique().tolist() == laps
    assert len(laps) == 8
    assert corpus.sensors.shape[1] == 15
    assert all(kind == np.float64 for kind in corpus.sensors.dtypes)
    assert corpus.sensors.loc["00001", "steering_+20"] == -0.4227
    sizes = corpus.pairs["split"].value_counts()
    assert corpus.split("test")["group"].unique().tolist() == laps[7:]
    assert corpus.split("val")["group"].unique().tolist() == laps[6:7]
    assert sizes.sum() == 3344
    assert sizes["train"] > 6 * 300


def test_the_campus_is_read_as_it_is(shared):
    corpus = read(shared / "data" / "campus")
    table = pd.read_csv(shared / "data" / "campus" / "records.csv")
    assert len(corpus.pairs) == len(table) == 54
    first = table.iloc[0]
    assert corpus.sensors.loc["img_00047", "latitude"] == first["latitude"]
    assert corpus.sensors["heading"].isna().sum() == table["heading"].isna().sum() > 0
    assert corpus.sensors.loc["img_00047", "local_hour"] == pytest.approx(16 + 5 / 60 + 37 / 3600)
    assert corpus.pairs["timestamp"].iloc[0] == pd.Timestamp("2024-09-23 20:05:37", tz="UTC")
    assert set(corpus.pairs["split"]) == {"train", "val", "test"}

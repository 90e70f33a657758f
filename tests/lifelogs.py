"""Tiny lifelogs and records folders, written in full: what the fixtures of ``conftest`` hand out."""

from __future__ import annotations

import csv
import datetime as dt
import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from drawing import draw_picture

MINUTE_COLUMNS = (
    "", "minute_id", "utc_time", "local_time", "latitude", "longitude", "altitude", "semantic_name", "time_zone",
    "heart_rate(bpm)", "heart_rate_conf", "calories", "distance", "artist name", "song name", "album name",
    "sleep_level", "awake", "minutesToFallAsleep", "minutesAsleep", "minutesAwake", "minutesAfterWakeup", "timeInBed",
    "sleep_efficiency", "ImageID",
)  # fmt: skip
LOCATION_COLUMNS = (
    "ImageID", "minute_id", "stop", "new_lat", "new_lng", "foursquare_id", "original_name", "categories", "parent",
    "movement", "movement_prob", "city", "country", "new_timezone",
)  # fmt: skip
Row = Mapping[str, object]


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Row], encoding: str = "utf-8") -> None:
    """Write rows; what a row lacks is empty."""
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)


def full_minute(row: Row) -> dict[str, object]:
    """Return a row of metadata with a plausible reading in each column that ``row`` leaves open."""
    draw = random.Random(str(row["minute_id"]))
    own: dict[str, object] = {
        "heart_rate(bpm)": round(draw.uniform(50, 120), 4), "heart_rate_conf": draw.randrange(4),
        "latitude": round(draw.uniform(53.2, 53.5), 8), "longitude": round(draw.uniform(-6.5, -6.1), 8),
        "altitude": round(draw.uniform(0, 90), 3), "calories": round(draw.uniform(1, 8), 4),
        "distance": round(draw.uniform(0, 80), 2), "semantic_name": draw.choice(["HOME", "WORK", "CAFE"]),
        "time_zone": "Europe/Dublin", "utc_time": f"UTC_{row['minute_id']}",
    }  # fmt: skip
    return own | dict(row)


def full_location(row: Row) -> dict[str, object]:
    """Return a row of the location file with a plausible value in each column that ``row`` leaves open."""
    name = str(row["ImageID"])
    draw = random.Random(name)
    own: dict[str, object] = {
        "minute_id": name[:13], "stop": draw.choice(["True", "False"]), "new_lat": round(draw.uniform(53.2, 53.5), 8),
        "new_lng": round(draw.uniform(-6.5, -6.1), 8), "foursquare_id": f"{draw.getrandbits(64):016x}",
        "original_name": draw.choice(["Mother's Home", "The Café, Main Street"]), "categories": "['Café', 'Building']",
        "parent": "Food", "movement": draw.choice(["Inside", "Car", "Walking Outside"]),
        "movement_prob": round(draw.random(), 6), "city": "Dublin", "country": "Ireland",
        "new_timezone": "Europe/Dublin",
    }  # fmt: skip
    return own | dict(row)


def photograph_ids(days: Sequence[str], per_day: int) -> list[str]:
    """Return names of photographs 20 minutes apart, from 8:00:32 of each day on."""
    starts = [dt.datetime.fromisoformat(f"{day}T08:00:32") for day in days]
    times = [start + dt.timedelta(minutes=20 * number) for start in starts for number in range(per_day)]
    return [f"{time:%Y%m%d_%H%M%S}_000.jpg" for time in times]


def write_lifelog(
    folder: Path, days: Sequence[str] = ("2020-02-28", "2020-03-02", "2020-03-20"), per_day: int = 4, *,
    located: Sequence[Row] | None = None, minutes: Sequence[Row] | None = None, missing: Sequence[str] = (),
    location_file: str = "vaisl_gps.csv", metadata_file: str = "lsc22_metadata.csv", encoding: str = "utf-8",
    location_columns: Sequence[str] = LOCATION_COLUMNS, minute_columns: Sequence[str] = MINUTE_COLUMNS,
) -> Path:  # fmt: skip
    """Write a Lifelog-6 folder with all its columns, and a picture for each photograph; return the folder.

    Args:
        folder: made if it is not there.
        days: the days with photographs, where ``located`` does not say.
        per_day: how many photographs a day, 20 minutes apart.
        located: the rows of the location file, each with ``ImageID``; what else a row lacks is filled in.
        minutes: the rows of the metadata, each with ``minute_id``; a row a photograph's minute where left out.
        missing: photographs that are listed but not written.
        location_file: its name.
        metadata_file: its name.
        encoding: of both files.
        location_columns: its columns in their order.
        minute_columns: its columns in their order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    full = [full_location(row) for row in located or [{"ImageID": name} for name in photograph_ids(days, per_day)]]
    if minutes is None:
        minutes = [{"minute_id": name} for name in dict.fromkeys(row["minute_id"] for row in full)]
    for columns, path, rows in (
        (location_columns, folder / location_file, full),
        (minute_columns, folder / metadata_file, [full_minute(row) for row in minutes]),
    ):
        write_csv(path, columns, [{key: row[key] for key in columns if key in row} for row in rows], encoding)
    for name in {str(row["ImageID"]) for row in full} - set(missing):
        if name[:8].isdigit():
            draw_picture(folder / "images" / name[:6] / name[6:8] / (name if "." in name else f"{name}.jpg"))
    return folder


def write_records(folder: Path, rows: Sequence[Row], columns: Sequence[str] = (), *, encoding: str = "utf-8") -> Path:
    """Write a records folder with a picture for each row; return the folder.

    Args:
        folder: made if it is not there.
        rows: with ``file`` and ``timestamp`` and any readings.
        columns: in their order; those of the rows where left out.
        encoding: of the file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(
        folder / "records.csv", columns or list(dict.fromkeys(key for row in rows for key in row)), rows, encoding
    )
    for row in rows:
        if row.get("file"):
            draw_picture(folder / "images" / str(row["file"]))
    return folder

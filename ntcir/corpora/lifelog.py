"""Lifelog-6 (LSC'22 to LSC'24) as it lies on disk: two CSV files joined on the minute, a folder of pictures a day."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ntcir.config import Split
from ntcir.corpora.corpus import Corpus, ReadingReport
from ntcir.corpora.splits import assign_splits
from ntcir.corpora.tables import day_names, header, read_table
from ntcir.errors import UserError

METADATA_FILES = ("lsc22_metadata.csv", "lsc22_medatada.csv")  # one release spells it so
LOCATION_FILES = ("vaisl_gps.csv", "VAISL_metadata.csv")  # the newer name

MINUTE_NUMERIC = (
    "latitude", "longitude", "altitude", "heart_rate(bpm)", "heart_rate_conf", "calories", "distance", "awake",
    "minutesToFallAsleep", "minutesAsleep", "minutesAwake", "minutesAfterWakeup", "timeInBed", "sleep_efficiency",
)  # fmt: skip
MINUTE_TEXT = ("semantic_name", "time_zone", "artist name", "song name", "album name", "sleep_level")
IMAGE_NUMERIC = ("new_lat", "new_lng", "movement_prob")
IMAGE_TEXT = (
    "stop", "foursquare_id", "original_name", "categories", "parent", "movement", "city", "country", "new_timezone",
)  # fmt: skip
_LSC20 = ({"lat", "lon"}, {"heart", "heart_rate", "steps", "activity_type"})  # all of these and one of those


def is_lifelog(root: Path) -> bool:
    """Return whether the folder has one of the files of a Lifelog-6 export."""
    return any((root / name).is_file() for name in METADATA_FILES + LOCATION_FILES)


def refuse_lsc20(root: Path) -> None:
    """Raise a UserError if the folder holds an LSC'20 export, whose columns are named and measured otherwise."""
    for path in sorted(root.glob("*.csv")):
        columns = set(header(path))
        if columns >= _LSC20[0] and columns & _LSC20[1]:
            raise UserError(
                f"{path} is an LSC'20 export (columns lat, lon, heart), which is another schema; "
                f"Lifelog-6 (LSC'22 to LSC'24) with {METADATA_FILES[0]} and {LOCATION_FILES[0]} is needed."
            )


def read_lifelog(root: Path, split: Split | None, name: str = "lifelog") -> Corpus:
    """Read a Lifelog-6 folder.

    ``vaisl LEFT JOIN metadata`` on ``minute_id``, as the organisers do. A sensor item is a minute: where photographs
    share one, the location columns are those of the first. Times in names are UTC; ``local_hour`` (hours, 0 to 24) is
    added to the readings from the row's time zone. ``lsc22_visual_concepts.csv`` is not needed and not read.

    Raises:
        UserError: if a file or column is not there, or the export is LSC'20.
    """
    refuse_lsc20(root)
    report = ReadingReport()
    located = _read_images(root, report)
    located = _on_disk(root, located, report)
    minutes = _read_minutes(root, report)

    first = located.drop_duplicates("minute_id").set_index("minute_id")
    # A column that the export lacks is absent here too: a model that needs it must be refused, not fed with gaps.
    sensors = first[[column for column in (*IMAGE_NUMERIC, *IMAGE_TEXT) if column in first]].join(minutes, how="left")
    zones = [sensors[column] for column in ("new_timezone", "time_zone") if column in sensors]
    # The item is a minute: the second of its first photograph is no part of it.
    sensors["local_hour"] = _local_hour(first["timestamp"].dt.floor("min"), zones)
    sensors.index = pd.Index(sensors.index.astype(object), name="sensor")

    readings = sensors.drop(columns=["local_hour", "new_timezone", "time_zone"], errors="ignore")
    silent = readings.index[readings.isna().all(axis=1)]
    mute = located["minute_id"].isin(set(silent)).to_numpy()
    report.drop("photograph of a minute without any reading", located["ImageID"][mute].tolist())
    located, sensors = located[~mute].reset_index(drop=True), sensors.drop(silent)

    images = pd.DataFrame({"path": located["path"].to_numpy()}, index=pd.Index(located["ImageID"], name="image"))
    pairs = pd.DataFrame(
        {
            "image": located["ImageID"],
            "sensor": located["minute_id"],
            "group": day_names(located["timestamp"]),
            "timestamp": located["timestamp"],
        }
    )
    pairs["split"] = assign_splits(pairs, split, groups_are_days=True)
    report.counts["pairs"] = len(pairs)
    report.counts["minutes with readings"] = len(sensors)
    return Corpus(name, root, {"image": images, "sensor": sensors}, pairs, True, "lifelog", report)


def _find(root: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        if (root / name).is_file():
            return root / name
    raise UserError(f"{root} has no {' or '.join(names)}, which a Lifelog-6 folder needs.")


def _read_images(root: Path, report: ReadingReport) -> pd.DataFrame:
    """Return one row a photograph: ImageID, minute_id, timestamp (UTC) and the location columns, in order of time."""
    path = _find(root, LOCATION_FILES)
    table = read_table(
        path, needed=("ImageID", "minute_id"), numeric=IMAGE_NUMERIC, text=IMAGE_TEXT, plain=("ImageID", "minute_id")
    )
    report.counts[f"rows of {path.name}"] = len(table)
    nameless = table["ImageID"].isna().to_numpy()
    report.drop(f"row of {path.name} without an ImageID", table["minute_id"][nameless].fillna("").tolist())
    table = table[~nameless].copy()
    bare = ~table["ImageID"].str.contains(".", regex=False)
    table.loc[bare, "ImageID"] = table.loc[bare, "ImageID"] + ".jpg"
    twice = table.duplicated("ImageID").to_numpy()
    report.drop(f"duplicate row of {path.name}", table["ImageID"][twice].tolist())
    table = table[~twice].copy()

    table["timestamp"] = pd.to_datetime(
        table["ImageID"].str.slice(0, 15), format="%Y%m%d_%H%M%S", errors="coerce", utc=True
    )
    timeless = table["timestamp"].isna().to_numpy()
    report.drop("file name without a time YYYYMMDD_HHMMSS", table["ImageID"][timeless].tolist())
    table = table[~timeless].copy()

    unsaid = table["minute_id"].isna()
    table.loc[unsaid, "minute_id"] = table.loc[unsaid, "ImageID"].str.slice(0, 13)
    return table.sort_values(["timestamp", "ImageID"], kind="stable", ignore_index=True)


def _on_disk(root: Path, table: pd.DataFrame, report: ReadingReport) -> pd.DataFrame:
    """Add ``path`` and keep the photographs that are on disk, by one look into each day's folder."""
    names = table["ImageID"].to_numpy(dtype=object)
    days = np.array([f"{name[:6]}{os.sep}{name[6:8]}" for name in names], dtype=object)
    folder = root / "images"
    there = {day: _names_in(folder / day) for day in dict.fromkeys(days)}
    present = np.fromiter((name in there[day] for name, day in zip(names, days, strict=True)), bool, len(names))
    report.drop("photograph is listed but not on disk", names[~present].tolist())
    prefix = f"{folder.absolute()}{os.sep}"
    table = table[present].copy()
    table["path"] = [f"{prefix}{day}{os.sep}{name}" for name, day in zip(names[present], days[present], strict=True)]
    report.counts["photographs on disk"] = len(table)
    return table


def _names_in(folder: Path) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))  # noqa: PTH208 (names, not Path objects)
    except FileNotFoundError:
        return frozenset()


def _read_minutes(root: Path, report: ReadingReport) -> pd.DataFrame:
    """Return the metadata indexed by ``minute_id``, the first of duplicate rows kept."""
    path = _find(root, METADATA_FILES)
    table = read_table(path, needed=("minute_id",), numeric=MINUTE_NUMERIC, text=MINUTE_TEXT, plain=("minute_id",))
    report.counts[f"rows of {path.name}"] = len(table)
    twice = table.duplicated("minute_id").to_numpy()
    report.drop(f"duplicate row of {path.name}", table["minute_id"][twice].tolist())
    there = [column for column in (*MINUTE_NUMERIC, *MINUTE_TEXT) if column in table]
    return table[~twice].set_index("minute_id")[there]


def _local_hour(times: pd.Series, zones: Sequence[pd.Series]) -> np.ndarray:
    """Return the hour of local time (float64, 0 to 24), NaN where the time zone is missing or unknown.

    The first of ``zones`` counts; where it is missing, the next.
    """
    hours = np.full(len(times), np.nan)
    if not zones:
        return hours
    names = zones[0].astype(object)
    for fallback in zones[1:]:
        names = names.where(names.notna(), fallback.astype(object))
    for zone, rows in names.groupby(names.to_numpy(), sort=False).indices.items():
        try:
            local = times.iloc[rows].dt.tz_convert(str(zone))
        except (KeyError, ValueError, OSError):  # zoneinfo's ways of saying that there is no such zone
            continue
        hours[rows] = local.dt.hour + local.dt.minute / 60 + local.dt.second / 3600
    return hours

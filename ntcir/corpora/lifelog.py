"""Lifelog-6 (LSC'22 to LSC'24) as it lies on disk: two CSV files joined on the minute, a folder of pictures a day."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ntcir.config import Split
from ntcir.corpora.captions import TEXT, needs_readings, with_texts
from ntcir.corpora.concepts import read_concepts
from ntcir.corpora.corpus import Corpus, ReadingReport
from ntcir.corpora.day_folders import ABSENT, find_days
from ntcir.corpora.ids import photograph_names, words_of
from ntcir.corpora.minutes import note_unjoined, usual_minutes
from ntcir.corpora.splits import assign_splits
from ntcir.corpora.tables import day_names, header, read_table
from ntcir.corpora.times import OUT_OF_RANGE, YEARS
from ntcir.modalities import DEFAULT_PAIR
from ntcir.system.errors import UserError, short

METADATA_FILES = ("lsc22_metadata.csv", "lsc22_medatada.csv")  # the spelling of one release
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


_MOST = 5  # unknown time zones that are named


def is_lifelog(root: Path) -> bool:
    """Return whether the folder has one of the files of a Lifelog-6 export."""
    return any((root / name).is_file() for name in METADATA_FILES + LOCATION_FILES)


def refuse_lsc20(root: Path) -> None:
    """Raise a UserError if the folder holds an LSC'20 export, whose columns have other names and units."""
    for path in sorted(root.glob("*.csv")):
        try:
            columns = set(header(path))
        except UserError:  # not one of our files; a problem with ours is reported when it is read
            continue
        if columns >= _LSC20[0] and columns & _LSC20[1]:
            raise UserError(
                f"{path} is an LSC'20 export (columns lat, lon, heart), whose schema is not supported: Lifelog-6 "
                f"(LSC'22 to LSC'24) with {METADATA_FILES[0]} and {LOCATION_FILES[0]} is needed."
            )


def read_lifelog(root: Path, split: Split | None, name: str = "lifelog", pair: Sequence[str] = DEFAULT_PAIR) -> Corpus:
    """Read a Lifelog-6 folder.

    ``vaisl LEFT JOIN metadata`` on ``minute_id``, as the organisers do. A sensor item is a minute: where photographs
    share one, the location columns are those of the first. Times in names are UTC; ``local_hour`` (hours, 0 to 24) is
    added to the readings from the row's time zone. The captions and tags of ``lsc22_visual_concepts.csv`` are read
    where text is one of the ``pair``, and not otherwise; a photograph of a minute without any reading is then
    kept, if readings are not the other.

    What is not a number in a numeric column is missing. That, minutes in another spelling than ``YYYYMMDD_HHMM`` and
    minutes with photographs but without metadata are counted and named in the report.

    Raises:
        UserError: if a file or column is missing, or the export is LSC'20.
    """
    refuse_lsc20(root)
    report = ReadingReport()
    located = _read_images(root, report)
    located = _on_disk(root, located, report)
    minutes = _read_minutes(root, report)

    first = located.drop_duplicates("minute_id").set_index("minute_id")
    metadata = _find(root, METADATA_FILES).name
    if note_unjoined(first.index.to_series(), minutes.index, metadata, report):
        report.empty |= dict.fromkeys(map(str, minutes.columns), f"no minute with photographs has a row in {metadata}")
    # A column that the export lacks is absent here too: a model that needs it must be refused, not fed with gaps.
    sensors = first[[column for column in (*IMAGE_NUMERIC, *IMAGE_TEXT) if column in first]].join(minutes, how="left")
    zones = [sensors[column] for column in ("new_timezone", "time_zone") if column in sensors]
    # The item is a minute: the second of its first photograph is no part of it.
    sensors["local_hour"] = _local_hour(first["timestamp"].dt.floor("min"), zones, report)
    located["minute_id"] = words_of(located["minute_id"], "minutes", report)
    sensors.index = pd.Index(words_of(pd.Series(sensors.index, dtype=object), "", report), name="sensor")

    readings = sensors.drop(columns=["local_hour", "new_timezone", "time_zone"], errors="ignore")
    silent = readings.index[readings.isna().all(axis=1)]
    mute = located["minute_id"].isin(set(silent)).to_numpy()
    sensors = sensors.drop(silent)
    if needs_readings(pair):
        report.drop("photograph of a minute without any reading", located["ImageID"][mute].tolist())
        located = located[~mute].reset_index(drop=True)
    else:
        located["minute_id"] = located["minute_id"].where(~mute)

    located["ImageID"] = words_of(located["ImageID"], "photographs", report)
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
    joined = int(sensors.index.isin(minutes.index).sum())
    if joined < len(sensors):
        report.counts[f"of these in {metadata}"] = joined
    corpus = Corpus(name, root, {"image": images, "sensor": sensors}, pairs, True, "lifelog", report)
    return with_texts(corpus, read_concepts(root, images.index, report)) if TEXT in pair else corpus


def _find(root: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        if (root / name).is_file():
            return root / name
    raise UserError(f"{root} has no {' or '.join(names)}, which a Lifelog-6 folder needs.")


def _read_images(root: Path, report: ReadingReport) -> pd.DataFrame:
    """Return one row a photograph: ImageID, minute_id, timestamp (UTC) and the location columns, in order of time."""
    path = _find(root, LOCATION_FILES)
    table = read_table(
        path,
        needed=("ImageID", "minute_id"),
        numeric=IMAGE_NUMERIC,
        text=IMAGE_TEXT,
        plain=("ImageID", "minute_id"),
        report=report,
    )
    table["minute_id"] = usual_minutes(table["minute_id"], path.name, report)
    report.counts[f"rows of {path.name}"] = len(table)
    nameless = table["ImageID"].isna().to_numpy()
    report.drop(f"row of {path.name} without an ImageID", table["minute_id"][nameless].fillna("").tolist())
    table = table[~nameless].copy()
    table["ImageID"] = photograph_names(table["ImageID"], report)
    twice = table.duplicated("ImageID").to_numpy()
    report.drop(f"duplicate row of {path.name}", table["ImageID"][twice].tolist())
    table = table[~twice].copy()

    table["timestamp"] = pd.to_datetime(
        table["ImageID"].str.slice(0, 15), format="%Y%m%d_%H%M%S", errors="coerce", utc=True
    )
    timeless = table["timestamp"].isna().to_numpy()
    report.drop("file name without a time YYYYMMDD_HHMMSS", table["ImageID"][timeless].tolist())
    table = table[~timeless]
    possible = np.asarray(table["timestamp"].dt.year.isin(list(YEARS)), dtype=bool)
    report.drop(f"time in the file name {OUT_OF_RANGE}", table["ImageID"][~possible].tolist())
    table = table[possible].copy()

    unsaid = table["minute_id"].isna()
    table.loc[unsaid, "minute_id"] = table.loc[unsaid, "ImageID"].str.slice(0, 13)
    return table.sort_values(["timestamp", "ImageID"], kind="stable", ignore_index=True)


def _on_disk(root: Path, table: pd.DataFrame, report: ReadingReport) -> pd.DataFrame:
    """Add ``path`` and keep the photographs that are on disk, by one look into each day's folder."""
    names = table["ImageID"].to_numpy(dtype=object)
    paths, elsewhere = find_days(root, names.tolist())
    present = np.fromiter((path is not None for path in paths), bool, len(paths))
    report.drop(ABSENT, names[~present].tolist())
    for layout, found in elsewhere.items():
        report.notes.append(f"{len(found):,} photographs found under {layout} of {root} (first: {found[0]})")
    table = table[present].copy()
    table["path"] = paths[present]
    report.counts["photographs on disk"] = len(table)
    return table


def _read_minutes(root: Path, report: ReadingReport) -> pd.DataFrame:
    """Return the metadata indexed by ``minute_id``, the first of duplicate rows kept."""
    path = _find(root, METADATA_FILES)
    table = read_table(
        path, needed=("minute_id",), numeric=MINUTE_NUMERIC, text=MINUTE_TEXT, plain=("minute_id",), report=report
    )
    table["minute_id"] = usual_minutes(table["minute_id"], path.name, report)
    report.counts[f"rows of {path.name}"] = len(table)
    nameless = table["minute_id"].isna().to_numpy()
    report.drop(f"row of {path.name} without a minute_id", [f"row {row}" for row in table.index[nameless]])
    table = table[~nameless]
    twice = table.duplicated("minute_id").to_numpy()
    report.drop(f"duplicate row of {path.name}", table["minute_id"][twice].tolist())
    there = [column for column in (*MINUTE_NUMERIC, *MINUTE_TEXT) if column in table]
    return table[~twice].set_index("minute_id")[there]


def _local_hour(times: pd.Series, zones: Sequence[pd.Series], report: ReadingReport) -> np.ndarray:
    """Return the hour of local time (float64, 0 to 24), NaN where the time zone is missing or unknown, which is noted.

    The first of ``zones`` counts; where it is missing, the next.
    """
    hours = np.full(len(times), np.nan)
    if not zones:
        return hours
    unknown: dict[str, int] = {}
    names = zones[0].astype(object)
    for fallback in zones[1:]:
        names = names.where(names.notna(), fallback.astype(object))
    for zone, rows in names.groupby(names.to_numpy(), sort=False).indices.items():
        try:
            local = times.iloc[rows].dt.tz_convert(str(zone))
        except (KeyError, ValueError, OSError):  # what zoneinfo raises for an unknown zone
            unknown[str(zone)] = len(rows)
            continue
        hours[rows] = local.dt.hour + local.dt.minute / 60 + local.dt.second / 3600
    for zone, minutes in list(unknown.items())[:_MOST]:
        report.notes.append(f"local_hour: {minutes:,} minutes have the time zone '{short(zone)}', which is unknown")
    if len(unknown) > _MOST:
        rest = list(unknown.values())[_MOST:]
        report.notes.append(f"local_hour: {sum(rest):,} minutes have {len(rest):,} more unknown time zones")
    return hours

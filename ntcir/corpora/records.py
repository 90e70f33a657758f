"""Any camera with any sensor log: a folder ``images/`` and ``records.csv`` with one row a photograph."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd

from ntcir.config import Split
from ntcir.corpora.corpus import Corpus, ReadingReport
from ntcir.corpora.splits import assign_splits
from ntcir.corpora.tables import day_names, header, read_table
from ntcir.errors import UserError

RECORDS_FILE = "records.csv"
# Behind a time of day: a date has its hyphens too.
_OFFSET = re.compile(r"[T ].*([+-])(\d\d)(?::?(\d\d))?$")


def is_records(root: Path) -> bool:
    """Return whether the folder has a ``records.csv``."""
    return (root / RECORDS_FILE).is_file()


def image_id(file: str) -> str:
    """Return the id of an image file: its name, with blanks and the like quoted as in an URL, for TREC has none."""
    return quote(file, safe="/+@,=~()")


def read_records(root: Path, split: Split | None, name: str) -> Corpus:
    """Read a records folder: ``file, timestamp[, session]``, then any numeric or text sensor columns.

    ``file`` is relative to ``images/`` and is the image's id; the sensor reading's id is the file name without its
    ending (the whole name, should two rows share it). Timestamps are ISO 8601; with an offset (``-04:00``) they give
    the local hour, without one they are taken for UTC. ``local_hour`` is added to the readings. The group is the
    session, or the UTC day where there is no such column. A column in which every value is a number or missing is
    numeric.

    Raises:
        UserError: if a column is absent, or no row is usable.
    """
    path = root / RECORDS_FILE
    columns = header(path)
    table = read_table(path, needed=("file", "timestamp"), numeric=(), text=(), plain=tuple(columns))
    report = ReadingReport(counts={f"rows of {RECORDS_FILE}": len(table)})

    nameless = table["file"].isna().to_numpy()
    report.drop(f"row of {RECORDS_FILE} without a file", table["timestamp"][nameless].fillna("").tolist())
    table = table[~nameless]
    twice = table.duplicated("file").to_numpy()
    report.drop("file is listed twice", table["file"][twice].tolist())
    table = table[~twice]
    written = table["timestamp"].fillna("").str.strip()
    times = _utc(written)
    report.drop("timestamp is not ISO 8601", table["file"][times.isna()].tolist())
    table = table.assign(timestamp=times, local_hour=_local_hour(times, written))[times.notna()]
    present = np.array([(root / "images" / file).is_file() for file in table["file"]], dtype=bool)
    report.drop("photograph is listed but not on disk", table["file"][~present].tolist())
    table = table[present].sort_values(["timestamp", "file"], kind="stable", ignore_index=True)
    if table.empty:
        raise UserError(f"No row of {path} has a timestamp and a photograph under {root / 'images'}.")

    ids = pd.Series([image_id(file) for file in table["file"]], dtype=object)
    stems = ids.str.replace(r"\.[A-Za-z0-9]+$", "", regex=True)
    sensor_ids = stems if stems.is_unique else ids
    readings = [column for column in columns if column not in {"file", "timestamp", "session", "local_hour", ""}]
    sensors = pd.DataFrame({column: _typed(table[column]) for column in readings}, index=table.index)
    sensors["local_hour"] = table["local_hour"]
    sensors.index = pd.Index(sensor_ids, name="sensor")
    images = pd.DataFrame(
        {"path": [str((root / "images" / file).absolute()) for file in table["file"]]},
        index=pd.Index(ids, name="image"),
    )
    by_session = "session" in columns
    pairs = pd.DataFrame(
        {
            "image": ids,
            "sensor": sensor_ids,
            "group": table["session"].fillna("unnamed") if by_session else day_names(table["timestamp"]),
            "timestamp": table["timestamp"],
        }
    )
    silent = sensors.drop(columns="local_hour").isna().all(axis=1).to_numpy()
    report.drop("photograph without any reading", ids[silent].tolist())
    pairs = pairs[~silent].reset_index(drop=True)
    pairs["split"] = assign_splits(pairs, split, groups_are_days=not by_session)
    report.counts["pairs"] = len(pairs)
    return Corpus(name, root, {"image": images, "sensor": sensors}, pairs, not by_session, "records", report)


def _typed(column: pd.Series) -> pd.Series:
    """Return the column as float64 if all its values are numbers, else as text categories; blank is missing."""
    column = column.str.strip()
    column = column.where(column != "")
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    if (numbers.notna() == column.notna()).all():
        return numbers.where(np.isfinite(numbers))
    return column.astype("category")


def _utc(written: pd.Series) -> pd.Series:
    """Return ISO 8601 texts as times in UTC, NaT for what is none; without an offset they are taken for UTC."""
    # One kind at a time: in pandas 2.2 an offset spills over to the texts behind it that have none.
    told = np.array([bool(_OFFSET.search(text)) for text in written], dtype=bool)
    kinds = [written.where(told), written.where(~told)]
    with_offset, without = (
        pd.to_datetime(kind, utc=True, format="ISO8601", errors="coerce").dt.as_unit("us") for kind in kinds
    )
    return with_offset.fillna(without)


def _local_hour(times: pd.Series, written: pd.Series) -> np.ndarray:
    """Return the hour (float64, 0 to 24) on the clock of whoever wrote the timestamp."""
    shifts = np.zeros(len(written))
    for row, text in enumerate(written):
        if found := _OFFSET.search(text):
            shifts[row] = (1 if found[1] == "+" else -1) * (int(found[2]) + int(found[3] or 0) / 60)
    utc = times.dt.hour + times.dt.minute / 60 + times.dt.second / 3600
    return np.asarray((utc + shifts) % 24, dtype=np.float64)

"""Any camera with any sensor log: a folder ``images/`` and ``records.csv`` with one row a photograph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd

from ntcir.config import Split
from ntcir.corpora.captions import TEXT, needs_readings, one_line, texts_of, with_texts
from ntcir.corpora.corpus import OFFICIAL_KEYS, Corpus, ReadingReport
from ntcir.corpora.photographs import ENDINGS, files_under, find_photographs
from ntcir.corpora.splits import assign_splits
from ntcir.corpora.tables import columns_of, day_names, header, numbers_or_words, read_table
from ntcir.corpora.times import read_times
from ntcir.formats.columns import as_word
from ntcir.modalities import DEFAULT_PAIR
from ntcir.system.errors import UserError, short, some

RECORDS_FILE = "records.csv"
OWN_COLUMNS = ("file", "timestamp", "session")  # the others are readings; the session may be absent
CAPTION = "caption"  # a reading like any other, except where text is asked for
_TWICE = "file is listed twice"


def is_records(root: Path) -> bool:
    """Return whether the folder has a ``records.csv``."""
    return (root / RECORDS_FILE).is_file()


def image_id(file: str) -> str:
    """Return the id of an image file: its name, with blanks and the like quoted as in an URL, for TREC has none.

    An id is at most 256 bytes; of a longer one the middle is replaced by a digest of the name.
    """
    return as_word(quote(file, safe="/+@,=~()"))


def read_records(
    root: Path, split: Split | None, name: str, *, outside: bool = False, pair: Sequence[str] = DEFAULT_PAIR
) -> Corpus:
    """Read a records folder: ``file, timestamp[, session]``, then any numeric or text sensor columns.

    ``file`` is relative to ``images/`` and is the image's id; what is nearly the name of a file there is repaired
    (see ``find_photographs``). A photograph elsewhere on this machine is read only where ``outside`` says so. The
    sensor reading's id is the file name without its ending (the whole name, should two rows share it). Timestamps
    are ISO 8601, EXIF dates, epoch times, or dates whose order the column proves (see ``read_times``); with an
    offset (``-04:00``) they give the local hour, without one they are taken for UTC. ``local_hour`` is added to the
    readings. The group is the session as it is written, ``unnamed`` where it is empty, or the UTC day where there
    is no such column. A column is numeric if at least 95% of its values are numbers, among them ``12,5`` and ``62
    bpm``; the others are missing, counted and named in the report.

    Where text is one of the ``pair``, the column ``caption`` has a text about each photograph, ``<image>#caption``;
    otherwise it is a reading. A photograph without any reading is left out, except where photographs and texts are
    asked for.

    Raises:
        UserError: if a column is missing or appears twice, or no row is usable.
    """
    path = root / RECORDS_FILE
    columns = _columns(path)
    names = list(columns.values())
    captions = [_caption_column(names, path)] if TEXT in pair else []
    readings = [column for column in names if column not in {*OWN_COLUMNS, "local_hour", *captions}]
    own = [column for column in OWN_COLUMNS if column in names]
    report = ReadingReport()
    table = read_table(path, needed=OWN_COLUMNS[:2], raw=[*own, *readings, *captions], report=report)
    report.counts[f"rows of {RECORDS_FILE}"] = len(table)
    _note_columns(columns, header(path), report)
    for column in readings:  # before any row is left out, so that rows keep their numbers in the file
        table[column] = numbers_or_words(table[column], report, path)
    table = _dated(_named(table, report), report)
    table = _photographed(root / "images", table, report, outside).sort_values(
        ["timestamp", "file"], kind="stable", ignore_index=True
    )
    if table.empty:
        raise UserError(_nothing(root, path, report))

    ids = pd.Series([image_id(file) for file in table["file"]], dtype=object)
    stems = ids.str.replace(r"\.[A-Za-z0-9]+$", "", regex=True)
    sensor_ids = stems if stems.is_unique and stems.all() else ids
    sensors = table[readings].copy()
    sensors["local_hour"] = table["local_hour"]
    sensors.index = pd.Index(sensor_ids, name="sensor")
    paths = [_path(root / "images", file) for file in table["file"]]
    images = pd.DataFrame({"path": paths}, index=pd.Index(ids, name="image"))
    by_session = "session" in names
    pairs = pd.DataFrame(
        {
            "image": ids,
            "sensor": sensor_ids,
            "group": _sessions(table["session"], report) if by_session else day_names(table["timestamp"]),
            "timestamp": table["timestamp"],
        }
    )
    silent = sensors.drop(columns="local_hour").isna().all(axis=1).to_numpy()
    if needs_readings(pair):
        report.drop("photograph without any reading", ids[silent].tolist())
        pairs = pairs[~silent].reset_index(drop=True)
    else:
        pairs["sensor"] = pairs["sensor"].where(~silent)
    pairs["split"] = assign_splits(pairs, split, groups_are_days=not by_session)
    report.counts["pairs"] = len(pairs)
    corpus = Corpus(name, root, {"image": images, "sensor": sensors}, pairs, not by_session, "records", report)
    if not captions:
        return corpus
    texts = texts_of(ids, one_line(table[captions[0]]), CAPTION)
    report.counts["captions"] = len(texts)
    return with_texts(corpus, texts)


def _columns(path: Path) -> dict[str, str]:
    """Return the columns as written in the header -> what they are, each of them once.

    A ``Session`` beside a ``file`` has always been a reading; beside a ``File`` it is the session.
    """
    columns = columns_of(path, [*OWN_COLUMNS[:2], *header(path)])
    if any(columns.get(column) != column for column in OWN_COLUMNS[:2]):
        columns = columns_of(path, [*OWN_COLUMNS, *header(path)])
    return columns


def _caption_column(names: Sequence[str], path: Path) -> str:
    """Return the column that has the captions: ``caption``, in any case.

    Raises:
        UserError: if there is none, or there are several.
    """
    found = [name for name in names if name.strip().lower() == CAPTION]
    if len(found) != 1 and CAPTION not in found:
        what = (
            f"the columns {' and '.join(found)}: name one of them '{CAPTION}'"
            if found
            else (f"no column '{CAPTION}', which a pair with text needs; it has: {some(names, 40)}")
        )
        raise UserError(f"{path} has {what}.")
    return CAPTION if CAPTION in found else found[0]


def _note_columns(columns: Mapping[str, str], written: Sequence[str], report: ReadingReport) -> None:
    """Note columns that are not what they may be taken for."""
    names = list(columns.values())
    # The first may be the index that pandas and spreadsheets write.
    if nameless := [str(at) for at, name in enumerate(written, start=1) if not name.strip() and at > 1]:
        report.notes.append(
            f"{len(nameless)} column{'s' * (len(nameless) > 1)} of {RECORDS_FILE} without a name "
            f"{'are' if len(nameless) > 1 else 'is'} left out (column{'s' * (len(nameless) > 1)} {', '.join(nameless)})"
        )
    if "local_hour" in names:
        report.notes.append(f"the column 'local_hour' of {RECORDS_FILE} is replaced by the hour of the timestamp")
    if "session" not in names:
        for name in (name for name in names if name.strip().lower() == "session"):
            report.notes.append(f"the column '{name}' is a reading; to group rows by it, name it 'session'")
    if own := [name for name in names if name in OFFICIAL_KEYS]:
        report.notes.append(
            f"a model is not given the column{'s' * (len(own) > 1)} {', '.join(own)}, because the organisers' input "
            "uses that name for another key: rename it, or list it in sensors.numeric or sensors.categorical"
        )


def _named(table: pd.DataFrame, report: ReadingReport) -> pd.DataFrame:
    """Return the rows that name a file, each file once."""
    nameless = (table["file"].isna() | (table["file"].str.strip() == "")).to_numpy()
    report.drop(f"row of {RECORDS_FILE} without a file", table["timestamp"][nameless].fillna("").tolist())
    table = table[~nameless]
    twice = table.duplicated("file").to_numpy()
    report.drop(_TWICE, table["file"][twice].tolist())
    return table[~twice]


def _dated(table: pd.DataFrame, report: ReadingReport) -> pd.DataFrame:
    """Return the rows with a time, as ``timestamp`` in UTC, and their ``local_hour``."""
    times = read_times(table["timestamp"])
    for problem, rows in times.problems.items():
        report.drop(problem, table["file"].iloc[rows].tolist())
    report.notes += times.notes
    return table.assign(timestamp=times.utc, local_hour=times.local_hour)[times.utc.notna()]


def _photographed(folder: Path, table: pd.DataFrame, report: ReadingReport, outside: bool) -> pd.DataFrame:
    """Return the rows whose photograph is on disk, ``file`` as it is named there, each photograph once."""
    names = table["file"].tolist()
    found = find_photographs(folder, names, outside=outside)
    for problem, rows in found.problems.items():
        report.drop(problem, [names[row] for row in rows])
    for repair, rows in ((repair, rows) for repair, rows in found.repairs.items() if rows):
        first = f"{short(names[rows[0]])} is {short(found.files[rows[0]] or '')}"
        report.notes.append(f"{len(rows):,} file name{'s' * (len(rows) > 1)} read {repair} (first: {first})")
    # Of rows that lead to one photograph, a repaired name gives way to the right one.
    right_first = sorted(range(len(names)), key=lambda row: found.files[row] != names[row])
    kept, taken, twice = np.zeros(len(names), dtype=bool), set(), []
    for row in right_first:
        if (file := found.files[row]) is not None:
            path = _path(folder, file)
            kept[row] = path not in taken
            taken.add(path)
            if not kept[row]:
                twice.append(names[row])
    report.drop(_TWICE, twice)
    return table.assign(file=pd.Series(found.files, index=table.index, dtype=object))[kept]


def _path(folder: Path, file: str) -> str:
    return str((folder / file).absolute())


def _nothing(root: Path, path: Path, report: ReadingReport) -> str:
    """Return the error for a table without a usable row: how many fail for which reason."""
    reasons = [f"{len(ids):,} left out: {reason} (first: {short(ids[0])})" for reason, ids in report.dropped.items()]
    there = min((file for file in files_under(root / "images") if file.lower().endswith(ENDINGS)), default=None)
    shown = f"; a photograph there is {short(there)}" if there else "; there is no photograph in that folder"
    why = f": {'; '.join(short(reason, 500) for reason in reasons[:6])}" if reasons else ""
    return f"No row of {path} has a timestamp and a photograph under {root / 'images'}{why}{shown}."


def _sessions(written: pd.Series, report: ReadingReport) -> pd.Series:
    """Return the session of each row; those without one form a session of their own, which is noted."""
    empty = written.isna() | (written.fillna("").str.strip() == "")
    if not empty.any():
        return written
    unnamed, taken = "unnamed", set(written[~empty])
    while unnamed in taken:
        unnamed += "-2"
    report.notes.append(f"{int(empty.sum()):,} rows without a session form the session '{unnamed}'")
    return written.where(~empty, unnamed)

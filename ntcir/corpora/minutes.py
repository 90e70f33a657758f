"""Ids of minutes, ``YYYYMMDD_HHMM`` in UTC, in the spellings that spreadsheets and exports give them."""

from __future__ import annotations

import datetime as dt
import re

import numpy as np
import pandas as pd

from ntcir.corpora.corpus import ReadingReport
from ntcir.system.errors import some

_USUAL = r"\d{8}_\d{4}"
_ALL_USUAL = re.compile(rf"(?:{_USUAL}\n)*+", re.ASCII)
_DATE = r"(?:(\d{4})(\d\d)(\d\d)|(\d{4})([-/.])(\d\d?)\5(\d\d?))"
_TIME = r"(?:(\d\d)(\d\d)(?:[0-5]\d)?|(\d\d?):(\d\d)(?::[0-5]\d)?)(?:\.\d+)?"  # seconds are left out
_MINUTE = re.compile(rf"{_DATE}[Tt_ -]?{_TIME} ?(?:[Zz]|UTC|[+-]00(?::?00)?)?", re.ASCII)


def usual_minutes(ids: pd.Series, where: str, report: ReadingReport) -> pd.Series:
    """Return ids of minutes in their usual spelling; what is not a minute is left unchanged.

    Args:
        ids: text, NaN where there is none; indexed by the number of each row in the file.
        where: the file they are in, for the report.
        report: told which were spelled otherwise.
    """
    if _ALL_USUAL.fullmatch("".join([f"{text}\n" for text in ids])):  # at once: there may be a million
        return ids
    usual = ids.str.fullmatch(_USUAL).fillna(False).astype(bool)
    odd = [int(row) for row in np.flatnonzero(ids.notna() & ~usual)]
    if not odd:
        return ids
    meant = {text: _usual(text) for text in ids.iloc[odd].unique()}
    read = [row for row in odd if meant[ids.iloc[row]] is not None]
    if not read:
        return ids
    first = ids.iloc[read[0]]
    report.note(
        where,
        [
            f"{len(read):,} of {len(ids):,} minute_ids are read from another spelling "
            f"(first: {first!r} in row {ids.index[read[0]]}, as {meant[first]})"
        ],
    )
    changed = ids.copy()
    changed.iloc[read] = [meant[text] for text in ids.iloc[read]]
    return changed


def _usual(text: str) -> str | None:
    """Return the minute that a text certainly means; None if there is none."""
    found = _MINUTE.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute = (int(part) for part in found.groups() if part and part.isdigit())
    try:
        return f"{dt.datetime(year, month, day, hour, minute, tzinfo=dt.UTC):%Y%m%d_%H%M}"
    except ValueError:  # no such day or hour
        return None


def note_unjoined(wanted: pd.Series, known: pd.Index, path: str, report: ReadingReport) -> bool:
    """Note how many minutes with photographs have no row of readings; return whether none has one.

    Args:
        wanted: ids of minutes with photographs, each once.
        known: ids of minutes with readings.
        path: the file with the readings, for the report.
        report: told.
    """
    lacking = wanted[~wanted.isin(known)]
    if lacking.empty:
        return False
    none = len(lacking) == len(wanted)
    alarm = "WARNING: NONE of the" if none else f"{len(lacking):,} of"
    ids = f"; its minute_ids look like {some(map(repr, known[:2]))}" if len(known) else "; it has no rows"
    have = "has a row" if none else "have no row"
    report.note(
        path, [f"{alarm} {len(wanted):,} minutes with photographs {have} here (first: {lacking.iloc[0]!r}{ids})"]
    )
    return none

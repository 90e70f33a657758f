"""What a column of timestamps says: ISO 8601, EXIF dates, epoch times, and dates whose order the column proves."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ntcir.system.errors import short

# Years of a timestamp. Nanoseconds in 64 bits, to which pandas turns times in arithmetic, hold from 1678 to 2261; what
# lies outside these years is an unset clock or a placeholder such as 9999-12-31.
YEARS = range(1900, 2200)
_FIRST, _LAST = str(YEARS.start), str(YEARS.stop - 1)
OUT_OF_RANGE = f"is outside {_FIRST} to {_LAST}"
# Seconds since 1970 of the years 2000 to 2099. The units do not overlap in it, and it leaves out what counts from
# another year: today's seconds since 2001 (Apple) and ticks since the year 1 (.NET) would be times in the early 1990s.
_EPOCH = (946_684_800, 4_102_444_800)
_UNITS = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
_READABLE = "write ISO 8601, such as 2020-03-16T16:50:00Z"

_LONGEST = 64  # characters of a time in any spelling; searching longer ones gets slower and slower
_NUMBER = re.compile(r"(\d{9,19})(?:\.(\d*))?", re.ASCII)
# Four digits alone are a year to ISO 8601, but a count in any log; words such as 'now' are times to pandas.
_ISO = re.compile(r"(\d{4})(?:[-/. ]\d[^tz,UG]*|\d{4}(?:[T ][^tz,UG]*)?)([tz,UG].*)?", re.ASCII)
_SPELLINGS = re.compile(r"(?<=\d)(?:t(?=\d)|z$|,(?=\d)|\s?(?:UTC|GMT)$)")  # of T, Z and the decimal point
_PACKED = re.compile(r"(\d{8})[_-]?(\d{6}|\d{4})", re.ASCII)  # as cameras name files, 20200316_165048
_EXIF = re.compile(r"(\d{4}):(\d\d):(\d\d)[ T](\d\d:\d\d:\d\d\S*)(?:\s?([+-]\d\d:\d\d))?", re.ASCII)
_WRITTEN = re.compile(
    r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})"  # day and month in either order, year
    r"(?:(?:,\s?|\s|T)(\d{1,2}):(\d\d)(?::(\d\d)(\.\d+)?)?(?:\s?([AaPp])\.?[Mm]\.?)?)?"
    r"\s?(Z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
# Behind a time of day: a date has its hyphens too. pandas takes an hour of one digit.
_OFFSET = re.compile(r"[T ].*([+-])(\d\d?)(?::?(\d\d?))?$", re.ASCII)


@dataclass(frozen=True)
class Times:
    """A column of timestamps, read.

    Attributes:
        utc: datetime64[us, UTC] [rows], NaT where a text gives no time.
        local_hour: float64 [rows], the hour (0 to 24) on the writer's clock; NaN where there is no time.
        problems: what is wrong, with a first example -> the rows (positions) of which it is said.
        notes: how texts other than ISO 8601 were taken, a line each.
    """

    utc: pd.Series
    local_hour: np.ndarray
    problems: dict[str, list[int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_times(written: pd.Series) -> Times:
    """Read timestamps: UTC where they have no offset.

    ISO 8601 and EXIF dates (``2020:03:16 16:50:00``) are read one by one. Epoch times in seconds, milliseconds,
    microseconds or nanoseconds are told apart by their size, and must be in one unit and more than the dates. Dates
    such as ``03/16/2020 4:50 PM`` are read if the column proves the order of day and month: some first number above 12,
    or some second one, but not both.

    Args:
        written: text; missing values and blanks give no time.
    """
    texts = [text.strip() for text in written.fillna("").astype(str)]
    reader = _Column(texts)
    reader.read_numbers()
    reader.read_ordered_dates()
    iso = pd.Series(reader.iso, index=written.index, dtype=object)
    utc = _utc(iso)
    counted = np.array(reader.microseconds, dtype="datetime64[us]")
    utc = utc.fillna(pd.Series(counted, index=written.index).dt.tz_localize("UTC"))
    unread = [row for row in np.flatnonzero(utc.isna().to_numpy()).tolist() if row not in reader.explained]
    missing = [row for row in unread if not texts[row]]
    reader.problem("timestamp is missing", missing)
    strange = [row for row in unread if texts[row]]
    if strange:
        reader.problem(f"timestamp cannot be read, such as '{short(texts[strange[0]])}' ({_READABLE})", strange)
    return Times(utc, _local_hour(utc, reader.iso), reader.problems, reader.notes(utc.notna().to_numpy()))


class _Column:
    """A column of texts being read as times: what each is, and what the column as a whole decides."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self.iso = [""] * len(texts)  # in a spelling that pandas reads, empty where there is none
        self.microseconds: list[int | None] = [None] * len(texts)  # since 1970, of numbers
        self.problems: dict[str, list[int]] = {}
        self.explained: set[int] = set()  # rows with a problem already noted
        self._numbers: dict[int, tuple[str, int]] = {}
        self._dates: dict[int, re.Match[str]] = {}
        self._taken: dict[str, list[int]] = {}
        outside = []
        for row, text in enumerate(texts):
            if len(text) > _LONGEST:
                continue
            if iso := _ISO.fullmatch(text):
                self.iso[row] = text if iso[2] is None else _SPELLINGS.sub(_spelling, text)
            elif (number := _NUMBER.fullmatch(text)) and (epoch := _epoch(number)):
                self._numbers[row] = epoch
            elif found := _EXIF.fullmatch(text):
                year, month, day, clock, offset = found.groups()
                self.iso[row] = f"{year}-{month}-{day} {clock}{offset or ''}"
                self._take("EXIF dates; without an offset they are taken as UTC", row)
            elif (date := _WRITTEN.fullmatch(text)) and min(int(date[1]), int(date[3])) in range(1, 13):
                self._dates[row] = date
            elif (packed := _PACKED.fullmatch(text)) and int(text[:4]) in YEARS:
                self.iso[row] = f"{packed[1]}T{packed[2]}"
            if self.iso[row] and not _FIRST <= self.iso[row][:4] <= _LAST:
                outside.append(row)
        self.problem(f"timestamp {OUT_OF_RANGE}", outside, example=True)
        for row in outside:
            self.iso[row] = ""

    def problem(self, what: str, rows: Sequence[int], *, example: bool = False) -> None:
        """Note that these rows give no time, and why."""
        if rows:
            shown = f", such as '{short(self._texts[rows[0]])}'" if example else ""
            self.problems[f"{what}{shown}"] = list(rows)
            self.explained.update(rows)

    def _take(self, what: str, row: int) -> None:
        self._taken.setdefault(what, []).append(row)

    def notes(self, there: np.ndarray) -> list[str]:
        """Return how texts that are no ISO 8601 were taken, of the rows (bool) that gave a time."""
        notes = []
        for what, rows in self._taken.items():
            if read := [row for row in rows if there[row]]:
                plural = "s" if len(read) > 1 else ""
                notes.append(f"{len(read):,} timestamp{plural} read as {what} (first: {short(self._texts[read[0]])})")
        return notes

    def read_numbers(self) -> None:
        """Read epoch times, if the column holds such: a single number among dates is a mistake, not a time."""
        if not self._numbers:
            return
        [(unit, most)] = Counter(unit for unit, _ in self._numbers.values()).most_common(1)
        dates = sum(map(bool, self.iso)) + len(self._dates)
        alike = most > max(dates, len(self._numbers) / 2)
        others = []
        for row, (own, microseconds) in self._numbers.items():
            if alike and own == unit:
                self.microseconds[row] = microseconds
                self._take(f"epoch times in {unit}; their local_hour is that of UTC", row)
            else:
                others.append(row)
        kind = f"most rows are epoch times in {unit}" if alike else "other rows are dates, or numbers in another unit"
        self.problem(f"timestamp is a number where {kind}", others, example=True)

    def read_ordered_dates(self) -> None:
        """Read dates with the year at the end, if the column proves the order of day and month."""
        if not self._dates:
            return
        pairs = [(int(date[1]), int(date[3])) for date in self._dates.values()]
        day_first = any(first > 12 >= second for first, second in pairs)
        month_first = any(second > 12 >= first for first, second in pairs)
        rows = list(self._dates)
        if day_first == month_first:
            why = "the column has both" if day_first else "no row shows which"
            self.problem(f"timestamp may be day/month or month/day, and {why} (write 2020-03-16)", rows, example=True)
            return
        outside = [row for row in rows if int(self._dates[row][4]) not in YEARS]
        self.problem(f"timestamp {OUT_OF_RANGE}", outside, example=True)
        order = "day/month/year" if day_first else "month/day/year"
        for row in rows:
            if row not in self.explained:
                self.iso[row] = _as_iso(self._dates[row], day_first)
                self._take(f"{order}, the only order that fits all of them", row)


def _spelling(found: re.Match[str]) -> str:
    return {"t": "T", ",": "."}.get(found[0], "Z")


def _epoch(number: re.Match[str]) -> tuple[str, int] | None:
    """Return the unit of an epoch time and its microseconds since 1970; None if it is no such time."""
    whole, fraction = int(number[1]), number[2] or ""
    for unit, per_second in _UNITS.items():
        if _EPOCH[0] * per_second <= whole < _EPOCH[1] * per_second:
            digits = len(str(per_second)) - 1  # by powers of ten, without rounding
            decimal = f"{number[1]}{fraction}".ljust(len(number[1]) + 6, "0")
            return unit, int(decimal[: len(number[1]) + 6 - digits])
    return None


def _as_iso(date: re.Match[str], day_first: bool) -> str:
    """Return a date and time of day as ISO 8601; what is no date, such as 45/45/2020, stays none."""
    first, _, second, year, hour, minute, second_of_minute, fraction, half, offset = date.groups()
    day, month = (first, second) if day_first else (second, first)
    text = f"{year}-{month:0>2}-{day:0>2}"
    if hour is None:
        return text if offset is None else ""
    if half is not None:
        if not 1 <= int(hour) <= 12:
            return ""
        hour = str(int(hour) % 12 + (12 if half in "Pp" else 0))
    return f"{text}T{hour:0>2}:{minute}:{second_of_minute or '00'}{fraction or ''}{offset or ''}"


def _utc(written: pd.Series) -> pd.Series:
    """Return ISO 8601 texts as times in UTC, NaT for what is none; without an offset they are taken for UTC."""
    # One kind at a time: in pandas 2.2 an offset spills over to the texts behind it that have none.
    told = np.array([bool(_OFFSET.search(text)) for text in written], dtype=bool)
    kinds = [written.where(told), written.where(~told)]
    with_offset, without = (
        pd.to_datetime(kind, utc=True, format="ISO8601", errors="coerce").dt.as_unit("us") for kind in kinds
    )
    return with_offset.fillna(without)


def _local_hour(times: pd.Series, written: Sequence[str]) -> np.ndarray:
    """Return the hour (float64, 0 to 24) on the clock of whoever wrote the timestamp."""
    shifts = np.zeros(len(written))
    for row, text in enumerate(written):
        if found := _OFFSET.search(text):
            shifts[row] = (1 if found[1] == "+" else -1) * (int(found[2]) + int(found[3] or 0) / 60)
    utc = times.dt.hour + times.dt.minute / 60 + times.dt.second / 3600
    return np.asarray((utc + shifts) % 24, dtype=np.float64)

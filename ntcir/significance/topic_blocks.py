"""The blocks of a scored set of topics: by what is typed, from the times or a column that the topics have."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ntcir.formats.columns import Floats, Ints
from ntcir.formats.official import OfficialQrels
from ntcir.formats.reading import named
from ntcir.formats.runs import Qrels
from ntcir.formats.topic_table import TopicTable, seconds_of
from ntcir.significance.blocks import consecutive, labelled, windows
from ntcir.significance.neighbours import few_blocks, neighbours
from ntcir.system.errors import UserError, counted, did_you_mean, short, some

TIMESTAMP = "timestamp"
NONE = "none"
_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(rf"(\d+(?:\.\d+)?) ?({'|'.join(_UNITS)})")
_MINUTE = re.compile(r"(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)")  # the organisers' minute_id


@dataclass(frozen=True)
class TopicBlocks:
    """Which topics are drawn together.

    Attributes:
        codes: the block of each topic, int64 (topics,); None where each topic is its own.
        notes: sentences about them.
    """

    codes: Ints | None
    notes: tuple[str, ...] = ()

    def of(self, chosen: np.ndarray) -> Ints | None:
        """Return the blocks of some topics."""
        return None if self.codes is None else self.codes[chosen]


def topic_blocks(
    typed: str | None, names: Sequence[str], directions: Sequence[str | None], table: TopicTable | None, qrels: Qrels
) -> TopicBlocks:
    """Return the blocks of topics.

    Args:
        typed: a column of the table, a number of topics that follow one another in time, a length of time such as
            ``30s``, or ``none``. If None, the usual ones where there are times, see
            :func:`ntcir.significance.neighbours.neighbours`.
        names: the topics' ids.
        directions: of each, None if unknown.
        table: of the topics; None without one.
        qrels: which, if they are the organisers', have the minute of what is relevant.

    Raises:
        UserError: if ``typed`` is none of these, or the topics have no such column, no times, or one block only.
    """
    columns = [] if table is None else [name for name in table.columns if name not in ("topic_id", "query")]
    if typed == NONE:
        return TopicBlocks(None)
    if typed is not None and table is not None and typed in columns and typed != TIMESTAMP:
        return _by_column(typed, names, table)
    length = _length(typed, columns)
    times = _times(names, table, qrels)
    known = ~np.isnan(times)
    asked = np.unique([name or "" for name in directions], return_inverse=True)[1].reshape(-1)
    if typed is None:
        return _usual(times, asked)
    if not known.any():
        raise UserError(_without_times(typed, table))
    if isinstance(length, int):
        codes = consecutive(times, asked, length)
        what = f"topics that follow one another in time, at least {length} of a direction, fewer in the last block"
    else:
        codes, what = windows(times, length), f"the topics of each {typed}"
    unknown = [name for name, timed in zip(names, known, strict=True) if not timed]
    return _checked(codes, typed, what, unknown, "time")


def _usual(times: Floats, asked: Ints) -> TopicBlocks:
    """Return blocks by which intervals are not too narrow, where nobody says what blocks are."""
    found = neighbours(times, asked)
    if found is None:
        return TopicBlocks(None)
    return TopicBlocks(
        found.codes, (f"Intervals draw {found.described('topic', 'topics')} (see --blocks).", *found.remarks())
    )


def _by_column(column: str, names: Sequence[str], table: TopicTable) -> TopicBlocks:
    cells = table.column(column, names)
    unknown = [name for name, cell in zip(names, cells, strict=True) if not cell]
    return _checked(labelled(cells), column, f"the topics of each {short(column)}", unknown, column)


def _checked(codes: Ints, typed: str, what: str, unknown: Sequence[str], lacking: str) -> TopicBlocks:
    """Return blocks that were asked for, with what a reader should know of them."""
    number = int(codes.max()) + 1
    if number < 2 <= len(codes):
        raise UserError(
            f"--blocks {short(typed)} puts all {len(codes)} topics into one block, of which nothing can be drawn: give "
            "smaller blocks."
        )
    notes = [f"Intervals draw {counted(number, 'block', 'blocks')}: {what} (--blocks {short(typed)})."]
    notes += few_blocks(codes)
    if unknown:
        which = counted(len(unknown), "topic has no", "topics have no")
        own = "is a block" if len(unknown) == 1 else "are blocks"
        notes.append(f"{which} {short(lacking)} and {own} of {'its' if len(unknown) == 1 else 'their'} own: "
                     f"{some(unknown)}.")  # fmt: skip
    return TopicBlocks(codes, tuple(notes))


def _length(typed: str | None, columns: Sequence[str]) -> int | float:
    """Return a number of topics, or of seconds as a float; 0 where nothing is typed.

    Raises:
        UserError: if it is neither.
    """
    if typed is None:
        return 0
    if typed.isascii() and typed.isdecimal() and 0 < len(typed) < 10 and int(typed) > 0:
        return int(typed)
    found = _DURATION.fullmatch(typed)
    if found and float(found[1]) > 0:
        return float(found[1]) * _UNITS[found[2]]
    there = [name for name in columns if name != TIMESTAMP]
    which = f"a column of the topics ({some(there)})" if there else "a column that you add to the topics"
    raise UserError(
        f"--blocks '{short(typed)}' is not valid{did_you_mean(typed, there)}: give {which}, a number of topics that "
        "follow one another in time such as 20, a length of time such as 30s, 5min, 2h or 1d, or none."
    )


def _times(names: Sequence[str], table: TopicTable | None, qrels: Qrels) -> Floats:
    """Return the time of each topic in seconds, NaN where unknown; of what is relevant, if the topics have none."""
    if table is not None and TIMESTAMP in table.columns:
        times = np.array([seconds_of(cell) for cell in table.column(TIMESTAMP, names)], dtype=np.float64)
        if not np.isnan(times).all():
            return times
    if not isinstance(qrels, OfficialQrels):
        return np.full(len(names), np.nan)
    rows = np.flatnonzero(qrels.relevance > 0)
    minutes = {qrels.topics[qrels.topic[row]]: qrels.minute[row].decode() for row in rows[::-1].tolist()}
    return np.array([_seconds_of_minute(minutes.get(name, "")) for name in names], dtype=np.float64)


def _seconds_of_minute(minute: str) -> float:
    """Return a minute_id, such as ``20200316_1650``, as seconds since 1970; NaN for what is not one."""
    return seconds_of(_MINUTE.sub(r"\1-\2-\3 \4:\5", minute)) if _MINUTE.fullmatch(minute) else np.nan


def _without_times(typed: str, table: TopicTable | None) -> str:
    where = "there is no table of the topics (--topics)" if table is None else f"{named(table.path)} has none"
    return (
        f"--blocks {short(typed)} needs the times of the topics, a column {TIMESTAMP} such as 2020-03-16 16:50:00, and "
        f"{where}: add it, or name another column with --blocks."
    )

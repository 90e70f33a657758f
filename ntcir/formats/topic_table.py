"""A table of topics, read once: its cells by column, which way topics ask, and when."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ntcir.formats.reading import StrPath, named, read_bytes
from ntcir.system.errors import UserError

_MOST = 3  # bad lines named in one sentence


@dataclass(frozen=True)
class TopicTable:
    """The topics as a command that scores needs them.

    Attributes:
        path: the file.
        cells: topic id -> cell by column; of a topic that comes twice, the last line counts.
        columns: their names, in the file's order.
        directions: topic id -> the direction's name, without topics of which it is not known.
    """

    path: StrPath
    cells: Mapping[str, Mapping[str, str]]
    columns: Sequence[str]
    directions: Mapping[str, str]

    def column(self, name: str, topics: Iterable[str]) -> list[str]:
        """Return the cells of a column for some topics, empty for one that is not in the table."""
        return [self.cells.get(topic, {}).get(name, "") for topic in topics]


def seconds_of(text: str) -> float:
    """Return a time in ISO 8601, such as ``2020-03-16 16:50:00``, as seconds since 1970; UTC, unless it has an offset.

    NaN for what is not one, such as an empty cell or a dash.
    """
    try:
        moment = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        return math.nan
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()


def read_lines(path: StrPath) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return a tab-separated table's header and its lines, each with its number; empty ones are left out.

    Raises:
        UserError: if the file cannot be read, or is not text.
    """
    try:
        text = read_bytes(path).decode()
    except UnicodeDecodeError:
        wanted = "expected a table with the columns topic_id and query"
        raise UserError(f"{named(path)} is not a text file in UTF-8: {wanted}.") from None
    # Not splitlines(): a reading's text may hold U+2028 or U+0085, which end no line of a TSV.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    header, *rows = ([cell.strip() for cell in line.split("\t")] for line in lines)
    return header, [(number, row) for number, row in enumerate(rows, start=2) if any(row)]


def parse_lines(
    path: StrPath,
    header: Sequence[str],
    lines: Iterable[tuple[int, list[str]]],
    parse: Callable[[Mapping[str, str]], None],
) -> None:
    """Hand the cells of each line, by column, to a function that raises a ValueError about what is wrong with them.

    Raises:
        UserError: naming the first lines that are wrong.
    """
    wrong: list[str] = []
    for number, row in lines:
        try:
            if len(row) != len(header):
                raise ValueError(f"{len(row)} columns instead of {len(header)}")
            # Of columns of the same name the first counts.
            parse(dict(zip(reversed(header), reversed(row), strict=True)))
        except ValueError as error:
            wrong.append(f"line {number}: {error}")
    if wrong:
        more = f"; and {len(wrong) - _MOST} more problems" if len(wrong) > _MOST else ""
        raise UserError(f"{named(path)} {'; '.join(wrong[:_MOST])}{more}.")

"""Hits and collections as files: a TREC run, a run of NTCIR-19 Lifelog, or a table for a spreadsheet.

A spreadsheet takes a cell that begins with ``=``, ``+``, ``-`` or ``@`` for a formula, and would work it out. So in the
table, words that begin so, or with an apostrophe, a tab or an end of line, get an apostrophe in front, which is to be
taken off where the table is read by a program. Numbers stay as they are. Runs have ids as they are: they go to
programs, and a changed id would be that of another photograph.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import parse_qsl

import numpy as np

from ntcir.formats.csv_columns import csv_text
from ntcir.formats.lifelog_run import MOST_IMAGES, format_run
from ntcir.formats.runs import format_ranking
from ntcir.serve.collecting.rows import Kept
from ntcir.serve.index.catalogue import UNKNOWN, Catalogue
from ntcir.serve.state import State
from ntcir.system.errors import UserError, counted

Layout = Literal["trec", "ntcir19", "csv"]
MOST = {"trec": 100_000, "ntcir19": MOST_IMAGES, "csv": 100_000}  # rows
USUAL = {"trec": 1000, "ntcir19": MOST_IMAGES, "csv": 1000}
_FORMULA = ("=", "+", "-", "@", "'", "\t", "\r", "\n")
_COLUMNS = ("rank", "id", "score", "time", "local_time", "latitude", "longitude")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_NAME = 60  # characters of a file's name


@dataclass(frozen=True)
class Listed:
    """What is exported, best first.

    Attributes:
        ids: of the items.
        scores: float32, descending; None where they have none.
        total: how many there are, of which these may be the first.
    """

    ids: Sequence[str]
    scores: np.ndarray | None
    total: int


@dataclass(frozen=True)
class Export:
    """A file to be saved.

    Attributes:
        name: of ASCII letters, digits, ``-``, ``_`` and ``.``.
        text: what is in it, to be written in UTF-8.
        remarks: sentences, in ASCII, on what was left out or made up.
    """

    name: str
    text: str
    remarks: tuple[str, ...]

    @property
    def media_type(self) -> str:
        """What kind of file it is, as HTTP says it."""
        return f"text/{'csv' if self.name.endswith('.csv') else 'plain'}; charset=utf-8"


def listed(kept: Sequence[Kept]) -> Listed:
    """Return a collection as a list.

    Scores of one query can be compared; where all items have one, and all were found by the same query of the same
    model, they give the order. Otherwise the order is that in which items were added, and there are no scores.
    """
    queries = {(each.model, *_query(each.address)) for each in kept}
    scores = [each.score for each in kept if each.score is not None]
    if len(scores) < len(kept) or len(queries) != 1:
        return Listed([each.item for each in kept], None, len(kept))
    order = np.argsort(-np.array(scores, dtype=np.float32), kind="stable").tolist()
    return Listed([kept[at].item for at in order], np.array(scores, dtype=np.float32)[order], len(kept))


def as_run(layout: Layout, found: Listed, topic: str, group: str, run: str) -> Export:
    """Return a run of one topic.

    Items without scores get ``n``, ``n - 1``, ... ``1``, so that the run keeps their order; that is remarked.

    Args:
        layout: of a run.
        found: what is ranked; of more items than the layout takes, the first are.
        topic: its id.
        group: the GROUP-ID, which TREC's layout does not have.
        run: the tag, or RUN-ID.

    Raises:
        UserError: if there is nothing, or an id is missing or cannot stand in a run.
    """
    if not topic:
        raise UserError("A run needs the id of its topic, such as KIS26001: give one.")
    if not found.ids:
        raise UserError("There is nothing to export: a run needs at least one photograph.")
    ids = found.ids[: MOST[layout]]
    scores = np.arange(len(ids), 0, -1, dtype=np.float32) if found.scores is None else found.scores[: len(ids)]
    remarks = [*_cut(layout, len(ids), found.total)]
    if found.scores is None:
        remarks.append(f"There are no scores that can be compared: the order is written as {len(ids):,}, ... 2, 1.")
    if layout == "trec":
        text = format_ranking(topic, ids, scores, run)
    else:
        text = format_run(group, run, [(topic, ids, scores)])
    return Export(_name(topic, "txt" if layout == "trec" else "csv"), text, tuple(remarks))


def as_table(catalogue: Catalogue, found: Listed, name: str) -> Export:
    """Return a table: rank, id, score, time in UTC, local time, latitude, longitude, and columns of words.

    Args:
        catalogue: what is known of items; of those it lacks, only rank, id and score are.
        found: what is listed.
        name: after which the file is named.
    """
    ids, columns = found.ids[: MOST["csv"]], list(catalogue.labels)
    rows, gone = [], 0
    for at, item in enumerate(ids):
        score = "" if found.scores is None else f"{float(found.scores[at]):.9g}"
        row = catalogue.ids.find(item)
        gone += row is None
        told = [""] * (4 + len(columns)) if row is None else _told(catalogue, row, columns)
        rows.append([str(at + 1), plain(item), score, *told])
    remarks = [*_cut("csv", len(ids), found.total)]
    if gone:
        remarks.append(f"{counted(gone, 'photograph is', 'photographs are')} no longer in the corpus.")
    return Export(_name(name, "csv"), csv_text([*_COLUMNS, *map(plain, columns)], rows), tuple(remarks))


def plain(cell: str) -> str:
    """Return words as a spreadsheet shows them, and does not work them out."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _told(catalogue: Catalogue, row: int, columns: Sequence[str]) -> list[str]:
    """Return the cells of an item behind its score."""
    times, place = ["", ""], ["", ""]
    if (seconds := int(catalogue.times[row])) != UNKNOWN:
        utc = _EPOCH + timedelta(seconds=seconds)
        local = utc + timedelta(seconds=int(catalogue.offsets[row]))
        times = [f"{utc:%Y-%m-%dT%H:%M:%SZ}", f"{local:%Y-%m-%dT%H:%M:%S}"]
    where = [float(degrees) for degrees in catalogue.positions[row]]
    if all(map(math.isfinite, where)):
        place = [f"{degrees:.7g}" for degrees in where]  # single precision has no more digits
    codes = [(catalogue.labels[column], int(catalogue.labels[column].codes[row])) for column in columns]
    return [*times, *place, *(plain(each.values[code]) if code >= 0 else "" for each, code in codes)]


def _cut(layout: Layout, shown: int, total: int) -> list[str]:
    if shown == total:
        return []
    full = layout == "ntcir19" and shown == MOST_IMAGES  # fewer are as many as were asked for
    why = f", as many as NTCIR-19 Lifelog takes of a topic ({MOST_IMAGES})" if full else ""
    return [f"Of {total:,}, the first {shown:,} are exported{why}."]


def _query(address: str) -> tuple[object, ...]:
    """Return what was asked at an address, however the hits were narrowed down."""
    state = State.of(parse_qsl(address))
    return state.ask, state.then, state.right, state.wrong


def _name(of: str, ending: str) -> str:
    return f"ntcir-{re.sub('[^A-Za-z0-9._-]+', '-', of)[:_LONGEST_NAME].strip('-.') or 'export'}.{ending}"

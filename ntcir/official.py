"""The organisers' CSV files, runs and qrels: written, told from the TREC formats, and read.

A run has the columns ``group_id, run_id, topic_id, dmr_minute_id, score`` and a row for every candidate; the qrels have
``topic_id, dmr_minute_id, minute_id, rel``, with the candidates that are not relevant among them. Documents are the
``dmr_minute_id``: numbers, which one file writes ``00536`` and the next ``536`` (:func:`by_number`).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import TypeVar

import numpy as np

from ntcir.columns import (
    BOM,
    LONGEST,
    NOT_TEXT,
    Finding,
    Floats,
    Ints,
    StrPath,
    Texts,
    check_text,
    numbers,
    read_bytes,
    refuse,
)
from ntcir.errors import UserError, some
from ntcir.runs import Pairs, Pools, Qrels, Run, distinct

RUN = ("group_id", "run_id", "topic_id", "dmr_minute_id", "score")
QRELS = ("topic_id", "dmr_minute_id", "minute_id", "rel")

_HEAD = 1 << 16  # bytes within which a file's first line ends
_BLANKS = " \t\r\n\v\f"  # around a field they are no part of it
_SHOWN = 40  # characters of a wrong value that are worth showing
_WORD = re.compile(rb"[^\t-\r]{1,%d}" % LONGEST)  # a field on one line
LONGEST_ID = {"group": 5, "run": 10}

P = TypeVar("P", bound=Pairs)


@dataclass(frozen=True, eq=False)
class OfficialRun(Run):
    """A run as the organisers take it: ``group`` is its group_id, the one tag its run_id, ranks follow the scores."""

    group: str


@dataclass(frozen=True, eq=False)
class OfficialQrels(Qrels):
    """Judgements as the organisers write them; ``minute`` is (rows,) bytes, the ``minute_id``, empty where unknown."""

    minute: Texts

    def pools(self) -> Pools:
        """Return the candidates of each topic; a topic with relevant rows only is left out: its pool is not known."""
        listed = np.bincount(self.topic, self.relevance <= 0, len(self.topics)) > 0
        rows = np.flatnonzero(listed[self.topic])
        topics = [topic for topic, known in zip(self.topics, listed, strict=True) if known]
        return Pools(self.path, self.line[rows], topics, (np.cumsum(listed) - 1)[self.topic[rows]], self.document[rows])


# ---------------------------------------------------------------------------------------------------------- writing


def check_ids(group: str, run: str) -> None:
    """Check a group's id and a run's.

    Raises:
        UserError: unless they are 1 to 5 and 1 to 10 letters or digits, of ASCII.
    """
    for kind, text in (("group", group), ("run", run)):
        most = LONGEST_ID[kind]
        if not re.fullmatch(f"[A-Za-z0-9]{{1,{most}}}", text):
            raise UserError(f"The {kind}_id {text!r} will not do: the organisers take 1 to {most} letters or digits.")


def is_id(text: str) -> bool:
    """Return whether a text can be the id of a topic or a candidate: 1 to 256 bytes of UTF-8 on one line."""
    try:
        raw = text.encode()
    except UnicodeEncodeError:  # half of a character, which JSON can spell
        return False
    return bool(_WORD.fullmatch(raw)) and not NOT_TEXT.search(raw)


def number_of(document: str) -> str:
    """Return what an id is compared by: of digits only, without leading zeros, as in :func:`by_number`."""
    return document.lstrip("0") or "0" if document.isascii() and document.isdigit() else document


def format_run(group: str, run: str, rows: Iterable[tuple[str, str, float]]) -> str:
    """Return a run as the organisers take it, the whole CSV text.

    ``rows`` are (topic_id, dmr_minute_id, score), written in the order given; higher scores are better. Scores are
    written as float32 in full (9 significant digits), which keeps the ties that the model made and makes no others.

    Raises:
        UserError: if a score is not finite in float32, or as in :func:`check_ids`.
    """
    kept = list(rows)
    with np.errstate(over="ignore"):  # a value too large for float32 becomes infinite and is refused below
        exact = np.array([score for _, _, score in kept], dtype=np.float64).astype(np.float32) + np.float32(0)
    if not (finite := np.isfinite(exact)).all():
        topic, document, _ = kept[int(finite.argmin())]
        raise UserError(f"Topic {topic} has a NaN or infinite score, for {document}.")
    texts = (f"{score:.9g}" for score in exact.tolist())
    return run_text(group, run, ((topic, doc, text) for (topic, doc, _), text in zip(kept, texts, strict=True)))


def run_text(group: str, run: str, rows: Iterable[tuple[str, str, str]]) -> str:
    """Return a run as CSV from rows whose scores are written out already; raises as :func:`check_ids` does."""
    check_ids(group, run)
    return _csv_text(RUN, ((group, run, *row) for row in rows))


def format_qrels(rows: Iterable[tuple[str, str, str, int]]) -> str:
    """Return qrels as the organisers write them; ``rows`` are (topic_id, dmr_minute_id, minute_id, rel), in order."""
    return _csv_text(QRELS, rows)


def _csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue()


# ---------------------------------------------------------------------------------------------------------- reading


def is_official(path: StrPath, raw: bytes | None = None) -> bool:
    """Return whether a file is one of the organisers', by its first line; ``raw`` is its content if read before.

    A line between commas that names ``topic_id`` or ``dmr_minute_id`` is; so is one that has commas but is one word:
    no line of a TREC file, so that what is said of it is better said of CSV.

    Raises:
        UserError: if the file cannot be read.
    """
    if raw is None:
        raw = read_bytes(path, _HEAD)
    line = next((line for line in raw[:_HEAD].removeprefix(BOM).splitlines() if line.strip()), b"")
    cells = {cell.strip(b' \t"') for cell in line.split(b",")}
    return len(cells) > 1 and (not cells.isdisjoint({b"topic_id", b"dmr_minute_id"}) or len(line.split()) == 1)


def read_run(path: StrPath, raw: bytes | None = None) -> OfficialRun:
    """Read a run of the organisers' format: CSV with a header, columns in any order, further ones ignored.

    Ids stay as they are written. A run has no ranks; within a topic they are counted from the best score, of equal
    ones in the file's order. ``raw`` is the file's content where that was read before.

    Raises:
        UserError: if the file is missing, empty, or no such text; naming the first problems with their lines: a row
            of another length than the header, an id that is empty, too long or broken in two, a score that is no
            finite number, more than one group_id or run_id, a document twice in a topic.
    """
    cells, line, wrong = _read(path, raw, RUN, RUN)
    score, odd = _numbers("score", cells["score"], line, whole=False)
    several = [_several(name, cells[name], line) for name in ("group_id", "run_id")]
    pairs = _pairs(path, cells, line, [wrong, *several, odd])
    order = np.lexsort((-score, pairs.topic))
    counts = np.bincount(pairs.topic)
    rank = np.empty(len(score))
    rank[order] = np.arange(len(score)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    group, run = cells["group_id"][0], cells["run_id"][0]
    return OfficialRun(path, line, pairs.topics, pairs.topic, pairs.document, rank, score, [run], group)


def read_qrels(path: StrPath, raw: bytes | None = None) -> tuple[OfficialQrels, Pools]:
    """Read judgements of the organisers' format, and from them the candidates (see :meth:`OfficialQrels.pools`).

    As :func:`read_run`; the column ``minute_id`` may be absent. A row that comes again as it is counts once: the
    organisers' own evaluation drops such rows.

    Raises:
        UserError: as in :func:`read_run`; if a rel is no whole number; if nothing is relevant.
    """
    cells, line, wrong = _read(path, raw, QRELS, [name for name in QRELS if name != "minute_id"])
    cells, line = _once(cells, line)
    grades, odd = _numbers("rel", cells["rel"], line, whole=True)
    pairs = _pairs(path, cells, line, [wrong, odd])
    if not (grades > 0).any():
        raise UserError(f"{path} has no relevant document: at least one row needs a rel above 0.")
    minute = _texts(cells["minute_id"]) if "minute_id" in cells else np.zeros(len(line), "S8")
    grade = grades.astype(np.int64)
    qrels = OfficialQrels(path, line, pairs.topics, pairs.topic, pairs.document, grade, minute)
    return qrels, qrels.pools()


def by_number(pairs: P) -> P:
    """Return the same rows with documents of digits only written without leading zeros: ``00536`` becomes ``536``."""
    short = np.char.lstrip(pairs.document, b"0")
    number = np.where(short == b"", b"0", short)
    document = np.where(np.char.isdigit(pairs.document), number, pairs.document)
    return replace(pairs, document=document.astype(pairs.document.dtype))


def _read(
    path: StrPath, raw: bytes | None, names: Sequence[str], needed: Sequence[str]
) -> tuple[dict[str, list[str]], Ints, Finding]:
    """Read a CSV file.

    Returns the columns ``names`` that it has; each row's line number, from 1; and the rows left out because they are
    not as long as the header.
    """
    raw = (read_bytes(path) if raw is None else raw).removeprefix(BOM)
    check_text(path, raw)
    reader = csv.reader(io.StringIO(raw.decode(), newline=""), strict=True)
    columns: dict[str, list[str]] = {}
    lines: list[int] = []
    wrong: list[tuple[int, str]] = []
    header: list[str] = []
    takers: list[tuple[Callable[[str], None], int]] = []  # cells go to their columns at once: a million rows are heavy
    done = 0  # lines
    try:
        for row in reader:
            done = reader.line_num
            if len(row) <= 1 and not "".join(row).strip():
                continue
            if not header:
                header = _header(path, row, done, names, needed)
                columns = {name: [] for name in names if name in header}
                takers = [(column.append, header.index(name)) for name, column in columns.items()]
            elif len(row) == len(header):
                lines.append(done)
                for take, at in takers:
                    take(row[at].strip(_BLANKS))
            else:
                wrong.append((done, f"{len(row)} columns instead of {len(header)}"))
    except csv.Error as error:
        raise UserError(f"{path} line {done + 1} is not CSV: {error}.") from None
    left_out: Finding = ([line for line, _ in wrong], lambda i: wrong[i][1] + f" ({','.join(header)})" * (i == 0))
    if not lines:
        refuse(path, [left_out])
        raise UserError(f"{path} is empty: expected the header {','.join(names)}, then rows.")
    return columns, np.array(lines, dtype=np.int64), left_out


def _once(cells: dict[str, list[str]], line: Ints) -> tuple[dict[str, list[str]], Ints]:
    """Return the rows and their lines without those that are wholly the same as an earlier one."""
    rows = list(zip(*cells.values(), strict=True))
    if len(set(rows)) == len(rows):
        return cells, line
    first: dict[tuple[str, ...], int] = {}
    kept = [first.setdefault(row, at) == at for at, row in enumerate(rows)]
    return {name: list(compress(column, kept)) for name, column in cells.items()}, line[kept]


def _header(path: StrPath, row: Sequence[str], line: int, names: Sequence[str], needed: Sequence[str]) -> list[str]:
    """Return the names of the columns, having checked that those needed are there."""
    header = [cell.strip(_BLANKS) for cell in row]
    absent = [name for name in needed if name not in header]
    twice = [name for name in names if header.count(name) > 1]
    if absent or twice:
        what = f"{some(absent)} missing" if absent else f"{some(twice)} twice"
        found = some([" ".join(name.split())[:_SHOWN] for name in header])
        raise UserError(f"{path} line {line}: {what}: expected the header {','.join(names)}, found {found}.")
    return header


def _pairs(path: StrPath, cells: dict[str, list[str]], line: Ints, findings: Sequence[Finding]) -> Pairs:
    """Return the topics and documents; refuses what was found before, ids that will not do, and pairs that repeat."""
    unfit = []
    for name in ("topic_id", "dmr_minute_id"):
        odd = {cell for cell in set(cells[name]) if not _WORD.fullmatch(cell.encode())}
        bad = [i for i, cell in enumerate(cells[name]) if cell in odd] if odd else []
        unfit.append(_finding(name, cells[name], line, bad, f"1 to {LONGEST} bytes on one line"))
    refuse(path, [*findings, *unfit])
    pairs = Pairs(path, line, *distinct(_texts(cells["topic_id"])), _texts(cells["dmr_minute_id"]))
    refuse(path, [by_number(pairs).twice()])
    return pairs


def _several(name: str, cells: Sequence[str], line: Ints) -> Finding:
    """Find the rows that say otherwise than the first."""
    bad = [] if len(set(cells)) == 1 else [i for i, cell in enumerate(cells) if cell != cells[0]]
    return _finding(name, cells, line, bad, f"the {cells[0][:_SHOWN]!r} of line {line[0]}: a file holds one run")


def _numbers(name: str, cells: Sequence[str], line: Ints, *, whole: bool) -> tuple[Floats, Finding]:
    """Return the cells as float64, NaN where they are no numbers, and the rows where they will not do."""
    values = numbers(_texts(cells))
    fit = (values % 1 == 0) & (abs(values) < 2**31) if whole else ~np.isnan(values)
    wanted = "a whole number" if whole else "a finite number"
    return values, _finding(name, cells, line, np.flatnonzero(~fit).tolist(), wanted)


def _finding(name: str, cells: Sequence[str], line: Ints, bad: Sequence[int], wanted: str) -> Finding:
    return (line[bad], lambda i: f"{name} {cells[bad[i]][:_SHOWN]!r} is not {wanted}")


def _texts(cells: Sequence[str]) -> Texts:
    """Return the cells in UTF-8, as wide as columns of the TREC formats are; what is longer is cut."""
    encoded = [cell.encode() for cell in cells]
    width = min(max(map(len, encoded)), LONGEST)
    return np.array(encoded, dtype=f"S{8 * max(1, -(-width // 8))}")

"""The organisers' CSV files, runs and qrels: written, told from the TREC formats, and read.

A run has the columns ``group_id, run_id, topic_id, dmr_minute_id, score`` and a row for every candidate; the qrels have
``topic_id, dmr_minute_id, minute_id, rel``, with the candidates that are not relevant among them. Documents are the
``dmr_minute_id``: numbers, which one file writes ``00536`` and the next ``536`` (:func:`by_number`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from ntcir.formats.columns import NOT_TEXT, Texts, refuse
from ntcir.formats.csv_columns import (
    HEAD,
    WORD,
    as_numbers,
    csv_text,
    first_cells,
    make_pairs,
    once,
    ranks_by_score,
    read_table,
    several,
    texts,
)
from ntcir.formats.reading import StrPath, read_bytes
from ntcir.formats.runs import Pairs, Pools, Qrels, Run
from ntcir.system.errors import UserError

RUN = ("group_id", "run_id", "topic_id", "dmr_minute_id", "score")
QRELS = ("topic_id", "dmr_minute_id", "minute_id", "rel")

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
            raise UserError(
                f"The {kind}_id {text!r} is not valid: the organisers accept 1 to {most} letters or digits."
            )


def is_id(text: str) -> bool:
    """Return whether a text can be the id of a topic or a candidate: 1 to 256 bytes of UTF-8 on one line."""
    try:
        raw = text.encode()
    except UnicodeEncodeError:  # half of a character, which JSON can spell
        return False
    return bool(WORD.fullmatch(raw)) and not NOT_TEXT.search(raw)


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
    return csv_text(RUN, ((group, run, *row) for row in rows))


def format_qrels(rows: Iterable[tuple[str, str, str, int]]) -> str:
    """Return qrels as the organisers write them; ``rows`` are (topic_id, dmr_minute_id, minute_id, rel), in order."""
    return csv_text(QRELS, rows)


# ---------------------------------------------------------------------------------------------------------- reading


def looks_like_csv(path: StrPath, raw: bytes | None = None) -> bool:
    """Return whether a file's first line is one of CSV, with any header; ``raw`` is its content if read before.

    Such a file is read as the organisers': if its columns are not theirs, the error names the columns it should have.

    Raises:
        UserError: if the file cannot be read.
    """
    head = read_bytes(path, HEAD) if raw is None else raw[:HEAD]
    return bool(first_cells(head, ("topic_id", "dmr_minute_id")))


def read_transfer_run(path: StrPath, raw: bytes | None = None) -> OfficialRun:
    """Read a run of the organisers' format: CSV with a header, columns in any order, further ones ignored.

    Ids stay as they are written. A run has no ranks; within a topic they are counted from the best score, of equal
    ones in the file's order. ``raw`` is the file's content where that was read before.

    Raises:
        UserError: if the file is missing, empty, or no such text; naming the first problems with their lines: a row
            of another length than the header, an id that is empty, too long or broken in two, a score that is no
            finite number, more than one group_id or run_id, a document twice in a topic.
    """
    cells, line, wrong = read_table(path, raw, RUN, RUN)
    score, odd = as_numbers("score", cells["score"], line, whole=False)
    differing = [several(name, cells[name], line) for name in ("group_id", "run_id")]
    pairs = make_pairs(path, cells, line, "topic_id", "dmr_minute_id", [wrong, *differing, odd])
    refuse(path, [by_number(pairs).twice()])
    group, run = cells["group_id"][0], cells["run_id"][0]
    rank = ranks_by_score(pairs.topic, score)
    return OfficialRun(path, line, pairs.topics, pairs.topic, pairs.document, rank, score, [run], group)


def read_transfer_qrels(path: StrPath, raw: bytes | None = None) -> tuple[OfficialQrels, Pools]:
    """Read judgements of the organisers' format, and from them the candidates (see :meth:`OfficialQrels.pools`).

    As :func:`read_transfer_run`; the column ``minute_id`` may be absent. A row that comes again as it is counts once:
    the organisers' own evaluation drops such rows.

    Raises:
        UserError: as in :func:`read_transfer_run`; if a rel is no whole number; if nothing is relevant.
    """
    cells, line, wrong = read_table(path, raw, QRELS, [name for name in QRELS if name != "minute_id"])
    cells, line = once(cells, line)
    grades, odd = as_numbers("rel", cells["rel"], line, whole=True)
    pairs = make_pairs(path, cells, line, "topic_id", "dmr_minute_id", [wrong, odd])
    refuse(path, [by_number(pairs).twice()])
    if not (grades > 0).any():
        raise UserError(f"{path} has no relevant document: at least one row needs a rel above 0.")
    minute = texts(cells["minute_id"]) if "minute_id" in cells else np.zeros(len(line), "S8")
    grade = grades.astype(np.int64)
    qrels = OfficialQrels(path, line, pairs.topics, pairs.topic, pairs.document, grade, minute)
    return qrels, qrels.pools()


def by_number(pairs: P) -> P:
    """Return the same rows with documents of digits only written without leading zeros: ``00536`` becomes ``536``."""
    short = np.char.lstrip(pairs.document, b"0")
    number = np.where(short == b"", b"0", short)
    document = np.where(np.char.isdigit(pairs.document), number, pairs.document)
    return replace(pairs, document=document.astype(pairs.document.dtype))

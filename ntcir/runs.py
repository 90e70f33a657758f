"""Runs, qrels and pools: written in the TREC formats, read fast, and checked before anything is made of them.

Files are not cut into Python strings: numpy finds where columns begin and end, and copies each into an array of bytes.
That takes the usual layout, one space or tab between columns; a block of any other (several spaces, CRLF, empty lines)
is first rewritten into the usual one by :func:`_tidy`, so that there is one reader only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ntcir.errors import UserError

StrPath = str | os.PathLike[str]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Texts = NDArray[np.bytes_]
# One kind of problem: the lines that have it (ascending), and what to say of the i-th of them.
_Finding = tuple[Sequence[int] | Ints, Callable[[int], str]]

_RUN = ("topic", "Q0", "document", "rank", "score", "tag")
_QRELS = ("topic", "iteration", "document", "relevance")
_POOLS = ("topic_id", "doc_id")

_BLOCK = 1 << 20  # bytes read at a time: large enough for numpy, small enough for the processor's caches
_LONGEST = 256  # bytes in a column, so that one endless word does not widen the column of a million rows
_PADDING = bytes(_LONGEST + 8)  # behind a block: eight bytes can be read from any place of any word
_MASKS = np.array([(1 << 8 * width) - 1 for width in range(9)], dtype="<u8")
_ODD = np.uint64(0x9E3779B97F4A7C15)
_NUMBER = re.compile(rb"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_NOT_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1f]")


def format_ranking(topic_id: str, doc_ids: Sequence[str], scores: NDArray[np.floating], tag: str) -> str:
    """Return one topic's ranking as lines of a TREC run, ``topic Q0 document rank score tag``.

    Lines are sorted by score, then by document id, both descending: trec_eval ignores the rank column and sorts so
    itself, hence the ranks (from 1) agree with it. Scores are written as float32 in full (9 significant digits), which
    keeps the ties that the model made and makes no others. ``scores`` is (documents,), higher is better.

    Raises:
        UserError: if a score is not finite in float32, if an id or the tag is empty, too long, or holds whitespace or
            control characters, or if a document comes twice.
    """
    for word in (topic_id, tag, *doc_ids):
        raw = word.encode()
        if word.split() != [word] or _NOT_TEXT.search(raw) or len(raw) > _LONGEST:
            raise UserError(f"{word!r} cannot be an id or a tag in a run: use 1 to {_LONGEST} bytes, no whitespace.")
    with np.errstate(over="ignore"):  # a value too large for float32 becomes infinite and is refused below
        exact = np.asarray(scores).astype(np.float32) + np.float32(0)  # turns -0 into 0: they are one score
    ranking = sorted(zip(exact.tolist(), doc_ids, strict=True), reverse=True)
    if not (finite := np.isfinite(exact)).all():
        raise UserError(f"Topic {topic_id} has a NaN or infinite score, for {doc_ids[int(finite.argmin())]}.")
    if len(set(doc_ids)) < len(doc_ids):
        raise UserError(f"Topic {topic_id} ranks {len(doc_ids) - len(set(doc_ids))} documents more than once.")
    return "".join(f"{topic_id} Q0 {doc} {rank} {score:.9g} {tag}\n" for rank, (score, doc) in enumerate(ranking, 1))


def _refuse(path: StrPath, findings: Sequence[_Finding], most: int = 3) -> None:
    """Raise a UserError that names the first problems by line in one sentence, if there are any."""
    total = sum(len(lines) for lines, _ in findings)
    if total:
        first = [(int(line), say(i)) for lines, say in findings for i, line in enumerate(lines[:most])]
        listed = "; ".join(f"line {line}: {text}" for line, text in sorted(first)[:most])
        more = f", and {total - most} more problem{'s' * (total > most + 1)}" if total > most else ""
        raise UserError(f"{path} {listed}{more}.")


def _read_columns(path: StrPath, names: Sequence[str], keep: Sequence[str]) -> tuple[list[Texts], Ints, _Finding]:
    """Read a text file of whitespace-separated columns.

    Returns the columns ``keep``, each (rows,) bytes; each row's line number, from 1; and the lines left out because
    they have another number of columns than ``names``, or a word that is too long.
    """
    parts, lines, before = [], [], 0
    wrong: list[tuple[int, str]] = []
    for block in _blocks(path):
        data = np.frombuffer(block + _PADDING, np.uint8)
        bounds = _bounds(data, len(names))
        if bounds is None or not block.isascii():
            _check_text(path, block, before)
        if bounds is None:
            tidied, line, odd = _tidy(block, before, len(names))
            wrong += odd
            data = np.frombuffer(tidied + _PADDING, np.uint8)
            bounds = _bounds(data, len(names))
        else:
            line = np.arange(before + 1, before + 1 + len(bounds[0]))
        if bounds is not None and len(line):
            parts.append([_column(data, *(edges[:, names.index(name)] for edges in bounds)) for name in keep])
            lines.append(line)
        before += block.count(b"\n")
    left_out: _Finding = ([line for line, _ in wrong], lambda i: wrong[i][1] + f" ({' '.join(names)})" * (i == 0))
    if not parts:
        _refuse(path, [left_out])
        raise UserError(f"{path} is empty: expected lines of {' '.join(names)}.")
    return [np.concatenate(column) for column in zip(*parts, strict=True)], np.concatenate(lines), left_out


def _blocks(path: StrPath) -> Iterator[bytes]:
    """Yield a file piece by piece, each ending in a newline."""
    try:
        with Path(path).open("rb") as file:
            rest = file.read(3).removeprefix(b"\xef\xbb\xbf")  # some editors put a byte order mark in front
            while piece := file.read(_BLOCK):
                whole, newline, rest = (rest + piece).rpartition(b"\n")
                if newline:
                    yield whole + newline
            if rest:
                yield rest + b"\n"
    except OSError as error:
        raise UserError(f"{path} cannot be read: {os.strerror(error.errno or 0).lower()}.") from error


def _check_text(path: StrPath, block: bytes, before: int) -> None:
    """Refuse a block, found ``before`` lines into the file, that is not UTF-8 or holds control characters."""
    at = odd.start() if (odd := _NOT_TEXT.search(block)) else len(block)
    try:
        block.decode()
    except UnicodeDecodeError as error:
        at = min(at, error.start)
    if at < len(block):
        line = before + block.count(b"\n", 0, at) + 1
        raise UserError(f"{path} is not a text file in UTF-8: line {line} holds the byte 0x{block[at]:02x}.")


def _bounds(data: NDArray[np.uint8], columns: int) -> tuple[Ints, Ints] | None:
    """Return where each word starts and stops, both (rows, columns), or None if the layout is not the usual one."""
    stop = np.flatnonzero(data[: -len(_PADDING)] <= ord(" "))
    if len(stop) % columns:
        return None
    start = np.concatenate([[0], stop[:-1] + 1])[: len(stop)]
    separator, width = data[stop].reshape(-1, columns), stop - start
    between = (separator == ord(" ")) | (separator == ord("\t"))
    usual = between[:, :-1].all() and (separator[:, -1] == ord("\n")).all()
    if not usual or width.min(initial=1) < 1 or width.max(initial=1) > _LONGEST:
        return None
    return start.reshape(-1, columns), stop.reshape(-1, columns)


def _tidy(block: bytes, before: int, columns: int) -> tuple[bytes, Ints, list[tuple[int, str]]]:
    """Rewrite a block of any layout, found ``before`` lines into the file, into the usual one.

    Returns it, the line number of each of its rows, and the lines left out, with what is wrong with each but the empty.
    """
    rows, lines, wrong = [], [], []
    for number, text in enumerate(block.split(b"\n"), before + 1):
        words = text.split()
        if words and len(words) != columns:
            wrong.append((number, f"{len(words)} columns instead of {columns}"))
        elif words and (longest := max(map(len, words))) > _LONGEST:
            wrong.append((number, f"a word of {longest} bytes, more than {_LONGEST}"))
        elif words:
            rows.append(b" ".join(words) + b"\n")
            lines.append(number)
    return b"".join(rows), np.array(lines, dtype=np.int64), wrong


def _column(data: NDArray[np.uint8], start: Ints, stop: Ints) -> Texts:
    """Copy the words from ``start`` to ``stop``, (rows,) both, into one array of bytes, eight characters at a time."""
    eight = np.ndarray(len(data) - 7, np.dtype("<u8"), data.data, strides=(1,))  # eight bytes from every place on
    width = stop - start
    words = np.empty((len(start), -(-int(width.max()) // 8)), np.dtype("<u8"))
    for at in range(words.shape[1]):
        words[:, at] = eight[start + 8 * at] & _MASKS[np.clip(width - 8 * at, 0, 8)]
    return words.view(f"S{8 * words.shape[1]}")[:, 0]


def _numbers(texts: Texts) -> Floats:
    """Return each text as a float64; NaN where it is no finite number."""
    try:
        if (texts.view(np.uint8) == ord("_")).any():
            raise ValueError("Python, and so numpy, would read 1_0 as ten")
        values = texts.astype(np.float64)
    except ValueError:  # some are no numbers: find out which
        values = np.array([float(text) if _NUMBER.fullmatch(text) else np.nan for text in texts.tolist()])
    return np.where(np.isfinite(values), values, np.nan)


@dataclass(frozen=True, eq=False)
class Pairs:
    """The (topic, document) pairs of a file, one a row.

    Attributes:
        path, line: the file, and (rows,) int64, each row's line in it, from 1; for messages.
        topics: the distinct topic ids, in the order of their first row.
        topic: (rows,) int64, each row's index into ``topics``.
        document: (rows,) bytes, the document ids in UTF-8.
    """

    path: StrPath
    line: Ints
    topics: list[str]
    topic: Ints
    document: Texts

    @cached_property
    def _key(self) -> NDArray[np.uint64]:
        """(rows,) 64 bits mixed from topic and document: the same for the same pair, in any file."""
        key = np.array([hash(topic) for topic in self.topics], dtype=np.int64).view(np.uint64)[self.topic]
        for word in self.document.view(np.uint64).reshape(len(key), -1).T:
            mixed = (key ^ word) * _ODD
            key = np.where(word == 0, key, mixed ^ (mixed >> np.uint64(32)))  # 0: behind the end of a shorter id
        return key

    @cached_property
    def _order(self) -> Ints:
        return np.argsort(self._key)

    @cached_property
    def _rows(self) -> dict[str, Ints]:
        """The rows of each topic, in the file's order."""
        parts = np.split(np.argsort(self.topic, kind="stable"), np.cumsum(np.bincount(self.topic))[:-1])
        return dict(zip(self.topics, parts, strict=True))

    def codes_of(self, other: Pairs) -> Ints:
        """Return for each topic of ``other`` its index in the topics here, -1 where it is not among them."""
        index = dict(zip(self.topics, range(len(self.topics)), strict=True))
        return np.array([index.get(topic, -1) for topic in other.topics], dtype=np.int64)

    def rows_of(self, other: Pairs) -> Ints:
        """Return for each row of ``other`` the row here with the same topic and document, -1 where there is none."""
        mine, theirs = self._key[self._order], other._key[other._order]
        place = np.searchsorted(mine, theirs)  # both sorted: near look-ups, several times faster than scattered ones
        rows, wanted = self._order[np.minimum(place, len(mine) - 1)], other._order
        same = self.document[rows] == other.document[wanted]
        same &= self.topic[rows] == self.codes_of(other)[other.topic[wanted]]
        found = np.empty_like(wanted)
        found[wanted] = np.where(same, rows, -1)
        return found

    def _twice(self) -> _Finding:
        """Find the pairs that come more than once."""
        key = self._key[self._order]
        at = np.flatnonzero(key[1:] == key[:-1])
        one, two = self._order[at], self._order[at + 1]
        same = (self.document[one] == self.document[two]) & (self.topic[one] == self.topic[two])
        first, later = np.sort(np.stack([one, two])[:, same], axis=0)
        first, later, line = first[np.argsort(later)], np.sort(later), self.line
        return (line[later], lambda i: f"{self._name(later[i])} comes twice, first on line {line[first[i]]}")

    def _name(self, row: int) -> str:
        return f"document '{self.document[row].decode()}' of topic '{self.topics[self.topic[row]]}'"


@dataclass(frozen=True, eq=False)
class Run(Pairs):
    """A ranked run; see :func:`read_run`. ``rank`` and ``score`` are (rows,) float64, all finite; ranks are whole."""

    rank: Floats
    score: Floats

    def ranking(self, topic_id: str) -> list[tuple[str, float]]:
        """Return a topic's documents with their scores in trec_eval's order; an empty list if the run lacks it."""
        rows = self._rows.get(topic_id, np.empty(0, np.int64))
        pairs = zip(self.score[rows].tolist(), self.document[rows].tolist(), strict=True)
        return [(document.decode(), score) for score, document in sorted(pairs, reverse=True)]


@dataclass(frozen=True, eq=False)
class Qrels(Pairs):
    """The judgements; see :func:`read_qrels`. ``relevance`` is (rows,) int64, above 0 for relevant documents."""

    relevance: Ints

    def relevant(self, topic_id: str) -> set[str]:
        """Return a topic's relevant documents, none if the topic is unknown."""
        rows = self._rows.get(topic_id, np.empty(0, np.int64))
        return {document.decode() for document in self.document[rows[self.relevance[rows] > 0]].tolist()}


@dataclass(frozen=True, eq=False)
class Pools(Pairs, Mapping[str, list[str]]):
    """The candidates: a mapping of topic id to document ids, in the file's order; see :func:`read_pools`."""

    def __getitem__(self, topic_id: str) -> list[str]:
        """Return the document ids of one topic's pool."""
        return [text.decode() for text in self.document[self._rows[topic_id]].tolist()]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the topic ids."""
        return iter(self.topics)

    def __len__(self) -> int:
        """Return the number of topics."""
        return len(self.topics)


def _topic_codes(texts: Texts) -> tuple[list[str], Ints]:
    """Return the distinct topic ids, and each row's index into them."""
    first = np.concatenate([[0], np.flatnonzero(texts[1:] != texts[:-1]) + 1])  # most files go topic by topic
    index: dict[str, int] = {}
    codes = [index.setdefault(text.decode(), len(index)) for text in texts[first].tolist()]
    return list(index), np.repeat(codes, np.diff(first, append=len(texts)))


def _unfit(fit: NDArray[np.bool_], texts: Texts, line: Ints, name: str, wanted: str) -> _Finding:
    """Find the rows that are not ``fit``."""
    bad = np.flatnonzero(~fit)
    return (line[bad], lambda i: f"{name} '{texts[bad[i]].decode()}' is not a {wanted} number")


def read_run(path: StrPath) -> Run:
    """Read a run in the TREC format: lines of ``topic Q0 document rank score tag``, in any order.

    Any whitespace separates, empty lines are skipped, ids are strings: leading zeros stay.

    Raises:
        UserError: if the file is missing, empty or not text; if a line has not six columns, its score is no finite or
            its rank no whole number. What else can be wrong is the business of :func:`validate_run`.
    """
    (topic, document, rank, score), line, left_out = _read_columns(path, _RUN, ("topic", "document", "rank", "score"))
    ranks, scores = _numbers(rank), _numbers(score)
    no_score = _unfit(~np.isnan(scores), score, line, "score", "finite")
    _refuse(path, [left_out, no_score, _unfit(ranks % 1 == 0, rank, line, "rank", "whole")])
    return Run(path, line, *_topic_codes(topic), document, ranks, scores)


def read_qrels(path: StrPath) -> Qrels:
    """Read judgements in the TREC format: lines of ``topic iteration document relevance``.

    Raises:
        UserError: if the file is missing, empty or not text; if a line has not four columns or its relevance is no
            whole number; if a document is judged twice in a topic; if nothing is relevant.
    """
    (topic, document, grade), line, left_out = _read_columns(path, _QRELS, ("topic", "document", "relevance"))
    grades = _numbers(grade)
    _refuse(path, [left_out, _unfit((grades % 1 == 0) & (abs(grades) < 2**31), grade, line, "relevance", "whole")])
    qrels = Qrels(path, line, *_topic_codes(topic), document, grades.astype(np.int64))
    _refuse(path, [qrels._twice()])
    if not (qrels.relevance > 0).any():
        raise UserError(f"{path} has no relevant document: at least one line needs a relevance above 0.")
    return qrels


def read_pools(path: StrPath) -> Pools:
    """Read the candidates of each topic: a header ``topic_id``, ``doc_id``, then a pair a line.

    Raises:
        UserError: if the file is missing, empty, not text, or of other columns; if a topic has a document twice.
    """
    (topic, document), line, left_out = _read_columns(path, _POOLS, _POOLS)
    _refuse(path, [left_out])
    if (topic[0].decode(), document[0].decode()) != _POOLS or len(line) == 1:
        raise UserError(f"{path} line {line[0]}: expected the header {' '.join(_POOLS)!r}, then lines of such pairs.")
    pools = Pools(path, line[1:], *_topic_codes(topic[1:]), document[1:])
    _refuse(path, [pools._twice()])
    return pools


def validate_run(run: Run, qrels: Qrels, pools: Pools | None = None) -> None:
    """Check that a run answers the topics of ``qrels``.

    A topic that the run lacks is no error: it counts 0. Documents are checked only in topics that ``pools`` knows.

    Raises:
        UserError: naming the first problems with their lines: a document twice in a topic, a topic that is not in the
            qrels, a document outside its topic's pool, a better rank with a lower score.
    """
    unknown = np.flatnonzero(qrels.codes_of(run) < 0)  # ascending by their first lines, as topics are
    first = np.unique(run.topic, return_index=True)[1][unknown] if len(unknown) else unknown
    findings: list[_Finding] = [
        run._twice(),
        (run.line[first], lambda i: f"topic '{run.topics[unknown[i]]}' is not in {qrels.path}"),
        _ranks_against_scores(run),
    ]
    if pools is not None:
        outside = np.flatnonzero((pools.codes_of(run)[run.topic] >= 0) & (pools.rows_of(run) < 0))
        findings.append((run.line[outside], lambda i: f"{run._name(outside[i])} is not in its pool in {pools.path}"))
    _refuse(run.path, findings)


def _ranks_against_scores(run: Run) -> _Finding:
    """Find the rows that have a higher score than the row of the next better rank in their topic."""
    same, order = run.topic[1:] == run.topic[:-1], np.arange(len(run.topic))
    if np.count_nonzero(~same) >= len(run.topics) or (same & (run.rank[1:] <= run.rank[:-1])).any():
        # Not topic by topic from the first rank to the last. Of equal ranks the best score goes first, so that they do
        # not look wrong among themselves, and every rise of the score is one from a better rank to a worse.
        order = np.lexsort((-run.score, run.rank, run.topic))
        same = run.topic[order[1:]] == run.topic[order[:-1]]
    at = np.flatnonzero(same & (run.score[order[1:]] > run.score[order[:-1]]))
    at = at[np.argsort(order[at + 1])]
    better, worse = order[at], order[at + 1]

    def say(i: int) -> str:
        ranks, scores = ([values[rows[i]] for rows in (worse, better)] for values in (run.rank, run.score))
        above = f"score {scores[0]:.9g} at rank {ranks[0]:.0f} is above the {scores[1]:.9g} of rank {ranks[1]:.0f}"
        return f"{above} on line {run.line[better[i]]}"

    return (run.line[worse], say)

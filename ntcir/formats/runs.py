"""Runs, qrels and pools: written in the TREC formats, read fast, and checked before they are used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ntcir.formats.columns import (
    LONGEST,
    Finding,
    Floats,
    Ints,
    Texts,
    is_word,
    numbers,
    read_columns,
    refuse,
    unfit,
)
from ntcir.formats.reading import StrPath, named
from ntcir.system.errors import UserError

RUN = ("topic", "Q0", "document", "rank", "score", "tag")
QRELS = ("topic", "iteration", "document", "relevance")
_POOLS = ("topic_id", "doc_id")

_ODD = np.uint64(0x9E3779B97F4A7C15)


def format_ranking(topic_id: str, doc_ids: Sequence[str], scores: NDArray[np.floating], tag: str) -> str:
    """Return one topic's ranking as lines of a TREC run, ``topic Q0 document rank score tag``.

    Lines are sorted by score, then by document id, both descending: trec_eval ignores the rank column and sorts so
    itself, hence the ranks (from 1) agree with it. Scores are written as float32 in full (9 significant digits), which
    keeps the ties that the model made and makes no others. ``scores`` is (documents,), higher is better.

    Raises:
        UserError: if a score is not finite in float32, if an id or the tag is empty, too long, or holds whitespace or
            control characters, or if a document appears twice.
    """
    if not is_word(tag):
        raise UserError(f"{tag!r} cannot be an id or a tag in a run: use 1 to {LONGEST} bytes without whitespace.")
    ranking = enumerate(ranked(topic_id, doc_ids, scores), 1)
    return "".join(f"{topic_id} Q0 {doc} {rank} {score} {tag}\n" for rank, (doc, score) in ranking)


def ranked(topic_id: str, doc_ids: Sequence[str], scores: NDArray[np.floating]) -> list[tuple[str, str]]:
    """Return one topic's documents and their scores, written out, in the order of ``format_ranking``.

    Raises:
        UserError: as :func:`format_ranking` does.
    """
    for word in (topic_id, *doc_ids):
        if not is_word(word):
            raise UserError(f"{word!r} cannot be an id or a tag in a run: use 1 to {LONGEST} bytes without whitespace.")
    with np.errstate(over="ignore"):  # a value too large for float32 becomes infinite and is refused below
        exact = np.asarray(scores).astype(np.float32) + np.float32(0)  # turns -0 into 0: they are one score
    ranking = sorted(zip(exact.tolist(), doc_ids, strict=True), reverse=True)
    if not (finite := np.isfinite(exact)).all():
        raise UserError(f"Topic {topic_id} has a NaN or infinite score, for {doc_ids[int(finite.argmin())]}.")
    if len(set(doc_ids)) < len(doc_ids):
        raise UserError(f"Topic {topic_id} ranks {len(doc_ids) - len(set(doc_ids))} documents more than once.")
    return [(document, f"{score:.9g}") for score, document in ranking]


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

    def twice(self) -> Finding:
        """Find the pairs that appear more than once."""
        key = self._key[self._order]
        at = np.flatnonzero(key[1:] == key[:-1])
        one, two = self._order[at], self._order[at + 1]
        same = (self.document[one] == self.document[two]) & (self.topic[one] == self.topic[two])
        first, later = np.sort(np.stack([one, two])[:, same], axis=0)
        first, later, line = first[np.argsort(later)], np.sort(later), self.line
        return (line[later], lambda i: f"{self._name(later[i])} appears twice, first on line {line[first[i]]}")

    def _name(self, row: int) -> str:
        return f"document '{self.document[row].decode()}' of topic '{self.topics[self.topic[row]]}'"


@dataclass(frozen=True, eq=False)
class Run(Pairs):
    """A ranked run; see :func:`read_trec_run`.

    Attributes:
        rank, score: (rows,) float64, all finite; ranks are whole.
        tags: the distinct names that its lines give the run, which should be one.
    """

    rank: Floats
    score: Floats
    tags: list[str]

    def ranking(self, topic_id: str) -> list[tuple[str, float]]:
        """Return a topic's documents with their scores in trec_eval's order; an empty list if the run lacks it."""
        rows = self._rows.get(topic_id, np.empty(0, np.int64))
        pairs = zip(self.score[rows].tolist(), self.document[rows].tolist(), strict=True)
        return [(document.decode(), score) for score, document in sorted(pairs, reverse=True)]


@dataclass(frozen=True, eq=False)
class Qrels(Pairs):
    """The judgements; see :func:`read_trec_qrels`. ``relevance`` is (rows,) int64, above 0 for relevant documents."""

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


def distinct(texts: Texts) -> tuple[list[str], Ints]:
    """Return the distinct texts, in the order of their first row, and each row's index into them."""
    first = np.concatenate([[0], np.flatnonzero(texts[1:] != texts[:-1]) + 1])  # most files go topic by topic
    index: dict[str, int] = {}
    codes = [index.setdefault(text.decode(), len(index)) for text in texts[first].tolist()]
    return list(index), np.repeat(codes, np.diff(first, append=len(texts)))


def read_trec_run(path: StrPath, raw: bytes | None = None) -> Run:
    """Read a run in the TREC format: lines of ``topic Q0 document rank score tag``, in any order.

    Any whitespace separates, empty lines are skipped, ids are strings: leading zeros stay. ``raw`` is the file's
    content where that was read before (a pipe can be read only once).

    Raises:
        UserError: if the file is missing, empty or not text; if a line has not six columns, its score is no finite or
            its rank no whole number. What else can be wrong is the business of :func:`validate_run`.
    """
    kept = [name for name in RUN if name != "Q0"]
    (topic, document, rank, score, tag), line, left_out = read_columns(path, RUN, kept, raw)
    ranks, scores = numbers(rank), numbers(score)
    no_score = unfit(~np.isnan(scores), score, line, "score", "finite")
    refuse(path, [left_out, no_score, unfit(ranks % 1 == 0, rank, line, "rank", "whole")])
    return Run(path, line, *distinct(topic), document, ranks, scores, distinct(tag)[0])


def read_trec_qrels(path: StrPath, raw: bytes | None = None) -> Qrels:
    """Read judgements in the TREC format: lines of ``topic iteration document relevance``; ``raw`` as in a run.

    Raises:
        UserError: if the file is missing, empty or not text; if a line has not four columns or its relevance is no
            whole number; if a document is judged twice in a topic; if nothing is relevant.
    """
    kept = [name for name in QRELS if name != "iteration"]
    (topic, document, grade), line, left_out = read_columns(path, QRELS, kept, raw)
    grades = numbers(grade)
    refuse(path, [left_out, unfit((grades % 1 == 0) & (abs(grades) < 2**31), grade, line, "relevance", "whole")])
    qrels = Qrels(path, line, *distinct(topic), document, grades.astype(np.int64))
    refuse(path, [qrels.twice()])
    if not (qrels.relevance > 0).any():
        raise UserError(f"{path} has no relevant document: at least one line needs a relevance above 0.")
    return qrels


def read_pools(path: StrPath) -> Pools:
    """Read the candidates of each topic: a header ``topic_id``, ``doc_id``, then a pair a line.

    Raises:
        UserError: if the file is missing, empty, not text, or of other columns; if a topic has a document twice.
    """
    (topic, document), line, left_out = read_columns(path, _POOLS, _POOLS)
    path = named(path)
    refuse(path, [left_out])
    if (topic[0].decode(), document[0].decode()) != _POOLS or len(line) == 1:
        raise UserError(f"{path} line {line[0]}: expected the header {' '.join(_POOLS)!r}, then lines of such pairs.")
    pools = Pools(path, line[1:], *distinct(topic[1:]), document[1:])
    refuse(path, [pools.twice()])
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
    findings: list[Finding] = [
        run.twice(),
        (run.line[first], lambda i: f"topic '{run.topics[unknown[i]]}' is not in {qrels.path}"),
        _ranks_against_scores(run),
    ]
    if pools is not None:
        outside = np.flatnonzero((pools.codes_of(run)[run.topic] >= 0) & (pools.rows_of(run) < 0))
        findings.append((run.line[outside], lambda i: f"{run._name(outside[i])} is not in its pool in {pools.path}"))
    refuse(run.path, findings)


def check_run(run: Run) -> None:
    """Check what can be checked of a run without qrels.

    Raises:
        UserError: naming the first problems with their lines: a document twice in a topic, a better rank with a lower
            score.
    """
    refuse(run.path, [run.twice(), _ranks_against_scores(run)])


def _ranks_against_scores(run: Run) -> Finding:
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

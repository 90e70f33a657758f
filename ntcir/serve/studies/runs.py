"""A run as the page shows it: the rank of what is right in every topic, and the lines that are looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ntcir.formats.columns import Floats, Ints, Texts
from ntcir.formats.official import OfficialQrels
from ntcir.formats.runs import Pairs, Qrels, Run
from ntcir.formats.topic_table import TopicTable
from ntcir.measures.judged import Judged, judge
from ntcir.measures.reciprocal import Figures, Mrr, ranks_in_order
from ntcir.scoring import GroupScore, score
from ntcir.system.errors import UserError, counted, some

BEST = 10  # documents of a topic that are shown
_USUAL = "run.txt"  # what a run is called in its model's folder
_MOST_RIGHT = 5  # right ones of a topic that are shown, of which a category may have thousands


@dataclass(frozen=True)
class Line:
    """A line of a ranking.

    Attributes:
        document: as the run has it, or by the name that the organisers' qrels give its number.
        score: as the run has it.
        rank: in its topic; ties share their average rank, as when a run is scored.
        right: whether it is relevant.
    """

    document: str
    score: float
    rank: float
    right: bool


@dataclass(frozen=True, eq=False)
class Lines:
    """The lines that are kept of a run, topic by topic, the best first: ten, and the first right ones below them.

    Attributes:
        start: int64 [topics + 1], where those of each topic begin.
        documents: bytes [lines].
        scores: float32 [lines].
        ranks: float32 [lines].
        right: bool [lines].
    """

    start: Ints
    documents: Texts
    scores: np.ndarray
    ranks: np.ndarray
    right: np.ndarray

    def topics(self) -> Ints:
        """Return the number of each line's topic, int64 [lines]."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))

    def of(self, topic: int) -> list[Line]:
        """Return the lines of a topic by its number."""
        part = slice(int(self.start[topic]), int(self.start[topic + 1]))
        columns = (self.documents[part], self.scores[part], self.ranks[part], self.right[part])
        return [
            Line(document.decode(), score, rank, right)
            for document, score, rank, right in zip(*(column.tolist() for column in columns), strict=True)
        ]


@dataclass(frozen=True, eq=False)
class RightOnes:
    """What is right, ranked or not.

    Attributes:
        documents: bytes [topics], the first of each topic in the qrels.
        counts: int64 [topics], how many there are.
    """

    documents: Texts
    counts: Ints


@dataclass(frozen=True, eq=False)
class StudiedRun:
    """One run on the topics of the qrels.

    Attributes:
        name: what it is called.
        groups: what ``ntcir score`` prints of it, by direction and of ``all``.
        figures: what these are made of.
        ranks: float64 [topics], of the best-ranked right document of each; infinite where the run has none.
        reciprocal: float64 [topics], the reciprocal rank that counts; 0 where the run has none.
        sizes: int64 [topics], how many documents the run ranks; 0 where it lacks the topic.
        lines: those that are shown.
        remarks: what ``ntcir score`` says of it.
    """

    name: str
    groups: Mapping[str, GroupScore]
    figures: Figures
    ranks: Floats
    reciprocal: Floats
    sizes: Ints
    lines: Lines
    remarks: tuple[str, ...]


def study_run(
    name: str, run: Run, qrels: Qrels, table: TopicTable, mrr: Mrr | None = None
) -> tuple[StudiedRun, Judged]:
    """Judge a run and keep of it what is shown.

    Args:
        name: what it is called.
        run: as it was read.
        qrels: likewise.
        table: of the topics, for their directions and times.
        mrr: which mean is MRR; the one that is usual for such topics if None.

    Raises:
        UserError: if the run is one on other topics, or does not stand up to ``ntcir score``.
    """
    _check_topics(run, qrels)
    judged = judge(run, qrels, table.directions, mrr=mrr)
    report = score(judged.run, judged.qrels, topics_path=table, mrr=mrr)
    numbers = {topic: number for number, topic in enumerate(judged.names)}
    topic = np.array([numbers.get(each, -1) for each in judged.run.topics], dtype=np.int64)[judged.run.topic]
    studied = StudiedRun(
        name=name,
        groups=report.groups,
        figures=judged.figures,
        ranks=judged.figures.ranks,
        reciprocal=judged.figures.sums / judged.figures.rows,
        sizes=np.bincount(topic[topic >= 0], minlength=len(judged.names)).astype(np.int64),
        lines=_lines(judged, topic),
        remarks=tuple(report.warnings),
    )
    return studied, judged


def right_ones(judged: Judged) -> RightOnes:
    """Return what is right for each topic."""
    qrels = judged.qrels
    rows = np.flatnonzero(qrels.relevance > 0)
    numbers = np.cumsum(judged.scored) - 1  # of the qrels' topics among those that are scored
    topic = numbers[qrels.topic[rows]]
    first = np.unique(topic, return_index=True)[1]
    return RightOnes(_named(judged, qrels, rows[first]), np.bincount(topic).astype(np.int64))


def name_runs(paths: Sequence[Path]) -> list[str]:
    """Return what runs are called: their files' names, or the folders' where the files are called alike."""
    parts = [path.parts for path in paths]
    usual = {_USUAL} if len(parts) == 1 else {each[-1] for each in parts}
    if len(usual) == 1 and all(len(each) > 1 and each[-1] in usual for each in parts):
        parts = [each[:-1] for each in parts]
    names = [each[-1] for each in parts]
    return names if len(set(names)) == len(names) else list(map(str, paths))


def _check_topics(run: Run, qrels: Qrels) -> None:
    """Refuse a run that ranks topics of which nothing is known to be right.

    Raises:
        UserError: if it has such topics, with how many there are.
    """
    known = set(qrels.topics)
    others = [topic for topic in run.topics if topic not in known]
    if others:
        what = "none" if len(others) == len(run.topics) else f"{len(others):,} not"
        raise UserError(
            f"{run.path} ranks {counted(len(run.topics), 'topic', 'topics')}, {what} in {qrels.path}: {some(others)}; "
            "name the qrels that belong to the run with --qrels."
        )


def _lines(judged: Judged, topic: Ints) -> Lines:
    """Return the lines that are kept of a run.

    Args:
        judged: the run.
        topic: int64 [rows of the run], the number of each row's topic; -1 where it is not scored.
    """
    run = judged.run
    order = _best_first(run)
    order = order[topic[order] >= 0]
    order = order[np.argsort(topic[order], kind="stable")]  # the topics in the order of the qrels
    right = np.zeros(len(run.topic), dtype=bool)
    found = run.rows_of(judged.qrels)[judged.qrels.relevance > 0]
    right[found[found >= 0]] = True
    ranks = ranks_in_order(topic[order], run.score[order])
    first = np.searchsorted(topic[order], np.arange(len(judged.names) + 1))
    place = np.arange(len(order)) - first[topic[order]]
    so_far = np.cumsum(right[order])
    before = np.concatenate([[0], so_far])[first[topic[order]]]
    kept = (place < BEST) | (right[order] & (so_far - before <= _MOST_RIGHT))
    rows = order[kept]
    return Lines(
        start=np.searchsorted(topic[rows], np.arange(len(judged.names) + 1)),
        documents=_named(judged, run, rows),
        scores=run.score[rows].astype(np.float32),
        ranks=ranks[kept].astype(np.float32),
        right=right[rows],
    )


def _best_first(run: Run) -> Ints:
    """Return the rows of a run topic by topic, the best of each first; of equal scores the better rank."""
    same = run.topic[1:] == run.topic[:-1]
    if np.count_nonzero(~same) == len(run.topics) - 1 and not (same & (run.score[1:] > run.score[:-1])).any():
        return np.arange(len(run.topic))  # as runs are mostly written
    return np.lexsort((run.rank, -run.score, run.topic))


def _named(judged: Judged, pairs: Pairs, rows: Ints) -> Texts:
    """Return the documents of rows; those that the organisers number by their minutes, where the qrels say which."""
    qrels = judged.qrels
    documents = pairs.document[rows]
    if not isinstance(qrels, OfficialQrels) or not len(rows):
        return documents
    found = qrels.rows_of(Pairs(pairs.path, pairs.line[rows], pairs.topics, pairs.topic[rows], documents))
    minutes = np.where(found >= 0, qrels.minute[found], b"")
    return np.where(minutes != b"", minutes, documents)

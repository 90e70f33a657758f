"""Topics and one or two runs that answer them, for a look at where a run fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ntcir.comparing.topics import refuse_twins
from ntcir.formats.columns import Ints, Texts
from ntcir.formats.manifest import check_set
from ntcir.formats.matching import read_qrels, read_run
from ntcir.formats.official import OfficialQrels, OfficialRun
from ntcir.formats.runs import Run
from ntcir.formats.topics import QRELS, Topic
from ntcir.modalities import Direction
from ntcir.scoring import groups_of
from ntcir.serve.studies.items import Needed, StudyItems, open_items
from ntcir.serve.studies.runs import RightOnes, StudiedRun, name_runs, right_ones, study_run
from ntcir.serve.studies.topics import read_asked
from ntcir.significance.estimate import Estimate
from ntcir.significance.topic_blocks import topic_blocks
from ntcir.system.errors import UserError, counted, some
from ntcir.system.progress import say
from ntcir.workspace import beside, find_file

if TYPE_CHECKING:
    from ntcir.corpora.corpus import Corpus
    from ntcir.measures.judged import Judged
    from ntcir.serve.index.index import Index

_Ranked = Mapping[Direction, Sequence[str]]  # distinct documents by the direction of the topics that have them
_OFFICIAL_QRELS = "qrels.csv"
_LOOKED_AT = 2_000  # items of a run by which one of another corpus is noticed


@dataclass(frozen=True, eq=False)
class Studies:
    """The topics of the qrels, and what runs made of them.

    Attributes:
        path: the topic file.
        names: the topics' ids, in the order of the qrels.
        directions: of each, by name; None if unknown.
        right: what is right for each.
        asked: topic id -> what is asked, of those that the topic file has.
        runs: one, or two.
        differences: of the second run's MRR from the first's, by group; empty for one run.
        items: looks up what is asked with and ranked.
        remarks: what a person should know: topics that are missing, and so on.
    """

    path: Path
    names: Sequence[str]
    directions: Sequence[str | None]
    right: RightOnes
    asked: Mapping[str, Topic]
    runs: Sequence[StudiedRun]
    differences: Mapping[str, Estimate]
    items: StudyItems
    remarks: tuple[str, ...]

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups that have topics, those of a direction first; of topics of one direction only that one."""
        first = self.runs[0].groups
        found = tuple(name for name in first if name != "all" and first[name].topics)
        return found if len(found) == 1 and None not in self.directions else (*found, "all")

    @cached_property
    def change(self) -> np.ndarray:
        """By how much the second run's reciprocal rank of each topic is above the first's, float64 [topics]."""
        return self.runs[-1].reciprocal - self.runs[0].reciprocal


def open_studies(
    index: Index,
    pair: Sequence[str],
    runs: Sequence[Path],
    topics: Path,
    qrels: Path | None,
    read: Callable[[], Corpus],
) -> Studies:
    """Read topics, qrels and runs, and judge them as ``ntcir score`` does.

    The candidates (``pools.tsv``) are not read: they change no rank.

    Args:
        index: of the corpus that the runs rank.
        pair: the modalities of the topics.
        runs: one or two.
        topics: the topic file, as typed or under ``topics/``.
        qrels: the answers; those beside the topics if None.
        read: reads the corpus, where items are shown that the index does not have.

    Raises:
        UserError: if a file cannot be read, or they do not belong together.
    """
    place = find_file(topics)
    ranked = [_read_run(path) for path in runs]
    answers = qrels or _beside(place, ranked[0])
    check_set(place, answers)
    judgements = read_qrels(answers)
    given = read_asked(place, pair, index.catalogue)
    asked, table = given.topics, given.table
    refuse_twins(dict(zip(map(str, runs), ranked, strict=True)))
    names = name_runs(runs)
    studied, judged = zip(
        *(study_run(name, run, judgements, table) for name, run in zip(names, ranked, strict=True)),
        strict=True,
    )
    del ranked  # of what is read, little is kept
    first: Judged = judged[0]
    blocks = topic_blocks(None, first.names, first.directions, table, first.qrels).codes
    remarks = _of_topics(first, asked, place)
    right = right_ones(first)
    shown = [_by_direction(first, asked, run.lines.documents, run.lines.topics()) for run in studied]
    items = open_items(index, _needed(first, asked, shown, right), read)
    remarks += dict.fromkeys(remark for run in studied for remark in run.remarks)  # what is said of both counts once
    for path, documents in zip(runs, shown, strict=True):
        remarks += _of_corpus(path, documents, items, index)
    for remark in remarks:
        say(f"Topics: {remark}")
    return Studies(
        path=place,
        names=first.names,
        directions=first.directions,
        right=right,
        asked=asked,
        runs=studied,
        differences=_differences(studied, first.directions, blocks) if len(studied) > 1 else {},
        items=items,
        remarks=tuple(remarks),
    )


def _read_run(path: Path) -> Run:
    if not path.exists():
        raise UserError(f"There is no run {path}: write one with `ntcir run TOPICS > run.txt`, and name it with --run.")
    return read_run(path)


def _beside(topics: Path, run: Run) -> Path:
    """Return the qrels in the folder of the topics; of a run of the organisers', their own come first."""
    own = beside(topics, _OFFICIAL_QRELS) if isinstance(run, OfficialRun) else None
    found = own or beside(topics, QRELS)
    if found is None:
        raise UserError(
            f"There is no {QRELS} beside {topics}, so that nothing says which answers are right: name the qrels with "
            "--qrels."
        )
    return found


def _differences(
    runs: Sequence[StudiedRun], directions: Sequence[str | None], blocks: np.ndarray | None
) -> dict[str, Estimate]:
    """Return the differences of MRR by group, with intervals that draw what those of ``ntcir score`` draw."""
    sums, rows = runs[1].figures.sums - runs[0].figures.sums, runs[0].figures.rows
    asked = np.array(directions, dtype=object)
    found = {}
    for name in groups_of(directions):
        within = (asked == name) | (name == "all")
        if within.any():
            drawn = None if blocks is None else blocks[within]
            found[name] = Estimate.of(sums[within], drawn, rows=rows[within])
    return found


def _needed(judged: Judged, asked: Mapping[str, Topic], ranked: Sequence[_Ranked], right: RightOnes) -> Needed:
    """Return the items that are shown of the topics: those asked with, those ranked, and the right ones."""
    needed: Needed = {
        (each.direction.query.name, each.query) for each in asked.values() if each.direction.query.pictured
    }
    by_minute = isinstance(judged.qrels, OfficialQrels)
    numbers = np.arange(len(judged.names))
    for found in (*ranked, _by_direction(judged, asked, right.documents, numbers)):
        for (asks, answers), documents in found.items():
            kinds = (answers, asks) if by_minute and answers.pictured else (answers,)  # a minute is its photograph
            needed |= {(kind.name, document) for kind in kinds for document in documents}
    return needed


def _by_direction(judged: Judged, asked: Mapping[str, Topic], documents: Texts, topic: Ints) -> _Ranked:
    """Return distinct documents by the direction of their topics, of topics of which it is known what they ask.

    Args:
        judged: has the topics.
        asked: what they ask.
        documents: bytes [rows].
        topic: int64 [rows], the numbers of their topics.
    """
    directions = [asked[name].direction if name in asked else None for name in judged.names]
    distinct = list(dict.fromkeys(each for each in directions if each is not None))
    codes = np.array([-1 if each is None else distinct.index(each) for each in directions])[topic]
    return {
        each: [document.decode() for document in np.unique(documents[codes == code]).tolist()]
        for code, each in enumerate(distinct)
    }


def _of_topics(judged: Judged, asked: Mapping[str, Topic], place: Path) -> list[str]:
    """Return sentences on topics that are in one of two files only."""
    known = set(judged.qrels.topics)
    unjudged = [name for name in asked if name not in known]
    absent = [name for name in judged.names if name not in asked]
    if len(absent) == len(judged.names):
        raise UserError(
            f"{place} has none of the {len(absent):,} topics of {judged.qrels.path}: {some(absent)}; name the qrels of "
            "these topics with --qrels."
        )
    remarks = []
    if unjudged:
        what = counted(len(unjudged), "topic is", "topics are")
        remarks.append(f"{judged.qrels.path} has no answer to some topics: {what} left out: {some(unjudged)}.")
    if absent:
        what = counted(len(absent), "topic of the qrels has", "topics of the qrels have")
        remarks.append(f"{what} no line in {place}, so that what was asked is not known: {some(absent)}.")
    return remarks


def _of_corpus(run: Path, ranked: _Ranked, items: StudyItems, index: Index) -> list[str]:
    """Return a sentence if a run ranks items which the corpus lacks.

    Raises:
        UserError: if the corpus has none of them: the run is one of another corpus.
    """
    pairs = [(direction, document) for direction, documents in ranked.items() for document in documents]
    looked_at = pairs[:: max(1, len(pairs) // _LOOKED_AT)]  # from all parts of a run
    unknown = [document for direction, document in looked_at if not items.knows(direction, document)]
    if not unknown:
        return []
    number = f"{len(unknown):,} of {len(looked_at):,} items"
    said = f"{number} of {run} that were looked up are not in {index.corpus}: {some(unknown)}"
    if len(unknown) == len(looked_at):
        raise UserError(f"{said}; name the corpus that was ranked with --data.")
    return [f"{said}{'; is it a run on another corpus?' if 2 * len(unknown) > len(looked_at) else '.'}"]

"""Runs and qrels rewritten in another format: CSV where the file's name ends so, else TREC; gzipped if it ends in .gz.

Ids stay as they came, and so do scores, to the last bit: nine digits where these are enough, as they are for float32.
A run and qrels that belong together are first spelled alike (:mod:`ntcir.formats.spelling`), which is the
caller's business.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from ntcir.formats import lifelog_run
from ntcir.formats.columns import refuse
from ntcir.formats.lifelog_run import LifelogRun
from ntcir.formats.matching import any_official
from ntcir.formats.official import LONGEST_ID, OfficialQrels, OfficialRun, by_number, format_qrels, run_text
from ntcir.formats.runs import Pairs, Pools, Qrels, Run
from ntcir.formats.spelling import differently_spelled, spelled_as
from ntcir.system.errors import UserError, some
from ntcir.system.files import atomic_path, atomic_write

DEFAULT_GROUP = "ORG"  # the organisers' own: for runs that stay at home


RunFormat = Literal["trec", "transfer", "lifelog"]
RUN_FORMATS: tuple[RunFormat, ...] = ("trec", "transfer", "lifelog")


def is_csv(path: Path) -> bool:
    """Return whether a file to be written is to be CSV, as its name says, be it gzipped or not."""
    return (path.with_suffix("") if _is_packed(path) else path).suffix.lower() == ".csv"


def run_format(path: Path, run: Run) -> RunFormat:
    """Return the format in which a run goes to ``path``: TREC, unless it is CSV; then that which the run came in.

    TREC runs become the organisers' CSV.
    """
    if not is_csv(path):
        return "trec"
    return "lifelog" if isinstance(run, LifelogRun) else "transfer"


def save_run(run: Run, path: Path, group: str | None = None, layout: RunFormat | None = None) -> str:
    """Write a run to ``path``; return a sentence on what was written.

    In CSV, rows keep their order, and the group's id is ``group``, else the run's own, else ORG. The organisers' run_id
    is the tag, less what it may not hold, cut to ten characters; that of NTCIR-19 Lifelog is the tag as it is. In TREC,
    lines go topic by topic in trec_eval's order, and the tag is the run's id.

    Args:
        run: the run.
        path: where it goes.
        group: the id of the group.
        layout: the format; by default as :func:`run_format` has it.

    Raises:
        UserError: if a document appears twice in a topic; if there is more than one tag, or no usable one; if an id
            cannot stand in the format; if the file cannot be written.
    """
    text, facts = formatted_run(run, layout or run_format(path, run), group)
    _write(path, text)
    return f"{path}: {facts}"


def formatted_run(run: Run, layout: RunFormat, group: str | None = None) -> tuple[str, str]:
    """Return a run as text in a format, and what it has become; see :func:`save_run`.

    Raises:
        UserError: as :func:`save_run` does, but for the writing.
    """
    refuse(run.path, [(by_number(run) if layout == "transfer" else run).twice()])
    tag = only_tag(run)
    if layout == "trec":
        _check_words(run)
        if tag.split() != [tag]:
            raise UserError(f"The run_id {tag!r} of {run.path} cannot be a tag: it must be one word.")
        return "".join(_trec_lines(run, tag)), f"{len(run.line):,} lines, tag {tag}"
    group = group or (run.group if isinstance(run, OfficialRun | LifelogRun) else DEFAULT_GROUP)
    topics, scores = [run.topics[code] for code in run.topic.tolist()], map(_exact, run.score.tolist())
    rows = zip(topics, _documents(run), scores, strict=True)
    if layout == "lifelog":
        return lifelog_run.run_text(group, tag, rows), f"{len(run.line):,} rows, GROUP-ID {group}, RUN-ID {tag}"
    run_id = re.sub("[^A-Za-z0-9]", "", tag)[: LONGEST_ID["run"]]
    if not run_id:
        raise UserError(
            f"The tag {tag!r} of {run.path} has no letter or digit to make a run_id of: give the run another tag."
        )
    changed = "" if run_id == tag else f" (from the tag {tag!r}: at most {LONGEST_ID['run']} letters or digits)"
    return run_text(group, run_id, rows), f"{len(run.line):,} rows, group_id {group}, run_id {run_id}{changed}"


def only_tag(run: Run) -> str:
    """Return the tag of a run.

    Raises:
        UserError: if its lines have several.
    """
    if len(run.tags) > 1:
        raise UserError(f"{run.path} has {len(run.tags)} tags ({some(run.tags)}): give a file with one run.")
    return run.tags[0]


def save_qrels(qrels: Qrels, path: Path) -> str:
    """Write qrels to ``path`` in the format that its ending asks for, in their order; return a sentence on it.

    From TREC to CSV the ``minute_id`` stays empty: TREC qrels do not know it.

    Raises:
        UserError: if an id cannot stand in the format, or the file cannot be written.
    """
    topics, grades = [qrels.topics[code] for code in qrels.topic.tolist()], qrels.relevance.tolist()
    if is_csv(path):
        refuse(qrels.path, [by_number(qrels).twice()])
        minutes = [""] * len(topics)
        if isinstance(qrels, OfficialQrels):
            minutes = [text.decode() for text in qrels.minute.tolist()]
        _write(path, format_qrels(zip(topics, _documents(qrels), minutes, grades, strict=True)))
    else:
        _check_words(qrels)
        rows = zip(topics, _documents(qrels), grades, strict=True)
        _write(path, "".join(f"{topic} 0 {document} {grade}\n" for topic, document, grade in rows))
    return f"{path}: {len(topics):,} rows"


def save_alike(
    run: Run,
    qrels: Qrels,
    pools: Pools | None,
    run_path: Path | None,
    qrels_path: Path | None,
    group: str | None = None,
    layout: RunFormat | None = None,
) -> list[str]:
    """Write a run, its qrels, or both, with ids that fit each other and what is not written; return what to say of it.

    Where the organisers' format takes part, numbers are written as the pools have them, and the run's as the qrels
    have them. Elsewhere ids stay as they are, and if CSV makes one document of two, that is said.

    Args:
        run: the run.
        qrels: the qrels that judge it.
        pools: the candidates, if they are known from a file of their own.
        run_path: where the run goes, if it is to be written.
        qrels_path: where the qrels go, likewise.
        group: as in :func:`save_run`.
        layout: as in :func:`save_run`.

    Raises:
        UserError: as :func:`save_run` and :func:`save_qrels` do.
    """
    said = []
    if any_official(run, qrels):
        others = [] if pools is None else [pools]
        if qrels_path and run_path:
            qrels = spelled_as(qrels, *others) if others else qrels
        elif qrels_path and (others or not isinstance(run, OfficialRun)):
            qrels = spelled_as(qrels, *([] if isinstance(run, OfficialRun) else [run]), *others)
        run = spelled_as(run, qrels, *others)
    elif (run_path and (layout or run_format(run_path, run)) == "transfer") or (qrels_path and is_csv(qrels_path)):
        pair = differently_spelled(run, qrels)
        if pair is not None:
            here, there = f"{pair[0]!r} of {run.path}", f"{pair[1]!r} of {qrels.path}"
            said.append(f"Note: {here} and {there} are two documents in TREC files, but one in CSV.")
    if run_path:
        said.append(save_run(run, run_path, group, layout))
    if qrels_path:
        said.append(save_qrels(qrels, qrels_path))
    return said


def _is_packed(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


def _write(path: Path, text: str) -> None:
    """Write a text whole or not at all; packed, the same text gives the same bytes, whenever it is written."""
    if not _is_packed(path):
        atomic_write(path, text)
        return
    with atomic_path(path) as temporary:
        temporary.write_bytes(gzip.compress(text.encode(), mtime=0))


def _trec_lines(run: Run, tag: str) -> Iterator[str]:
    for topic in run.topics:
        for rank, (document, score) in enumerate(run.ranking(topic), 1):
            yield f"{topic} Q0 {document} {rank} {_exact(score)} {tag}\n"


def _exact(score: float) -> str:
    """Return a score with nine digits, or with all that it takes to read the same number again."""
    text = f"{score:.9g}"
    return text if float(text) == score else repr(score)


def _documents(pairs: Pairs) -> list[str]:
    return [text.decode() for text in pairs.document.tolist()]


def _check_words(pairs: Pairs) -> None:
    """Refuse ids that hold blanks, which separate columns in the TREC formats."""
    split = {topic for topic in pairs.topics if topic.split() != [topic]}
    bad = [
        (line, word)
        for line, code, document in zip(pairs.line.tolist(), pairs.topic.tolist(), _documents(pairs), strict=True)
        for word in (pairs.topics[code], document)
        if word in split or word.split() != [word]
    ]
    refuse(pairs.path, [([line for line, _ in bad], lambda i: f"the id {bad[i][1]!r} has blanks; TREC ids have none")])

"""Runs and qrels rewritten in the other format: the organisers' CSV where the file's name ends so, else TREC.

Ids stay as they came, and so do scores, to the last bit: nine digits where these are enough, as they are for float32.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ntcir.columns import refuse
from ntcir.errors import UserError, some
from ntcir.files import atomic_write
from ntcir.official import LONGEST_ID, OfficialQrels, OfficialRun, by_number, format_qrels, run_text
from ntcir.runs import Pairs, Qrels, Run

DEFAULT_GROUP = "ORG"  # the organisers' own: for runs that stay at home


def is_csv(path: Path) -> bool:
    """Return whether a file to be written is to have the organisers' format."""
    return path.suffix.lower() == ".csv"


def save_run(run: Run, path: Path, group: str | None = None) -> str:
    """Write a run to ``path`` in the format that its ending asks for; return a sentence on what was written.

    In CSV, rows keep their order, and the group_id is ``group``, else the run's own, else ORG; the run_id is the tag,
    less what it may not hold, cut to ten characters. In TREC, lines go topic by topic in trec_eval's order, and the tag
    is the run_id.

    Raises:
        UserError: if a document comes twice in a topic; if there is more than one tag, or none of use; if an id cannot
            stand in the format; if the file cannot be written.
    """
    refuse(run.path, [(by_number(run) if is_csv(path) else run).twice()])
    tag = run.tags[0]
    if len(run.tags) > 1:
        raise UserError(f"{run.path} has {len(run.tags)} tags ({some(run.tags)}): give a file with one run.")
    if not is_csv(path):
        _check_words(run)
        if tag.split() != [tag]:
            raise UserError(f"The run_id {tag!r} of {run.path} cannot be a tag: it must be one word.")
        atomic_write(path, "".join(_trec_lines(run, tag)))
        return f"{path}: {len(run.line):,} lines, tag {tag}"
    group = group or (run.group if isinstance(run, OfficialRun) else DEFAULT_GROUP)
    run_id = re.sub("[^A-Za-z0-9]", "", tag)[: LONGEST_ID["run"]]
    if not run_id:
        raise UserError(f"The tag {tag!r} of {run.path} has no letter or digit to make a run_id of: give it another.")
    topics, scores = [run.topics[code] for code in run.topic.tolist()], map(_exact, run.score.tolist())
    atomic_write(path, run_text(group, run_id, zip(topics, _documents(run), scores, strict=True)))
    changed = "" if run_id == tag else f" (of the tag {tag!r}: at most {LONGEST_ID['run']} letters or digits)"
    return f"{path}: {len(run.line):,} rows, group_id {group}, run_id {run_id}{changed}"


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
        atomic_write(path, format_qrels(zip(topics, _documents(qrels), minutes, grades, strict=True)))
    else:
        _check_words(qrels)
        rows = zip(topics, _documents(qrels), grades, strict=True)
        atomic_write(path, "".join(f"{topic} 0 {document} {grade}\n" for topic, document, grade in rows))
    return f"{path}: {len(topics):,} rows"


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
    refuse(pairs.path, [([line for line, _ in bad], lambda i: f"the id {bad[i][1]!r} has blanks, TREC ids have none")])

"""A scored run as a table, for people."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TextIO

from ntcir.formats.conversion import RunFormat, is_csv, save_alike, save_run
from ntcir.formats.lifelog_run import LifelogRun
from ntcir.formats.manifest import reading_set
from ntcir.formats.matching import any_official, default_qrels, read_qrels, read_run
from ntcir.formats.reading import StrPath, is_standard_input
from ntcir.formats.runs import Pools, read_pools
from ntcir.report.judgements import NO_TOPICS, candidates_of, pools_of, topics_of
from ntcir.scoring import GroupScore, Mrr, Report, measures, score
from ntcir.system.errors import UserError, escaped
from ntcir.system.progress import say

_NOT_PACKED = {".zip", ".bz2", ".xz", ".zst", ".7z", ".tgz", ".tar", ".lz4", ".rar"}
_WIDTH = 80  # the least that the table is given; it needs 77


def render_score(report: Report, stream: TextIO) -> None:
    """Write a table with a row for each direction and one for all topics, and the warnings beneath it.

    On a pipe it is plain text of at most 80 columns. Groups without topics are left out.
    """
    rows = {name: _cells(group) for name, group in report.groups.items() if group.topics}
    headings = ("topics", "MRR", "[95% interval]", "MRR@10", "R@1", "R@5", "R@10", "MedR", "random")
    render_groups(headings, rows, stream, [f"Note: {warning}" for warning in report.warnings])


def render_groups(
    headings: Sequence[str], rows: Mapping[str, Sequence[str]], stream: TextIO, notes: Sequence[str] = ()
) -> None:
    """Write a table with a row for each group, ``all`` last and in bold, and notes beneath it.

    Args:
        headings: of the columns behind that of the names.
        rows: the cells of each group, by its name.
        stream: where they are written.
        notes: full sentences.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=stream, highlight=False)
    console.width = max(console.width, _WIDTH)  # a narrower terminal wraps a line rather than lose a figure
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("", no_wrap=True)
    for heading in headings:
        table.add_column(Text(heading), justify="right", no_wrap=True)
    for name in sorted(rows, key=lambda name: name == "all"):
        cells = map(Text, [name, *rows[name]])  # as Text, for rich takes brackets for its markup
        table.add_row(*cells, style="bold" if name == "all" else None)
    console.print(table)
    for note in notes:
        console.print(Text(escaped(note)), soft_wrap=True)


def _cells(group: GroupScore) -> list[str]:
    low, high = group.interval or (None, None)
    return [
        str(group.topics),
        _number(group.mrr),
        f"[{_number(low)}, {_number(high)}]",
        _number(group.mrr_10),
        *(_number(share, 3) for share in group.recall.values()),
        "-" if group.medr is None else f"{group.medr:g}",
        _number(group.random_mrr),
    ]


def _number(value: float | None, digits: int = 4) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def render_per_topic(report: Report, stream: TextIO) -> None:
    """Write a line for each topic, in aligned columns between spaces: topic, direction, rank, reciprocal rank, pool.

    What is not there (no rank, an unknown direction or pool) is a ``-``, so that every line has five words. Control
    characters that an id may hold are escaped: JSON has ids for programs.
    """
    rows = [("topic", "direction", "rank", "RR", "pool")]
    for topic in report.topics:
        rank = "-" if topic.rank is None else f"{topic.rank:g}"
        rows.append((topic.topic, topic.direction or "-", rank, f"{topic.reciprocal_rank:.4f}", str(topic.pool or "-")))
    plain_table(rows[0], rows[1:], stream, left=2)


def plain_table(headings: Sequence[str], rows: Sequence[Sequence[str]], stream: TextIO, *, left: int) -> None:
    """Write lines of aligned columns between two blanks, the first ``left`` to the left, the others to the right."""
    lines = [[escaped(cell) for cell in row] for row in (headings, *rows)]
    widest = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widest, strict=True))
        ]
        stream.write("  ".join(cells) + "\n")


def score_files(
    run: Path, qrels: Path | None, stream: TextIO, *, pools: str | None, topics: Path | None, as_json: bool,
    per_topic: bool, mrr: Mrr | None, names: str | None, write_run: Path | None, write_qrels: Path | None,
    layout: RunFormat | None, group: str | None, blocks: str | None = None,
) -> None:  # fmt: skip
    """Score a run of any format and print its figures; write run and qrels again, where that is asked for.

    Args:
        run: the run.
        qrels: the answers; under ``topics/`` if None.
        stream: where figures are printed.
        pools: a file, ``none``, or None for what lies beside the qrels.
        topics: a table of the topics, for their directions; what lies beside the qrels if None.
        as_json: as in ``print_scores``.
        per_topic: as in ``print_scores``.
        mrr: which mean of reciprocal ranks is MRR; if None, the one that is usual for such topics.
        names: other measures.
        write_run: where the run goes, in the format that the name asks for.
        write_qrels: where the qrels go, likewise.
        layout: the format of the run that is written, if not by its name.
        group: the group's id in a run that is written as CSV.
        blocks: what intervals draw; where topics have times, blocks of neighbours if None.

    Raises:
        UserError: if a file cannot be read or scored, or not be written.
    """
    sources = [path for path in (run, qrels, pools, topics) if path is not None]
    _check_options(sources, write_run, write_qrels, layout, group)
    ranked = read_run(run)
    place = qrels or default_qrels(ranked)
    with reading_set(place, own=write_qrels):
        try:
            judged = read_qrels(place)
            file = pools_of(pools, place)
            candidates = candidates_of(pools, file, numbered=any_official(ranked, judged))
        except UserError:
            if write_run:  # an error in the qrels is not the run's fault
                say(save_run(ranked, write_run, group, layout))
            raise
        if write_run or write_qrels:
            for sentence in save_alike(ranked, judged, _pools(file), write_run, write_qrels, group, layout):
                say(sentence)
        table = topics_of(topics, place, judged)
        own_pools = pools != "none"
        report = score(
            ranked, judged, pools_path=candidates, topics_path=table, own_pools=own_pools, mrr=mrr, blocks=blocks
        )
    if table is None and not isinstance(ranked, LifelogRun):  # of which there is one direction: from words to pictures
        report = replace(report, warnings=[*report.warnings, NO_TOPICS])
    others = {} if names is None else measures(ranked, judged, names)
    print_scores(report, others, stream, as_json=as_json, per_topic=per_topic)


def _check_options(
    sources: Sequence[StrPath],
    write_run: Path | None,
    write_qrels: Path | None,
    layout: RunFormat | None,
    group: str | None,
) -> None:
    """Refuse options that do not go together."""
    if sum(map(is_standard_input, sources)) > 1:
        raise UserError("Only one of run, qrels, pools and topics can be standard input (-).")
    if layout and not write_run:
        raise UserError("--run-format needs --write-run FILE.")
    as_csv = write_run is not None and (is_csv(write_run) if layout is None else layout != "trec")
    if group and not as_csv:
        raise UserError("--group needs --write-run FILE.csv: a TREC run has no group_id.")
    for option, path in (("--write-run", write_run), ("--write-qrels", write_qrels)):
        if path and (is_standard_input(path) or _is_standard_output(path)):
            raise UserError(f"{option} needs the name of a file: the scores go to standard output.")
        if path and path.suffix.lower() in _NOT_PACKED:
            raise UserError(f"{option} {path}: files are compressed with gzip only; give a name that ends in .gz.")
    if write_run and write_qrels and write_run.resolve() == write_qrels.resolve():
        raise UserError(f"--write-run and --write-qrels name the same file, {write_run}: give each its own.")


def _is_standard_output(path: Path) -> bool:
    """Return whether a path leads where the figures go, such as ``/dev/stdout``."""
    try:
        return path.exists() and os.path.samestat(path.stat(), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError, AttributeError):  # a stream that is no file
        return False


def _pools(path: Path | None) -> Pools | None:
    """Return the pools, for the spelling of their ids; None if they cannot be read, which scoring may have to tell."""
    with suppress(UserError):
        return None if path is None or is_standard_input(path) else read_pools(path)
    return None


def print_scores(report: Report, others: dict[str, float], stream: TextIO, *, as_json: bool, per_topic: bool) -> None:
    """Write what ``ntcir score`` prints: the table (or JSON), other measures by name, and the topics if asked for.

    In JSON the other measures are under ``measures``, the topics under ``topics``; without them these keys are absent.
    What there is to warn of then goes to standard error.
    """
    if as_json:
        tree: dict[str, Any] = dict(report.to_json())
        if others:
            tree["measures"] = others
        if per_topic:
            tree["topics"] = [asdict(topic) for topic in report.topics]
        stream.write(json.dumps(tree, indent=1, allow_nan=False) + "\n")
        for warning in report.warnings:
            say(f"Note: {warning}")
        return
    if per_topic:
        render_per_topic(report, stream)
        stream.write("\n")
    render_score(report, stream)
    for name, value in others.items():
        stream.write(f"{name:12} {value:.4f}\n")

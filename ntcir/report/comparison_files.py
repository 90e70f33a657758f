"""``ntcir compare``: the files of runs read, compared, and printed as a table, as JSON or as LaTeX, with a chart."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TextIO

from ntcir.comparing import Comparison, compare
from ntcir.formats.lifelog_run import LifelogRun
from ntcir.formats.manifest import reading_set
from ntcir.formats.matching import any_official, default_qrels, read_qrels, read_run
from ntcir.formats.reading import is_standard_input, named
from ntcir.formats.runs import read_pools
from ntcir.formats.topics import read_topic_table
from ntcir.measures.reciprocal import Mrr
from ntcir.report.comparison_latex import latex
from ntcir.report.comparison_table import render_comparison
from ntcir.report.forest_plot import draw_forest
from ntcir.report.judgements import NO_TOPICS, candidates_of, pools_of, topics_of
from ntcir.system.errors import UserError
from ntcir.system.progress import say

Form = Literal["table", "json", "latex"]
_ENDINGS = re.compile(r"(\.(txt|run|trec|csv|tsv))?(\.gz)?$")


def compare_files(
    paths: Sequence[Path], qrels: Path | None, stream: TextIO, *, pools: str | None, topics: Path | None,
    mrr: Mrr | None, measures: str | None, blocks: str | None, all_pairs: bool, seed: int, form: Form,
    chart: Path | None,
) -> None:  # fmt: skip
    """Compare the files of runs and print what comes of it.

    Args:
        paths: of two runs or more, of any formats.
        qrels: the answers; where ``ntcir score`` looks for those of the first run if None.
        stream: where the comparison is printed.
        pools, topics: as in ``ntcir score``.
        mrr, measures, blocks, all_pairs, seed: as in :func:`ntcir.comparing.compare`.
        form: how it is printed; with JSON and LaTeX, notes go to standard error.
        chart: a PNG to draw.

    Raises:
        UserError: if a file cannot be read, or written, or the runs cannot be compared.
    """
    _check_paths(paths, [path for path in (qrels, pools, topics) if path is not None], chart)
    runs = dict(zip(_names(paths), map(read_run, paths), strict=True))
    first = next(iter(runs.values()))
    place = qrels or default_qrels(first)
    with reading_set(place):
        judged = read_qrels(place)
        numbered = any(any_official(run, judged) for run in runs.values())
        candidates = candidates_of(pools, pools_of(pools, place), numbered=numbered)
        table = topics_of(topics, place, judged)
        comparison = compare(
            runs,
            judged,
            pools=None if candidates is None else read_pools(candidates),
            own_pools=pools != "none",
            table=None if table is None else read_topic_table(table, blocks),
            mrr=mrr,
            measures=measures,
            blocks=blocks,
            all_pairs=all_pairs,
            seed=seed,
        )
    notes = list(comparison.notes)
    if table is None and not isinstance(first, LifelogRun):
        notes.append(NO_TOPICS)
    _print(comparison, notes, form, stream)
    if chart is not None:
        say(f"Chart: {draw_forest(comparison, chart)}")


def _print(comparison: Comparison, notes: Sequence[str], form: Form, stream: TextIO) -> None:
    if form == "table":
        render_comparison(comparison, notes, stream)
        return
    stream.write(
        latex(comparison) if form == "latex" else json.dumps(comparison.to_json(), indent=1, allow_nan=False) + "\n"
    )
    for note in notes:
        say(f"Note: {note}")


def _check_paths(paths: Sequence[Path], others: Sequence[Path | str], chart: Path | None) -> None:
    """Refuse what cannot be compared, before anything is read."""
    if len(paths) < 2:
        raise UserError(f"A comparison needs at least 2 runs, and there is only {named(paths[0])}.")
    if sum(map(is_standard_input, [*paths, *others])) > 1:
        raise UserError("Only one of the runs, qrels, pools and topics can be standard input (-).")
    known: dict[Path, Path] = {}
    for path in paths:
        place = path.resolve()
        if place in known and not is_standard_input(path):
            same = f"{path} is given twice" if path == known[place] else f"{known[place]} and {path} are the same file"
            raise UserError(f"{same}: name each run once.")
        known[place] = path
    if chart is not None and chart.suffix.lower() != ".png":
        raise UserError(f"--chart {chart}: the chart is a PNG; give a name that ends in .png.")


def _names(paths: Sequence[Path]) -> list[str]:
    """Return what the runs are called: by their files without folder and ending, if these differ, else as typed;
    standard input is ``stdin``."""
    short = ["stdin" if is_standard_input(path) else _ENDINGS.sub("", path.name) or path.name for path in paths]
    return short if len(set(short)) == len(short) else [str(path) for path in paths]

"""The files of runs that are fused: read, checked, fused, and written as a run of any format."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from pathlib import Path

import numpy as np

from ntcir.formats.columns import LONGEST, Floats, is_word
from ntcir.formats.conversion import RunFormat, formatted_run, only_tag
from ntcir.formats.lifelog_run import too_many
from ntcir.formats.matching import check_fit, read_qrels, read_run
from ntcir.formats.official import OfficialRun
from ntcir.formats.reading import StrPath, is_standard_input, named
from ntcir.formats.runs import Run, check_run
from ntcir.formats.spelling import spelled_as
from ntcir.fusion.alignment import FUSED, Aligned, align, comparable
from ntcir.fusion.methods import K, Method, combined, contributions
from ntcir.fusion.remarks import remarks, require_shared_topics, spelled_apart
from ntcir.fusion.weights import parse_weights, tune
from ntcir.system.errors import UserError, counted
from ntcir.system.progress import say


def fuse_files(
    paths: Sequence[Path], *, method: Method, k: int | None = None, weights: str | None = None,
    tune_on: Sequence[Path] = (), tune_qrels: Path | None = None, depth: int | None = None, tag: str = "fused",
    layout: RunFormat = "trec", group: str | None = None,
) -> str:  # fmt: skip
    """Return several runs fused, as the text of one; on stderr is said what there is to know.

    Args:
        paths: of the runs, of any formats.
        method: by which they are fused.
        k: of reciprocal rank fusion; 60 if None.
        weights: of the runs, such as ``2,1``; equal ones if None.
        tune_on: runs of the same systems over other topics, in the same order, by which weights are chosen.
        tune_qrels: that judge these.
        depth: documents a topic at most; all if None.
        tag: of the fused run.
        layout: the format.
        group: the id of the group in CSV.

    Raises:
        UserError: if options do not go together; if a file cannot be read, or is not a valid run; if no topic is in
            two runs; if weights are not valid or would be tuned on topics that are fused.
    """
    _check_options([*paths, *tune_on], len(paths), method, k, weights, tune_on, tune_qrels, tag, layout, group)
    typed = None if weights is None else parse_weights(weights, len(paths))
    runs = _read(paths)
    chosen = np.ones(len(runs)) if typed is None else typed
    k = K if k is None else k
    if tune_qrels is not None:
        tuned = tune(_read(tune_on), read_qrels(tune_qrels), runs, method, k)
        say(tuned.sentence())
        chosen = tuned.weights
    if without := list(compress(paths, chosen == 0)):
        say(f"Note: weight 0 leaves out {', '.join(map(str, without))}.")
    aligned = align(comparable(list(compress(runs, chosen > 0))))
    chosen = chosen[chosen > 0]
    for sentence in (*remarks(aligned, method), *spelled_apart(runs)):
        say(f"Note: {sentence}")
    score = combined(contributions(aligned, method, k), chosen, aligned.ranked(), method)
    fused = best_first(aligned, score, tag, depth)
    if any(isinstance(run, OfficialRun) for run in runs):
        fused = spelled_as(fused, runs[0])
    if layout == "lifelog" and (over := too_many(fused)):
        say(f"Note: {over} Use --depth 100.")
    text, facts = formatted_run(fused, layout, group)
    what = f"{counted(len(fused.topics), 'topic', 'topics')} of {counted(len(aligned.runs), 'run', 'runs')}"
    say(f"{what} fused by {method}: {facts}.")
    return text


def best_first(aligned: Aligned, score: Floats, tag: str, depth: int | None = None) -> Run:
    """Return pairs with their scores, (pairs,), as a run: topic by topic, in trec_eval's order, so many a topic."""
    pairs = aligned.pairs
    order = np.lexsort((pairs.document, score, -pairs.topic))[::-1]  # of equal scores, the last id first
    sizes = np.bincount(pairs.topic)
    rank = np.arange(1, len(order) + 1, dtype=np.float64) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    if depth is not None:
        order, rank = order[rank <= depth], rank[rank <= depth]
    written = {value: float(f"{value:.9g}") for value in set(score.tolist())}  # as format_ranking writes them
    values = np.array([written[value] for value in score[order].tolist()], dtype=np.float64)
    line = np.arange(1, len(order) + 1)
    return Run(FUSED, line, pairs.topics, pairs.topic[order], pairs.document[order], rank, values, [tag])


def _read(paths: Sequence[Path]) -> list[Run]:
    """Read runs, of any formats, and check them.

    Raises:
        UserError: if one is not valid; if no topic is in two of them; if one numbers its documents and another names
            them.
    """
    runs = [read_run(path) for path in paths]
    for run in runs:
        only_tag(run)
        check_run(run)
        check_fit(run, runs[0], "give runs over the same collection")
    require_shared_topics(runs)
    return runs


def _check_options(
    files: Sequence[StrPath], runs: int, method: Method, k: int | None, weights: str | None,
    tune_on: Sequence[Path], tune_qrels: Path | None, tag: str, layout: RunFormat, group: str | None,
) -> None:  # fmt: skip
    """Refuse options that do not go together."""
    if runs < 2:
        raise UserError(f"A fusion needs at least 2 runs, and there is only {named(files[0])}.")
    if sum(map(is_standard_input, [*files, *([tune_qrels] if tune_qrels else [])])) > 1:
        raise UserError("Only one of the files can be standard input (-).")
    if k is not None and method != "rrf":
        raise UserError(f"--k is of --method rrf, and --method is {method}.")
    if (tune_qrels is None) != (not tune_on):
        missing = "--tune-qrels FILE" if tune_qrels is None else "--tune-on RUN, once for each run"
        raise UserError(f"Weights are tuned with both --tune-on and --tune-qrels: add {missing}.")
    if tune_on and weights is not None:
        raise UserError("Weights are either given (--weights) or tuned (--tune-on): leave one out.")
    if not is_word(tag):
        raise UserError(f"--tag {tag!r} is not valid: use 1 to {LONGEST} bytes without whitespace.")
    if group is not None and layout == "trec":
        raise UserError("--group needs --run-format transfer or lifelog: a TREC run has no group_id.")

"""A run and the qrels that judge it: read in either format, TREC or the organisers', and their ids made comparable.

The organisers number their candidates, here ``00536``, there ``536``: where a file of theirs takes part, documents of
digits only are the same if their numbers are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ntcir.formats import lifelog_run, official, runs
from ntcir.formats.columns import refuse
from ntcir.formats.csv_columns import HEAD
from ntcir.formats.lifelog_run import LifelogRun
from ntcir.formats.official import OfficialQrels, OfficialRun, by_number
from ntcir.formats.reading import BOM, StrPath, is_standard_input, named, read_bytes
from ntcir.formats.runs import Pairs, Pools, Qrels, Run
from ntcir.formats.spelling import differently_spelled
from ntcir.system.errors import UserError, short, some

_QRELS = {False: "topics/qrels.txt", True: "topics/qrels.csv"}  # the default places, by whether official
# Words of which a header has some, and a line of a TREC file none.
_TITLES = {
    *("topic", "topic_id", "topicid", "qid", "query", "query_id", "queryid", "q0", "iter", "iteration"),
    *("doc", "docid", "doc_id", "docno", "document", "document_id", "image", "image_id"),
    *("rank", "score", "sim", "similarity", "tag", "run", "run_id", "runid"),
    *("rel", "relevance", "label", "grade", "judgment", "judgement", "group_id"),
}
_NOT_COMMAS = {b";": "semicolons", b"\t": "tabs", b" ": "blanks"}


def read_run(path: StrPath) -> Run:
    """Read a run of any format, told by its first line, or from standard input if ``path`` is ``-``.

    It is an :class:`OfficialRun` if it is the organisers', a :class:`LifelogRun` if it is one of NTCIR-19 Lifelog.

    Raises:
        UserError: as :func:`ntcir.formats.runs.read_trec_run` or :func:`ntcir.formats.official.read_transfer_run` does;
            if the file has a header that its format does not.
    """
    raw, path = _piped(path), named(path)
    head = read_bytes(path, HEAD) if raw is None else raw[:HEAD]
    _check_separator(path, head)
    _check_no_header_of_commas(path, head, runs.RUN)
    if lifelog_run.is_lifelog(head):
        return lifelog_run.read_lifelog_run(path, read_bytes(path) if raw is None else raw)
    if official.looks_like_csv(path, head):
        return official.read_transfer_run(path, raw)
    _check_no_header(path, head, runs.RUN)
    _check_columns(path, head, runs.QRELS, "qrels: give them with --qrels, and a run in their place")
    return runs.read_trec_run(path, raw)


def read_qrels(path: StrPath) -> Qrels:
    """Read qrels of either format, told by their first line; :class:`OfficialQrels` if they are the organisers'.

    Raises:
        UserError: as :func:`ntcir.formats.runs.read_trec_qrels` or
            :func:`ntcir.formats.official.read_transfer_qrels` does; if the file has a header that its format does not.
    """
    raw, path = _piped(path), named(path)
    head = read_bytes(path, HEAD) if raw is None else raw[:HEAD]
    _check_separator(path, head)
    if official.looks_like_csv(path, head):
        return official.read_transfer_qrels(path, raw)[0]
    _check_no_header(path, head, runs.QRELS)
    _check_columns(path, head, runs.RUN, "a run: give the qrels that judge it in its place")
    return runs.read_trec_qrels(path, raw)


def default_qrels(run: Run) -> Path:
    """Return the default place of the qrels: for a run in the organisers' format, of qrels in theirs."""
    return Path(_QRELS[isinstance(run, OfficialRun)])


def read_matching(
    run: StrPath | Run, qrels: StrPath | Qrels, pools_path: StrPath | Pools | None = None, *, own_pools: bool = True
) -> tuple[Run, Qrels, Pools | None]:
    """Read a run, its qrels and the pools, unless they are read already, with ids that can be compared.

    The pools are those of ``pools_path``; without it and with ``own_pools`` those of the organisers' qrels, which list
    every candidate; else None.

    Raises:
        UserError: if a file cannot be read; if the run names documents where the others number them, or the other
            way round; if ids that differ in leading zeros only make a document appear twice.
    """
    run = run if isinstance(run, Run) else read_run(run)
    qrels = qrels if isinstance(qrels, Qrels) else read_qrels(qrels)
    pools = pools_path if pools_path is None or isinstance(pools_path, Pools) else runs.read_pools(pools_path)
    if not any_official(run, qrels):
        return run, qrels, pools
    if pools is None and own_pools and isinstance(qrels, OfficialQrels):
        pools = qrels.pools() or None
    numbered = isinstance(qrels, OfficialQrels)
    check_fit(run, qrels, f"score it against qrels with the same ids, such as {_QRELS[not numbered]}")
    run, qrels, pools = by_number(run), by_number(qrels), pools and by_number(pools)
    refuse(qrels.path, [qrels.twice()])
    if pools is not None:
        check_fit(run, pools, "give pools with the same ids")
        refuse(pools.path, [pools.twice()])
    return run, qrels, pools


def remarks(run: Run, pools: Pools | None) -> list[str]:
    """Return a sentence for each problem that the organisers would have with a run in their format.

    It may have ids that they do not take, or lack candidates in topics that it answers: they join the run with the
    qrels inwardly, so that what is not there is not in the way of the answer.
    """
    if isinstance(run, LifelogRun):
        return [sentence] if (sentence := lifelog_run.too_many(run)) else []
    if not isinstance(run, OfficialRun):
        return []
    found = []
    try:
        official.check_ids(run.group, run.tags[0])
    except UserError as error:
        found.append(f"{run.path}: {error}")
    known = np.full(len(run.topics), -1) if pools is None else pools.codes_of(run)
    sizes = np.zeros(1, np.int64) if pools is None else np.bincount(pools.topic)
    lacking = np.where(known >= 0, sizes[known] - np.bincount(run.topic), 0)
    if short := [run.topics[i] for i in np.flatnonzero(lacking)]:
        number = f"{lacking.sum():,} of the candidates in {len(short)} of the topics that it answers"
        found.append(f"{run.path} lacks {number}, which can flatter its score: {some(short)}.")
    return found


def zeros_apart(run: Run, qrels: Qrels) -> list[str]:
    """Return a sentence if the run has documents of TREC qrels under the same number in another spelling."""
    if any_official(run, qrels) or not np.char.isdigit(qrels.document).any():
        return []
    pair = differently_spelled(run, qrels)
    if pair is None:
        return []
    said = f"{run.path} has the document {pair[0]!r} where {qrels.path} has {pair[1]!r}"
    return [f"{said}: TREC ids are compared as text, so these are two documents."]


def any_official(run: Run, qrels: Qrels) -> bool:
    """Return whether the organisers' format takes part: its documents are numbered, not named."""
    return isinstance(run, OfficialRun) or isinstance(qrels, OfficialQrels)


def check_fit(run: Run, other: Pairs, advice: str) -> None:
    """Refuse a pair of files of which one has numbers for documents and the other has none.

    Raises:
        UserError: if they are such a pair.
    """
    mine, theirs = np.char.isdigit(run.document), np.char.isdigit(other.document)
    if (mine.all() and not theirs.any()) or (theirs.all() and not mine.any()):
        by = ("number", "name") if mine.all() else ("name", "number")
        one, two = run.document[0].decode(), other.document[0].decode()
        said = f"{run.path} ranks documents by {by[0]} ('{one}'), but {other.path} has them by {by[1]} ('{two}')"
        raise UserError(f"{said}: {advice}.")


def _piped(path: StrPath) -> bytes | None:
    """Return the content of what can be read only once, such as a pipe; None for a file that is one."""
    return None if not is_standard_input(path) and Path(path).is_file() else read_bytes(path)


def _first_line(head: bytes) -> tuple[int, bytes]:
    """Return the first line that is not empty, and its number, from 1."""
    lines = head.removeprefix(BOM).splitlines()
    return next(((number, line) for number, line in enumerate(lines, 1) if line.strip()), (1, b""))


def _check_separator(path: StrPath, head: bytes) -> None:
    """Refuse a file of the organisers' columns with something else than commas between them."""
    number, line = _first_line(head)
    for mark, name in _NOT_COMMAS.items():
        cells = {cell.strip(b' "').lower().replace(b"-", b"_") for cell in line.split(mark)}
        if b"topic_id" in cells and cells & {b"dmr_minute_id", b"image_id"}:
            raise UserError(f"{path} line {number}: {name} separate the columns; save it as CSV, with commas.")


def _check_no_header(path: StrPath, head: bytes, columns: Sequence[str]) -> None:
    """Refuse a TREC file that begins with the names of its columns, of which no line of it can consist."""
    number, line = _first_line(head)
    words = line.decode(errors="replace").split()
    titles = [word for word in words if word.strip("#,;:\"'").lower().replace("-", "_") in _TITLES]
    if len(words) >= len(columns) - 1 and len(titles) >= 2 and not any(word[0].isdigit() for word in words):
        said = f"line {number} is a header ({' '.join(words)[:80]!r})"
        raise UserError(f"{path} {said}: the TREC format has none, only lines of {' '.join(columns)}; delete it.")


def _check_no_header_of_commas(path: StrPath, head: bytes, columns: Sequence[str]) -> None:
    """Refuse a TREC file under a header of CSV, before it is taken for CSV."""
    lines = [line for line in head.splitlines()[:-1] if line.strip()][:2]
    if len(lines) < 2 or b"," not in lines[0] or b"," in lines[1] or len(lines[1].split()) != len(columns):
        return
    words = lines[0].decode(errors="replace").replace(",", " ").lower().replace("-", "_").split()
    if len(_TITLES.intersection(words)) >= 3:
        said = f"line 1 is a header ({short(lines[0].decode(errors='replace'))!r})"
        raise UserError(f"{path} {said}: the TREC format has none, only lines of {' '.join(columns)}; delete it.")


def _check_columns(path: StrPath, head: bytes, others: Sequence[str], what: str) -> None:
    """Refuse a TREC file that begins with a line of the other kind, whose columns are ``others``."""
    number, line = _first_line(head)
    if len(line.split()) == len(others):
        raise UserError(f"{path} line {number} has the {len(others)} columns of {what}.")

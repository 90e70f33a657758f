"""A run and the qrels that judge it: read in either format, TREC or the organisers', and their ids made comparable.

The organisers number their candidates, here ``00536``, there ``536``: where a file of theirs takes part, documents of
digits only are the same if their numbers are.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ntcir import official, runs
from ntcir.columns import StrPath, read_bytes, refuse
from ntcir.errors import UserError, some
from ntcir.official import OfficialQrels, OfficialRun, by_number
from ntcir.runs import Pairs, Pools, Qrels, Run

_QRELS = {False: "topics/qrels.txt", True: "topics/qrels.csv"}  # where they lie by default, by whether official


def read_run(path: StrPath) -> Run:
    """Read a run of either format, told by its first line; an :class:`OfficialRun` if it is the organisers'.

    Raises:
        UserError: as :func:`ntcir.runs.read_run` or :func:`ntcir.official.read_run` does.
    """
    raw = _piped(path)
    return official.read_run(path, raw) if official.is_official(path, raw) else runs.read_run(path, raw)


def read_qrels(path: StrPath) -> Qrels:
    """Read qrels of either format, told by their first line; :class:`OfficialQrels` if they are the organisers'.

    Raises:
        UserError: as :func:`ntcir.runs.read_qrels` or :func:`ntcir.official.read_qrels` does.
    """
    raw = _piped(path)
    return official.read_qrels(path, raw)[0] if official.is_official(path, raw) else runs.read_qrels(path, raw)


def default_qrels(run: Run) -> Path:
    """Return where the answers are looked for when nobody says: for a run of the organisers' format, in theirs."""
    return Path(_QRELS[isinstance(run, OfficialRun)])


def read_matching(
    run: StrPath | Run, qrels: StrPath | Qrels, pools_path: StrPath | None = None, *, own_pools: bool = True
) -> tuple[Run, Qrels, Pools | None]:
    """Read a run and its qrels, unless they are read already, and the pools, with ids that can be compared.

    The pools are those of ``pools_path``; without it and with ``own_pools`` those of the organisers' qrels, which list
    every candidate; else None.

    Raises:
        UserError: if a file cannot be read; if the run names documents where the others number them, or the other
            way round; if ids that differ in leading zeros only make a document come twice.
    """
    run = run if isinstance(run, Run) else read_run(run)
    qrels = qrels if isinstance(qrels, Qrels) else read_qrels(qrels)
    pools = None if pools_path is None else runs.read_pools(pools_path)
    if not any_official(run, qrels):
        return run, qrels, pools
    if pools is None and own_pools and isinstance(qrels, OfficialQrels):
        pools = qrels.pools() or None
    numbered = isinstance(qrels, OfficialQrels)
    _check_fit(run, qrels, f"score it against qrels with the same ids, such as {_QRELS[not numbered]}")
    run, qrels, pools = by_number(run), by_number(qrels), pools and by_number(pools)
    refuse(qrels.path, [qrels.twice()])
    if pools is not None:
        _check_fit(run, pools, "give pools with the same ids")
        refuse(pools.path, [pools.twice()])
    return run, qrels, pools


def remarks(run: Run, pools: Pools | None) -> list[str]:
    """Return a sentence for each thing that the organisers would not like of a run in their format.

    It may have ids that they do not take, or lack candidates in topics that it answers: they join the run with the
    qrels inwardly, so that what is not there is not in the way of the answer.
    """
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


def any_official(run: Run, qrels: Qrels) -> bool:
    """Return whether the organisers' format takes part: its documents are numbered, not named."""
    return isinstance(run, OfficialRun) or isinstance(qrels, OfficialQrels)


def _check_fit(run: Run, other: Pairs, advice: str) -> None:
    """Refuse a pair of files of which one has numbers for documents and the other has none."""
    mine, theirs = np.char.isdigit(run.document), np.char.isdigit(other.document)
    if (mine.all() and not theirs.any()) or (theirs.all() and not mine.any()):
        by = ("number", "name") if mine.all() else ("name", "number")
        one, two = run.document[0].decode(), other.document[0].decode()
        said = f"{run.path} ranks documents by {by[0]} ('{one}'), but {other.path} has them by {by[1]} ('{two}')"
        raise UserError(f"{said}: {advice}.")


def _piped(path: StrPath) -> bytes | None:
    """Return the content of what can be read only once, such as a pipe; None for a file that is one."""
    return None if Path(path).is_file() else read_bytes(path)

"""The candidates and the topics of runs that are scored or compared: as typed, or as they lie beside the qrels."""

from __future__ import annotations

from pathlib import Path

from ntcir.formats.manifest import OFFICIAL_TOPICS, check_set
from ntcir.formats.official import OfficialQrels
from ntcir.formats.reading import is_standard_input
from ntcir.formats.runs import Qrels
from ntcir.formats.topics import TOPICS
from ntcir.workspace import beside, find_file, pool_file

NO_TOPICS = (
    "The directions of the topics are not known, so all topics are one group: for figures by direction, name a table "
    "of the topics with --topics (columns topic_id and query, or topic_id and direction)."
)


def pools_of(typed: str | None, qrels: Path) -> Path | None:
    """Return the file of the candidates, if there is one.

    Args:
        typed: a file, ``none``, or None for what lies beside the qrels.
        qrels: where they are.

    Raises:
        UserError: if there is no file of the name that was typed.
    """
    return None if is_standard_input(qrels) and typed is None else pool_file(typed, qrels)


def candidates_of(typed: str | None, pools: Path | None, *, numbered: bool) -> Path | None:
    """Return the file of the candidates that runs are checked against, if there is one.

    Args:
        typed: as in ``pools_of``.
        pools: what that returned.
        numbered: whether a run or the qrels are the organisers'. They number documents, which pools beside the qrels
            name; their own candidates are in their qrels.
    """
    return None if typed is None and numbered else pools


def topics_of(typed: Path | None, place: Path, qrels: Qrels) -> Path | None:
    """Return the table of the topics, if there is one: as typed or under ``topics/``, else what lies beside the qrels.

    The organisers' qrels have a table of their own.

    Raises:
        UserError: if there is no file of the name that was typed, or a set of topics there is not complete.
    """
    if typed is None:
        if is_standard_input(place):
            return None
        own = beside(place, OFFICIAL_TOPICS) if isinstance(qrels, OfficialQrels) else None
        return own or beside(place, TOPICS)
    if is_standard_input(typed):
        return typed
    found = find_file(typed)
    check_set(found)
    return found

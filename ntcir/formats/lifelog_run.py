"""Runs of NTCIR-19 Lifelog: CSV of ``GROUP-ID, RUN-ID, TOPIC-ID, IMAGE-ID, SCORE``, whose documents are photographs.

The header's spelling is free: any case, ``-`` or ``_``, with or without blanks after the commas. It may be absent, as
the task's description does not say whether it is a line of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ntcir.formats.columns import refuse
from ntcir.formats.csv_columns import (
    HEAD,
    as_numbers,
    csv_text,
    first_cells,
    make_pairs,
    ranks_by_score,
    read_table,
    several,
)
from ntcir.formats.reading import StrPath
from ntcir.formats.runs import Run, ranked
from ntcir.system.errors import UserError, some

COLUMNS = ("GROUP-ID", "RUN-ID", "TOPIC-ID", "IMAGE-ID", "SCORE")
MOST_IMAGES = 100  # a topic, by the task's rules

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


@dataclass(frozen=True, eq=False)
class LifelogRun(Run):
    """A run of NTCIR-19 Lifelog: ``group`` is its GROUP-ID, the one tag its RUN-ID, ranks follow the scores."""

    group: str


def is_lifelog(head: bytes) -> bool:
    """Return whether a file is such a run, by its first bytes: a header that names IMAGE-ID, or a row of that kind.

    A row without a header has five cells, of which the last is a number, and the fourth, unlike the organisers'
    ``dmr_minute_id``, is not.
    """
    cells = first_cells(head, COLUMNS, _spelling, least=3)
    names = {_spelling(cell) for cell in cells}
    return ("IMAGE-ID" in names and "DMR-MINUTE-ID" not in names) or _is_row(cells)


def read_lifelog_run(path: StrPath, raw: bytes) -> LifelogRun:
    """Read a run; columns in any order, further ones ignored. ``raw`` is the file's content.

    Raises:
        UserError: as :func:`ntcir.formats.official.read_transfer_run` does.
    """
    cells_of_first = first_cells(raw[:HEAD], COLUMNS, _spelling, least=3)
    header = COLUMNS if _is_row(cells_of_first) else ()
    spelled = {cell: _spelling(cell) for cell in cells_of_first}
    cells, line, wrong = read_table(path, raw, COLUMNS, COLUMNS, spelled=spelled, header=header)
    score, odd = as_numbers("SCORE", cells["SCORE"], line, whole=False)
    differing = [several(name, cells[name], line) for name in ("GROUP-ID", "RUN-ID")]
    pairs = make_pairs(path, cells, line, "TOPIC-ID", "IMAGE-ID", [wrong, *differing, odd])
    refuse(path, [pairs.twice()])
    rank = ranks_by_score(pairs.topic, score)
    tags, group = [cells["RUN-ID"][0]], cells["GROUP-ID"][0]
    return LifelogRun(path, line, pairs.topics, pairs.topic, pairs.document, rank, score, tags, group)


def run_text(group: str, run: str, rows: Iterable[tuple[str, str, str]]) -> str:
    """Return a run as CSV, the whole text; ``rows`` are topic, photograph and score, written out.

    Raises:
        UserError: as :func:`check_ids` does.
    """
    check_ids(group, run)
    return csv_text(COLUMNS, ((group, run, *row) for row in rows))


def format_run(group: str, run: str, rankings: Iterable[tuple[str, Sequence[str], NDArray[np.floating]]]) -> str:
    """Return a run as CSV, the whole text, in the order of ``formats.runs.format_ranking``.

    Args:
        group: the GROUP-ID.
        run: the RUN-ID.
        rankings: topics, each once: its id, the ids of its photographs, and their scores, higher is better.

    Raises:
        UserError: if a topic has more photographs than the task takes, or comes twice; if an id cannot stand in a run,
            a score is not finite in float32, or a photograph appears twice.
    """
    rows: dict[str, list[tuple[str, str]]] = {}
    for topic, images, scores in rankings:
        if len(images) > MOST_IMAGES:
            raise UserError(
                f"Topic {topic} has {len(images):,} photographs, but NTCIR-19 Lifelog takes at most {MOST_IMAGES} "
                "images per topic: give fewer."
            )
        if topic in rows:
            raise UserError(f"Topic {topic} is ranked twice: a run has one ranking of each topic.")
        rows[topic] = ranked(topic, images, scores)
    return run_text(group, run, ((topic, image, score) for topic, each in rows.items() for image, score in each))


def check_ids(group: str, run: str) -> None:
    """Check a GROUP-ID and a RUN-ID.

    Raises:
        UserError: if one is empty or holds more than letters, digits, ``-``, ``_`` and ``.``.
    """
    for name, text in zip(COLUMNS, (group, run), strict=False):
        if not re.fullmatch(r"[A-Za-z0-9._-]+", text):
            raise UserError(f"The {name} {text!r} is not valid: use letters, digits, '-', '_' and '.' only.")


def too_many(run: Run) -> str | None:
    """Return a sentence if topics have more photographs than the task takes."""
    sizes = np.bincount(run.topic)
    over = [run.topics[i] for i in np.flatnonzero(sizes > MOST_IMAGES)]
    if not over:
        return None
    have = "1 topic has" if len(over) == 1 else f"{len(over)} topics have"
    most = f"at most {MOST_IMAGES} images per topic, and {have} more (up to {sizes.max():,})"
    return f"{run.path}: NTCIR-19 Lifelog takes {most}: {some(over)}."


def _spelling(cell: str) -> str:
    return "-".join(cell.strip().upper().replace("_", " ").replace("-", " ").split())


def _is_row(cells: list[str]) -> bool:
    return len(cells) == len(COLUMNS) and all(cells) and bool(_NUMBER.fullmatch(cells[4])) and not cells[3].isdigit()

"""The log of a training: a line a step, as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ntcir.system.errors import UserError, shown
from ntcir.system.plain_json import is_finite_number, parse_object
from ntcir.system.progress import say
from ntcir.system.regular import read_regular

METRICS = "metrics.jsonl"
_MINED = "mined"  # what was mined, by side; all else that a row has is a number


def error_key(direction: str) -> str:
    """Return the key of the standard error of a direction's MRR."""
    return f"{direction}_se"


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a metrics log: ``step``, ``loss``; at validations ``seconds`` and the MRR of each direction.

    Beside each MRR is its standard error (``error_key``), but in logs of earlier versions and of a single query.

    A last line that is cut, as a full disk or a copy under way leaves it, is left out, and that is said.

    Raises:
        UserError: if the log cannot be read, or another line is none of a log; the sentence has its number.
    """
    if not path.exists():
        return []
    try:
        text = read_regular(path).decode("utf-8", "surrogateescape")  # what is not UTF-8 is not JSON either
    except OSError as error:
        raise UserError(f"Cannot read {path}: {(error.strerror or str(error)).lower()}.") from error
    lines = text.split("\n")
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            row = _row(line, rows[-1]["step"] if rows else 0)
        except ValueError as error:
            if number == len(lines):  # no newline behind it
                say(f"{path}: the last line, {number}, is cut off and is left out.")
                break
            raise UserError(
                f"{path}, line {number}, is not a line of a training log ({error}): {shown(line, 60)}."
            ) from error
        rows.append(row)
    return rows


def _row(line: str, before: int) -> dict[str, Any]:
    """Return the row of a line, which must be of a later step than ``before``.

    Raises:
        ValueError: if it is none.
    """
    row = parse_object(line)
    step = row.get("step")
    if type(step) is not int or step <= before:
        raise ValueError(f"its step is {shown(step)} after {before}")
    if "loss" not in row:
        raise ValueError("it has no loss")
    for name, value in row.items():
        if not (isinstance(value, dict) if name == _MINED else is_finite_number(value)):
            raise ValueError(f"its {name} is {shown(value)}")
    return row

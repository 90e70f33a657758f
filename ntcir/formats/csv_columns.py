"""CSV files with a header, read into columns: the ground under the organisers' runs and qrels, as columns is TREC's."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import compress

import numpy as np

from ntcir.formats.columns import LONGEST, Finding, Floats, Ints, Texts, check_text, numbers, refuse
from ntcir.formats.reading import BOM, StrPath, read_bytes
from ntcir.formats.runs import Pairs, distinct
from ntcir.system.errors import UserError, short, some

HEAD = 1 << 16  # bytes within which a file's first line ends
_BLANKS = " \t\r\n\v\f"  # these around a field are not part of it
_SHOWN = 40  # characters of a wrong value that are worth showing
WORD = re.compile(rb"[^\t-\r]{1,%d}" % LONGEST)  # a field on one line

Cells = dict[str, list[str]]  # by the column's name


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a header and rows as CSV."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue()


def first_cells(
    head: bytes, names: Iterable[str] = (), spelling: Callable[[str], str] = lambda cell: cell, least: int = 1
) -> list[str]:
    """Return the cells of the first line of CSV that is not empty, from a file's first bytes; none if it is not CSV.

    TREC's lines may hold commas within their words. So a line is CSV if it names at least ``least`` of the columns
    ``names``, in some ``spelling``, if it is one word, or if every word but the last ends in a comma.
    """
    line = next((line for line in head.removeprefix(BOM).splitlines() if line.strip()), b"")
    cells = [cell.strip(b' \t"').decode(errors="replace") for cell in line.split(b",")]
    apart = all(word.endswith(b",") for word in line.split()[:-1])
    named = len(set(map(spelling, cells)) & set(names)) >= least
    return cells if len(cells) > 1 and (apart or named) else []


def read_table(
    path: StrPath,
    raw: bytes | None,
    names: Sequence[str],
    needed: Sequence[str],
    *,
    spelled: Mapping[str, str] | None = None,
    header: Sequence[str] = (),
) -> tuple[Cells, Ints, Finding]:
    """Read a CSV file.

    Args:
        path: the file.
        raw: its content where that was read before.
        names: the columns wanted.
        needed: those of them that must be there.
        spelled: the names by the other spellings that the file's header may have of them.
        header: the columns of a file without a header.

    Returns:
        The columns ``names`` that it has; each row's line number, from 1; and the rows left out because they are not
        as long as the header.

    Raises:
        UserError: if the file cannot be read, is not such a CSV, or has no row.
    """
    raw = (read_bytes(path) if raw is None else raw).removeprefix(BOM)
    check_text(path, raw)
    reader = csv.reader(io.StringIO(raw.decode(), newline=""), strict=True, skipinitialspace=True)
    columns: Cells = {name: [] for name in header}
    lines: list[int] = []
    wrong: list[tuple[int, str]] = []
    header = list(header)
    # Cells go to their columns at once: a million rows are heavy.
    takers: list[tuple[Callable[[str], None], int]] = [(columns[name].append, at) for at, name in enumerate(header)]
    done = 0  # lines
    try:
        for row in reader:
            done = reader.line_num
            if len(row) <= 1 and not "".join(row).strip():
                continue
            if not header:
                cells = [cell.strip(_BLANKS) for cell in row]
                header = [(spelled or {}).get(cell, cell) for cell in cells]
                _check_header(path, header, done, names, needed)
                columns = {name: [] for name in names if name in header}
                takers = [(column.append, header.index(name)) for name, column in columns.items()]
            elif len(row) == len(header):
                lines.append(done)
                for take, at in takers:
                    take(row[at].strip(_BLANKS))
            else:
                wrong.append((done, f"{len(row)} columns instead of {len(header)}"))
    except csv.Error as error:
        raise UserError(f"{path} line {done + 1} is not CSV: {error}.") from None
    left_out: Finding = (
        [line for line, _ in wrong],
        lambda i: wrong[i][1] + f" ({short(','.join(header), 200)})" * (i == 0),
    )
    if not lines:
        refuse(path, [left_out])
        raise UserError(f"{path} is empty: expected the header {','.join(names)}, then rows.")
    return columns, np.array(lines, dtype=np.int64), left_out


def _check_header(path: StrPath, header: Sequence[str], line: int, names: Sequence[str], needed: Sequence[str]) -> None:
    """Refuse a header that lacks a column, or has one twice."""
    absent = [name for name in needed if name not in header]
    twice = [name for name in names if header.count(name) > 1]
    if absent or twice:
        what = f"{some(absent)} missing" if absent else f"{some(twice)} twice"
        found = some([" ".join(name.split())[:_SHOWN] for name in header])
        raise UserError(f"{path} line {line}: {what}: expected the header {','.join(names)}, found {found}.")


def once(cells: Cells, line: Ints) -> tuple[Cells, Ints]:
    """Return the rows and their lines without those that are wholly the same as an earlier one."""
    rows = list(zip(*cells.values(), strict=True))
    if len(set(rows)) == len(rows):
        return cells, line
    first: dict[tuple[str, ...], int] = {}
    kept = [first.setdefault(row, at) == at for at, row in enumerate(rows)]
    return {name: list(compress(column, kept)) for name, column in cells.items()}, line[kept]


def make_pairs(
    path: StrPath, cells: Cells, line: Ints, topic: str, document: str, findings: Sequence[Finding]
) -> Pairs:
    """Return the topics and documents, from the columns ``topic`` and ``document``.

    Raises:
        UserError: naming what was found before, and ids that are empty, too long or broken in two.
    """
    unfit = []
    for name in (topic, document):
        odd = {cell for cell in set(cells[name]) if not WORD.fullmatch(cell.encode())}
        bad = [i for i, cell in enumerate(cells[name]) if cell in odd] if odd else []
        unfit.append(_finding(name, cells[name], line, bad, f"1 to {LONGEST} bytes on one line"))
    refuse(path, [*findings, *unfit])
    return Pairs(path, line, *distinct(texts(cells[topic])), texts(cells[document]))


def ranks_by_score(topic: Ints, score: Floats) -> Floats:
    """Return each row's rank within its topic, (rows,), counted from the best score, equal ones in the file's order."""
    order = np.lexsort((-score, topic))
    counts = np.bincount(topic)
    rank = np.empty(len(score))
    rank[order] = np.arange(len(score)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    return rank


def several(name: str, cells: Sequence[str], line: Ints) -> Finding:
    """Find the rows that differ from the first."""
    bad = [] if len(set(cells)) == 1 else [i for i, cell in enumerate(cells) if cell != cells[0]]
    return _finding(name, cells, line, bad, f"the {cells[0][:_SHOWN]!r} of line {line[0]}: a file holds one run")


def as_numbers(name: str, cells: Sequence[str], line: Ints, *, whole: bool) -> tuple[Floats, Finding]:
    """Return the cells as float64, NaN where they are not numbers, and the rows where they are not of that kind."""
    values = numbers(texts(cells))
    fit = (values % 1 == 0) & (abs(values) < 2**31) if whole else ~np.isnan(values)
    wanted = "a whole number" if whole else "a finite number"
    return values, _finding(name, cells, line, np.flatnonzero(~fit).tolist(), wanted)


def _finding(name: str, cells: Sequence[str], line: Ints, bad: Sequence[int], wanted: str) -> Finding:
    return (line[bad], lambda i: f"{name} {cells[bad[i]][:_SHOWN]!r} is not {wanted}")


def texts(cells: Sequence[str]) -> Texts:
    """Return the cells in UTF-8, as wide as columns of the TREC formats are; what is longer is cut."""
    encoded = [cell.encode() for cell in cells]
    width = min(max(map(len, encoded)), LONGEST)
    return np.array(encoded, dtype=f"S{8 * max(1, -(-width // 8))}")

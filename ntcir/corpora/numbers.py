"""A column of cells read as numbers: what was read, what was read in a special way, and what was not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ntcir.corpora.cells import Spelling, is_missing, spelling

NEARLY_ALL, MIXED = 0.95, 0.5  # of the filled cells: so many numbers make a numeric column, or one worth a remark
_FAR = 10.0  # times the largest plain number: an ambiguous spelling beyond that is not accepted
_EXAMPLES, _WIDTH = 3, 40  # texts quoted, and how much of each
_POINTED = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+", re.ASCII)


@dataclass
class Finding:
    """Cells of one kind.

    Attributes:
        count: how many.
        row: where the first is, from 0.
        examples: the first different texts.
    """

    count: int = 0
    row: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, text: str, row: int, count: int) -> None:
        """Take further cells of that kind, which all say ``text``."""
        if not self.count:
            self.row = row
        self.count += count
        shown = text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."
        if len(self.examples) < _EXAMPLES and shown not in self.examples:
            self.examples.append(shown)

    def first(self, place: Callable[[int], str], value: str = "") -> str:
        """Return the first example, where it is and what it is read as, and some others."""
        where = place(self.row)
        further = f"; also {', '.join(map(repr, self.examples[1:]))}" if len(self.examples) > 1 else ""
        return f"first: {self.examples[0]!r}{where and f' in {where}'}{value and f', as {value}'}{further}"


@dataclass
class NumberColumn:
    """A column read as numbers.

    Attributes:
        values: float64 [rows], finite; NaN where there is no number.
        filled: how many cells are not empty.
        words: how many of these are a usual word for a missing value, or infinite.
        numbers: how many of these are numbers.
        special: how a cell was read -> the numbers so read, which are not in plain spelling.
        unread: the filled cells that are not numbers, words for a missing value among them.
        doubtful: why a number was not read -> the cells that look like one and mean nobody knows what.
    """

    values: np.ndarray
    filled: int
    numbers: int
    words: int = 0
    special: dict[str, Finding] = field(default_factory=dict)
    unread: Finding = field(default_factory=Finding)
    doubtful: dict[str, Finding] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """How many of the cells that say anything are numbers, 0 to 1; NaN where none says anything."""
        there = self.filled - self.words
        return self.numbers / there if there else np.nan

    @property
    def numeric(self) -> bool:
        """Whether nearly all cells that say anything are numbers; so is a column that is empty throughout."""
        return self.share >= NEARLY_ALL or not self.filled

    def remarks(self, place: Callable[[int], str] = lambda row: "") -> list[str]:
        """Return remarks on the column, one sentence per kind; none on plain numbers and empty cells.

        Args:
            place: names a row, such as ``row 17``, or is empty.
        """
        said = []
        for how, finding in self.special.items():
            verb = "value is read as a number" if finding.count == 1 else "values are read as numbers"
            first = finding.first(place, f"{self.values[finding.row]:.10g}")
            said.append(f"{finding.count:,} {verb} with {how} ({first})")
        if self.unread.count:
            verb = "is not a number and counts" if self.unread.count == 1 else "are not numbers and count"
            said.append(f"{self._of(self.unread)} {verb} as missing ({self.unread.first(place)})")
        for why, finding in self.doubtful.items():
            verb = "counts" if finding.count == 1 else "count"
            said.append(f"{self._of(finding)} {verb} as missing because {why} ({finding.first(place)})")
        return said

    def _of(self, finding: Finding) -> str:
        return f"{finding.count:,} of {self.filled:,} values"


def read_numbers(cells: pd.Series, counts: Sequence[int] | np.ndarray | None = None) -> NumberColumn:
    """Read a column of texts, numbers and missing values as numbers.

    Args:
        cells: object [rows].
        counts: how many cells each row stands for; one where left out.
    """
    cells = cells.reset_index(drop=True).astype(object)
    weights = np.ones(len(cells), dtype=np.int64) if counts is None else np.asarray(counts, dtype=np.int64)
    values = _plain(cells)
    there, plain, infinite = cells.notna().to_numpy(), np.isfinite(values), np.isinf(values)
    values[~plain] = np.nan
    column = NumberColumn(values, int(weights[there].sum()), int(weights[plain].sum()))
    left = np.flatnonzero(there & ~plain)
    if not len(left):
        return column
    # Each different text is looked at once: 700,000 cells with a decimal comma hold some thousands of them.
    codes, texts = pd.factorize(np.array([str(cell) for cell in cells.iloc[left]], dtype=object))
    rows = np.full(len(texts), len(cells))
    np.minimum.at(rows, codes, left)
    amounts = np.bincount(codes, weights[left], len(texts)).astype(np.int64)
    spellings = {text: one for text in texts if (one := spelling(text)) is not None}
    habits = _Habits.of(spellings, dict(zip(texts, amounts, strict=True)), cells[plain], values[plain])
    outcome = np.full(len(texts), np.nan)
    for at, (text, row, count) in enumerate(zip(texts, rows.tolist(), amounts.tolist(), strict=True)):
        if not text.strip():
            column.filled -= count
            continue
        found = spellings.get(text)
        if found is None:
            column.words += count * bool(infinite[row] or is_missing(text))
            column.unread.add(text, row, count)
        elif doubt := habits.doubt(found):
            column.doubtful.setdefault(doubt, Finding()).add(text, row, count)
        else:
            outcome[at] = habits.value(found)
            column.numbers += count
            column.special.setdefault(habits.how(found), Finding()).add(text, row, count)
    values[left] = outcome[codes]
    if habits.pointed and not habits.mixed:
        _read_pointed(cells, plain, weights, column)
    return column


@dataclass
class _Habits:
    """How numbers are spelled in a column: what is ambiguous in one cell is decided by the others.

    Attributes:
        commas: what a comma is for that may be for either: ``decimal`` or ``thousands``, or empty if nobody can tell.
        pointed: whether points separate thousands.
        mixed: whether points do so in some cells and are decimal in others.
        unit: the one that most cells with a unit have.
        usual: the plain numbers, if most cells are such.
        points: whether decimal points alone tell that commas are for thousands.
        largest: of the plain numbers, by size.
    """

    commas: str
    pointed: bool
    mixed: bool
    unit: str
    usual: np.ndarray
    points: bool
    largest: float

    @classmethod
    def of(
        cls, spellings: Mapping[str, Spelling], amounts: Mapping[str, int], plain: pd.Series, values: np.ndarray
    ) -> _Habits:
        """Look at the special spellings and at the plain cells."""
        commas = {one.comma for one in spellings.values()} & {"decimal", "thousands"}
        pointed = any(one.grouped == "." for one in spellings.values())
        either = any(one.comma == "either" for one in spellings.values())
        # All cells are looked at only where it matters.
        fractional = [str(cell) for cell in plain if "." in str(cell)] if pointed or either else []
        units: Counter[str] = Counter()
        for text, one in spellings.items():
            units[_measure(one)] += amounts[text]
        units.pop("", None)
        return cls(
            commas=commas.pop() if len(commas) == 1 else "thousands" if fractional and not commas else "",
            pointed=pointed,
            mixed=pointed and not all(_POINTED.fullmatch(cell) for cell in fractional),
            unit=max(units, key=lambda name: units[name], default=""),
            usual=values if len(values) > sum(amounts[text] for text in spellings) else values[:0],
            points=bool(fractional) and not commas,
            largest=float(np.abs(values).max(initial=0.0)),
        )

    def value(self, one: Spelling) -> float:
        """Return what a spelling says in this column."""
        return float(round(one.value * 1000)) if one.comma == "either" and self.commas == "thousands" else one.value

    def doubt(self, one: Spelling) -> str:
        """Return why a spelling cannot be read in this column, empty if it can."""
        if one.comma == "either" and (not self.commas or (self.points and self._far(self.value(one)))):
            return "a comma may mark decimals or thousands"
        if one.grouped == "." and self.mixed:
            return "other cells use the point for decimals, not thousands"
        if _measure(one) not in {"", self.unit}:
            return f"the column's unit is {self.unit!r}"
        if _measure(one) and len(self.usual) and self._contradicts(one):
            return "numbers without a unit differ in size or sign"
        return ""

    def _far(self, value: float) -> bool:
        return 0 < _FAR * self.largest < abs(value)

    def _contradicts(self, one: Spelling) -> bool:
        """Return whether a number with a unit is on another scale than the many without, or of another sign."""
        if one.unit == "%" and self.largest <= 1:
            return True
        signs = set(np.sign(self.usual)) - {0}
        return self._far(one.value) or (bool(one.hemisphere) and len(signs) == 1 and -np.sign(one.value) in signs)

    def how(self, one: Spelling) -> str:
        """Return what is special about a spelling."""
        comma = self.commas if one.comma == "either" else one.comma
        parts = ["a decimal comma"] if comma == "decimal" else []
        parts += ["thousands separators"] if comma == "thousands" or one.grouped else []
        parts += [f"the unit {one.unit!r}"] if one.unit else []
        parts += ["a letter N, S, E or W"] if one.hemisphere else []
        return " and ".join(parts) or "typographic characters"


def _measure(one: Spelling) -> str:
    """Return what a number is measured in; numbers of different measures do not mix."""
    return {"": one.unit, "N": "N or S", "S": "N or S", "E": "E or W", "W": "E or W"}[one.hemisphere]


def _read_pointed(cells: pd.Series, plain: np.ndarray, weights: np.ndarray, column: NumberColumn) -> None:
    """Read ``1.234`` as 1234 where other cells (``1.234,5``) show what the point is for."""
    for row in np.flatnonzero(plain):
        if isinstance(cells[row], str) and _POINTED.fullmatch(text := cells[row].strip()):
            column.values[row] = float(text.replace(".", ""))
            column.special.setdefault("points for thousands", Finding()).add(text, int(row), int(weights[row]))


def _plain(cells: pd.Series) -> np.ndarray:
    """Return the plain numbers among cells, float64 [rows]; what is none is NaN or infinite."""
    try:
        return np.array(pd.to_numeric(cells, errors="coerce"), dtype=np.float64)
    except OverflowError:  # a whole number larger than any float
        return np.array([_one_plain(cell) for cell in cells], dtype=np.float64)


def _one_plain(cell: Any) -> float:
    try:
        return float(pd.to_numeric(cell, errors="coerce"))
    except OverflowError:
        return np.inf

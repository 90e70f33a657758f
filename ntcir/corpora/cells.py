"""The meaning of one cell of text: a number in any of its usual spellings, or a word for a missing value."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Literal, NamedTuple

# What pandas takes for missing by default, in columns of text as in columns of numbers.
BLANK_WORDS = frozenset(
    ("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
     "NULL", "NaN", "None", "n/a", "nan", "null")
)  # fmt: skip
# What people also write, in any case; among numbers these are missing values, in a column of text they are words.
_MISSING = frozenset((*(word.casefold() for word in BLANK_WORDS), "-", "--", "---", "?", "??", ".", "..", "...", "n.a.",
                      "n. a.", "none", "nil", "missing", "unknown", "undefined", "err", "error"))  # fmt: skip

# Units that may follow their number without a blank; any other word must keep a distance, or '12A' would be a number.
_UNITS = frozenset(
    ("bpm", "km", "m", "cm", "mm", "mi", "ft", "m/s", "m/s2", "km/h", "kmh", "kph", "mph", "kn", "s", "sec", "ms",
     "min", "h", "hz", "khz", "rpm", "deg", "rad", "g", "kg", "lb", "lbs", "kcal", "cal", "kj", "hpa", "kpa", "mbar",
     "lux", "lx", "db", "dbm", "mah", "mv", "steps")
)  # fmt: skip
_NO_WIDTH = dict.fromkeys(map(ord, "\u200b\u200e\u200f\u2060\ufeff"))
_MINUS = dict.fromkeys(map(ord, "\u2212\u2010\u2011\u2012\u2013"), "-")
_CELL = re.compile(
    r"(?:(?P<before>[NSEW]) ?)?"
    r"(?P<sign>[+-]?) ?"
    r"(?P<body>[0-9](?:[0-9.,' \u2019]*[0-9.])?|[.,][0-9]+)"
    r"(?P<exponent>[eE][+-]?[0-9]+)?"
    r"(?P<gap> *)"
    r"(?P<unit>(?![eE][0-9])(?:[^\W\d_]|[%\u2030\u00b0])\D{0,19}[23]?)?"
)
_HEMISPHERE = re.compile(r"(?:\u00b0|deg)? ?([NSEW])")
_PLAIN = re.compile(r"\d+\.?\d*|\.\d+", re.ASCII)
_DECIMAL = re.compile(r"\d*,\d+", re.ASCII)
_SIMPLE = re.compile(r"[+-]?\d+,(?:\d{1,2}|\d{4,15})", re.ASCII)
_EITHER = re.compile(r"[1-9]\d{0,2},\d{3}", re.ASCII)
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:(?:,\d{3}){2,}(?:\.\d*)?|,\d{3}\.\d*)", re.ASCII)
_SPACED = re.compile(r"[1-9]\d{0,2}(?:(?: \d{3})+|(?:['\u2019]\d{3})+)(?:[.,]\d+)?", re.ASCII)
_POINTED = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+,\d+", re.ASCII)

Comma = Literal["", "decimal", "thousands", "either"]


class Spelling(NamedTuple):
    """A number as it is spelled in a cell.

    Attributes:
        value: what it says; with a comma that may be either, the comma taken for the decimal point.
        comma: what its commas are for; empty without any.
        grouped: what stands between its thousands, if it is no comma: a blank (or apostrophe) or a point.
        unit: what follows it, in a form in which equal units are equal; empty without one.
        hemisphere: the letter of a latitude or longitude, which ``value`` has as its sign; empty without one.
    """

    value: float
    comma: Comma = ""
    grouped: Literal["", " ", "."] = ""
    unit: str = ""
    hemisphere: str = ""


def is_missing(text: str) -> bool:
    """Return whether a cell among numbers is empty or says that there is no value, such as ``n/a`` or ``--``."""
    return text.strip().casefold() in _MISSING


def spelling(text: str) -> Spelling | None:
    """Return the number that a text spells; None if it spells none, or an infinite one.

    A decimal point or comma, separated thousands, an exponent, a unit behind, a letter N, S, E or W about a position,
    and the blanks and minus signs of typesetting are understood. ``1,234`` has a comma that may be either.
    """
    if _SIMPLE.fullmatch(text):  # fast: there may be a column of 700,000
        return Spelling(float(text.replace(",", ".")), "decimal")
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_NO_WIDTH)).translate(_MINUS)
    text = text.strip()
    found = _CELL.fullmatch(text)
    if found is None:
        return None
    body, exponent = found["body"], found["exponent"] or ""
    comma: Comma = "decimal" if "," in body else ""
    grouped: Literal["", " ", "."] = ""
    if _PLAIN.fullmatch(body):
        digits = body
    elif _EITHER.fullmatch(body) and not exponent:
        digits, comma = body.replace(",", "."), "either"
    elif _DECIMAL.fullmatch(body):
        digits = body.replace(",", ".")
    elif _THOUSANDS.fullmatch(body):
        digits, comma = body.replace(",", ""), "thousands"
    elif _SPACED.fullmatch(body):
        digits, grouped = re.sub(r"[ '\u2019]", "", body).replace(",", "."), " "
    elif _POINTED.fullmatch(body):
        digits, grouped = body.replace(".", "").replace(",", "."), "."
    else:
        return None
    value = float(found["sign"] + digits + exponent)
    unit, hemisphere = _unit(found, fractional=not body.isdigit())
    if unit is None or not math.isfinite(value) or (hemisphere and found["sign"] == "-"):
        return None
    return Spelling(-value if hemisphere in {"S", "W"} else value, comma, grouped, unit, hemisphere)


def _unit(found: re.Match[str], *, fractional: bool) -> tuple[str | None, str]:
    """Return the unit and the hemisphere behind or before a number; None for the unit if it cannot be one."""
    written = (found["unit"] or "").strip()
    behind = _HEMISPHERE.fullmatch(written)
    if found["before"]:
        # 'N53.1' is a position, 'N12' a night bus.
        return (None if not fractional or written not in {"", "\u00b0"} else ""), found["before"]
    if behind and (fractional or len(written) > 1):  # '60 W' is a power
        return "", behind[1]
    folded = written.casefold()
    known = folded in _UNITS or written[:1] in {"%", "\u2030", "\u00b0"}
    if written and not known and not found["gap"]:
        return None, ""
    return (folded if known else written), ""


def number(text: str) -> float | None:
    """Return the number that a text spells by itself; None if it spells none, or is ambiguous (``1,234``)."""
    found = spelling(text)
    return None if found is None or found.comma == "either" else found.value

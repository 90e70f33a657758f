"""Words of a categorical column, and which spellings mean the same one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

_NUMERAL = re.compile(r"[+-]?(?:\d{1,24}\.?\d{0,24}|\.\d{1,24})(?:e[+-]?\d{1,3})?", re.ASCII)
_TRUTH = dict.fromkeys(("true", "t", "yes", "y", "on", "1"), "true") | dict.fromkeys(
    ("false", "f", "no", "n", "off", "0"), "false"
)
_NEITHER = frozenset(("err", "error", "unknown", "?", "-", "--"))  # stand between truth values now and then


def words(column: pd.Series) -> pd.Series:
    """Return a column of categories as text, None where missing; a whole number is written as one, as in a query."""
    return pd.Series([_word(value) for value in column.astype(object)], index=column.index, dtype=object)


def _word(value: Any) -> str | None:
    if value is None or value is pd.NA or value != value:  # only NaN differs from itself
        return None
    if isinstance(value, float | np.floating) and value.is_integer():
        return str(int(value))
    return str(value)


class Vocabulary:
    """The words of a column in training, and what else means one of them.

    A word is itself first of all. Failing that, letter case, blanks and the way a letter is composed do not matter,
    numerals are the same by value (``1.0`` is ``1``), and so are truth values (``TRUE``, ``yes``, ``1``) where the
    column holds nothing else. Two words that differ in no other way are told apart by their spelling only.

    Args:
        known: the words.
    """

    def __init__(self, known: Iterable[str]) -> None:
        self._known = frozenset(known)
        self._met: dict[str, str] = {}

    def __contains__(self, word: str) -> bool:
        """Return whether a word, in this spelling, was seen in training."""
        return word in self._known

    def spelled(self, word: str) -> str:
        """Return a word as training spelled it; as it is where training never showed it."""
        if word in self._known:
            return word
        if word not in self._met:
            self._met[word] = self._forms.get(self._form(word)) or word
        return self._met[word]

    @cached_property
    def _truth(self) -> bool:
        forms = {_plain_form(word) for word in self._known} - _NEITHER
        return bool(forms) and forms <= set(_TRUTH)

    @cached_property
    def _forms(self) -> dict[str, str | None]:
        """The word of each form; None where two have the same."""
        found: dict[str, str | None] = {}
        for word in self._known:
            form = self._form(word)
            found[form] = None if form in found else word
        return found

    def _form(self, word: str) -> str:
        form = _plain_form(word)
        return _TRUTH.get(form, form) if self._truth else form


def _plain_form(word: str) -> str:
    form = unicodedata.normalize("NFC", " ".join(word.split()).casefold())
    # Adding 0 turns -0 into 0.
    return str((Decimal(form) + 0).normalize()) if _NUMERAL.fullmatch(form) else form

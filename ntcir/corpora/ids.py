"""Ids as they are written in a lifelog's tables, and as they stand in topics and runs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ntcir.corpora.corpus import ReadingReport
from ntcir.formats.columns import are_words, as_word, is_word
from ntcir.system.errors import short


def photograph_names(ids: pd.Series, report: ReadingReport) -> pd.Series:
    """Return the photographs' file names, for some releases have paths (``202003/01/...``), others no ``.jpg``.

    Args:
        ids: the column ``ImageID``, text without gaps.
        report: told of paths.
    """
    placed = ids.str.contains(r"[/\\]", regex=True)
    if placed.any():
        first = ids[placed].iloc[0]
        report.notes.append(f"{int(placed.sum()):,} ImageIDs read without their folders (first: {short(first)})")
        ids = ids.str.replace(r"^.*[/\\]", "", regex=True)
    return ids.where(ids.str.contains(".", regex=False), ids + ".jpg")


def words_of(ids: pd.Series, what: str, report: ReadingReport) -> pd.Series:
    """Return ids as they can stand in topics and runs: blanks and control characters quoted, at most 256 bytes.

    Args:
        ids: text.
        what: they are ids of, for the report; empty where that has been told.
        report: told of ids that are changed.
    """
    if are_words(ids.tolist()):
        return ids
    odd = np.array([not is_word(item) for item in ids], dtype=bool)
    if not odd.any():
        return ids
    words = ids.where(~odd, ids.map(as_word))
    if what:
        first = f"'{short(ids[odd].iloc[0])}' is {short(words[odd].iloc[0])}"
        report.notes.append(
            f"{ids[odd].nunique():,} {what} have ids that a run cannot hold; they are percent-encoded (first: {first})"
        )
    return words

"""Sentences to words, and the English words that say little by themselves."""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache

# Articles, pronouns, prepositions, conjunctions, auxiliaries: no noun, adjective or full verb is among them, nor what
# turns a meaning round (no, not, without).
_ENGLISH = """
a about after all also am an and another any are as at be because been before being both but by can could did do
does doing during each either else few for from further had has have having he her here hers herself him himself his
how i if in into is it it's its itself just may me might more most must my myself of on once only onto or other our
ours ourselves over own same shall she should so some such than that that's the their theirs them themselves then
there there's these they this those through to too under until up upon us very was we were what when where which
while who whom whose why will with would you your yours yourself yourselves
"""
ENGLISH = frozenset(_ENGLISH.split())
_ASCII_WORD = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*")
_TYPOGRAPHIC = str.maketrans({"\u2019": "'", "\u02bc": "'"})


def words_of(text: str) -> list[str]:
    """Return the words of a sentence, in order and in lower case.

    A word is a run of letters and digits of any script, with the marks that belong to them, and with apostrophes
    between them (``don't``, also where they are typographic ones); whatever else there is parts words. The way in which
    a letter is composed does not matter (NFC).
    """
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    plain = unicodedata.normalize("NFC", text.translate(_TYPOGRAPHIC).lower())
    return _any_word().findall(plain)


@cache
def _any_word() -> re.Pattern[str]:
    """Return the pattern of words in any script; Python's own class of letters leaves out combining marks."""
    marks = "".join(
        re.escape(mark) for mark in map(chr, range(0x300, sys.maxunicode)) if unicodedata.category(mark)[0] == "M"
    )
    letters = f"[^\\W_](?:[^\\W_]|[{marks}])*"
    return re.compile(f"{letters}(?:'{letters})*")

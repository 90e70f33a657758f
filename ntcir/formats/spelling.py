"""Document ids that are numbers, written as another file writes them: what is converted together is spelled alike.

The organisers' files are compared by number, TREC files letter by letter. Where ``1`` of a run and ``00001`` of the
qrels are one document, both must be written ``00001`` to stay so in TREC.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from ntcir.formats.columns import Texts
from ntcir.formats.official import by_number
from ntcir.formats.runs import Pairs

P = TypeVar("P", bound=Pairs)


def spelled_as(pairs: P, *others: Pairs) -> P:
    """Return the same rows with their numbers written as the first of ``others`` that has them in that topic.

    A number that none has is written in the manner of the first: with as many digits, if all of its numbers have the
    same count and some begin with 0, else without leading zeros.
    """
    numbered = by_number(pairs)
    document = _in_manner(numbered.document, others[0].document)
    for other in reversed(others):
        rows = by_number(other).rows_of(numbered)
        document = np.where(rows >= 0, other.document[np.maximum(rows, 0)], document)
    return replace(pairs, document=_padded(np.where(np.char.isdigit(pairs.document), document, pairs.document)))


def differently_spelled(one: Pairs, two: Pairs) -> tuple[str, str] | None:
    """Return the first number that both files have in a topic in different spellings, as each writes it."""
    rows = by_number(two).rows_of(by_number(one))
    found = np.flatnonzero((rows >= 0) & (one.document != two.document[np.maximum(rows, 0)]))
    if not len(found):
        return None
    return one.document[found[0]].decode(), two.document[rows[found[0]]].decode()


def _in_manner(numbers: Texts, others: Texts) -> Texts:
    """Return ``numbers``, which have no leading zeros, with as many zeros as the numbers among ``others`` have."""
    theirs = others[np.char.isdigit(others)]
    widths = np.unique(np.char.str_len(theirs))
    if len(widths) == 1 and np.char.startswith(theirs, b"0").any():
        return np.asarray(np.char.zfill(numbers, int(widths[0])), dtype=np.bytes_)
    return numbers


def _padded(texts: Texts) -> Texts:
    """Return the texts in a column whose width is a multiple of eight bytes, as comparisons want it."""
    return texts.astype(f"S{8 * -(-texts.dtype.itemsize // 8)}")

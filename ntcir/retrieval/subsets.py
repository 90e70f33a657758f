"""A part of a split that a file names, such as the published subset of a collection's test pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd

from ntcir.corpora.corpus import Corpus
from ntcir.corpora.records import image_id
from ntcir.formats.reading import StrPath, read_bytes
from ntcir.system.errors import UserError, some
from ntcir.system.progress import say


def of_subset(pairs: pd.DataFrame, pair: Sequence[str], subset: StrPath, corpus: Corpus) -> pd.DataFrame:
    """Return the pairs that have an item which a file names; lines that name none are counted.

    A line is an id, or a path as lists of pictures have it (``actor\\0020_2324200009.jpg``): where there is no such id,
    its last part counts, with or without the ending, if only one item is named so.

    Args:
        pairs: to choose from.
        pair: the two modalities, by name.
        subset: the file.
        corpus: of the pairs.

    Raises:
        UserError: if the file cannot be read, or names none.
    """
    try:
        lines = read_bytes(subset).decode().splitlines()
    except UnicodeDecodeError:
        raise UserError(f"{subset} is not a text file in UTF-8: expected ids, one a line.") from None
    named = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
    known = [_Names(pairs[name].unique()) for name in pair]
    wanted: list[set[str]] = [set() for _ in pair]
    unknown = []
    for line in named:
        found = _find(line, known)
        if not any(found):
            unknown.append(line)
        for items, more in zip(wanted, found, strict=True):
            items.update(more)
    if len(unknown) == len(named):
        raise UserError(f"{subset} {_why_none(named, pair, corpus)}.")
    if unknown:
        are = "is" if len(unknown) == 1 else "are"
        say(f"{subset}: {len(unknown):,} of {len(named):,} ids {are} not among the pairs asked for: {some(unknown)}.")
    return pairs[np.logical_or.reduce([pairs[name].isin(items) for name, items in zip(pair, wanted, strict=True)])]


def _why_none(named: Sequence[str], pair: Sequence[str], corpus: Corpus) -> str:
    """Return what is wrong with lines of which none names a pair that is asked for."""
    expected = f"expected ids of {corpus.root}, one a line"
    if not named:
        return f"is empty: {expected}"
    every = [_Names(corpus.pairs[name].unique()) for name in pair]
    if elsewhere := [line for line in named if any(_find(line, every))]:
        return f"names only items of other splits ({some(elsewhere)}): say with --split which is evaluated"
    return f"names none of the pairs asked for ({some(named)}): {expected}"


def _find(line: str, known: Sequence[_Names]) -> list[set[str]]:
    """Return what a line names on each side: as an id if it is one on any, else by its last part."""
    for written in _spellings(line):
        exact = [{written} & names.ids for names in known]
        if any(exact):
            return exact
    return [names.ending_in(line) for names in known]


def _spellings(line: str) -> Iterator[str]:
    """Yield what a line could be as an id."""
    path = line.replace("\\", "/").removeprefix("./")
    for written in dict.fromkeys((line, path, path.removeprefix("images/"))):
        yield written
        yield image_id(written)


class _Names:
    """The ids of one side, and what they end in.

    Args:
        ids: distinct.
    """

    def __init__(self, ids: Iterable[str]) -> None:
        self.ids = set(ids)
        self._named: dict[str, set[str]] = {}
        for item in self.ids:
            last = item.rsplit("/", 1)[-1]
            for name in {last, _stem(last)}:
                self._named.setdefault(name, set()).add(item)

    def ending_in(self, line: str) -> set[str]:
        """Return the only item whose last part is that of a path, with or without its ending; else nothing."""
        last = image_id(line.replace("\\", "/").rsplit("/", 1)[-1])
        for name in (last, _stem(last)):
            items = self._named.get(name, set())
            if len(items) == 1:
                return items
        return set()


def _stem(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return stem if dot and stem and ending.isalnum() else name

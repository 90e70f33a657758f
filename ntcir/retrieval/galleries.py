"""Which items of a corpus a search ranks."""

from __future__ import annotations

from ntcir.corpora.corpus import Corpus
from ntcir.modalities import Modality
from ntcir.retrieval.asking import ALL, pairs_of
from ntcir.system.errors import counted, some
from ntcir.system.progress import say

_DERIVED = ["local_hour"]  # columns that readers add; a reading that has nothing else says nothing


def gallery(corpus: Corpus, split: str, modality: Modality) -> list[str]:
    """Return the distinct items that are searched: those of a split's pairs, or every item of the modality.

    An item needs no partner to be found: of a whole corpus, those in no pair follow the others, and are counted and
    named on stderr. A row of a table without any value is not an item.

    Raises:
        UserError: if the split has no pairs.
    """
    if split != ALL:
        paired: list[str] = pairs_of(corpus, split)[modality.name].unique().tolist()
        return paired
    paired = corpus.pairs[modality.name].unique().tolist()
    table = corpus.tables[modality.name]
    told = table.drop(columns=_DERIVED, errors="ignore").notna().any(axis=1)
    others: list[str] = table.index[told & ~table.index.isin(paired)].tolist()
    if others:
        are = counted(len(others), f"{modality.noun} in no pair is", f"{modality.plural} in no pair are")
        say(f"{corpus.name}: {are} searched too: {some(others)}.")
    return paired + others

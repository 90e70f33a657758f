"""Texts about the photographs of a corpus, which are read where text is one of the two modalities asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ntcir.corpora.cells import BLANK_WORDS
from ntcir.corpora.corpus import Corpus
from ntcir.corpora.ids import words_of

TEXT = "text"


def needs_readings(pair: Sequence[str]) -> bool:
    """Return whether a photograph without any reading is of no use, as it is not only beside its text."""
    return TEXT not in pair or "sensor" in pair


def one_line(cells: pd.Series) -> pd.Series:
    """Return texts without line breaks and repeated blanks; a cell that is blank, or says so (``NA``), is NaN."""
    texts = cells.astype(object).str.split().str.join(" ")
    return texts.where(~texts.isin(["", *BLANK_WORDS]))


def texts_of(images: pd.Series, texts: pd.Series, kind: str) -> pd.DataFrame:
    """Return texts with their ids, ``<photograph>#<kind>``: columns ``image`` and ``text``, indexed by id.

    Args:
        images: ids of photographs, each once.
        texts: one of each, NaN where it has none.
        kind: of the texts, such as ``caption``.
    """
    table = pd.DataFrame({"image": images, TEXT: texts}).dropna(subset=[TEXT])
    ids = table["image"].astype(object) + f"#{kind}"
    return table.set_index(pd.Index(ids, name=TEXT, dtype=object))


def with_texts(corpus: Corpus, texts: pd.DataFrame) -> Corpus:
    """Return a corpus of photographs with texts about them; one without a text keeps its row, with ``text`` NaN.

    Args:
        corpus: has one pair a photograph.
        texts: columns ``image`` and ``text``, indexed by id.
    """
    ids = words_of(pd.Series(texts.index, dtype=object), "", corpus.report)
    texts = texts.set_index(pd.Index(ids, name=TEXT, dtype=object))
    links = pd.DataFrame({"image": texts["image"].to_numpy(), TEXT: texts.index.to_numpy()}, dtype=object)
    pairs = corpus.pairs.merge(links, on="image", how="left")  # in the order of the pairs
    pairs[TEXT] = pairs[TEXT].astype(object).where(pairs[TEXT].notna(), np.nan)
    names = [name for name in corpus.tables if name in corpus.pairs]
    pairs = pairs[[*names, TEXT, *(column for column in corpus.pairs if column not in names)]]
    return replace(
        corpus,
        tables={**corpus.tables, TEXT: texts[[TEXT]]},
        pairs=pairs,
        annotations=corpus.annotations | {TEXT},
    )

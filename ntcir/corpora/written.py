"""What was written about the photographs of a corpus, also where its pairs are of other modalities."""

from __future__ import annotations

import pandas as pd

from ntcir.corpora.captions import TEXT, one_line
from ntcir.corpora.concepts import CONCEPTS_FILE, read_concepts
from ntcir.corpora.corpus import Corpus, ReadingReport
from ntcir.corpora.records import CAPTION
from ntcir.system.errors import UserError


def written_about(corpus: Corpus, pictures: str) -> tuple[pd.Series | None, list[str]]:
    """Return the first text about each photograph, and what a person should know of them.

    A lifelog's captions and the column ``caption`` of records are read also where nobody has asked for text.

    Args:
        corpus: as it was read.
        pictures: the modality of the photographs.

    Returns:
        texts indexed by photograph, or None where the corpus has none; lines.
    """
    if TEXT in corpus.tables and pictures != TEXT:
        words = corpus.tables[TEXT]
        about = corpus.partners(pictures, TEXT)
        return (about.map(words[TEXT]).dropna(), []) if TEXT in words else (None, [])
    if corpus.layout == "lifelog" and (corpus.root / CONCEPTS_FILE).is_file():
        try:
            texts = read_concepts(corpus.root, corpus.tables[pictures].index, ReadingReport())
        except UserError as error:  # of no use for anything else, so that its faults must not stop the rest
            return None, [f"Captions are not shown: {error}"]
        return texts.drop_duplicates("image").set_index("image")[TEXT], []
    if corpus.layout == "records" and CAPTION in corpus.sensors and pictures != "sensor":
        partners = corpus.partners(pictures, "sensor")
        return one_line(partners.map(corpus.sensors[CAPTION])).dropna(), []
    return None, []

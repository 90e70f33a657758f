"""A toy modality: captions, which their encoder knows by how often they have each letter."""

from string import ascii_lowercase

import numpy as np

from ntcir.encoders.encoder import Encoder, Rows
from ntcir.modalities import Modality

CAPTION = Modality(
    name="caption", code="cap", noun="caption", plural="captions", encoders=("letters", "vectors"), write=str,
    parse=str, takes=lambda cell: " " in cell and "{" not in cell, ask=lambda item, row: row["text"],
)  # fmt: skip


def letters(texts):
    return np.array([[text.count(each) for each in ascii_lowercase] for text in texts], np.float32)


class Letters(Encoder):
    kind, dim, repeats = "letters", len(ascii_lowercase), True


class LetterRows(Rows):
    noun, encoder = "caption", Letters()

    @classmethod
    def open(cls, config, corpus, modality, encoder):
        rows = cls()
        rows.texts = corpus.tables[modality]["text"]
        return rows

    def load(self, ids):
        return letters(self.texts[list(ids)])

    def encode(self, queries):
        yield list(queries), letters(queries.values())

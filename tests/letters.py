"""Captions that spell what their pictures show, and an encoder of captions that takes milliseconds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np
import pandas as pd
from helpers import write_pictures

from ntcir.config import Config
from ntcir.corpora.corpus import Corpus
from ntcir.encoders.encoder import Encoder, Rows


class Letters(Encoder):
    """Knows a text by how often it has each letter. It stands for the usual encoder of captions, under its name."""

    kind, dim, repeats = "words", len(ascii_lowercase), True


class LetterRows(Rows):
    """The rows of captions."""

    encoder = Letters()

    def __init__(self, texts: pd.Series) -> None:
        self._texts = texts

    @classmethod
    def open(cls, config: Config, corpus: Corpus, modality: str, encoder: Encoder | None) -> LetterRows:
        return cls(corpus.tables[modality]["text"])

    def load(self, ids: Sequence[str]) -> np.ndarray:
        return _counted(self._texts[list(ids)])

    def encode(self, queries: Mapping[str, Any]) -> Iterator[tuple[list[str], np.ndarray]]:
        yield list(queries), _counted(queries.values())


def _counted(texts: Any) -> np.ndarray:
    return np.array([[text.count(each) for each in ascii_lowercase] for text in texts], np.float32)


WORDS = {"words": ("letters:Letters", "letters:LetterRows")}  # for ntcir.encoders.KINDS


def spelt(warm: int, wet: int, noon: int) -> str:
    """Return a caption with as many an, e, o as a picture is warm, wet and bright."""
    return " ".join(letter * (1 + value // 16) for letter, value in zip("aeo", (warm, wet, noon), strict=True))


def write_captioned(folder: Path, per_session: int = 14) -> Path:
    """Write pictures with their readings and, in the column ``caption``, what they show."""
    write_pictures(folder, per_session=per_session)
    records = pd.read_csv(folder / "records.csv")
    records["caption"] = [spelt(*row) for row in records[["warm", "wet", "noon"]].itertuples(index=False, name=None)]
    records.to_csv(folder / "records.csv", index=False)
    return folder

"""Captions that tell of readings, so that they can be learnt, and word vectors in the formats that are read."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from helpers import toy_config, toy_corpus

from ntcir.config import Config
from ntcir.corpora.corpus import Corpus

LEVELS = {"a": ("cold", "mild", "warm"), "b": ("slow", "brisk", "fast"), "c": ("dark", "grey", "bright")}


def captioned(corpus: Corpus | None = None, texts: Mapping[int, str] | None = None) -> Corpus:
    """Return a toy corpus with a caption for each reading; ``texts`` are put in place of some, by position."""
    corpus = corpus or toy_corpus()
    words = []
    for column, names in LEVELS.items():
        values = corpus.sensors[column]
        level = np.searchsorted(values.quantile([1 / 3, 2 / 3]).to_numpy(), values.fillna(values.median()).to_numpy())
        words.append([names[each] for each in level])
    captions = [f"A {a} and {b} day, {c}." for a, b, c in zip(*words, strict=True)]
    for at, text in (texts or {}).items():
        captions[at] = text
    ids = [f"caption-{number}" for number in range(len(captions))]
    table = pd.DataFrame({"text": captions}, index=pd.Index(ids, name="text"))
    pairs = corpus.pairs.assign(text=ids).drop(columns="image")
    return replace(corpus, tables={"sensor": corpus.sensors, "text": table}, pairs=pairs)


def caption_config(**changes: Any) -> Config:
    """Return a configuration for the toy's captions; dots in keys are written ``__``."""
    usual: dict[str, Any] = {
        "pair": ["text", "sensor"], "sensors__numeric": ["a", "b", "c"], "sensors__preset": "none"
    }  # fmt: skip
    if changes.get("texts__form", "bag") != "bag" and "texts__vectors" not in changes:
        usual["texts__width"] = 12
    return toy_config(**(usual | changes))


def lines_of(vectors: Mapping[str, Sequence[float]], *, header: bool, end: str = "") -> str:
    """Return vectors as text: GloVe's without a header, word2vec's with one, fastText's with a blank at the end."""
    first = [f"{len(vectors)} {len(next(iter(vectors.values())))}"] if header else []
    return "\n".join([*first, *(f"{word} {' '.join(map(repr, row))}{end}" for word, row in vectors.items())]) + "\n"


def write_fasttext(
    path: Path,
    words: Iterable[str],
    matrix: np.ndarray,
    *,
    buckets: int = 0,
    least: int = 3,
    most: int = 6,
    version: int = 12,
    model: int = 2,
    labels: Sequence[str] = (),
    quantised: bool = False,
    width: int | None = None,
) -> Path:
    """Write a model as fastText 0.9 does: magic, version, settings, dictionary, input matrix, output matrix."""
    entries = [*words, *labels]
    count = len(entries) - len(labels)
    dim = matrix.shape[1] if width is None else width
    parts = [struct.pack("<2i", 793712314, version)]
    parts.append(struct.pack("<12id", dim, 5, 5, 1, 5, 1, 2, model, buckets, least, most, 100, 1e-4))
    parts.append(struct.pack("<3i2q", len(entries), count, len(labels), 1000, -1))
    for at, word in enumerate(entries):
        parts.append(word.encode() + b"\0" + struct.pack("<qb", 10, at >= count))
    parts.append(struct.pack("<?", quantised))
    parts.append(struct.pack("<2q", *matrix.shape) + matrix.astype("<f4").tobytes())
    output = np.zeros((count, dim), dtype="<f4")
    parts.append(struct.pack("<?2q", False, *output.shape) + output.tobytes())
    path.write_bytes(b"".join(parts))
    return path

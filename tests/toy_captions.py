"""Captions of a toy corpus that tell of its readings, so that they can be learnt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
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

"""A second pair of modalities: photographs and readings under other names, and a note about each photograph."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

import ntcir.corpora
import ntcir.modalities
from ntcir.corpora.corpus import Corpus
from ntcir.modalities.image import IMAGE
from ntcir.modalities.modality import Modality, is_json_object
from ntcir.modalities.sensor import SENSOR

PHOTO = replace(IMAGE, name="photo", code="pho", noun="slide", plural="slides")
METER = replace(SENSOR, name="meter", code="met", noun="level", plural="levels")
NOTE = Modality(
    name="note",
    code="not",
    noun="note",
    plural="notes",
    parse=lambda text: None if is_json_object(text) else text,
    write=str,
    ask=lambda item, row: item,
    encoders=("vectors",),
)


def renamed(corpus: Corpus) -> Corpus:
    """Return a corpus of these modalities, and of no others."""
    pairs = corpus.pairs.rename(columns={"image": PHOTO.name, "sensor": METER.name})
    pairs[NOTE.name] = [f"note-{item}" for item in pairs[PHOTO.name]]
    notes = pd.DataFrame(
        {"text": [f"what {item} shows, in some words" for item in pairs[PHOTO.name]]},
        index=pd.Index(pairs[NOTE.name], name=NOTE.name),
    )
    tables = {PHOTO.name: corpus.images, METER.name: corpus.sensors, NOTE.name: notes}
    return replace(corpus, tables=tables, pairs=pairs)


def know_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make these modalities known, and whatever is read a corpus of them."""
    for each in (PHOTO, METER, NOTE):
        monkeypatch.setitem(ntcir.modalities._MODALITIES, each.name, each)
    usual = ntcir.corpora.open_corpus

    def open_renamed(*arguments: Any, **options: Any) -> Corpus:
        return renamed(usual(*arguments, **options))

    monkeypatch.setattr(ntcir.corpora, "open_corpus", open_renamed)

"""A small index in the place of one that is made from a corpus, and an asker that looks its vectors up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ntcir.search.compact import CompactVectors, CompactWriter
from ntcir.serve.index.catalogue import UNKNOWN, Catalogue
from ntcir.serve.ranking.ranker import Ranker
from ntcir.serve.state import Ask


class Listed(list[str]):
    """Texts by row."""

    def find(self, text: str) -> int | None:
        return self.index(text) if text in self else None


@dataclass(frozen=True)
class SmallIndex:
    catalogue: Catalogue
    vectors: CompactVectors
    corpus: str = "toy"
    root: Path = Path("toy")
    columns: Mapping[str, list[str]] = field(default_factory=dict)


def catalogue(times: np.ndarray, events: np.ndarray | None = None, modality: str = "image") -> Catalogue:
    count = len(times)
    ids = Listed(f"item-{row}" for row in range(count))
    nowhere = np.full((count, 2), np.nan, dtype=np.float32)
    own = np.arange(count, dtype=np.int32) if events is None else events
    return Catalogue(modality, ids, ids, times, np.zeros(count, np.int32), False, nowhere, {}, {}, None, own)


def write_index(
    folder: Path, documents: np.ndarray, times: np.ndarray | None = None, events: np.ndarray | None = None
) -> SmallIndex:
    with CompactWriter(folder, documents.shape[1]) as writer:
        writer.add(documents)
    times = np.full(len(documents), UNKNOWN) if times is None else times
    return SmallIndex(catalogue(times, events), CompactVectors.open(folder))


class Asked:
    """An asker whose words are numbers of queries."""

    def __init__(self, queries: np.ndarray) -> None:
        self.queries = queries

    def query(self, ask: Ask, right: Sequence[str] = (), wrong: Sequence[str] = ()) -> np.ndarray:
        return self.queries[int(ask.words)]

    def remarks(self, ask: Ask) -> tuple[str, ...]:
        return (f"asked {ask.words}",)


def ranker(index: SmallIndex, queries: np.ndarray, passing: np.ndarray | None = None) -> Ranker:
    return Ranker(index, Asked(queries), None, lambda narrow, catalogue, quality: passing)  # type: ignore[arg-type]

"""A small corpus with its index, and topics and runs on it, for what shows topics."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from small_site import Texts

from ntcir.corpora.corpus import Corpus, ReadingReport
from ntcir.serve.index.catalogue import Catalogue, Labels
from ntcir.serve.studies.studies import Studies, open_studies

ITEMS = 30
START = 1_584_374_400  # 2020-03-16 16:00 UTC


def photo(number: int) -> str:
    return f"20200316_16{number:02d}30_000.jpg"


def minute(number: int) -> str:
    return f"20200316_16{number:02d}"


def reading(number: int) -> dict[str, Any]:
    return {"heart_rate(bpm)": 60 + number, "movement": "<script>alert(1)</script>" if number == 3 else "Inside"}


@dataclass
class SmallIndex:
    folder: Path
    root: Path
    made: str
    corpus: str = "small"
    facets: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    catalogue: Catalogue = field(init=False)

    def __post_init__(self) -> None:
        ids = Texts(photo(number) for number in range(ITEMS))
        times = np.arange(START, START + 60 * ITEMS, 60, dtype=np.int64)
        self.catalogue = Catalogue(
            modality="image", ids=ids, contents=ids, times=times, offsets=np.zeros(ITEMS, np.int32), zoned=False,
            positions=np.full((ITEMS, 2), np.nan, np.float32), numbers={},
            labels={"movement": Labels(np.zeros(ITEMS, np.int32), ["Inside"])}, captions=None,
            events=np.arange(ITEMS, dtype=np.int32),
        )  # fmt: skip


def small_corpus(root: Path) -> Corpus:
    ids = [photo(number) for number in range(ITEMS)]
    minutes = [minute(number) for number in range(ITEMS)]
    tables = {
        "image": pd.DataFrame({"path": ids}, index=ids),
        "sensor": pd.DataFrame([reading(number) for number in range(ITEMS)], index=minutes),
    }
    return Corpus(
        "small", root, tables, pd.DataFrame({"image": ids, "sensor": minutes}), True, "small", ReadingReport()
    )


@dataclass
class Desk:
    """A folder with topics, qrels and runs: even topics ask with a photograph for a reading, odd ones the other way."""

    folder: Path
    topics: int = 4
    reads: int = 0
    made: str = "of the corpus"

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = ["topic_id\ttimestamp\tquery\n"]
        for number in range(self.topics):
            query = json.dumps(reading(number)) if number % 2 else photo(number)
            lines.append(f"t{number}\t2020-03-16 16:{number % 60:02d}:00\t{query}\n")
        self.path("topics.tsv").write_text("".join(lines))
        self.path("qrels.txt").write_text("".join(f"t{n} 0 {self.answer(n, n)} 1\n" for n in range(self.topics)))

    def path(self, name: str) -> Path:
        return self.folder / name

    def answer(self, topic: int, item: int) -> str:
        return photo(item % ITEMS) if topic % 2 else minute(item % ITEMS)

    def run(self, name: str, rankings: Mapping[int, Sequence[tuple[int, float]]]) -> Path:
        """Write a run: topic -> items by number and their scores, the best first."""
        lines = [
            f"t{topic} Q0 {self.answer(topic, item)} {rank} {score} {name}\n"
            for topic, ranking in rankings.items()
            for rank, (item, score) in enumerate(ranking, 1)
        ]
        self.path(name).write_text("".join(lines))
        return self.path(name)

    def run_at(self, name: str, ranks: Mapping[int, int]) -> Path:
        """Write a run that has the right answer of each topic at a rank."""
        rankings = {}
        for topic, rank in ranks.items():
            others = [item for item in range(ITEMS) if item != topic % ITEMS]
            order = [*others[: rank - 1], topic % ITEMS, *others[rank - 1 :]]
            rankings[topic] = [(item, 1 - place / 100) for place, item in enumerate(order)]
        return self.run(name, rankings)

    def index(self) -> SmallIndex:
        return SmallIndex(self.folder / "index", self.folder, self.made)

    def open(self, *runs: Path, read: Callable[[], Corpus] | None = None, **options: Any) -> Studies:
        given = {"topics": self.path("topics.tsv"), "qrels": None, "pair": ("image", "sensor")} | options
        return open_studies(self.index(), runs=runs, read=read or self.read, **given)

    def read(self) -> Corpus:
        self.reads += 1
        return small_corpus(self.folder)

"""A site of five photographs in memory: what the parts of the page need of each other, without a model or a corpus."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient

from ntcir.serve.collecting.collections import Collections
from ntcir.serve.index.catalogue import UNKNOWN, Catalogue, Labels
from ntcir.serve.refusals import add_refusals
from ntcir.serve.state import State

IDS = ["20200316_165048_000.jpg", "20200316_165120_000.jpg", "=1+1.jpg", "@sum.jpg", "untimed.jpg"]
PLACES = ["Café", '=HYPERLINK("http://x","y")', "-2+3", "<script>alert(1)</script>"]


class Texts(list[str]):
    """Texts in memory that can be looked up."""

    def find(self, text: str) -> int | None:
        return self.index(text) if text in self else None


def small_catalogue() -> Catalogue:
    times = np.array([1584377448, 1584377480, 1584400000, -1, UNKNOWN])
    nan = np.nan
    return Catalogue(
        modality="image",
        ids=Texts(IDS),
        contents=Texts(IDS),
        times=times,
        offsets=np.array([3600, 3600, 0, -18000, 0], dtype=np.int32),
        zoned=True,
        positions=np.array([[53.25, -6.125], [53, -6], [nan, nan], [-33.5, 151.25], [nan, 1]], dtype=np.float32),
        numbers={},
        labels={"place": Labels(np.array([0, 1, 2, 3, -1], dtype=np.int32), PLACES)},
        captions=None,
        events=np.array([0, 0, 1, 2, 3], dtype=np.int32),
    )


@dataclass
class SmallIndex:
    catalogue: Catalogue = field(default_factory=small_catalogue)


@dataclass
class SmallHits:
    rows: np.ndarray
    scores: np.ndarray | None


@dataclass
class SmallRanking:
    total: int
    scored: bool

    def slice(self, offset: int, count: int) -> SmallHits:
        rows = np.arange(self.total)[offset : offset + count]
        return SmallHits(rows, (1 / (1 + rows)).astype(np.float32) if self.scored else None)


class SmallRanker:
    """Ranks the photographs as they stand."""

    def __init__(self, total: int) -> None:
        self.total, self.asked = total, State()

    def rank(self, state: State) -> SmallRanking:
        self.asked = state
        return SmallRanking(self.total, state.ranked)


class SmallSite:
    def __init__(self, folder: Path, catalogue: Catalogue | None = None) -> None:
        self.index = SmallIndex(catalogue or small_catalogue())
        self.collections = Collections(folder / "collections.sqlite", "demo", "model")
        self.ranker = SmallRanker(len(self.index.catalogue.ids))


def client(*routers: APIRouter) -> TestClient:
    app = FastAPI()
    add_refusals(app)
    for each in routers:
        app.include_router(each)
    return TestClient(app)

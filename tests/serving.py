"""Models that have learnt nothing, and the index of a corpus by one: what tests of the search page share."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ntcir.config import Config
from ntcir.corpora.corpus import Corpus
from ntcir.encoders import KINDS
from ntcir.encoders.encoder import Encoder, Rows
from ntcir.model.hubness import TrainingQueries
from ntcir.model.model import Model
from ntcir.serve.index.index import Index, open_index

DIM = 16


class Digests(Encoder):
    """Knows an item by a digest of its id; those that are called a twin are all the same."""

    kind, dim = "frozen", DIM


class DigestRows(Rows):
    """The rows of items; those that are called bad cannot be read."""

    encoder = Digests()

    @classmethod
    def open(cls, config: Config, corpus: Corpus, modality: str, encoder: Encoder | None) -> DigestRows:
        return cls()

    def ensure(self, ids: Sequence[str]) -> np.ndarray:
        return np.array(["bad" not in item for item in ids], dtype=bool)

    def load(self, ids: Sequence[str]) -> np.ndarray:
        return np.stack([digest_row("twin" if "twin" in item else item) for item in ids])


class ReadingDigests(Digests):
    """Of readings."""

    kind = "readings"


class WordDigests(Digests):
    """Of captions."""

    kind = "words"


def digest_row(item: str) -> np.ndarray:
    """Return the row of an item."""
    seed = int.from_bytes(hashlib.sha256(item.encode()).digest()[:4], "little")
    return np.random.default_rng(seed).normal(size=DIM).astype(np.float32)


def know_digests(patch: pytest.MonkeyPatch) -> None:
    """Let encoders of all kinds be digests of ids."""
    for kind, name in {"frozen": "Digests", "readings": "ReadingDigests", "words": "WordDigests"}.items():
        patch.setitem(KINDS, kind, (f"serving:{name}", "serving:DigestRows"))


def save_model(
    folder: Path, root: Path, pair: Sequence[str] = ("image", "sensor"), *, beta: float = 0.0, seed: int = 0
) -> Path:
    """Write an untrained model of a corpus; return its folder.

    Args:
        folder: to be made.
        root: the corpus's.
        pair: of modalities.
        beta: of the bias against hubs.
        seed: another one makes another model.
    """
    kinds: dict[str, type[Encoder]] = {"image": Digests, "sensor": ReadingDigests, "text": WordDigests}
    config = Config().changed(
        {"pair": list(pair), "data.path": str(root), "towers.dim": 8, "hubness.beta": beta, "seed": seed}
    )
    model = Model(config, {name: kinds[name]() for name in pair}, {"corpus": root.name})
    if beta:
        queries = np.random.default_rng(0).normal(size=(5, model.dim)).astype(np.float16)
        model.training_queries = {name: TrainingQueries.of(queries) for name in pair}
    model.save(folder)
    return folder


def indexed(where: Path, root: Path, *settings: str, model: Path | None = None, **options: Any) -> Index:
    """Open the index of a corpus by an untrained model, which is written if none is given."""
    folder = model or where / "model"
    if not folder.is_dir():
        save_model(folder, root, **options)
    return open_index(Model.load(folder), folder, None, where / "index", settings)

"""Items of a corpus as a model encodes them, a block at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ntcir.encoders.encoder import Rows
from ntcir.model.model import Model, Vectors

_BLOCK = 8192  # items whose rows are in memory at once


@dataclass
class Items:
    """The encoded items of one modality.

    Attributes:
        position: item -> its row in ``vectors``; items that cannot be read are not there.
        vectors: of the others.
    """

    position: dict[str, int]
    vectors: Vectors

    @classmethod
    def encoded(cls, model: Model, modality: str, rows: Rows, ids: Sequence[str]) -> Items:
        """Encode items; those that cannot be read are left out.

        Args:
            model: encodes.
            modality: of the items.
            rows: of the corpus's items.
            ids: distinct items.
        """
        readable = [item for item, there in zip(ids, rows.ensure(ids), strict=True) if there] if ids else []
        return cls({item: row for row, item in enumerate(readable)}, encoded(model, modality, rows, readable))

    def as_documents(self, model: Model, modality: str) -> Items:
        """Return the items with their vectors as those of documents (``Model.as_documents``)."""
        return Items(self.position, model.as_documents(modality, self.vectors))

    def pick(self, ids: Sequence[str] | np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return which ids are there (bool), and the vectors and twin numbers of those."""
        there = np.array([item in self.position for item in ids], dtype=bool)
        rows = np.array([self.position[item] for item in ids if item in self.position], dtype=np.int64)
        return there, self.vectors.vectors[rows], self.vectors.twins[rows]


def encoded(model: Model, modality: str, rows: Rows, ids: Sequence[str]) -> Vectors:
    """Return the vectors of readable items, in their order; their rows are in memory a block at a time.

    Args:
        model: encodes.
        modality: of the items.
        rows: of the corpus's items, made ready.
        ids: any items, also repeatedly.
    """
    if not ids:
        return model.encode(modality, np.empty((0, rows.dim), dtype=np.float32))
    seen: dict[bytes, int] = {}
    return Vectors.joined(
        [model.encode(modality, rows.load(ids[start : start + _BLOCK]), seen) for start in range(0, len(ids), _BLOCK)]
    )

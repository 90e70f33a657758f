"""Vectors of a corpus's items as documents, a block at a time, on their way to disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ntcir.encoders.encoder import Rows
from ntcir.modalities import Modality
from ntcir.model.model import Model
from ntcir.system.progress import progress

_BLOCK = 4096  # items whose rows are in memory at once


def documents(model: Model, found: Modality, rows: Rows, ids: Sequence[str], folder: Path) -> Iterator[np.ndarray]:
    """Yield the vectors of items as documents, float32 [block, dim], in their order.

    Items that are the same to the model have the very same vector, that of the first of them, as in ``ntcir search``.

    Args:
        model: encodes.
        found: the modality of the items.
        rows: of the corpus's items, made ready.
        ids: readable items.
        folder: where there is room for the vectors once more, meanwhile.
    """
    seen: dict[bytes, int] = {}
    first: list[int] = []  # the row of the first item of each number
    with (
        tempfile.TemporaryFile(dir=folder) as kept,
        progress(f"encoding {found.plural}", len(ids)) as advance,
    ):
        for start in range(0, len(ids), _BLOCK):
            encoded = model.encode(found.name, rows.load(ids[start : start + _BLOCK]), seen)
            block = model.as_documents(found.name, encoded)
            vectors, numbers = block.vectors.astype(np.float32, copy=False), block.twins
            width = vectors.shape[1] * vectors.itemsize
            for row, number in enumerate(numbers.tolist()):
                if number == len(first):
                    first.append(start + row)
                elif first[number] >= start:
                    vectors[row] = vectors[first[number] - start]
                else:
                    kept.seek(first[number] * width)
                    vectors[row] = np.frombuffer(kept.read(width), dtype=np.float32)
            kept.seek(start * width)
            kept.write(np.ascontiguousarray(vectors).tobytes())
            yield vectors
            advance(len(vectors))

"""Word vectors in the formats that are read."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np


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

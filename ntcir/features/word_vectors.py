"""Vectors of words that somebody else computed: GloVe's, word2vec's and fastText's text, fastText's binary, or JSON.

Only the vectors of words that are asked for are kept; what the file has besides is read past. The formats are told
apart by content, and a text may be gzipped.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ntcir.features import fasttext, word_vector_text
from ntcir.features.word_vector_text import NotWordVectors
from ntcir.formats.reading import opened
from ntcir.system.errors import UserError, some
from ntcir.system.progress import progress
from ntcir.system.regular import LARGEST_WEIGHTS, open_regular

_LONG = 1 << 28  # bytes of a file whose reading is worth a progress bar


@dataclass(frozen=True)
class WordVectors:
    """Vectors of words.

    Attributes:
        path: of the file.
        width: numbers of a vector.
        vectors: word -> float32 [width], finite; words that the file knows nothing of are not there.
        remarks: sentences about what is strange in the file.
    """

    path: Path
    width: int
    vectors: dict[str, np.ndarray]
    remarks: list[str] = field(default_factory=list)


def read_word_vectors(path: Path, wanted: Collection[str]) -> WordVectors:
    """Read the vectors of some words.

    Args:
        path: of the file.
        wanted: words, in lower case as most such files have them; each is looked for as it is spelled.

    Raises:
        UserError: if the file is none of these, is damaged, or knows none of the words.
    """
    try:
        width, vectors, remarks = _read(path, wanted)
    except NotWordVectors as error:
        raise UserError(f"The word vectors in {path} cannot be used: {error}.") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}.") from error
    except MemoryError as error:
        raise UserError(f"The word vectors in {path} cannot be used: they need more memory than there is.") from error
    if wanted and not vectors:
        raise UserError(
            f"The word vectors in {path} cannot be used: of {len(wanted):,} words of the captions it has none "
            f"({some(wanted)}); is it of another language, or not in lower case?"
        )
    return WordVectors(path, width, vectors, [f"{path}: {remark}" for remark in remarks])


def _read(path: Path, wanted: Collection[str]) -> word_vector_text.Found:
    if _head(path) == fasttext.MAGIC:
        return fasttext.read_binary(path, wanted)
    with opened(path) as file:
        begin = file.tell()  # behind a byte order mark
        start = file.read(word_vector_text.JSON_HEAD)
        file.seek(begin)
        if start.startswith(fasttext.MAGIC):
            raise NotWordVectors(
                "it is a .bin of fastText that is gzipped or comes from a pipe: give the unpacked file"
            )
        if word_vector_text.is_json(start):
            return word_vector_text.read_json(file, path, wanted)
        if not _is_long(path):
            return word_vector_text.read_text(file, wanted)
        with progress(f"Reading {path.name}", None, unit=" lines/s") as advance:
            return word_vector_text.read_text(file, wanted, advance)


def _is_long(path: Path) -> bool:
    try:
        return path.stat().st_size >= _LONG
    except OSError:
        return False


def _head(path: Path) -> bytes:
    """Return the first bytes of a regular file; none of anything else."""
    try:
        if not path.is_file():  # even opening a pipe would be noticed by whoever writes into it, who would then stop
            return b""
        with open_regular(path, LARGEST_WEIGHTS) as file:
            return file.read(len(fasttext.MAGIC))
    except OSError:  # told where the file is read
        return b""

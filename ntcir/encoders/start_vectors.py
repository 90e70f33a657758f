"""The vectors of words with which a training begins, from a file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from ntcir.encoders.vocabulary import Vocabulary
from ntcir.features.word_vectors import WordVectors, read_word_vectors
from ntcir.system.errors import UserError, some
from ntcir.system.regular import sha256_of


class StartVectors:
    """Vectors of the words of training captions, read when they are first asked for.

    Args:
        path: of the file, as ``texts.vectors`` has it.
        words: all words that may come to be in the vocabulary, the most frequent first.
    """

    def __init__(self, path: Path, words: Sequence[str]) -> None:
        self.path, self._words = path, words

    @cached_property
    def found(self) -> WordVectors:
        """What the file has of the words.

        Raises:
            UserError: if it cannot be used.
        """
        try:
            state = self.path.stat()
        except OSError:
            return _read(self.path, self._words)  # which tells what is wrong
        return _read_once(self.path, (state.st_ino, state.st_size, state.st_mtime_ns), tuple(self._words))

    @property
    def width(self) -> int:
        """Numbers of a vector."""
        return self.found.width

    def of(self, vocabulary: Vocabulary) -> np.ndarray:
        """Return float32 [words, width]; zeros where the file knows nothing of a word, so that it says nothing."""
        vectors = np.zeros((len(vocabulary), self.width), dtype=np.float32)
        for row, word in zip(vectors, vocabulary.words, strict=True):
            if word in self.found.vectors:
                row[:] = self.found.vectors[word]
        return vectors

    def remarks(self, vocabulary: Vocabulary) -> list[str]:
        """Return sentences about the file, and about words that it lacks; none where nobody has needed it yet."""
        if "found" not in vars(self):
            return []
        without = [word for word in vocabulary.words if word not in self.found.vectors]
        lacking = (
            f"{len(without):,} of {len(vocabulary):,} words of the training captions have no vector in {self.path} and "
            f"begin with zeros (the most frequent first: {some(without)})."
        )
        return [*self.found.remarks, *([lacking] if without else [])]


@lru_cache(maxsize=2)
def _read_once(path: Path, state: tuple[int, ...], words: tuple[str, ...]) -> WordVectors:
    """Return the vectors of a file in this state: several trainings, as of a grid, read it once."""
    return _read(path, words)


def _read(path: Path, words: Sequence[str]) -> WordVectors:
    try:
        return read_word_vectors(path, words)
    except UserError as error:
        raise UserError(f"texts.vectors: {error}") from error


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file of word vectors, as ``sha256sum`` prints it.

    Raises:
        UserError: if it cannot be read.
    """
    try:
        return sha256_of(path)
    except OSError as error:
        raise UserError(f"texts.vectors: cannot read {path}: {(error.strerror or str(error)).lower()}.") from error

"""fastText's binary models (``.bin``): word vectors, and vectors of the parts of words, of which others are made.

The format is that of fastText 0.9 (version 12; 11 is the same here), https://github.com/facebookresearch/fastText:
magic number and version; the settings; the dictionary; then the matrix of the input vectors, one row a word and, behind
these, one a bucket of n-grams. All numbers are little-endian. A word's vector is the mean of its own, if it is in the
dictionary, and of those of its n-grams (Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information").
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ntcir.features.word_vector_text import Found, NotWordVectors, finite
from ntcir.system.errors import short, some
from ntcir.system.regular import LARGEST_WEIGHTS, open_regular

MAGIC = struct.pack("<i", 793712314)
_VERSIONS = (11, 12)
_SUPERVISED = 3  # of the settings' models: such a one of version 11 has no n-grams
_END = b"</s>"  # of a sentence, which has no n-grams
_WORD = 0  # of the entries' types; the other is a label
_TRUNCATED = "it is truncated: copy it again"


@dataclass(frozen=True)
class Subwords:
    """Which rows the n-grams of a word have.

    Attributes:
        least: letters of the shortest n-grams.
        most: of the longest; 0: there are none.
        buckets: that n-grams share.
        words: rows in front of them.
    """

    least: int
    most: int
    buckets: int
    words: int

    def rows(self, word: bytes) -> list[int]:
        """Return the rows of a word's n-grams, as often as these occur; the word is UTF-8."""
        if not self.buckets:
            return []
        return [self.words + fnv1a(part) % self.buckets for part in self._parts(b"<" + word + b">")]

    def _parts(self, word: bytes) -> Iterator[bytes]:
        """Yield the n-grams of a word between its brackets, which alone are none."""
        starts = [at for at, byte in enumerate(word) if byte & 0xC0 != 0x80]  # of letters, which may have many bytes
        ends = [*starts[1:], len(word)]
        for first in range(len(starts)):
            for letters in range(max(1, self.least), self.most + 1):
                last = first + letters - 1
                if last >= len(starts):
                    break
                if letters > 1 or 0 < first < len(starts) - 1:
                    yield word[starts[first] : ends[last]]


def fnv1a(part: bytes) -> int:
    """Return fastText's hash of an n-gram: 32-bit FNV-1a, but that bytes above 127 are taken as negative numbers."""
    value = 2166136261
    for byte in part:
        value = ((value ^ (byte if byte < 128 else byte | 0xFFFFFF00)) * 16777619) & 0xFFFFFFFF
    return value


def read_binary(path: Path, wanted: Collection[str]) -> Found:
    """Read the vectors of some words; words that are not in the dictionary have the mean of their n-grams.

    The file is mapped into memory, so that only what is used of it is read.

    Raises:
        NotWordVectors: if it is of another version, quantised, truncated or damaged.
        OSError: if it cannot be read.
    """
    with open_regular(path, LARGEST_WEIGHTS) as file:
        return _File(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)).read(wanted)


class _File:
    """A model in memory, read from its beginning."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content, self._at = content, len(MAGIC)

    def read(self, wanted: Collection[str]) -> Found:
        version = self._take("<i")[0]
        if version not in _VERSIONS:
            raise NotWordVectors(f"it is a fastText model of version {version}; {_VERSIONS[-1]} can be read")
        width, _, _, _, _, _, _, model, buckets, least, most, _ = self._take("<12i")
        self._take("<d")  # a threshold of sampling
        if version == 11 and model == _SUPERVISED:
            most = 0
        if width < 1 or buckets < 0 or not 0 <= least <= 1000 or not 0 <= most <= 1000:
            raise NotWordVectors("its settings make no sense: it is damaged")
        places, words = self._dictionary({word.encode() for word in wanted})
        if self._take("<?")[0]:
            raise NotWordVectors("it is quantised (.ftz), which is not read: give the model that it was made from")
        matrix = self._matrix(width)
        if len(matrix) != words + buckets:
            raise NotWordVectors(
                f"its matrix has {len(matrix):,} rows for {words:,} words and {buckets:,} buckets: it is damaged"
            )
        subwords = Subwords(least, most, buckets, words)
        vectors, others = {}, []
        for word in wanted:
            key = word.encode()
            rows = [places[key]] if key in places else []
            rows += subwords.rows(key) if key != _END else []
            if not rows:
                continue
            others += [] if key in places else [word]
            # As fastText sums them: one after the other, in single precision.
            with np.errstate(over="ignore", invalid="ignore"):
                mean = np.asarray(matrix[rows]).sum(axis=0, dtype=np.float32) / np.float32(len(rows))
            vectors[word] = finite(mean.tolist(), f"the vector of '{short(word)}'")
        told = (
            f"words that are not in its dictionary have the mean of their n-grams: {len(others):,} ({some(others, 3)})."
        )
        return width, vectors, [told] if others else []

    def _take(self, layout: str) -> tuple[int, ...]:
        """Return the next numbers."""
        try:
            found = struct.unpack_from(layout, self._content, self._at)
        except struct.error as error:
            raise NotWordVectors(_TRUNCATED) from error
        self._at += struct.calcsize(layout)
        return found

    def _dictionary(self, wanted: Collection[bytes]) -> tuple[dict[bytes, int], int]:
        """Return where wanted words are, and how many words there are."""
        entries, words, labels = self._take("<3i")
        _, pruned = self._take("<2q")
        if min(entries, words, labels) < 0 or words + labels != entries:
            raise NotWordVectors(f"it has {words} words and {labels} labels in {entries} entries: it is damaged")
        places: dict[bytes, int] = {}
        content, at = self._content, self._at
        for entry in range(entries):
            end = content.find(b"\0", at)
            if end < 0 or end + 10 > len(content):
                raise NotWordVectors(_TRUNCATED)
            word = content[at:end]
            at = end + 10  # behind the word: its end, a count of 8 bytes, and its type
            if word in wanted and content[at - 1] == _WORD and entry < words:
                places[word] = entry
        if 8 * pruned > len(content) - at:
            raise NotWordVectors(_TRUNCATED)
        self._at = at + 8 * max(0, pruned)  # which n-grams a quantised model has left
        return places, words

    def _matrix(self, width: int) -> np.ndarray:
        """Return the input vectors, float32 [words + buckets, width], in place."""
        rows, columns = self._take("<2q")
        if columns != width or rows < 0:
            raise NotWordVectors(
                f"its matrix is {rows} x {columns}, and its vectors have {width} numbers: it is damaged"
            )
        if 4 * rows * columns > len(self._content) - self._at:
            raise NotWordVectors(_TRUNCATED)
        flat = np.frombuffer(self._content, dtype="<f4", count=rows * columns, offset=self._at)
        return flat.reshape(rows, columns)

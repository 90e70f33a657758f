"""Word vectors as text: a line a word, with or without a header, or one JSON object."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from ntcir.system.errors import short, shown, some
from ntcir.system.json_keys import each_once
from ntcir.system.plain_json import is_finite_number
from ntcir.system.regular import LARGEST, read_all

JSON_HEAD = 64  # bytes by which JSON is told
_LONGEST_LINE = 1 << 20  # bytes
_TOLD = 4096  # lines between two moves of a progress bar
_WIDEST = 1 << 16  # numbers of a vector
_HEADER = re.compile(rb"(\d{1,18})[ \t]+(\d{1,9})\s*")
_JSON = re.compile(rb'\s*\{\s*["}]')  # a file of GloVe's may begin with the word {, but then a number follows

# The width, word -> float32 [width], and what is strange.
Found = tuple[int, dict[str, np.ndarray], list[str]]


class NotWordVectors(ValueError):
    """A file has no word vectors that can be used; the message completes "... cannot be used:"."""


def is_json(head: bytes) -> bool:
    """Return whether a file that begins so is JSON rather than lines."""
    return _JSON.match(head) is not None


def read_text(file: IO[bytes], wanted: Collection[str], advance: Callable[[float], None] = lambda lines: None) -> Found:
    """Read a line a word: the word, and its numbers behind it, parted by blanks.

    A first line of two whole numbers is a header, how many words and how many dimensions. All lines must have the same
    number of numbers, and words must be UTF-8; numbers are read of wanted words only, so that a file of some GB passes
    as fast as lines can be told from each other. A word may have blanks in it, as some of GloVe's do.

    Args:
        file: at its beginning.
        wanted: words as they are spelled in the file.
        advance: called with the number of lines that were read since.

    Raises:
        NotWordVectors: naming the first line that is wrong.
    """
    return _Lines(wanted).read(file, advance)


class _Lines:
    """Reads lines; knows how they usually look."""

    def __init__(self, wanted: Collection[str]) -> None:
        self._wanted = {word.encode(): word for word in wanted}
        self._header: tuple[int, int] | None = None
        self._width = 0
        self._blanks = -1  # of a line that was found to be right, as nearly all others then have
        self._vectors: dict[str, np.ndarray] = {}
        self._repeated: list[str] = []

    def read(self, file: IO[bytes], advance: Callable[[float], None]) -> Found:
        count = number = 0
        while line := file.readline(_LONGEST_LINE):
            number += 1
            if number % _TOLD == 0:
                advance(_TOLD)
            if number == 1 and (header := _HEADER.fullmatch(line)):
                self._header = int(header[1]), int(header[2])
                self._width = self._header[1]
                _check_width(self._width)
                continue
            word = line.partition(b" ")[0]
            if line.count(b" ") != self._blanks:
                found = self._word_of(line, number)
                if found is None:
                    continue
                word = found
            count += 1
            if not word.isascii():
                _check_utf8(word, number)
            if word in self._wanted:
                self._keep(word, line, number)
        if not count:
            raise NotWordVectors("it has no lines of a word and numbers")
        return self._width, self._vectors, self._remarks(count)

    def _word_of(self, line: bytes, number: int) -> bytes | None:
        """Return the word of a line that looks unusual; None where nothing is in it.

        Raises:
            NotWordVectors: if it has no word, or too many or too few numbers.
        """
        if len(line) == _LONGEST_LINE:
            raise NotWordVectors(f"line {number:,} is longer than {_LONGEST_LINE:,} bytes")
        fields = line.split()
        if not fields:
            return None
        if not self._width:
            self._width = len(fields) - 1
            _check_width(self._width)
            _numbers(fields[1:], number)
        found = len(fields) - 1
        if found > self._width and not all(map(_is_number, fields[1 : found - self._width + 1])):
            return b" ".join(fields[: found - self._width + 1])
        if found != self._width:
            self._refuse_binary(line, number)
            told = "its header says" if self._header else "line 1 has"
            whole = "" if line.endswith(b"\n") or found > self._width else ": the file is truncated"
            raise NotWordVectors(
                f"line {number:,} ({_named(fields[0])}) has {found:,} numbers, where {told} {self._width:,}{whole}"
            )
        self._blanks = line.count(b" ")
        if line.startswith((b" ", b"\t")) or b"\t" in line:  # the first word is not what is in front of the first blank
            self._blanks = -1
        return fields[0]

    def _refuse_binary(self, line: bytes, number: int) -> None:
        if self._header and number == 2 and not line.isascii() and any(byte < 9 for byte in line):
            raise NotWordVectors(
                "it is word2vec's binary format, which is not read: save it as text (gensim: "
                "save_word2vec_format(FILE, binary=False))"
            )

    def _keep(self, word: bytes, line: bytes, number: int) -> None:
        known = self._wanted[word]
        if known in self._vectors:
            self._repeated.append(known)
        else:
            self._vectors[known] = _numbers(line.split()[-self._width :], number)

    def _remarks(self, count: int) -> list[str]:
        remarks = []
        if self._header and self._header[0] != count:
            remarks.append(
                f"WARNING: its header says {self._header[0]:,} words, but it has {count:,}: copy it again unless it "
                "was shortened on purpose."
            )
        if self._repeated:
            remarks.append(
                f"words that have several lines, of which the first counts: {len(set(self._repeated)):,} "
                f"({some(dict.fromkeys(self._repeated), 3)})."
            )
        return remarks


def read_json(file: IO[bytes], path: Path, wanted: Collection[str]) -> Found:
    """Read one JSON object: word -> list of numbers.

    Raises:
        NotWordVectors: if it is not such an object, or its lists are of several lengths.
        OSError: if it cannot be read, or is too large to be read as one piece.
    """
    try:
        tree = json.loads(read_all(file, path, LARGEST), object_pairs_hook=each_once)
    except (ValueError, RecursionError) as error:
        reason = "it is too deeply nested" if isinstance(error, RecursionError) else str(error)
        raise NotWordVectors(f"it is not valid JSON ({short(reason)})") from error
    if not isinstance(tree, dict) or not tree:
        raise NotWordVectors("it has no words")
    first = next(iter(tree))
    width = len(tree[first]) if isinstance(tree[first], list) else 0
    _check_width(width)
    for word, numbers in tree.items():
        if not isinstance(numbers, list):
            raise NotWordVectors(f"'{short(word)}' has {shown(numbers)}, not a list of numbers")
        if len(numbers) != width:
            raise NotWordVectors(f"'{short(word)}' has {len(numbers):,} numbers, where '{short(first)}' has {width:,}")
    vectors = {}
    for word in wanted:
        if word in tree:
            if wrong := [each for each in tree[word] if not is_finite_number(each)]:
                raise NotWordVectors(f"'{short(word)}' has {shown(wrong[0])}, which is not a finite number")
            vectors[word] = finite(tree[word], f"'{short(word)}'")
    return width, vectors, []


def finite(numbers: Sequence[float], whose: str) -> np.ndarray:
    """Return numbers as float32 [numbers].

    Raises:
        NotWordVectors: if one is not finite in single precision.
    """
    with np.errstate(over="ignore"):
        vector = np.asarray(numbers, dtype=np.float64).astype(np.float32)
    if not np.isfinite(vector).all():
        at = int(np.argmin(np.isfinite(vector)))
        raise NotWordVectors(f"number {at + 1} of {whose} is {numbers[at]!r}, which is not finite in single precision")
    return vector


def _numbers(fields: Sequence[bytes], number: int) -> np.ndarray:
    try:
        values = [float(field) for field in fields]
    except ValueError as error:
        bad = next(field for field in fields if not _is_number(field))
        raise NotWordVectors(f"line {number:,} has '{_named(bad)}' where a number must be") from error
    return finite(values, f"line {number:,}")


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _check_width(width: int) -> None:
    if not 1 <= width <= _WIDEST:
        raise NotWordVectors(f"its first word has {width:,} numbers; it must have 1 to {_WIDEST:,}, parted by blanks")


def _check_utf8(word: bytes, number: int) -> None:
    try:
        word.decode()
    except UnicodeDecodeError as error:
        raise NotWordVectors(f"line {number:,} is not UTF-8 ({_named(word)}): save it as UTF-8") from error


def _named(field: bytes) -> str:
    return short(field.decode(errors="backslashreplace"))

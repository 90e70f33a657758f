"""Text files of columns, read fast: the ground under runs, qrels and pools.

Files are not cut into Python strings: numpy finds where columns begin and end, and copies each into an array of bytes.
That takes the usual layout, one space or tab between columns; a block of any other (several spaces, CRLF, empty lines)
is first rewritten into the usual one by :func:`_tidy`, so that there is one reader only.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from ntcir.formats.reading import BOM, StrPath, opened
from ntcir.system.errors import UserError
from ntcir.system.regular import LARGEST_TEXT, Irregular

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Texts = NDArray[np.bytes_]
# One kind of problem: the lines that have it (ascending), and what to say of the i-th of them.
Finding = tuple[Sequence[int] | Ints, Callable[[int], str]]

_BLOCK = 1 << 20  # bytes read at a time: large enough for numpy, small enough for the processor's caches
LONGEST = 256  # bytes in a column, so that one endless word does not widen the column of a million rows
_LONGEST_LINE = 1 << 24  # bytes
_PADDING = bytes(LONGEST + 8)  # behind a block: eight bytes can be read from any place of any word
_MASKS = np.array([(1 << 8 * width) - 1 for width in range(9)], dtype="<u8")
_NUMBER = re.compile(rb"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_FILE_NAME = 200  # bytes of an id that is cut anyway: a file named after it has at most 255
NOT_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1f]")


def is_word(text: str) -> bool:
    """Return whether a text can be one word of a file of columns: 1 to 256 bytes, no blanks, no control characters.

    What is not text at all, such as the name of a file in another encoding, cannot.
    """
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        return False
    return text.split() == [text] and len(raw) <= LONGEST and not NOT_TEXT.search(raw)


def are_words(texts: Sequence[str]) -> bool:
    """Return whether all of many texts are plain words, at once and fast; ``is_word`` checks a single one."""
    joined = "".join(texts)
    plain = joined.isascii() and joined.isprintable() and " " not in joined
    return plain and all(texts) and max(map(len, texts), default=1) <= LONGEST


def as_word(text: str, most: int = LONGEST) -> str:
    """Return a text as an id of at most ``most`` bytes, which should be 64 or more: itself where it can be one.

    Blanks and control characters are quoted as in an URL; of what is too long the middle is replaced by a digest of the
    whole. Different texts that had to be cut give different ids.
    """
    quoted = "".join(quote(letter) if letter.isspace() or letter < " " else letter for letter in text)
    raw = quoted.encode()
    if len(raw) <= most:
        return quoted
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    most = min(most, _FILE_NAME)
    start, end = raw[: most - 49].decode(errors="ignore"), raw[-32:].decode(errors="ignore")
    return f"{start}~{digest}{end}"


def refuse(path: StrPath, findings: Sequence[Finding], most: int = 3) -> None:
    """Raise a UserError that names the first problems by line in one sentence, if there are any."""
    total = sum(len(lines) for lines, _ in findings)
    if total:
        first = [(int(line), say(i)) for lines, say in findings for i, line in enumerate(lines[:most])]
        listed = "; ".join(f"line {line}: {text}" for line, text in sorted(first)[:most])
        more = f", and {total - most} more problem{'s' * (total > most + 1)}" if total > most else ""
        raise UserError(f"{path} {listed}{more}.")


def read_columns(
    path: StrPath, names: Sequence[str], keep: Sequence[str], raw: bytes | None = None
) -> tuple[list[Texts], Ints, Finding]:
    """Read a text file of whitespace-separated columns; ``raw`` is its content where that was read before.

    Returns the columns ``keep``, each (rows,) bytes; each row's line number, from 1; and the lines left out because
    they have another number of columns than ``names``, or a word that is too long.
    """
    parts, lines, before = [], [], 0
    wrong: list[tuple[int, str]] = []
    for block in _blocks(path, raw):
        data = np.frombuffer(block + _PADDING, np.uint8)
        bounds = _bounds(data, len(names))
        if bounds is None or not block.isascii():
            check_text(path, block, before)
        if bounds is None:
            tidied, line, odd = _tidy(block, before, len(names))
            wrong += odd
            data = np.frombuffer(tidied + _PADDING, np.uint8)
            bounds = _bounds(data, len(names))
        else:
            line = np.arange(before + 1, before + 1 + len(bounds[0]))
        if bounds is not None and len(line):
            parts.append([_column(data, *(edges[:, names.index(name)] for edges in bounds)) for name in keep])
            lines.append(line)
        before += block.count(b"\n")
    left_out: Finding = ([line for line, _ in wrong], lambda i: wrong[i][1] + f" ({' '.join(names)})" * (i == 0))
    if not parts:
        refuse(path, [left_out])
        raise UserError(f"{path} is empty: expected lines of {' '.join(names)}.")
    return [np.concatenate(column) for column in zip(*parts, strict=True)], np.concatenate(lines), left_out


def _blocks(path: StrPath, raw: bytes | None) -> Iterator[bytes]:
    """Yield a file piece by piece, each ending in a newline."""
    with opened(path) if raw is None else nullcontext(io.BytesIO(raw.removeprefix(BOM))) as file:
        rest, left = b"", LARGEST_TEXT
        while piece := file.read(_BLOCK):
            left -= len(piece)
            if left < 0:
                raise Irregular(f"it unpacks to more than {LARGEST_TEXT >> 20:,} megabytes", path)
            if len(rest) > _LONGEST_LINE:  # such as zeros without end
                raise UserError(f"{path} is not a text file of lines: it has a line of over {_LONGEST_LINE >> 20} MiB.")
            whole, newline, rest = (rest + piece).rpartition(b"\n")
            if newline:
                yield whole + newline
        if rest:
            yield rest + b"\n"


def check_text(path: StrPath, block: bytes, before: int = 0) -> None:
    """Refuse a block, found ``before`` lines into the file, that is not UTF-8 or holds control characters."""
    at = odd.start() if (odd := NOT_TEXT.search(block)) else len(block)
    try:
        block.decode()
    except UnicodeDecodeError as error:
        at = min(at, error.start)
    if at < len(block):
        line = before + block.count(b"\n", 0, at) + 1
        raise UserError(f"{path} is not a text file in UTF-8: line {line} holds the byte 0x{block[at]:02x}.")


def _bounds(data: NDArray[np.uint8], columns: int) -> tuple[Ints, Ints] | None:
    """Return where each word starts and stops, both (rows, columns), or None if the layout is not the usual one."""
    stop = np.flatnonzero(data[: -len(_PADDING)] <= ord(" "))
    if len(stop) % columns:
        return None
    start = np.concatenate([[0], stop[:-1] + 1])[: len(stop)]
    separator, width = data[stop].reshape(-1, columns), stop - start
    between = (separator == ord(" ")) | (separator == ord("\t"))
    usual = between[:, :-1].all() and (separator[:, -1] == ord("\n")).all()
    if not usual or width.min(initial=1) < 1 or width.max(initial=1) > LONGEST:
        return None
    return start.reshape(-1, columns), stop.reshape(-1, columns)


def _tidy(block: bytes, before: int, columns: int) -> tuple[bytes, Ints, list[tuple[int, str]]]:
    """Rewrite a block of any layout, found ``before`` lines into the file, into the usual one.

    Returns it, the line number of each of its rows, and the lines left out, with what is wrong with each but the empty.
    """
    rows, lines, wrong = [], [], []
    for number, text in enumerate(block.split(b"\n"), before + 1):
        words = text.split()
        if words and len(words) != columns:
            wrong.append((number, f"{len(words)} columns instead of {columns}"))
        elif words and (longest := max(map(len, words))) > LONGEST:
            wrong.append((number, f"a word of {longest} bytes, more than {LONGEST}"))
        elif words:
            rows.append(b" ".join(words) + b"\n")
            lines.append(number)
    return b"".join(rows), np.array(lines, dtype=np.int64), wrong


def _column(data: NDArray[np.uint8], start: Ints, stop: Ints) -> Texts:
    """Copy the words from ``start`` to ``stop``, (rows,) both, into one array of bytes, eight characters at a time."""
    eight = np.ndarray(len(data) - 7, np.dtype("<u8"), data.data, strides=(1,))  # eight bytes from every place on
    width = stop - start
    words = np.empty((len(start), -(-int(width.max()) // 8)), np.dtype("<u8"))
    for at in range(words.shape[1]):
        words[:, at] = eight[start + 8 * at] & _MASKS[np.clip(width - 8 * at, 0, 8)]
    return words.view(f"S{8 * words.shape[1]}")[:, 0]


def numbers(texts: Texts) -> Floats:
    """Return each text as a float64; NaN where it is not a finite number."""
    try:
        if (texts.view(np.uint8) == ord("_")).any():
            raise ValueError("Python, and so numpy, would read 1_0 as ten")
        values = texts.astype(np.float64)
    except ValueError:  # some are not numbers: find out which
        values = np.array([float(text) if _NUMBER.fullmatch(text) else np.nan for text in texts.tolist()])
    return np.where(np.isfinite(values), values, np.nan)


def unfit(fit: NDArray[np.bool_], texts: Texts, line: Ints, name: str, wanted: str) -> Finding:
    """Find the rows that are not ``fit``."""
    bad = np.flatnonzero(~fit)
    return (line[bad], lambda i: f"{name} '{texts[bad[i]].decode()}' is not a {wanted} number")

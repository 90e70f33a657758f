"""Small damage to a file's bytes, as disks, networks and hands do it; the same for the same seed."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np


def mutations(data: bytes, number: int, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Yield ``number`` damaged versions of ``data``, each with what was done to it; none is ``data`` itself."""
    draw = np.random.default_rng([seed, len(data)])
    kinds = ("flipped bit", "truncated", "inserted", "deleted", "zeros", "swapped byte")
    made = 0
    while data and made < number:
        kind = kinds[made % len(kinds)]
        # Half of them near the beginning, where headers are.
        place = int(draw.integers(0, max(1, min(len(data), 200) if draw.random() < 0.5 else len(data))))
        length = int(draw.integers(1, 9))
        head, rest = data[:place], data[place:]
        if kind == "flipped bit":
            changed = head + bytes([rest[0] ^ 1 << int(draw.integers(0, 8))]) + rest[1:] if rest else b"\1"
        elif kind == "truncated":
            changed = head
        elif kind == "inserted":
            changed = head + draw.bytes(length) + rest
        elif kind == "deleted":
            changed = head + rest[length:]
        elif kind == "zeros":
            changed = head + b"\0" * min(length, len(rest)) + rest[length:]
        else:
            changed = head + draw.bytes(1) + rest[1:]
        if changed != data:
            made += 1
            yield f"{kind} at {place}", changed


# What a program expects least in the place of a number, a name or a field.
WORDS = (
    "", " ", "0", "-0", "-1", "1e999", "-1e999", "1e-999", "9" * 25, "9" * 400, "0x10", "1_0", "٣", "１", "1,5",
    "1.5.2", "nan", "NaN", "-inf", "Infinity", "null", "None", "NA", "true", "[]", "{}", "[[[]]]", '"', "'", '""', "\\",
    "\\u0000", "\\ud800", "../../etc/passwd", "/dev/zero", "~", "-", "--", "=1+1", "*a", "&a",
    "!!python/object:os.system",
    "%s", "{0}", "2020-02-30", "2020-02-30T25:61:61Z", "0000-00-00", "99999-01-01", "1e18", "253402300800", "\ufeff",
    "\u202eabc", "\u2028",
    "\x85", "\x9b31m", "\x1b]0;x\x07", "\x00", "\x7f", "e\u0301" * 3, "👩\u200d💻", "ß" * 300, "İ", "a\nb",
    "\r",
)  # fmt: skip
_BREAKS = (b",", b"\t", b" ", b";", b":", b'"', b"|", b"\r\n", b"{", b"[", b"]", b"}", b"- ", b"#")
_WHOLE = (0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
_TOKEN = re.compile(rb"[^\s,:;\[\]{}\"']+")

Change = Callable[[bytes, np.random.Generator], bytes]


def _place(data: bytes, draw: np.random.Generator) -> int:
    """Return a place, half the time near the beginning, where headers are."""
    return int(draw.integers(0, max(1, min(len(data), 200) if draw.random() < 0.5 else len(data))))


def _flipped(data: bytes, draw: np.random.Generator) -> bytes:
    at = _place(data, draw)
    return data[:at] + bytes([(data[at] if data else 0) ^ 1 << int(draw.integers(0, 8))]) + data[at + 1 :]


def _inserted(data: bytes, draw: np.random.Generator) -> bytes:
    at = _place(data, draw)
    return data[:at] + draw.bytes(int(draw.integers(1, 9))) + data[at:]


def _deleted(data: bytes, draw: np.random.Generator) -> bytes:
    at = _place(data, draw)
    return data[:at] + data[at + int(draw.integers(1, 40)) :]


def _truncated(data: bytes, draw: np.random.Generator) -> bytes:
    return data[: _place(data, draw)]


def _zeroed(data: bytes, draw: np.random.Generator) -> bytes:
    at, length = _place(data, draw), int(draw.integers(1, 60))
    return data[:at] + bytes(min(length, len(data) - at)) + data[at + length :]


def _number(data: bytes, draw: np.random.Generator) -> bytes:
    """Overwrite a few bytes by a number that a length or an offset had better not be."""
    at, width = _place(data, draw), int(draw.choice([1, 2, 4, 8]))
    value = int(draw.choice(np.array(_WHOLE, dtype=np.uint64))) & (1 << 8 * width) - 1
    return data[:at] + value.to_bytes(width, "little" if draw.random() < 0.5 else "big") + data[at + width :]


def _doubled(data: bytes, draw: np.random.Generator) -> bytes:
    at, length = _place(data, draw), int(draw.integers(1, 200))
    return data[: at + length] + data[at:]


def _spliced(data: bytes, draw: np.random.Generator) -> bytes:
    """Put a piece in another place."""
    at, to, length = _place(data, draw), _place(data, draw), int(draw.integers(1, 200))
    return data[:to] + data[at : at + length] + data[to:]


def _emptied(data: bytes, draw: np.random.Generator) -> bytes:
    return draw.choice(
        np.array([b"", b"\n", b" ", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1f\x8b", b"{", b"null"], dtype=object)
    )


def _token(data: bytes, draw: np.random.Generator) -> bytes:
    """Replace a word or a number by another."""
    tokens = list(_TOKEN.finditer(data[:100_000]))
    if not tokens:
        return _inserted(data, draw)
    found = tokens[int(draw.integers(0, len(tokens)))]
    return data[: found.start()] + _word(draw) + data[found.end() :]


def _word(draw: np.random.Generator) -> bytes:
    return WORDS[int(draw.integers(0, len(WORDS)))].encode()


def _worded(data: bytes, draw: np.random.Generator) -> bytes:
    at = _place(data, draw)
    return data[:at] + _word(draw) + data[at:]


def _broken(data: bytes, draw: np.random.Generator) -> bytes:
    """Put in, or take out, what stands between fields."""
    mark = _BREAKS[int(draw.integers(0, len(_BREAKS)))]
    at = data.find(mark, _place(data, draw))
    if at >= 0 and draw.random() < 0.5:
        return data[:at] + data[at + len(mark) :]
    at = _place(data, draw)
    return data[:at] + mark + data[at:]


def _lines(data: bytes, draw: np.random.Generator) -> bytes:
    """Double, drop, swap or turn round lines, or swap two fields of one."""
    lines = data.split(b"\n")
    one, other = (int(draw.integers(0, len(lines))) for _ in range(2))
    kind = int(draw.integers(0, 5))
    if kind == 0:
        lines.insert(other, lines[one])
    elif kind == 1:
        del lines[one]
    elif kind == 2:
        lines[one], lines[other] = lines[other], lines[one]
    elif kind == 3:
        lines = lines[::-1]
    else:
        mark = next((mark for mark in _BREAKS[:5] if mark in lines[one]), b",")
        cells = lines[one].split(mark)
        cells = [cells[place] for place in draw.permutation(len(cells))]
        lines[one] = mark.join(cells)
    return b"\n".join(lines)


def _long(data: bytes, draw: np.random.Generator) -> bytes:
    at = _place(data, draw)
    return (
        data[:at]
        + draw.choice(np.array([b"a", b"9", b" ", b"\xc3\xa9", b",", b"["], dtype=object))
        * int(draw.choice([300, 5_000, 140_000]))
        + data[at:]
    )


def _nested(data: bytes, draw: np.random.Generator) -> bytes:
    at, deep = _place(data, draw), int(draw.choice([3, 70, 2_000, 100_000]))
    return data[:at] + (b"[" * deep + b"]" * deep if draw.random() < 0.5 else b'{"a":' * deep) + data[at:]


def _encoded(data: bytes, draw: np.random.Generator) -> bytes:
    """Save the text in another encoding, or with other ends of lines, or packed."""
    kind = int(draw.integers(0, 6))
    if kind == 0:
        return gzip.compress(data[:200_000], mtime=0)
    if kind == 1:
        return data.replace(b"\n", b"\r\n" if draw.random() < 0.5 else b"\r")
    text = data[:200_000].decode("utf-8", "replace")
    return text.encode(["utf-16", "utf-16-le", "latin-1", "utf-8-sig"][kind - 2], "replace")


BYTES: tuple[Change, ...] = (
    _flipped, _inserted, _deleted, _truncated, _zeroed, _number, _doubled, _spliced,
)  # fmt: skip
TEXT: tuple[Change, ...] = (
    *BYTES, _emptied, _token, _token, _token, _token, _worded, _broken, _broken, _lines, _lines, _long, _nested,
    _encoded,
)  # fmt: skip


def mutated(data: bytes, draw: np.random.Generator, changes: Sequence[Change] = TEXT) -> tuple[str, bytes]:
    """Return a file changed in one to three ways, and what they were."""
    names = []
    for _ in range(int(draw.choice([1, 1, 1, 2, 3]))):
        change = changes[int(draw.integers(0, len(changes)))]
        data = change(data, draw)
        names.append(change.__name__.strip("_"))
    return ", ".join(names), data

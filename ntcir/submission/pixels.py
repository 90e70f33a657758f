"""Pictures as the organisers' JSON spells them: nested lists of whole numbers, channels x height x width.

An image of 1024 x 768 is 8.4 MB of such text. As Python lists it would take twenty times the time and the memory; here
numpy finds where the numbers end and adds their digits up, a block at a time: small enough for the processor's cache,
large enough that threads beside this one do not wait for each other at every step.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHANNELS = (1, 2, 3, 4)  # grey, grey and alpha, RGB, RGBA or CMYK: what readers of picture files return
_BLOCK = 1 << 18  # bytes of text at a time: what is worked out of them stays in the second-level cache
Text = bytes | bytearray | memoryview
_COMMA, _OPEN, _CLOSE = b",[]"
_PLAIN, _BLANKS = b"0123456789,[]", b" \t\r\n"
_FRACTION = re.compile(rb"0?\.[0-9]+|[0-9.]+e-[0-9]+")  # pixels that were divided by 255
_ODD = re.compile(rb"[^\[\],]*[^0-9\[\],][^\[\],]*")

# Each value as its digits and a comma, padded with zero bytes to four.
_CELLS = np.array([f"{value},".encode().ljust(4, b"\0") for value in range(256)], dtype="S4").view("<u4")


def pixel_text(planes: NDArray[Any]) -> bytes:
    """Return a picture, uint8 [channels, height, width], as JSON without blanks.

    Whole numbers of other types and shapes, such as the uint16 of a 16-bit PNG, are written too, slowly.
    """
    if planes.dtype != np.uint8 or planes.ndim != 3:
        return json.dumps(planes.tolist(), separators=(",", ":")).encode()
    channels, height, width = planes.shape
    cells = _CELLS.take(planes).view(np.uint8)  # [channels, height, 4 * width]
    # The last comma of a row becomes its end: "...,7]," of which the plane's last comma is cut off below.
    rows = np.zeros((channels, height, 4 * width + 3), dtype=np.uint8)
    rows[..., 0] = _OPEN
    rows[..., 1:-2] = cells
    tail = rows[..., -6:-2]
    tail[tail == _COMMA] = 0
    rows[..., -2:] = _CLOSE, _COMMA
    written = (plane.tobytes().translate(None, b"\0")[:-1] for plane in rows)
    return b"[[" + b"],[".join(written) + b"]]"


def parse_pixels(text: Text) -> NDArray[np.uint8]:
    """Return the picture that ``pixel_text`` wrote, uint8 [channels, height, width], with one to four channels.

    A list of rows alone (height x width) is a picture of one channel. Blanks between the numbers, and numbers such as
    ``12.0``, are understood too, at a third of the speed.

    Raises:
        ValueError: if the text is not of nested lists with one to four channels and rows of one length, or a value is
            not a whole number from 0 to 255; the message says which.
    """
    try:
        return _picture(np.frombuffer(text, np.uint8))
    except ValueError:
        copy = bytes(text)
        if not copy.translate(None, _PLAIN):
            raise
        return _picture(np.frombuffer(_tidy(copy), np.uint8))


def _picture(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the picture in a text of digits, commas and brackets; refuse what is anything else."""
    values, brackets, before = _numbers(data)
    shape = _shape(data[brackets], before, len(values))
    _check_separators(data, brackets, values)
    return values.reshape(shape)


def _numbers(data: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """Return the numbers in a text of digits, commas and brackets, where its brackets are, and the numbers before each.

    The arithmetic is done at every byte, because that takes less time than to pick out the digits of each number: at a
    number's last byte stands its last digit, ten times the one before it and a hundred times the one before that.
    """
    values, brackets, before = [], [], []
    start = found = 0
    while start < len(data):
        stop = _end_of_block(data, start)
        block = data[start:stop]
        digit = np.zeros(len(block) + 2, dtype=np.uint8)  # two bytes in front, for the digits before the first
        np.subtract(block, np.uint8(ord("0")), out=digit[2:])  # wraps around: what is no digit is 10 or more
        is_digit = digit < 10
        is_digit[:2] = False
        digit *= is_digit
        hundreds = digit[:-2] * is_digit[1:-1]
        sums = digit[2:] + np.uint8(10) * digit[1:-1]
        sums += np.uint8(100) * hundreds  # of 256 to 299, what is left of them is below 200
        is_end = is_digit[2:-1] > is_digit[3:]  # a block ends with a comma or a bracket
        if (((hundreds > 2) | ((hundreds == 2) & (sums < 200)))[:-1] & is_end).any():
            raise ValueError("a value is above 255 (images with 16 bits per channel are not supported)")
        ends = np.flatnonzero(is_end)
        values.append(sums[ends])
        places = np.flatnonzero(block > ord("9"))
        brackets.append(places + start)
        before.append(np.searchsorted(ends, places) + found)
        found += len(ends)
        start = stop
    return np.concatenate(values), np.concatenate(brackets), np.concatenate(before)


def _end_of_block(data: NDArray[np.uint8], start: int) -> int:
    """Return where a block ends that begins at ``start``: behind a comma, so that no number is cut."""
    stop = min(start + _BLOCK, len(data))
    while stop < len(data) and data[stop - 1] != _COMMA:
        stop += 1
    return stop


def _shape(kinds: NDArray[np.uint8], before: NDArray[np.int64], total: int) -> tuple[int, int, int]:
    """Return channels, height and width, from the brackets in order and the numbers before each of them.

    Raises:
        ValueError: if the brackets are not those of one to four planes of as many rows of as many numbers.
    """
    depth = np.cumsum(np.where(kinds == _OPEN, 1, -1))
    row_depth = int(depth.max(initial=0))  # 3, or 2 where there are rows and no channels
    if not len(depth) or depth[-1] != 0 or (depth[:-1] < 1).any() or (total and row_depth not in (2, 3)):
        raise ValueError("it is not nested as channels x height x width")
    if not total:
        raise ValueError("it has no pixels")
    is_open = kinds == _OPEN
    planes = int(np.count_nonzero((depth == 2) & is_open)) if row_depth == 3 else 1
    rows = int(np.count_nonzero((depth == row_depth) & is_open))
    if planes not in CHANNELS:
        raise ValueError(_too_many(planes, total / rows))
    height, width = rows // planes, total // rows
    plane = [_OPEN, *[_OPEN, _CLOSE] * height, _CLOSE]
    expected = np.array([_OPEN, *plane * planes, _CLOSE] if row_depth == 3 else plane, dtype=np.uint8)
    # Numbers stand between the brackets of a row and nowhere else.
    inside = np.diff(before)[depth[:-1] == row_depth]
    if not np.array_equal(kinds, expected) or (inside != width).any() or width * rows != total:
        raise ValueError("its rows differ in length, or its channels in height")
    return planes, height, width


def _too_many(planes: int, width: float) -> str:
    """Return what is wrong with a picture of so many planes, their rows so long."""
    if width in CHANNELS:
        return "it looks like height x width x channels: the channels must come first (channels x height x width)"
    return f"it has {planes} channels instead of {CHANNELS[0]} to {CHANNELS[-1]} (channels x height x width)"


def _check_separators(data: NDArray[np.uint8], brackets: NDArray[np.int64], values: NDArray[np.uint8]) -> None:
    """Refuse numbers of more digits than their value has, and commas that are missing or too many.

    Where no comma stands behind an opening or before a closing bracket, and one between two lists, the numbers of a row
    have at least as many commas as they need: the right number of them leaves no place for two in a row.
    """
    commas = int(np.count_nonzero(data == _COMMA))
    digits = len(values) + int(np.count_nonzero(values > 9)) + int(np.count_nonzero(values > 99))
    if digits != len(data) - commas - len(brackets):
        raise ValueError("a value has more than three digits, or a leading 0")
    inner = brackets[1:-1]
    is_open = data[inner] == _OPEN
    outside, inside = np.where(is_open, [data[inner - 1], data[inner + 1]], [data[inner + 1], data[inner - 1]])
    apart = (outside == _COMMA) | (outside == data[inner])
    if commas != len(values) - 1 or not apart.all() or (inside == _COMMA).any():
        raise ValueError("commas between the numbers are missing or doubled")


def _tidy(text: bytes) -> bytes:
    """Return the text without blanks and without ``.0``; refuse whatever else is no digit, comma or bracket."""
    compact = text.translate(None, _BLANKS)
    if _runs(compact) != _runs(text):
        raise ValueError("commas between the numbers are missing or doubled")
    if b"." in compact:
        compact = compact.replace(b".0,", b",").replace(b".0]", b"]")
    if compact.translate(None, _PLAIN) and (odd := _ODD.search(compact)):
        word = odd[0][:20].decode(errors="replace")
        scaled = " (were the pixels divided by 255?)" if _FRACTION.fullmatch(odd[0]) else ""
        raise ValueError(f"the value {word} is not a whole number from 0 to 255{scaled}")
    return compact


def _runs(text: bytes) -> int:
    """Return how many runs of digits there are."""
    data = np.frombuffer(text, np.uint8)
    is_digit = (data - np.uint8(ord("0"))) < 10
    return int(np.count_nonzero(is_digit[:-1] > is_digit[1:]))

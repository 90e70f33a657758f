"""The organisers' input, read record by record: a JSON array far larger than memory.

What is in memory is one record. Its picture, nearly all of the text, is found by its ends and not looked into here;
the rest of the record goes through Python's own JSON reader.
"""

from __future__ import annotations

import gzip
import json
import math
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn, cast

from ntcir.corpora.corpus import OFFICIAL_KEYS
from ntcir.formats.official import is_id
from ntcir.submission.pair import MODALS
from ntcir.system.errors import UserError, short
from ntcir.system.json_keys import each_once
from ntcir.system.regular import ends_in_zeros

_DIRECTIONS: dict[tuple[object, object], str] = {modal: direction for direction, modal in MODALS.items()}
_CHUNK = 1 << 20  # bytes read at a time
_LONGEST = 1 << 30  # bytes of a record: anything longer is not a record, and would fill the memory
_LONGEST_TEXT = 1 << 23  # bytes of a string in it; an open one is searched again with each chunk
# A string, closed or cut off by the end of what is read, or a bracket; the rest of JSON needs no look here.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[{}\[\]]', re.DOTALL)
_BLANK = re.compile(rb"[ \t\r\n]++")
_COLON = re.compile(rb"[ \t\r\n]*+:[ \t\r\n]*+")
_CUT = re.compile(rb"[ \t\r\n]*+(?::[ \t\r\n]*+)?+\Z")  # a key of which the value is not read yet
_TOPIC = re.compile(rb'"topic_id"\s*:\s*("[^"]{1,100}"|-?\d{1,100})')


@dataclass(frozen=True)
class Record:
    """One candidate of a topic, with the topic's query.

    Attributes:
        where: file, number in it (from 1) and topic, for messages.
        topic_id: opaque.
        dmr_minute_id: as it is to be written back.
        direction: which of the two is the query.
        image: JSON text of the picture, nested lists.
        readings: what else the record holds, by column.
    """

    where: str
    topic_id: str
    dmr_minute_id: str
    direction: str
    image: memoryview
    readings: dict[str, Any]


@contextmanager
def open_input(source: str) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Open a file, or standard input for ``-``, and yield it twice: unpacked, if it is gzipped, and as it is.

    Raises:
        UserError: if it cannot be opened.
    """
    with ExitStack() as stack:
        raw: Any = sys.stdin and sys.stdin.buffer
        if source == "-" and raw is None:
            raise UserError("Standard input is closed: name an input file, or pipe one in.")
        if source != "-":
            try:
                raw = stack.enter_context(Path(source).open("rb"))
            except OSError as error:
                raise UserError(f"Cannot read the input {source}: {(error.strerror or str(error)).lower()}.") from error
        packed = raw.peek(2)[:2] == b"\x1f\x8b"
        if packed and source != "-" and ends_in_zeros(raw):
            raise UserError(f"{source} is a truncated gzip file (it ends in zeros): copy it again.")
        yield cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if packed else raw, raw


def read_records(file: IO[bytes], name: str) -> Iterator[Record]:
    """Yield the records of an input in the order of the file.

    Args:
        file: at its beginning.
        name: of the file, for messages.

    Raises:
        UserError: naming the record and its topic, if the file is not a JSON array of records, ends too early, or a
            record lacks what every record has.
    """
    text = _Text(file, name)
    if text.next_byte() != b"[":
        text.refuse(f"is not a JSON array: it begins with {_shown(text.rest(20))}" if text.rest(1) else "is empty")
    text.at += 1
    if text.next_byte() == b"]":
        text.refuse("has no records")
    number = 0
    while True:
        number += 1
        yield _record(text, number)
        follows = text.next_byte()
        text.at += 1
        if follows == b"]":
            break
        if follows != b",":
            what = f"{_shown(text.rest(20, -1))} follows" if follows else "the file ends"
            text.refuse(f"is truncated or not JSON: after record {number}, {what} instead of a comma or ]")
    if text.next_byte():
        text.refuse(f"continues after its array, with {_shown(text.rest(20))}")


class _Text:
    """The part of a file that is being looked at; ``at`` is where, in ``data``."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file, self.name = file, name
        self.data = bytearray()
        self.at = 0
        self.more()
        if self.data.startswith(b"\xef\xbb\xbf"):  # some editors put a byte order mark in front
            self.at = 3

    def more(self) -> bool:
        """Read on; return whether there was anything."""
        try:
            chunk = self._file.read(_CHUNK)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            self.refuse(f"is a truncated or damaged gzip file ({' '.join(str(error).split()).rstrip('.').lower()})")
        except OSError as error:
            self.refuse(f"cannot be read any further ({(error.strerror or str(error)).lower()})")
        self.data += chunk
        return bool(chunk)

    def next_byte(self) -> bytes:
        """Go on to what is not blank and return that byte, empty at the end of the file."""
        while True:
            if blank := _BLANK.match(self.data, self.at):
                self.at = blank.end()
            if self.at < len(self.data):
                return self.rest(1)
            self.drop()
            if not self.more():
                return b""

    def rest(self, length: int, offset: int = 0) -> bytes:
        """Return so many of the bytes at ``at + offset``."""
        return bytes(self.data[self.at + offset : self.at + offset + length])

    def drop(self) -> None:
        """Forget what lies before ``at``."""
        del self.data[: self.at]
        self.at = 0

    def part(self, end: int) -> None:
        """Go on behind ``end`` with other memory; views of what lies before stay good, and hold it."""
        self.data = self.data[end:]
        self.at = 0

    def refuse(self, problem: str) -> NoReturn:
        """Raise a UserError about the file."""
        raise UserError(f"{self.name} {problem}.")


def _record(text: _Text, number: int) -> Record:
    """Read the record that begins at ``text.at`` and go on behind it."""
    text.drop()
    if text.next_byte() != b"{":
        what = _shown(text.rest(20)) if text.rest(1) else "the end of the file"
        text.refuse(f"record {number}: expected an object in braces, found {what}")
    start = text.at
    end, images = _extent(text, number)
    first, last = images[-1] if images else (start, start)
    image = memoryview(text.data)[first:last]
    # The picture's place is taken by a number, so that what is left is JSON.
    others = bytes(text.data[start:first]) + (b"0" if images else b"") + bytes(text.data[last:end])
    text.part(end)
    try:
        fields = json.loads(others, object_pairs_hook=each_once)
    except json.JSONDecodeError as error:
        near = error.doc[max(0, error.pos - 10) : error.pos + 20]
        text.refuse(f"record {number}{_topic(others)} is not JSON: {error.msg.lower()}, near {near!r}")
    except (ValueError, RecursionError) as error:
        text.refuse(f"record {number}{_topic(others)} is not valid: {' '.join(str(error).split())}")
    if not images:
        problem = "it has no image" if fields.get("image") is None else "its image is not a nested list of numbers"
        text.refuse(f"record {number}{_topic(others)}: {problem}")
    return _checked(fields, image, number, text)


def _extent(text: _Text, number: int) -> tuple[int, list[tuple[int, int]]]:
    """Return where the record at ``text.at`` ends, and where its pictures (nested lists) begin and end."""
    depth, at = 0, text.at
    images: list[tuple[int, int]] = []

    def read_on() -> None:
        if len(text.data) > _LONGEST:
            text.refuse(f"record {number}{_topic(text.data)}: it is longer than {_LONGEST >> 20} MB")
        if not text.more():
            text.refuse(f"ends within record {number}{_topic(text.data)}")

    while True:
        token = _TOKEN.search(text.data, at)
        if token is None or (token[0][:1] == b'"' and token.end() == len(text.data)):  # a string may go on
            at = token.start() if token else len(text.data)
            if len(text.data) - at > _LONGEST_TEXT:
                text.refuse(f"record {number}{_topic(text.data)}: it has a string longer than {_LONGEST_TEXT >> 20} MB")
            read_on()
            continue
        at = token.end()
        if token[0] in (b"{", b"["):
            depth += 1
        elif token[0] in (b"}", b"]"):
            depth -= 1
            if depth == 0:
                return at, images
        elif depth == 1 and token[0] == b'"image"':
            while _CUT.match(text.data, at):
                read_on()
            colon = _COLON.match(text.data, at)
            if colon and text.data[colon.end()] == ord("["):
                at = _end_of_lists(text, colon.end(), read_on)
                images.append((colon.end(), at))


def _end_of_lists(text: _Text, start: int, read_on: Callable[[], None]) -> int:
    """Return where nested lists of numbers end that begin at ``start``: behind the last ] before a key or a brace."""
    seen = start
    while True:
        stops = [stop for mark in (b'"', b"}") if (stop := text.data.find(mark, seen)) >= 0]
        if stops:
            return max(text.data.rfind(b"]", start, min(stops)), start) + 1
        seen = len(text.data)
        read_on()


def _checked(fields: dict[str, Any], image: memoryview, number: int, text: _Text) -> Record:
    """Return the record, if it has what every record has."""
    ids = {}
    for key in ("topic_id", "dmr_minute_id"):
        value = fields.get(key)
        if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
            shown = "no" if value is None or value == "" else f"{_shown(json.dumps(value).encode())} as"
            text.refuse(f"record {number}{_topic_of(fields)}: it has {shown} {key}")
        ids[key] = str(value)
        if not is_id(ids[key]) or (isinstance(value, float) and not math.isfinite(value)):
            raw = ids[key].encode(errors="backslashreplace")
            text.refuse(f"record {number}: {_shown(raw)} is not a valid {key}")
    topic_id, minute_id = ids["topic_id"], ids["dmr_minute_id"]
    modal = fields.get("input_modal"), fields.get("output_modal")
    direction = _DIRECTIONS.get(modal) if all(isinstance(name, str) for name in modal) else None
    if direction is None:
        text.refuse(
            f"record {number} (topic {topic_id}): input_modal {short(json.dumps(modal[0]))} and output_modal "
            f"{short(json.dumps(modal[1]))} must be image and sensor, or sensor and image"
        )
    readings = {key: value for key, value in fields.items() if key not in OFFICIAL_KEYS}
    where = f"{text.name} record {number} (topic {topic_id})"
    return Record(where, topic_id, minute_id, direction, image, readings)


def _topic_of(fields: dict[str, Any]) -> str:
    topic_id = fields.get("topic_id")
    return f" (topic {topic_id})" if isinstance(topic_id, str | int) and topic_id != "" else ""


def _topic(text: bytes | bytearray) -> str:
    """Return the topic of an incomplete record, in brackets, or nothing."""
    found = _TOPIC.search(text)
    return f" (topic {found[1].decode(errors='replace').strip(chr(34))})" if found else ""


def _shown(text: bytes) -> str:
    """Return the beginning of a text for a message."""
    return repr(text[:20].decode(errors="replace"))

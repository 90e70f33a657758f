"""What many trainings would all say is said once."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import TextIO

_NUMBER = re.compile(r"[\d.,]*\d")


class _Once(io.TextIOBase):
    """Passes on the first line of each kind; lines that differ in numbers only are of one kind."""

    def __init__(self, target: TextIO, seen: set[str]) -> None:
        self._target, self._seen, self._open = target, seen, ""

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False  # no bars: there is one for all trainings

    def write(self, text: str) -> int:
        *lines, self._open = (self._open + text).split("\n")
        for line in lines:
            kind = _NUMBER.sub("#", line)
            if kind.strip() and kind not in self._seen:
                self._seen.add(kind)
                self._target.write(line + "\n")
                self._target.flush()
        return len(text)


@contextmanager
def saying_once(seen: set[str]) -> Iterator[None]:
    """Let through to stderr what was not said before.

    Args:
        seen: the kinds of lines that were; grows.
    """
    with redirect_stderr(_Once(sys.stderr, seen)):
        yield

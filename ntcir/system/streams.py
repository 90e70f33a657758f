"""Standard streams in any state: closed, full, broken, or in an encoding that cannot hold what is written."""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress
from typing import TextIO

from ntcir.system.errors import escaped
from ntcir.system.files import NO_ROOM

_OUTPUT, _ERROR = 1, 2


def prepare_streams() -> None:
    """Make the standard streams as the commands expect them.

    A closed one is opened: else the next file that is opened would take its number, and what libraries print would end
    up in that file. Standard output becomes one to which nothing can be written, so that a command that has something
    to say fails, and one that has not does not; standard error takes everything and keeps nothing.

    Data is UTF-8, whatever the locale: so are all files that are read and written.
    """
    for number, mode in ((0, os.O_RDONLY), (_OUTPUT, os.O_RDONLY), (_ERROR, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # takes the lowest number that is free: this one
    if sys.stdout is None:
        sys.stdout = open(_OUTPUT, "w", encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    elif isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    elif isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    if sys.stderr is None:
        sys.stderr = open(_ERROR, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115


def write_output(text: str) -> None:
    """Write data to standard output: as it is to a file or a pipe; to a terminal with its control characters escaped.

    A terminal is read by a person, and would obey what an id or a name may hold; a program takes what it is given.
    """
    sys.stdout.write("\n".join(map(_on_screen, text.split("\n"))) if sys.stdout.isatty() else text)


def _on_screen(line: str) -> str:
    return "\t".join(map(escaped, line.split("\t")))


def output_is_closed() -> bool:
    """Return whether what is written to standard output is lost, for work that would end in it."""
    return sys.stdout is None or (sys.stdout is not sys.__stdout__ and sys.__stdout__ is None)


def output_failure(error: OSError) -> str | None:
    """Return a sentence if an error is about writing standard output; what was still to be written is discarded."""
    if error.filename is not None or isinstance(error, BrokenPipeError):
        return None
    if error.errno not in {*NO_ROOM, errno.EBADF} and not _pending(sys.stdout):  # an unbuffered stream holds nothing
        return None
    give_up(sys.stdout, _OUTPUT)
    if error.errno in NO_ROOM:
        return "No space left: standard output is truncated."
    if error.errno == errno.EBADF:
        return "Standard output is closed: nothing could be written to it."
    return f"Standard output cannot be written: {(error.strerror or str(error)).lower()}."


def settle_streams() -> None:
    """Write what is still to be written, and drop what cannot be: that has been reported."""
    for stream, number in ((sys.stdout, _OUTPUT), (sys.stderr, _ERROR)):
        try:
            stream.flush()
        except (OSError, ValueError):
            give_up(stream, number)


def give_up(stream: TextIO, number: int) -> None:
    """Discard what a stream still holds; otherwise Python complains about it once more when it exits."""
    with suppress(OSError, ValueError, AttributeError):
        if stream.fileno() == number:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, number)
            os.close(nowhere)
            stream.flush()


def _pending(stream: TextIO) -> bool:
    """Return whether a stream still holds what it could not write."""
    try:
        stream.flush()
    except OSError:
        return True
    return False

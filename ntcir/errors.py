"""What a user can do wrong, and what we say to it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake that the user can mend; its message is one clear sentence.

    The command line prints the message without a traceback and ends with exit code 2. The message names the thing
    (file, line, key), the value found there, and what would do instead.
    """


class Interrupted(UserError):
    """Ctrl-C or a polite request to stop; what was computed is kept, and the message says how to go on."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the nearest known word, or an empty string if none is near."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""


def some(items: Iterable[object], most: int = 5) -> str:
    """Return the first ``most`` items joined by commas, and how many more there are."""
    listed = [str(item) for item in items]
    rest = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + rest


def short(text: str, most: int = 80) -> str:
    """Return a text for a message: of a long one both ends, of control characters their codes."""
    plain = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
    half = (most - 3) // 2
    return plain if len(plain) <= most else f"{plain[:half]}...{plain[-half:]}"


def cut(text: str, most: int = 80) -> str:
    """Return the beginning of a text that is too long for a sentence."""
    return text if len(text) <= most else f"{text[:most]} ..."


def printable(name: str) -> str:
    """Return a name with what is not UTF-8 in it, as a folder's may be, written out: it can go into any file."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def shown(value: object, most: int = 80) -> str:
    """Return a value as Python writes it, cut where it is long: whoever reads a sentence knows the rest."""
    return cut(repr(value), most)

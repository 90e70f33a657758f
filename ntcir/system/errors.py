"""Errors that a user can fix, and how values are shown in them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


class UserError(Exception):
    """A mistake that the user can fix; its message is one clear sentence.

    The command line prints the message without a traceback and ends with exit code 2. The message names the thing
    (file, line, key), the value found there, and what to do instead.
    """


class Interrupted(UserError):
    """Ctrl-C or SIGTERM; what was computed is kept, and the message says how to continue."""


def reason_of(error: Exception) -> str:
    """Return what somebody else's error says, on one line of at most 200 characters; its kind where it says nothing."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the nearest known word, or an empty string if none is near."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""


def some(items: Iterable[object], most: int = 5) -> str:
    """Return the first ``most`` items joined by commas, long ones shortened, and how many more there are."""
    listed = [short(str(item), 120) for item in items]
    rest = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + rest


def counted(number: int, one: str, several: str) -> str:
    """Return a number and what is counted, in the form that goes with it: ``1 topic gives``, ``2 topics give``."""
    return f"{number:,} {one if number == 1 else several}"


# What a terminal obeys rather than shows (ESC, the C1 controls), what ends a line or reverses the writing direction,
# and halves of characters, which no file can hold. Whatever else is unusual, such as a joiner in an emoji, is text.
_UNSEEN = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def escaped(text: str) -> str:
    """Return a line for people with its control characters spelled out: ``\\x1b`` for ESC, ``\\n`` for a newline.

    Names of files, ids and headers are other people's words; raw, they could clear a terminal, rename its window or
    forge a line. Every message goes through here (``progress.say``, ``verbs.Mistake``), data does not.
    """
    return _UNSEEN.sub(lambda found: repr(found[0])[1:-1], text)


def short(text: str, most: int = 80) -> str:
    """Return a text for a sentence: escaped, and of a long one both ends."""
    plain = escaped(text)
    half = (most - 3) // 2
    return plain if len(plain) <= most else f"{plain[:half]}...{plain[-half:]}"


def shown(value: object, most: int = 80) -> str:
    """Return a value as Python writes it, shortened to fit a sentence."""
    return short(repr(value), most)

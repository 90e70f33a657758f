"""The name of a run, its last column: as typed, or made from the model's folder."""

from __future__ import annotations

import re
from pathlib import Path

from ntcir.formats.columns import LONGEST, is_word
from ntcir.system.errors import UserError
from ntcir.system.progress import say


def run_tag(typed: str | None, folder: Path, option: str = "--tag") -> str:
    """Return the tag of a run: as given, or else the name of the model's folder; a name that is altered is reported.

    Args:
        typed: by the user; None if not.
        folder: the model's.
        option: with which it is typed.

    Raises:
        UserError: if the given one cannot be a tag.
    """
    if typed is not None:
        if not is_word(typed):
            raise UserError(
                f"{option} {typed!r} cannot be a column of a run: use 1 to {LONGEST} bytes without blanks or control "
                "characters."
            )
        return typed
    name = folder.absolute().name
    if name in {"", ".."}:
        name = folder.resolve().name
    tag = next(filter(is_word, (name, _as_text(name))), None) or _fitted(name)
    if tag != name:
        say(f"The run is tagged {tag}: the folder's name, {name!r}, cannot be a tag; choose another with {option}.")
    return tag


def _as_text(name: str) -> str:
    """Return a name with the bytes that are not UTF-8, as a folder's may have, written out."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _fitted(name: str) -> str:
    """Return the nearest name that can be a tag: blanks become hyphens, what is not text goes, the end is cut off."""
    visible = "".join(letter for letter in "-".join(name.split()) if letter.isprintable())
    words = re.sub("-{2,}", "-", visible).encode(errors="ignore")[:LONGEST].decode(errors="ignore")
    return words.strip("-") or "run"

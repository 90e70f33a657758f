"""What pydantic finds wrong with a configuration, as one sentence for a person."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ntcir.config.features import Backbone
from ntcir.config.old_keys import old_names
from ntcir.config.section import Section
from ntcir.config.splits import AutoSplit, DateSplit, FractionSplit, SessionSplit
from ntcir.config.towers import Tower
from ntcir.system.errors import did_you_mean, short, shown

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Location = tuple[int | str, ...]
_SPLITS: dict[Any, type[Section]] = {
    "auto": AutoSplit, "date": DateSplit, "session": SessionSplit, "fraction": FractionSplit
}  # fmt: skip
# What pydantic says of these is about its own classes.
_PLAINLY = {
    "model_type": "expected keys and values", "list_type": "expected a list", "path_type": "expected a path",
    "too_short": "give at least {min_length}",
}  # fmt: skip
_OBJECTIVE = re.compile(r"^objectives\.\d+\.")


def sentence_of(error: ValidationError, origin: str, whole: type[Section], typed: Mapping[str, str]) -> str:
    """Return one sentence for the first thing that is wrong, naming the key, the value and what would do.

    Args:
        error: of a whole configuration.
        origin: the file or setting that it came from.
        whole: what was read, for the keys that there are.
        typed: key of today -> the old spelling in which it was given; ``objective`` stands for any of the objectives.
    """
    first = error.errors()[0]
    place = place_of(first["loc"])
    key = short(".".join(place)) or "the file"
    more = f" ({error.error_count() - 1} more after it)" if error.error_count() > 1 else ""
    if not place:  # what is told of the whole names its keys itself
        return f"{origin}: {complaint(first)}{more}."
    if first["type"] == "objective" and "key" in first["ctx"]:
        key, value = f"{key}.{first['ctx']['key']}", first["ctx"]["value"]
        key = typed.get(_OBJECTIVE.sub("objective.", key), key)
        return f"{origin}: {key} = {shown(value)} is not valid: {complaint(first)}{more}."
    if first["type"] == "extra_forbidden":
        known = _known_keys(whole, first["loc"][:-1])
        words = [*known, *old_names(place[:-1])]
        hint = did_you_mean(short(place[-1]), words) or f"; known here: {', '.join(known)}" * bool(known)
        return f"Unknown key '{key}' in {origin}{hint}{more}."
    key = typed.get(key, key)
    # Of a whole section only the message is worth reading.
    value = "" if isinstance(first["input"], dict) else f" = {shown(first['input'])}"
    return f"{origin}: {key}{value} is not valid: {complaint(first)}{more}."


def complaint(error: ErrorDetails) -> str:
    """Return the text of one of pydantic's errors, in lower case; words that YAML misread are named."""
    if error["type"] in _PLAINLY:
        return _PLAINLY[error["type"]].format(**error.get("ctx", {}))
    message = short(error["msg"].removeprefix("Value error, "), 300)
    words = f"{message[0].lower()}{message[1:]}"
    if error["type"] == "string_type" and isinstance(error["input"], bool | int | float | dt.date):
        words += " (YAML reads words such as no, 010, 12:30 or 2020-01-01 as something else: put it in quotes)"
    return words


def place_of(location: Location) -> list[str]:
    """Return the keys of the file that lead to where an error is: the kind of split, which pydantic adds, is none."""
    return [str(part) for at, part in enumerate(location) if not (at == 2 and location[:2] == ("data", "split"))]


def _known_keys(whole: type[Section], location: Location) -> list[str]:
    """Return the keys a section has, or none where it is not a plain section."""
    section: Any = whole
    if location[:1] == ("towers",) and len(location) > 1:
        return list(Tower.model_fields)
    for at, part in enumerate(location):
        if at == 2 and location[:2] == ("data", "split"):
            section = _SPLITS.get(part)
        elif location[at - 1 : at] == ("backbones",):
            section = Backbone
        else:
            field = getattr(section, "model_fields", {}).get(part)
            section = field.annotation if field else None
    return list(getattr(section, "model_fields", {}))

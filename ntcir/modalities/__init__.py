"""The modalities, and the directions between two of them. Nothing here imports torch or pandas.

A new modality is a module with a ``Modality`` and an entry in ``_MODALITIES``. One that lies outside this package is
added by ``register`` before a configuration is read. How its items become rows is an encoder's business
(``ntcir.encoders``), and where they come from a corpus layout's (``ntcir.corpora``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

from ntcir.modalities.image import IMAGE
from ntcir.modalities.modality import Direction, Modality, Query
from ntcir.modalities.sensor import SENSOR
from ntcir.modalities.text import TEXT
from ntcir.system.errors import UserError, did_you_mean

__all__ = [
    "DEFAULT_PAIR",
    "Direction",
    "Modality",
    "Query",
    "all_directions",
    "both_ways",
    "direction",
    "directions",
    "modality",
    "pictured",
    "register",
]

_MODALITIES: dict[str, Modality] = {each.name: each for each in (IMAGE, SENSOR, TEXT)}
DEFAULT_PAIR = (IMAGE.name, SENSOR.name)


def register(new: Modality) -> None:
    """Add a modality that is defined elsewhere.

    Raises:
        ValueError: if another one has its name or its code.
    """
    for other in _MODALITIES.values():
        if other is not new and (other.name == new.name or other.code == new.code):
            raise ValueError(f"the modality {new.name} ({new.code}) has the name or the code of another")
    _MODALITIES[new.name] = new


def modality(name: str) -> Modality:
    """Return the modality of that name.

    Raises:
        UserError: if there is none.
    """
    if name not in _MODALITIES:
        hint = did_you_mean(name, _MODALITIES)
        raise UserError(f"There is no modality '{name}'{hint}; there are: {', '.join(_MODALITIES)}.")
    return _MODALITIES[name]


def pictured(pair: Sequence[str]) -> Modality | None:
    """Return the first of a pair's modalities, by name, whose items are pictures; None if there is none.

    Raises:
        UserError: if there is no such modality.
    """
    return next((each for each in map(modality, pair) if each.pictured), None)


def directions(pair: Sequence[str]) -> tuple[Direction, Direction]:
    """Return the directions between two modalities, by name: left asks for right, right asks for left.

    Raises:
        UserError: if there is no such modality.
    """
    left, right = (modality(name) for name in pair)
    return Direction(left, right), Direction(right, left)


def all_directions() -> dict[str, Direction]:
    """Return every direction by its name, the two of a pair one after the other, in the order of the modalities."""
    pairs = combinations(_MODALITIES, 2)
    return {each.name: each for pair in pairs for each in directions(pair)}


def direction(name: str) -> Direction:
    """Return the direction of that name, such as ``img2sen``.

    Raises:
        UserError: if there is none.
    """
    known = all_directions()
    if name not in known:
        raise UserError(f"There is no direction '{name}'{did_you_mean(name, known)}; there are: {', '.join(known)}.")
    return known[name]


def both_ways(found: Iterable[str]) -> tuple[str, ...]:
    """Return by what directions figures are given: both of each pair of which one is found.

    Args:
        found: names, such as the keys of a log; what is no direction's is ignored.

    Returns:
        names in the order of ``all_directions``; those of the default pair if no direction is found.
    """
    known = all_directions()
    pairs = {frozenset(known[name]) for name in found if name in known} or {frozenset(directions(DEFAULT_PAIR)[0])}
    return tuple(name for name, each in known.items() if frozenset(each) in pairs)

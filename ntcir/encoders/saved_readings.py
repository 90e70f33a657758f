"""Whether the saved statistics of an encoder of readings fit one another: a damaged file must not encode quietly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ntcir.encoders.number_encodings import NUMBER_ENCODINGS
from ntcir.encoders.presets import Columns
from ntcir.system.errors import shown
from ntcir.system.plain_json import is_finite_number

_STATISTICS = ("shares", "vocabularies", "origin", "mean", "deviation", "indicators")
_CHOSEN = ("numeric", "categorical", "cyclic", "location", "categories")
_NUMBERS = "numbers"  # is left out where numbers are raw, as they all were before there was anything else


def columns_to_json(columns: Columns) -> dict[str, Any]:
    """Return what ``columns_from_json`` makes the columns of again."""
    numbers = {} if columns.encodings == ("raw",) else {_NUMBERS: list(columns.encodings)}
    return {
        "numeric": list(columns.numeric),
        "categorical": list(columns.categorical),
        "cyclic": dict(columns.cyclic),
        "location": list(columns.location) if columns.location else None,
        "categories": columns.categories,
        **numbers,
    }


def columns_from_json(tree: Mapping[str, Any]) -> Columns:
    """Return the columns of a tree that ``check_saved`` has accepted."""
    return Columns(
        numeric=tuple(tree["numeric"]),
        categorical=tuple(tree["categorical"]),
        cyclic=dict(tree["cyclic"]),
        location=tuple(tree["location"]) if tree["location"] else None,
        categories=tree["categories"],
        encodings=tuple(tree.get(_NUMBERS, ["raw"])),
    )


def check_saved(tree: Mapping[str, Any]) -> None:
    """Check what ``ReadingsEncoder.to_json`` returned, once it was in a file.

    Raises:
        ValueError: if something is not there, not of its kind or not as long as the columns are many.
    """
    columns, statistics = (_section(tree, name) for name in ("columns", "statistics"))
    for section, keys in (("columns", _CHOSEN), ("statistics", _STATISTICS)):
        for key in keys:
            if key not in tree[section]:
                raise ValueError(f"it has no '{key}' among its {section}")
    for key in ("numeric", "categorical"):
        _names(columns[key], key)
    _numbers(columns["cyclic"], "cyclic", least=0)
    if columns["location"] is not None and len(_names(columns["location"], "location")) != 2:
        raise _wrong("location", columns["location"], "two columns")
    if columns["categories"] not in {"frequency", "embedding"}:
        raise _wrong("categories", columns["categories"], "frequency or embedding")
    numbers = _names(columns.get(_NUMBERS, ["raw"]), _NUMBERS)
    if not numbers or not set(numbers) <= set(NUMBER_ENCODINGS):
        raise _wrong(_NUMBERS, numbers, f"one or more of {', '.join(NUMBER_ENCODINGS)}")
    _check_statistics(columns, statistics)


def _check_statistics(columns: Mapping[str, Any], statistics: Mapping[str, Any]) -> None:
    embedded = columns["categories"] == "embedding"
    standardised = [*columns["numeric"], *(() if embedded else columns["categorical"])]
    for key in ("mean", "deviation"):
        values = statistics[key]
        if not isinstance(values, list) or not all(map(is_finite_number, values)):
            raise _wrong(key, values, "a list of numbers")
        if len(values) != len(standardised):
            raise ValueError(f"it has {len(values)} values of '{key}' for {len(standardised)} columns")
    if min(statistics["deviation"], default=0) < 0:
        raise _wrong("deviation", min(statistics["deviation"]), "0 or more")
    for key, wanted in (("shares", True), ("vocabularies", embedded)):
        found = statistics[key]
        if not isinstance(found, dict):
            raise _wrong(key, found, "columns and their categories")
        if (wanted and list(found) != list(columns["categorical"])) or (not wanted and found):
            raise ValueError(f"it has '{key}' of other columns than its categorical ones")
    for column, shares in statistics["shares"].items():
        _numbers(shares, f"shares of {column}", least=0)
    for column, words in statistics["vocabularies"].items():
        _names(words, f"vocabularies of {column}")
    if unknown := set(_names(statistics["indicators"], "indicators")) - set(standardised):
        raise _wrong("indicators", min(unknown), "one of the columns")
    origin = statistics["origin"]
    if columns["location"] is not None and not (
        isinstance(origin, list) and len(origin) == 2 and all(map(is_finite_number, origin))
    ):
        raise _wrong("origin", origin, "a latitude and a longitude")


def _section(tree: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = tree.get(name)
    if not isinstance(found, dict):
        raise ValueError(f"it has no section '{name}'")
    return found


def _names(value: Any, key: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise _wrong(key, value, "a list of texts")
    if len(set(value)) < len(value):
        raise _wrong(key, value, "each name once")
    return value


def _numbers(value: Any, key: str, least: float) -> None:
    if not isinstance(value, dict) or not all(is_finite_number(each) and each >= least for each in value.values()):
        raise _wrong(key, value, f"names and numbers of {least:g} or more")


def _wrong(key: str, value: Any, wanted: str) -> ValueError:
    return ValueError(f"it has '{key}' = {shown(value)} where {wanted} must be")

"""Sensor readings: column -> number, text or null, written as a JSON object."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from typing import Any

from ntcir.modalities.modality import Modality, is_json_object
from ntcir.system.json_keys import each_once

Readings = dict[str, Any]


def _parse(text: str) -> Readings:
    if len(text) > 1 and text[0] == text[-1] == '"':  # as a spreadsheet quotes it
        text = text[1:-1].replace('""', '"')
    try:
        query = json.loads(text, object_pairs_hook=each_once)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the query is not a JSON object ({error})") from error
    if not isinstance(query, dict):  # quoted twice
        raise ValueError("the query is not a JSON object")
    if not query:
        raise ValueError("the query has no reading")
    return {column: _reading(column, value) for column, value in query.items()}


def _reading(column: str, value: Any) -> int | float | str | None:
    """Return a reading as it is; NaN, which JSON does not have and Python writes all the same, is missing like null."""
    if not (value is None or isinstance(value, int | float | str)):
        raise ValueError(f"the reading '{column}' must be a number, a text or null")
    if isinstance(value, int | float):
        if value != value:  # NaN alone differs from itself
            return None
        if abs(value) > sys.float_info.max:
            raise ValueError(f"the reading '{column}' must be a finite number below 1.8e308")
    return value


def _write(query: Readings) -> str:
    return json.dumps(query, ensure_ascii=False)


def _ask(item: str, row: Mapping[str, Any]) -> Readings:
    return {str(column): _plain(value) for column, value in row.items() if not _is_missing(value)}


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _plain(value: Any) -> float | int | str:
    """Return what JSON can hold; a whole number stays one."""
    if isinstance(value, str):
        return value
    number = float(value)
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


SENSOR = Modality(
    name="sensor",
    code="sen",
    noun="reading",
    plural="readings",
    parse=_parse,
    write=_write,
    ask=_ask,
    takes=is_json_object,
    encoders=("readings", "vectors"),
    tower={"layers": 2, "standardise": False},
)

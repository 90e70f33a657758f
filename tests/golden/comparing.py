"""How the golden tests compare what they find with what was recorded."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]


def differences(found: Any, expected: Any, tolerance: float, place: str = "", scale: float = 1.0) -> list[str]:
    """Return where two trees differ: numbers with a point by more than ``tolerance``, all else at all.

    In a list of numbers, the tolerance is in proportion to the largest of them.
    """
    if type(expected) is float and type(found) is float:
        off = abs(found - expected) / scale
        return [] if off <= tolerance else [f"{place}: {found:.7g} is not {expected:.7g} (off by {off:.2g})"]
    if isinstance(expected, Mapping) and isinstance(found, Mapping) and list(found) == list(expected):
        pairs = {str(key): (found[key], expected[key]) for key in expected}
    elif isinstance(expected, list) and isinstance(found, list) and len(found) == len(expected):
        pairs = {str(at): pair for at, pair in enumerate(zip(found, expected, strict=True))}
        if all(isinstance(each, int | float) for each in expected):
            scale = max((abs(each) for each in expected if isinstance(each, float)), default=0.0) or 1.0
    else:
        return [] if found == expected and type(found) is type(expected) else [f"{place}: {found} is not {expected}"]
    return [each for key, pair in pairs.items() for each in differences(*pair, tolerance, f"{place}/{key}", scale)]


def run_differences(found: Json, expected: Json, tolerance: float) -> list[str]:
    """Return where two runs differ; two documents change places only where their scores are as good as equal."""
    if found["tags"] != expected["tags"] or list(found["topics"]) != list(expected["topics"]):
        return [f"tags and topics: {found['tags']} {list(found['topics'])} are others"]
    result = []
    for topic, ranked in found["topics"].items():
        scores = dict(expected["topics"][topic])
        wanted = [scores.get(document, float("nan")) for document, _ in ranked]
        result += differences([score for _, score in ranked], wanted, tolerance, topic)
        close = all(one >= other - 2 * tolerance for one, other in itertools.pairwise(wanted))
        if not close or len(ranked) != len(scores):
            result.append(f"{topic}: {[document for document, _ in ranked]} is not the order of {list(scores)}")
    return result

"""Names of measures, parsed by ir_measures, and their parameters, checked before any of them reaches C code."""

from __future__ import annotations

import math
import re
from typing import Any

from ntcir.system.errors import UserError, did_you_mean

# What is accepted of each parameter: the least, the most, and how to say so.
_RANGES = {
    "cutoff": (1, 2**31 - 1, "a whole number from 1 to 2147483647"),
    "rel": (1, 2**31 - 1, "a whole number from 1 to 2147483647"),
    "recall": (0.0, 1.0, "a number from 0 to 1"),
    "p": (0.0, 1.0, "a number from 0 to 1"),
    "beta": (0.0, 1e6, "a number from 0 to 1000000"),
}
_MOST_GAIN = 1_000_000


def parse_measures(names: str) -> dict[str, Any]:
    """Return measures by the names they were asked for with: ``RR@10 nDCG@10, P(rel=2)@5``.

    Raises:
        UserError: if none is named, or one is unknown, not understood, or has a parameter that is out of range.
    """
    wanted = {}
    for name in re.findall(r"(?:\([^()]*\)|[^\s,()])+", names):  # a comma or space within parentheses separates nothing
        wanted[name] = _parse(name)
    if not wanted:
        raise UserError("No measure is given: use names of ir_measures, such as 'RR@10 nDCG@10'.")
    return wanted


def _parse(name: str) -> Any:
    import ir_measures

    try:
        measure: Any = ir_measures.parse_measure(name)
        params = {key: _checked(measure, name, key, value) for key, value in measure.params.items()}
        measure = type(measure)(**params)
        measure.validate_params()
    except UserError:
        raise
    except NameError:
        known = sorted(set(ir_measures.measures.registry), key=str.lower)
        asked = name.split("@")[0].split("(")[0]
        same = [other for other in known if other.lower() == asked.lower()]  # trec_eval's are in small letters
        hint = did_you_mean(same[0] if same else asked, known)
        usual = "AP, RR@10, nDCG@10, P@5, R@10, Success@1"
        raise UserError(f"Unknown measure '{name}'{hint}: ir_measures knows {usual} and others.") from None
    except Exception as error:  # AssertionError, KeyError, ValueError ... for what it does not understand
        raise UserError(f"Measure '{name}' is not understood: use a form like nDCG@10 or P(rel=2)@5.") from error
    return measure


def _checked(measure: Any, name: str, key: str, value: Any) -> Any:
    """Return a parameter as the measure takes it; a whole number is accepted for any number."""
    if key not in measure.SUPPORTED_PARAMS:
        accepted = ", ".join(measure.SUPPORTED_PARAMS) or "none"
        raise UserError(f"Measure '{name}' has no parameter '{key}'; it accepts {accepted}.")
    if key == "gains":
        return _checked_gains(name, value)
    if key not in _RANGES:
        return value
    least, most, said = _RANGES[key]
    if measure.SUPPORTED_PARAMS[key].dtype is float and type(value) is int:
        value = float(value) if abs(value) < 2**53 else math.inf
    # Not isinstance: True is an int, and "P@True" would reach trec_eval as a cut-off of 0.
    if type(value) is not type(least) or not least <= value <= most:
        raise UserError(f"Measure '{name}': {key} must be {said}, not {value!r}.")
    return value


def _checked_gains(name: str, gains: Any) -> dict[int, int]:
    whole = isinstance(gains, dict) and all(type(part) is int for item in gains.items() for part in item)
    if not whole or not all(0 <= gain <= _MOST_GAIN for gain in gains.values()):
        example = "{1: 1, 2: 3}"
        raise UserError(f"Measure '{name}': gains must map grades to whole numbers from 0 to {_MOST_GAIN}: {example}.")
    return dict(gains)

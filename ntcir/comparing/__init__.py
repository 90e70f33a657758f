"""Runs beside each other: on the same topics, by the same measures, with what their differences are worth."""

from ntcir.comparing.comparison import Comparison, Difference, Differing, Value
from ntcir.comparing.runs import compare

__all__ = ["Comparison", "Difference", "Differing", "Value", "compare"]

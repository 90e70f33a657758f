"""Looking for good values of some keys on the validation split, a training at a time."""

from __future__ import annotations

from ntcir.tuning.run import run_tuning
from ntcir.tuning.trials import Trial, Tuned

__all__ = ["Trial", "Tuned", "run_tuning"]

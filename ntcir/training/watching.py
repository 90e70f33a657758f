"""What goes wrong silently during a training, reported once each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ntcir.config import Config
from ntcir.sampling.negatives import ABOVE_CEILING, WITHIN_ABSOLUTE, WITHIN_RELATIVE, MiningReport
from ntcir.sampling.negatives_by_objects import SAME_OBJECTS
from ntcir.sampling.relations import NEAR, reasons
from ntcir.system.errors import UserError
from ntcir.system.progress import say

_STEPS = 25  # without any loss, until that is reported
# Why candidates are refused -> the key, and what to do with it.
_KEYS = {
    NEAR: "lower training.near_seconds",
    ABOVE_CEILING: "raise negatives.max_score",
    WITHIN_ABSOLUTE: "lower negatives.absolute_margin",
    WITHIN_RELATIVE: "lower negatives.relative_margin",
    SAME_OBJECTS: "raise negatives.max_overlap",
}


def nothing_mined(report: MiningReport, by: str, pair: Sequence[str]) -> str | None:
    """Return what to say of mining that kept nothing, and None of any other.

    Args:
        report: what came of it.
        by: ``the model`` or ``objects``.
        pair: the modalities on the left and on the right.
    """
    if report.kept:
        return None
    refused = {reason: count for reason, count in report.refused.items() if count}
    start = f"WARNING: mining by {by} kept no hard negative for {report.pairs:,} {report.of}"
    if not refused:
        key = "negatives.range_min" if by == "the model" else "positives.least"
        return f"{start}, because there was no candidate: lower {key}."
    worst = max(refused, key=lambda reason: refused[reason])
    listed = ", ".join(f"{count:,} {reason}" for reason, count in refused.items())
    keys = {**_KEYS, **dict.fromkeys(reasons(pair).masked, "set training.mask_equal_readings to false")}
    advice = keys.get(worst, "raise negatives.range_max")
    return f"{start}; candidates refused: {listed}; {advice}."


class Diverged(UserError):
    """A loss or a vector is not finite: the weights are of no use."""


def require_finite(vectors: np.ndarray, config: Config) -> None:
    """Check that vectors of a model under training are finite.

    Args:
        vectors: float32 [items, dim].
        config: of the training.

    Raises:
        Diverged: if one is not; the sentence says which settings help.
    """
    if not np.isfinite(vectors).all():
        raise Diverged(f"The training has diverged (NaN): {config.remedies()}.")


class Watch:
    """Notices what a training does in vain.

    Args:
        config: resolved.
    """

    def __init__(self, config: Config) -> None:
        self._pair = config.pair
        self._remedies = config.objective_remedies(at_zero=True)
        self._said: set[str] = set()
        self._in_vain = 0

    def loss(self, loss: float) -> None:
        """Take note of the loss of a step."""
        self._in_vain = self._in_vain + 1 if loss == 0 else 0
        if self._in_vain == _STEPS:
            self._say(
                "loss",
                f"WARNING: the loss has been 0 for {_STEPS} steps, so nothing is learnt: "
                f"{' or '.join([*self._remedies, 'see which negatives are left'])}.",
            )

    def mined(self, reports: Iterable[MiningReport]) -> None:
        """Take note of what the model mined."""
        for report in reports:
            sentence = nothing_mined(report, "the model", self._pair)
            if sentence:
                self._say(report.of, sentence)

    def _say(self, kind: str, sentence: str) -> None:
        if kind not in self._said:
            self._said.add(kind)
            say(sentence)

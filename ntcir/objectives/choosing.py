"""Rules that choose how strongly each side is regularised."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ntcir.objectives.cross_validation import GREATEST, LEAST, best_strength, three_digits
from ntcir.objectives.decompositions import Regularised
from ntcir.objectives.linear_maps import LinearMaps, Problem
from ntcir.objectives.second_moments import PairMoments
from ntcir.system.errors import UserError
from ntcir.system.progress import progress, say

_KEY = "objectives.0.regularisation"
_SIDES = ("left", "right")
_TINY = 1e-8  # added where the configuration has so little that columns which depend on each other cannot be told apart
# Tried by validation, those near 1 first: of several that are equally good, the first is taken.
_MULTIPLES = (1.0, 10**0.5, 10**-0.5, 10.0, 0.1, 10**1.5, 10**-1.5, 100.0, 0.01)

NO_SPLIT = (
    f"{_KEY} = validation needs a validation split of two pairs or more, and there is none: give {_KEY}=gcv or a "
    "number, or split the corpus (data.split)."
)

Solver = Callable[[PairMoments, int, tuple[float, float]], LinearMaps]


@dataclass(frozen=True)
class Chosen:
    """Strengths.

    Attributes:
        strengths: of the left and of the right side; 0 of a side where it does not matter.
        used: whether the strength of a side matters.
        rule: what chose them; None where the configuration has them.
        mrr: on the validation split, if that chose them.
        remarks: full sentences for the user, each to follow the objective's kind.
    """

    strengths: tuple[float, float]
    used: tuple[bool, bool]
    rule: str | None = None
    mrr: float | None = None
    remarks: tuple[str, ...] = ()

    @property
    def by_side(self) -> dict[str, float]:
        """The strengths that matter."""
        return {side: r for side, r, matters in zip(_SIDES, self.strengths, self.used, strict=True) if matters}

    @property
    def facts(self) -> dict[str, Any]:
        """What the model's card says."""
        found: dict[str, Any] = dict(self.by_side)
        if self.rule is not None:
            found["chosen_by"] = self.rule
        if self.mrr is not None:
            found["validation_mrr"] = self.mrr
        return {"regularisation": found}

    def tell(self, kind: str) -> None:
        """Tell the user what was chosen."""
        if self.rule is not None:
            numbers = " and ".join(f"{r:g} ({side})" for side, r in self.by_side.items())
            measured = "" if self.mrr is None else f" with a mean MRR of {self.mrr:.4f}"
            say(f"{kind}: regularised by {numbers} times the mean eigenvalue, chosen by {self.rule}{measured}.")
        say(*(f"WARNING: {kind}: {remark}" for remark in self.remarks))


def by_gcv(problem: Problem, used: tuple[bool, bool]) -> Chosen:
    """Choose by generalised cross-validation of the ridge regression of the other side on each."""
    moments = problem.means() if problem.means else problem.moments
    strengths = (
        best_strength(moments) if used[0] else 0.0,
        best_strength(moments.mirrored) if used[1] else 0.0,
    )
    return Chosen(strengths, used, "gcv", remarks=tuple(_at_the_ends(strengths, used)))


def _at_the_ends(strengths: tuple[float, float], used: tuple[bool, bool]) -> Iterator[str]:
    """Yield what is to be said of strengths beyond which none was tried."""
    for side, other, r, matters in zip(_SIDES, reversed(_SIDES), strengths, used, strict=True):
        if matters and r == LEAST:
            yield (
                f"gcv tries nothing weaker than {LEAST:g}, which it chose for the {side} side: compare smaller numbers "
                f"in {_KEY}."
            )
        if matters and r == GREATEST:
            yield (
                f"gcv tries nothing stronger than {GREATEST:g}, which it chose for the {side} side: its rows say "
                f"little about the {other} side's."
            )


def by_validation(problem: Problem, used: tuple[bool, bool], solver: Solver) -> Chosen:
    """Choose the multiple of what generalised cross-validation chooses that has the best MRR on the validation split.

    Raises:
        UserError: if there is no validation split.
    """
    if problem.judge is None:
        raise UserError(NO_SPLIT)
    start = by_gcv(problem, used)
    tried: dict[float, tuple[float, tuple[float, float]]] = {}
    with progress("Choosing by validation", len(_MULTIPLES)) as advance:
        for multiple in _MULTIPLES:
            left, right = (three_digits(multiple * r) for r in start.strengths)
            maps = solver(problem.moments, problem.dim, (left, right))
            tried[multiple] = problem.judge(maps), (left, right)
            advance(1)
    best = max(tried, key=lambda multiple: tried[multiple][0])
    mrr, strengths = tried[best]
    remarks = []
    if best in (min(_MULTIPLES), max(_MULTIPLES)):
        how = "weakest" if best < 1 else "strongest"
        remarks = [f"that is the {how} regularisation that validation tried: compare numbers in {_KEY}."]
    return Chosen(strengths, used, "validation", mrr, tuple(remarks))


def as_given(problem: Problem, used: tuple[bool, bool], strengths: tuple[float, float]) -> Chosen:
    """Return the configuration's own strengths; a side that is singular with its own gets a little more.

    Raises:
        UserError: if a side is singular because it has as many columns as there are instances, or more.
    """
    moments = problem.moments
    found, remarks = list(strengths), []
    for place, (side, matrix) in enumerate(zip(_SIDES, (moments.left, moments.right), strict=True)):
        if not used[place]:
            found[place] = 0.0
        elif Regularised(matrix, strengths[place]).singular:
            _require_more_instances_than_columns(problem, side, len(matrix), strengths[place])
            found[place] = _TINY
            remarks.append(
                f"some columns of the {side} side are constant or depend on others, so it is regularised by "
                f"{_TINY:g} instead of {strengths[place]:g} times the mean eigenvalue."
            )
    return Chosen((found[0], found[1]), used, remarks=tuple(remarks))


def _require_more_instances_than_columns(problem: Problem, side: str, columns: int, strength: float) -> None:
    instances = problem.means().count if problem.means else problem.moments.count
    if instances <= columns:
        raise UserError(
            f"{_KEY} = {strength:g} is not enough: the {side} side has {columns:,} columns, and the training pairs "
            f"show only {instances:,} instances to tell them apart; give {_KEY}=gcv or a larger number."
        )

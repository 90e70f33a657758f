"""How strongly computed maps are regularised: as strongly as the configuration says, or as a rule chooses."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import field_validator

from ntcir.config import Solved
from ntcir.system.errors import UserError

if TYPE_CHECKING:
    from ntcir.objectives.linear_maps import LinearMaps, Problem
    from ntcir.objectives.second_moments import PairMoments

Strengths = tuple[float, float]  # of the left and of the right side, in mean eigenvalues of its second moments
RULES = ("gcv", "validation")
MOST = 1e6  # more changes no map, but for its rounding


class RegularisedMaps(Solved):
    """What is solved from second moments to which r times their mean eigenvalue is added, on each side.

    Attributes:
        regularisation: r of both sides; or of the left and of the right one; or the rule that chooses them. ``gcv`` is
            generalised cross-validation of the ridge regression of the other side on this one. ``validation`` tries
            multiples of what that chooses, and takes the one with the best MRR on the validation split. To regularise
            both sides of another method, such as canonical correlation analysis, as strongly as the two regressions
            is this project's choice.
    """

    regularisation: float | tuple[float, float] | Literal["gcv", "validation"] = "gcv"

    @field_validator("regularisation", mode="before")
    @classmethod
    def _rule_or_numbers(cls, value: Any) -> Any:
        if value in RULES:
            return value
        numbers = value if isinstance(value, list | tuple) and len(value) == 2 else [value]
        found = tuple(_strength(each) for each in numbers)
        if any(each is None for each in found):
            raise ValueError(
                f"give {', '.join(RULES)}, a number from 0 to {MOST:,.0f}, or two such numbers, for the left and the "
                "right side"
            )
        return found if len(found) > 1 else found[0]

    @property
    def judged(self) -> bool:
        """Whether the validation split chooses the strengths."""
        return self.regularisation == "validation"

    @property
    @abstractmethod
    def regularised(self) -> tuple[bool, bool]:
        """Whether the strength of the left side matters, and that of the right side."""

    @abstractmethod
    def solved_with(self, moments: PairMoments, dim: int, strengths: Strengths) -> LinearMaps:
        """Return the maps for given strengths.

        Args:
            moments: of the training pairs.
            dim: dimensions of the shared space that are asked for; there may be fewer.
            strengths: with which the moments are not singular.
        """

    def solve(self, problem: Problem) -> LinearMaps:
        """Return the maps; their facts say how strongly they are regularised, and what chose that.

        Raises:
            UserError: if nothing can be solved, or what is to choose the strengths is not there.
        """
        from ntcir.objectives import choosing

        if not np.any(problem.moments.across):
            raise UserError("The two sides of the training pairs have nothing in common from which to compute a map.")
        if self.regularisation == "gcv":
            chosen = choosing.by_gcv(problem, self.regularised)
        elif self.regularisation == "validation":
            chosen = choosing.by_validation(problem, self.regularised, self.solved_with)
        else:
            given = self.regularisation
            strengths = given if isinstance(given, tuple) else (given, given)
            chosen = choosing.as_given(problem, self.regularised, strengths)
        chosen.tell(self.kind)
        maps = self.solved_with(problem.moments, problem.dim, chosen.strengths)
        return replace(maps, facts={**chosen.facts, **maps.facts})


def _strength(value: Any) -> float | None:
    """Return a strength; None where the value is not one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if 0 <= number <= MOST else None

"""What an objective that is solved gets, a problem, and what it gives, a linear map a side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ntcir.objectives.second_moments import PairMoments


@dataclass(frozen=True)
class LinearMaps:
    """Where rows go: x to the unit vector of A (x - mean of the left rows), y likewise by B.

    Attributes:
        left: A, float64 [k, p].
        right: B, float64 [k, q].
        facts: what was chosen or found, by name, for people and the model's card; plain values.
    """

    left: np.ndarray
    right: np.ndarray
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def mirrored(self) -> LinearMaps:
        """The same with left and right exchanged."""
        return LinearMaps(self.right, self.left, self.facts)


@dataclass(frozen=True)
class Problem:
    """What an objective solves.

    Attributes:
        moments: of all training pairs.
        dim: dimensions of the shared space that are asked for; maps may have fewer, where there are no more.
        judge: measures maps on the validation split, the mean MRR of both directions; None where there is none.
        means: returns the moments of the instances' means, which are independent of each other; None where those of
            the pairs are the same.
    """

    moments: PairMoments
    dim: int
    judge: Callable[[LinearMaps], float] | None = None
    means: Callable[[], PairMoments] | None = None

    @property
    def mirrored(self) -> Problem:
        """The same with left and right exchanged."""
        judge, means = self.judge, self.means
        return Problem(
            self.moments.mirrored,
            self.dim,
            None if judge is None else (lambda maps: judge(maps.mirrored)),
            None if means is None else (lambda: means().mirrored),
        )

"""Decompositions that computed maps are made of: of regularised second moments, and of what is between two sides.

The strength of a regularisation is in units of the mean eigenvalue of the moments, so that it means the same whatever
the scale and the width of the rows: with 1, as much is added as there is of variance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ntcir.system.errors import UserError

if TYPE_CHECKING:
    import torch

_PIVOT = 1e-13  # of a matrix that is singular up to rounding, in mean eigenvalues


class Regularised:
    """C + r m I, decomposed (Cholesky): C are second moments of a side, m is their mean eigenvalue.

    Args:
        moments: C, float64 [p, p], positive semidefinite.
        strength: r, 0 or more.

    Attributes:
        added: r m.
        singular: whether C + r m I is, up to rounding; then nothing can be solved.

    Raises:
        UserError: if C is zero.
    """

    def __init__(self, moments: np.ndarray, strength: float) -> None:
        import torch

        mean = float(np.trace(moments)) / len(moments)
        if not mean > 0:
            raise UserError(
                "All rows on one side of the training pairs are the same, so nothing can be computed from them."
            )
        self.added = strength * mean
        matrix = torch.from_numpy(np.array(moments, dtype=np.float64))
        matrix.diagonal().add_(self.added)
        self._factor, failed = torch.linalg.cholesky_ex(matrix)
        self.singular = bool(failed) or float(self._factor.diagonal().min()) ** 2 < _PIVOT * mean

    def solve(self, columns: np.ndarray) -> np.ndarray:
        """Return (C + r m I)^-1 B for B = ``columns``, float64 [p, n]."""
        import torch

        found: np.ndarray = torch.cholesky_solve(_tensor(columns), self._factor).numpy()
        return found

    def whitened(self, columns: np.ndarray) -> np.ndarray:
        """Return L^-1 B for B = ``columns``, float64 [p, n], where L L' = C + r m I."""
        import torch

        found: np.ndarray = torch.linalg.solve_triangular(self._factor, _tensor(columns), upper=False).numpy()
        return found

    def unwhitened(self, columns: np.ndarray) -> np.ndarray:
        """Return L'^-1 B for B = ``columns``, float64 [p, n], where L L' = C + r m I."""
        import torch

        found: np.ndarray = torch.linalg.solve_triangular(self._factor.mT, _tensor(columns), upper=True).numpy()
        return found


def _tensor(columns: np.ndarray) -> torch.Tensor:
    import torch

    return torch.from_numpy(np.ascontiguousarray(columns, dtype=np.float64))

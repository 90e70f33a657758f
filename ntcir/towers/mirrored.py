"""A picture and its mirror image as two views of one item."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from ntcir.towers.views import Views


class Mirrored(Views):
    """Rows of two halves, the features of a picture and those of its mirror image.

    Where features are of cells, those of the mirror image are in the order of its own cells, from left to right as a
    network sees them.

    Args:
        width: of a half.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self._width = width

    def drawn(self, rows: torch.Tensor) -> torch.Tensor:
        """Return a half of each row, either as likely, float32 [batch, width].

        Args:
            rows: float32 [batch, 2 * width]; or [batch, width] of networks that are trained along: their pictures were
                mirrored at random before they were encoded, and these rows stay as they are.
        """
        if rows.shape[1] == self._width:
            return rows
        first = self.shares(len(rows))[:, None] < 0.5
        return torch.where(first, rows[:, : self._width], rows[:, self._width :])

    def every(self, rows: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield the first halves, then the second ones, float32 [batch, width], and whose each is.

        Args:
            rows: float32 [batch, 2 * width].
        """
        owners = torch.arange(len(rows))
        yield rows[:, : self._width], owners
        yield rows[:, self._width :], owners

    def apart(self, rows: np.ndarray) -> np.ndarray:
        """Return both halves of each row as rows, float32 [2 * batch, width]."""
        return rows.reshape(-1, self._width)

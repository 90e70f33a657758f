"""Several views of an item, such as a picture and its mirror image: one is drawn in training, all count when asked."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

import numpy as np
import torch

from ntcir.towers.whole_batch import PartOfBatch


class Views(PartOfBatch):
    """What knows the views of items, given their rows. It has no weights."""

    @abstractmethod
    def drawn(self, rows: torch.Tensor) -> torch.Tensor:
        """Return one view of each item, drawn at random for the whole batch: float32 [batch, width].

        Args:
            rows: of the items, float32 [batch, columns].
        """

    @abstractmethod
    def every(self, rows: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield all views, some at a time: float32 [any, width], and whose each is, int64 [any], a row of the batch.

        Args:
            rows: of the items, float32 [batch, columns].
        """

    def apart(self, rows: np.ndarray) -> np.ndarray:
        """Return rows that statistics are taken of, float32 [any, width]: by default, the rows as they are."""
        return rows

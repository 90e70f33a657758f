"""Several views of an item, such as a picture and its mirror image: one is drawn in training, all count when asked."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator

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

        Something is yielded in any case: of no items, no views.

        Args:
            rows: of the items, float32 [batch, columns].
        """

    def summed(
        self, rows: torch.Tensor, encode: Callable[[torch.Tensor], torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the sum over all views of each item, float [batch, dim], and how many these are, float32 [batch, 1].

        Args:
            rows: of the items, float32 [batch, columns].
            encode: maps views, float32 [any, width], to float [any, dim], each by itself.
        """
        totals: torch.Tensor | None = None
        counts = torch.zeros(len(rows), 1)
        for some, owners in self.every(rows):
            found = encode(some)
            if totals is None:
                totals = found.new_zeros(len(rows), found.shape[1])
            totals.index_add_(0, owners, found)
            counts.index_add_(0, owners, torch.ones(len(owners), 1))
        if totals is None:
            raise ValueError("no views were yielded")
        return totals, counts

    def apart(self, rows: np.ndarray) -> np.ndarray:
        """Return rows that statistics are taken of, float32 [any, width]: by default, the rows as they are."""
        return rows

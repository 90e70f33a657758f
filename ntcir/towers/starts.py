"""Position shift: a caption shorter than the positions that a network has may begin at several of them.

Zheng et al. (2020), "Dual-Path Convolutional Image-Text Embeddings with Instance Loss", section 3.2: in training, a
caption begins at a random position each time. When something is asked, their code adds up the vectors of all.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from ntcir.towers.views import Views

_AT_ONCE = 1024  # rows that are yielded together


class Starts(Views):
    """The positions at which a caption may begin, with all its words behind each other.

    A caption without a known word begins everywhere alike, and so has one start; one as long as the row has one too.

    Args:
        every: whether all starts count when something is asked; else the first one alone does.
    """

    def __init__(self, *, every: bool) -> None:
        super().__init__()
        self._every = every

    def drawn(self, rows: torch.Tensor) -> torch.Tensor:
        """Return each caption from a random start, float32 [batch, length].

        Args:
            rows: numbers of words from the first position on, and zeros behind the last, float32 [batch, length].
        """
        starts = starts_of(rows)
        # A number just below 1 may be rounded up to it by the product.
        return shifted(rows, torch.minimum((self.shares(len(rows)) * starts).long(), starts - 1))

    def every(self, rows: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield each caption from each start that counts, float32 [any, length], and whose row it is, int64 [any]."""
        starts = starts_of(rows) if self._every else rows.new_ones(len(rows), dtype=torch.long)
        owners = torch.arange(len(rows)).repeat_interleave(starts)
        before = starts.cumsum(0) - starts
        first = torch.arange(len(owners)) - before[owners]
        for some, start in zip(torch.split(owners, _AT_ONCE), torch.split(first, _AT_ONCE), strict=True):
            yield shifted(rows[some], start), some


def starts_of(rows: torch.Tensor) -> torch.Tensor:
    """Return how many starts each caption has, int64 [batch]."""
    words = (rows > 0).sum(dim=1)
    return torch.where(words > 0, rows.shape[1] + 1 - words, 1)


def shifted(rows: torch.Tensor, by: torch.Tensor) -> torch.Tensor:
    """Return rows moved to the right, float32 [batch, length]; what is at their ends, zeros, comes in on the left.

    Args:
        rows: float32 [batch, length].
        by: int64 [batch], at most the zeros behind a caption.
    """
    length = rows.shape[1]
    places = (torch.arange(length) - by[:, None]) % length
    return rows.gather(1, places)

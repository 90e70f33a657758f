"""How often a classifier is wrong about the items of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from ntcir.objectives.batch import Batch

TOP = (1, 5)


def note_errors(batch: Batch, logits: torch.Tensor, wanted: torch.Tensor, left: int) -> None:
    """Note the top-1 and the top-5 classification error of both sides, as ``top1_error`` and ``top5_error``.

    An item is wrong at k where k other classes score as high as its own or higher: a tie is not won. With k classes or
    fewer, none is wrong.

    Args:
        batch: gets the figures.
        logits: float [items, classes], those of the left items first.
        wanted: the class of each item, int64 [items].
        left: how many are left items.
    """
    scores = logits.detach()
    not_below = (scores >= scores.gather(1, wanted[:, None])).sum(dim=1) - 1  # without itself
    for k in TOP:
        wrong = (not_below >= k).double()
        batch.note(f"top{k}_error", float(wrong[:left].mean()), float(wrong[left:].mean()))

"""How alike the items of a batch are: in the shared space, and by their categories."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from ntcir.objectives.batch import Batch


def squared_distances(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Return the squared Euclidean distance of each row on the left to each on the right, float [m, n], from 0 to 4.

    Of unit rows |f - g|^2 is 2 - 2 f.g, so that all of them are one matrix product.

    Args:
        left: float [m, dim], unit rows.
        right: float [n, dim], unit rows.
    """
    return 2 - 2 * left @ right.T


def cosines(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Return the cosine similarity of category vectors (eq. 4), float [m, n], from 0 to 1.

    It is exactly 0 where two items have no category in common, and so where one has none at all.

    Args:
        left: float [m, concepts], 0 or 1.
        right: float [n, concepts], 0 or 1.
    """
    from torch.nn.functional import normalize

    return normalize(left, dim=1) @ normalize(right, dim=1).T


def categories_of(batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the categories of the left and of the right items, as precise as the embeddings.

    Raises:
        ValueError: if the batch has none, which an objective prevents by naming ``categories`` in ``needs``.
    """
    if batch.categories is None:
        raise ValueError("the batch has no categories")
    left, right = batch.categories
    return left.to(batch.left.dtype), right.to(batch.left.dtype)

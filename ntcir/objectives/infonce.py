"""InfoNCE over in-batch negatives."""

from __future__ import annotations

import torch
from torch import nn


def info_nce(
    queries: torch.Tensor,
    documents: torch.Tensor,
    temperature: torch.Tensor | float,
    *,
    positives: torch.Tensor | None = None,
    ignored: torch.Tensor | None = None,
    symmetric: bool = True,
) -> torch.Tensor:
    """Contrast each query with all documents of the batch, and each document with all queries.

    With one positive a row this is InfoNCE (van den Oord et al. 2018, eq. 4), symmetric as in CLIP (Radford et al.
    2021, fig. 3). With several, the mean over a row's positives of the log-probability of each, as in supervised
    contrastive learning (Khosla et al. 2020, eq. 2).

    Args:
        queries: float [n, dim], unit rows.
        documents: float [m, dim], unit rows.
        temperature: what similarities are divided by.
        positives: bool [n, m]; None means the diagonal of a square matrix.
        ignored: bool [n, m]; cells that are neither positive nor negative, such as near-in-time photographs. A
            positive cell is never ignored.
        symmetric: whether documents are contrasted with queries too; the two losses are averaged.

    Returns:
        The mean over queries (and documents) that have a positive; a scalar with gradient. A row without positives
        counts for nothing.
    """
    similarity = queries @ documents.T / temperature
    if positives is None:
        target = torch.arange(len(similarity), device=similarity.device)
        if ignored is not None:
            similarity = similarity.masked_fill(ignored.clone().fill_diagonal_(False), -torch.inf)
        loss = nn.functional.cross_entropy(similarity, target)
        return (loss + nn.functional.cross_entropy(similarity.T, target)) / 2 if symmetric else loss
    if ignored is not None:
        similarity = similarity.masked_fill(ignored & ~positives, -torch.inf)
    loss = _multi_positive(similarity, positives)
    return (loss + _multi_positive(similarity.T, positives.T)) / 2 if symmetric else loss


def _multi_positive(similarity: torch.Tensor, positives: torch.Tensor) -> torch.Tensor:
    log_probability = similarity - similarity.logsumexp(dim=1, keepdim=True)
    counts = positives.sum(dim=1)
    # Masked cells are -inf; outside the positives they must not meet a zero weight, which would give NaN.
    summed = torch.where(positives, log_probability, 0.0).sum(dim=1)
    rows = counts > 0
    # Without any positive the loss is 0, and its gradient too.
    return -(summed[rows] / counts[rows]).mean() if rows.any() else summed.sum()

"""InfoNCE over in-batch negatives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ntcir.config import Objective

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ntcir.objectives.batch import Batch


class InfoNCE(Objective):
    """Contrasts each item with all candidates of the batch; see ``info_nce``.

    Attributes:
        temperature: what similarities are divided by, at the beginning where it is learnt.
        learn_temperature: whether it is trained along, as in CLIP.
        symmetric: whether right items ask too; the two losses are averaged.
    """

    label = "InfoNCE, nats"

    kind: Literal["info_nce"] = "info_nce"
    temperature: float = Field(0.1, gt=0)
    learn_temperature: bool = False
    symmetric: bool = True

    def learnt(self, dim: int, instances: int) -> nn.Module:
        """Return the temperature's logarithm, a scalar ``log_temperature``."""
        import torch
        from torch import nn

        module = nn.Module()
        start = torch.tensor(float(math.log(self.temperature)))
        module.log_temperature = nn.Parameter(start, requires_grad=self.learn_temperature)
        return module

    def __call__(self, batch: Batch, learnt: nn.Module) -> torch.Tensor:
        """Return the loss, a scalar with gradient."""
        temperature = learnt.get_parameter("log_temperature").exp()
        return info_nce(
            batch.left, batch.right, temperature, positives=batch.positives, ignored=batch.ignored,
            symmetric=self.symmetric,
        )  # fmt: skip

    def remedies(self) -> Mapping[str, str]:
        """Return the setting that keeps similarities from growing too large."""
        return {"temperature": "raise"}


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
    import torch
    from torch import nn

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
    import torch

    log_probability = similarity - similarity.logsumexp(dim=1, keepdim=True)
    counts = positives.sum(dim=1)
    # Masked cells are -inf; outside the positives they must not meet a zero weight, which would give NaN.
    summed = torch.where(positives, log_probability, 0.0).sum(dim=1)
    rows = counts > 0
    # Without any positive the loss is 0, and its gradient too.
    return -(summed[rows] / counts[rows]).mean() if rows.any() else summed.sum()

"""The instance loss: one classifier for both sides, of which each instance is a class."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from ntcir.config import Objective
from ntcir.objectives.classification import note_errors
from ntcir.objectives.clusters import clustered, require_scikit_learn
from ntcir.system.errors import UserError
from ntcir.system.progress import say

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ntcir.objectives.batch import Batch

_REMARKABLE = 2**30  # bytes
_DRAWS = 7  # by which these draws differ from those of other objectives


class Instance(Objective):
    """Classifies the items of both sides by the instances that they show, with the same weights W for both.

    That is the instance loss of Zheng et al. 2020, "Dual-Path Convolutional Image-Text Embeddings with Instance Loss",
    equations 4.5 to 4.8: a picture and its captions are a class of their own, and with f the vectors of the towers::

        P = softmax(W f),  loss = a (mean over left items of -ln P[class]) + b (the same over right items)

    f are the towers' vectors before unit length; ``towers.rectify`` is the ReLU in front of the classifier. Vectors of
    items of one class are drawn to the same row of W, whichever side they are of, so it needs no negatives.

    With ``sample``, the softmax is over the classes of the batch and so many others, which are drawn anew at each step,
    each as likely: the loss, and the errors that are logged, are then those of a choice among these. It saves time; W
    and its gradient stay as large as they are.

    With ``clusters``, classes are not instances but clusters of them, found by k-means before the first step: those of
    the pictures as the stem of their tower makes them (of the left items where neither side is pictured), an instance
    of several pictures counting as their mean. They are saved with the model.

    It notes the classification error of both sides, ``top1_error`` and ``top5_error``; see ``note_errors``.

    Attributes:
        sides: a and b.
        dropout: of f, drawn for each side.
        sample: None: all classes.
        clusters: None: each instance is a class.
    """

    label: ClassVar[str | None] = "instance, nats"
    needs: ClassVar[frozenset[str]] = frozenset({"instances"})
    carried: ClassVar[bool] = True
    contrasts: ClassVar[bool] = False

    kind: Literal["instance"] = "instance"
    sides: tuple[float, float] = (1.0, 1.0)
    dropout: float = Field(0.0, ge=0, lt=1)
    sample: int | None = Field(None, ge=1)
    clusters: int | None = Field(None, ge=2)

    @field_validator("sides", mode="before")
    @classmethod
    def _both(cls, value: object) -> object:
        if not (isinstance(value, list | tuple) and len(value) == 2):
            raise ValueError("give two numbers, the weights of the left and of the right items")
        return value

    @field_validator("sides")
    @classmethod
    def _weights(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not (all(0 <= each < float("inf") for each in value) and max(value) > 0):
            raise ValueError("give the weights of left and right, 0 or more, and one of them above 0")
        return value

    def learnt(self, dim: int, instances: int) -> nn.Module:
        """Return W, ``classes``, float32 [classes, dim], and with ``clusters`` the class of each instance.

        W begins uniformly within 1 / sqrt(dim), as ``nn.Linear`` does. ``class_of``, a buffer, int64 [instances], is -1
        until ``prepare`` fills it.
        """
        import torch
        from torch import nn

        module = nn.Module()
        count = instances if self.clusters is None else min(self.clusters, instances)
        module.classes = nn.Parameter(torch.empty(count, dim))
        nn.init.uniform_(module.classes, -(dim**-0.5), dim**-0.5)  # in place: it may be large
        if self.clusters is not None:
            module.register_buffer("class_of", torch.full((instances,), -1, dtype=torch.int64))
        return module

    def prepare(self, learnt: nn.Module, rows: Callable[[], np.ndarray], seed: int) -> None:
        """Find the clusters, unless they are known from the model that the training begins from."""
        import torch

        if self.clusters is None or bool((learnt.get_buffer("class_of") >= 0).all()):
            return
        found = clustered(rows(), self.clusters, seed)
        sizes = np.bincount(found, minlength=self.clusters)
        say(f"k-means: {self.clusters:,} clusters of {len(found):,} instances, {sizes.min()} to {sizes.max()} in each.")
        empty = int((sizes == 0).sum())
        if empty:
            say(f"WARNING: {empty:,} of the {self.clusters:,} clusters are empty, as too many instances are the same.")
        learnt.get_buffer("class_of").copy_(torch.from_numpy(found))

    def __call__(self, batch: Batch, learnt: nn.Module) -> torch.Tensor:
        """Return the loss, a scalar with gradient.

        W's gradient is computed once for both sides, as a tensor that the optimizer can take as it is: two layers would
        make two, and a third to add them up.

        Raises:
            ValueError: if the batch has no vectors before unit length, or clusters have not been found.
        """
        import torch
        from torch.nn.functional import cross_entropy, linear

        if batch.features is None:
            raise ValueError("the instance loss needs vectors before unit length, which this batch does not have")
        weights: torch.Tensor = learnt.get_parameter("classes")
        numbers = torch.cat(batch.instances)
        wanted = numbers if self.clusters is None else learnt.get_buffer("class_of")[numbers]
        if self.clusters is not None and bool((wanted < 0).any()):
            raise ValueError("the clusters of the instance loss have not been found yet")
        # Not the very numbers that other objectives draw from the same seed.
        seed = int(np.random.default_rng([batch.seed, _DRAWS]).integers(2**63))
        draw = torch.Generator().manual_seed(seed)
        vectors = torch.cat([self._dropped(each, draw) for each in batch.features])
        if self.sample is not None:
            chosen, wanted = choose(wanted, len(weights), self.sample, draw)
            weights = weights if chosen is None else weights.index_select(0, chosen)
        logits = linear(vectors, weights)
        left = len(batch.features[0])
        note_errors(batch, logits, wanted, left)
        costs = cross_entropy(logits, wanted, reduction="none")
        return self.sides[0] * costs[:left].mean() + self.sides[1] * costs[left:].mean()

    def _dropped(self, vectors: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
        import torch

        if not self.dropout:
            return vectors
        kept = torch.rand(vectors.shape, generator=draw) >= self.dropout
        return vectors * kept.to(vectors) / (1 - self.dropout)

    def of_instances(self, count: int, dim: int, moments: int) -> Iterator[str]:
        """Yield that W takes much memory, and that classes are not sampled, where that is so.

        Raises:
            UserError: if there are fewer instances than clusters, or nothing that finds clusters.
        """
        if self.clusters is not None:
            require_scikit_learn()
            if self.clusters > count:
                raise UserError(
                    f"objectives: an instance loss has clusters = {self.clusters:,}, and the training split has "
                    f"{count:,} instances to be clustered: lower it."
                )
        classes = self.clusters or count
        if self.sample is not None and self.sample >= classes:
            yield (
                f"objectives: an instance loss has sample = {self.sample:,}, and there are {classes:,} classes: the "
                "softmax is over all of them."
            )
        size = 4 * classes * dim * (2 + moments)
        if size >= _REMARKABLE:
            kept = f", gradient and {moments} of the optimizer's moments" if moments else " and gradient"
            yield (
                f"The classifier of the objective instance takes {size / 2**30:.1f} GiB of memory: {classes:,} classes "
                f"x {dim:,} dimensions, as weights{kept}. A smaller towers.dim takes less, and so do fewer classes "
                "(clusters); sample only saves time."
            )


def choose(
    wanted: torch.Tensor, classes: int, others: int, draw: torch.Generator
) -> tuple[torch.Tensor | None, torch.Tensor]:
    """Choose the classes that a batch is told from: its own ones, ascending, and others at random behind them.

    Args:
        wanted: the class of each item, int64 [items].
        classes: how many there are.
        others: how many are drawn, without replacement.
        draw: where from.

    Returns:
        The classes, int64 [chosen], and the place of each item's class among them, int64 [items]. Where that would be
        all classes: None, and ``wanted`` as it is.
    """
    import torch

    own: torch.Tensor = wanted.unique()  # type: ignore[no-untyped-call]
    if len(own) + others >= classes:
        return None, wanted
    order = torch.randperm(classes, generator=draw).to(wanted.device)
    free = torch.ones(classes, dtype=torch.bool, device=wanted.device)
    free[own] = False
    return torch.cat([own, order[free[order]][:others]]), torch.searchsorted(own, wanted)

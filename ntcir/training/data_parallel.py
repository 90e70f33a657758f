"""Training shared by several processes: each encodes a part of a batch, all compute the loss of the whole.

Every process draws the whole batch, which the seed and the step determine, and encodes as many of its items on each
side as any other. The embeddings are put together, each process computes the loss of all of them, and what its own
part contributes to the gradient is added up over the processes (``ntcir.system.tensors.gather``). So N processes of
B pairs take the steps of one process of N x B pairs, up to rounding; dropout is that of the whole batch too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import nn

from ntcir.config import Config
from ntcir.modalities import modality
from ntcir.system.errors import UserError
from ntcir.system.parallel import gather_objects, ranks
from ntcir.system.progress import say
from ntcir.system.tensors import gather, sum_gradients
from ntcir.towers.tower import Tower
from ntcir.towers.whole_batch import of_whole
from ntcir.training.sources import Backward, Source


def whole_batches(config: Config) -> Config:
    """Return the configuration of one process that does what all do, each with ``training.batch`` pairs.

    It is what is saved, so that a training can be resumed with another number of processes, if only the batch is the
    same.

    Raises:
        UserError: if a tower normalises over a batch, which several processes share.
    """
    count = ranks().count
    if count == 1 or config.solved is not None:
        return config
    if config.training.iters:
        _check_independent(config, count)
    return config.changed({"training.batch": count * config.training.batch})


def _check_independent(config: Config, count: int) -> None:
    """Check that no item of a batch depends on others, which may lie in other processes.

    Raises:
        UserError: naming the tower that normalises over a batch.
    """
    for name in config.pair:
        if config.towers.of(name).norm == "batch":
            raise UserError(
                f"towers.{name}.norm = batch makes each item depend on the others of its batch, which {count} "
                f"processes share: set towers.{name}.norm=group, or start one process."
            )


def share_out(batch: int, pairs: int) -> None:
    """Say how a batch is shared.

    Args:
        batch: of all processes together.
        pairs: in the training split.

    Raises:
        UserError: if there are more processes than pairs.
    """
    count = ranks().count
    if count == 1:
        return
    if pairs < count:
        raise UserError(f"{count} processes are too many for the {pairs} pairs of the training split: start fewer.")
    fewer = f", all there are (not {batch})" if pairs < batch else ""
    say(f"{count} processes of {batch // count} pairs: batches of {min(batch, pairs)}{fewer}.")


def check_same(digest: str, pair: Sequence[str]) -> None:
    """Check that all processes see the same data.

    Args:
        digest: of what this one sees.
        pair: the modalities on the left and on the right.

    Raises:
        UserError: if one does not.
    """
    digests = gather_objects(digest)
    other = next((number for number, theirs in enumerate(digests) if theirs != digests[0]), None)
    if other is not None:
        left, right = (modality(name).plural for name in pair)
        raise UserError(
            f"Process {other + 1} of {len(digests)} sees other {left}, {right} or network weights than the "
            "first: give all machines the same data and the same store of features."
        )


def embed(
    tower: Tower, source: Source, positions: np.ndarray, views: np.ndarray, step: int
) -> tuple[torch.Tensor, Backward]:
    """Return the vectors of one side of a batch before unit length, float32 [n, dim], and the source's way back.

    This process encodes its part of the rows; its own vectors have a gradient, the others' have none.

    Args:
        tower: encodes float32 [any, features]; no row must depend on another.
        source: of that side.
        positions: of the items in the whole batch, int64 [n]; the same in all processes.
        views: int64 [n].
        step: from 0.
    """
    count = len(positions)
    part = ranks().part(count)
    rows, backward = source(positions[part], views[part], step)
    if part == slice(0, count):
        return gather(tower.features(rows)), backward
    with of_whole(tower, count, part):
        return gather(tower.features(rows)), backward


def sum_over_parts(parameters: Iterable[nn.Parameter], of_loss: Iterable[nn.Parameter]) -> None:
    """Make the gradients those of the whole batch.

    Args:
        parameters: all that are learnt.
        of_loss: those that act not on embeddings but on the loss, which each process has computed as a whole: their
            gradients are there already, and must not be counted once a process.
    """
    for parameter in of_loss:
        if parameter.grad is not None and not ranks().first:
            parameter.grad.zero_()
    sum_gradients(parameters)

"""What makes the steps of a training: the optimizer, the groups of what it learns, and their rates."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

import torch
from torch import nn

from ntcir.config import Config, Training
from ntcir.model.model import Model
from ntcir.towers.word_stems import WordVectors
from ntcir.training.sources import Source

_MOMENTUM = "momentum_buffer"


def optimizer_of(config: Config, model: Model, sources: Sequence[Source]) -> torch.optim.Optimizer:
    """Return what learns the towers, what objectives learn, and the networks where they are trained along.

    Each group of parameters has its rate: the towers with what objectives learn; word vectors, where
    ``texts.vectors_rate`` gives them another one; the networks of each source.
    """
    options = config.training
    learnt = [item for item in (*model.towers.parameters(), *model.learnt.parameters()) if item.requires_grad]
    words = _word_vectors(config, model)
    apart = {id(item) for item in words}
    rates = [
        ([item for item in learnt if id(item) not in apart], options.lr),
        (words, options.lr * config.texts.vectors_rate),
        *((list(source.parameters), config.encoder.lr) for source in sources),
    ]
    groups = [{"params": items, "lr": rate, "initial_lr": rate} for items, rate in rates if items]
    # The fused kernels update all weights in one pass over memory, weight decay included, without copies of gradients.
    if options.optimizer == "adam":
        return torch.optim.Adam(groups, weight_decay=options.weight_decay, fused=True)
    return _descent(groups, options)


def _word_vectors(config: Config, model: Model) -> list[nn.Parameter]:
    """Return the word vectors that are learnt at a rate of their own.

    With the towers' rate they stay in the towers' group: checkpoints number parameters in the order of the groups.
    """
    if config.texts.vectors_rate == 1:
        return []
    vectors = [part.weight for part in model.towers.modules() if isinstance(part, WordVectors)]
    return [item for item in vectors if item.requires_grad]


def _descent(groups: list[dict[str, object]], options: Training) -> torch.optim.Optimizer:
    """Return stochastic gradient descent, with Nesterov's momentum where there is any."""
    optimizer = torch.optim.SGD(
        groups,
        lr=options.lr,
        momentum=options.momentum,
        nesterov=options.momentum > 0,
        weight_decay=options.weight_decay,
        fused=True,
    )
    if options.momentum:
        # The fused kernel insists on momenta of all parameters or of none. Some may have no gradient at first, as those
        # of an objective that sets in later; zeros are what momenta begin with anyway.
        for group in optimizer.param_groups:
            for item in group["params"]:
                optimizer.state[item][_MOMENTUM] = torch.zeros_like(item)
    return optimizer


def set_rates(optimizer: torch.optim.Optimizer, options: Training, step: int) -> None:
    """Set the learning rates of a step (from 0), where they are scheduled."""
    if options.schedule == "constant":
        return
    for group in optimizer.param_groups:
        if options.schedule == "cosine":
            group["lr"] = group["initial_lr"] * 0.5 * (1 + math.cos(math.pi * step / options.iters))
        else:
            group["lr"] = group["initial_lr"] / 10 ** bisect_right(options.milestones, step)


def state_names(optimizer: torch.optim.Optimizer) -> set[str]:
    """Return what an optimizer keeps of each parameter once it has taken a step, by name."""
    if isinstance(optimizer, torch.optim.SGD):
        return {_MOMENTUM} if optimizer.defaults["momentum"] else set()
    return {"step", "exp_avg", "exp_avg_sq"}

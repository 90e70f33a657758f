"""Weights put into a network, and what is wrong with those that do not fit."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import nn

from ntcir.config import Backbone
from ntcir.system.errors import UserError, reason_of
from ntcir.system.progress import say
from ntcir.system.tensor_files import not_finite


@contextmanager
def seeded(backbone: Backbone) -> Iterator[None]:
    """Draw random weights by the backbone's seed, which is said aloud; other people's random numbers stay."""
    say(
        f"WARNING: {backbone.arch} has RANDOM weights (seed {backbone.seed}), as `weights: random` asks for; its "
        "features say nothing about what trained ones can do."
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(backbone.seed)
        yield


def fill(
    network: nn.Module, state: Mapping[str, torch.Tensor], backbone: Backbone, spare: tuple[str, ...] = ()
) -> None:
    """Load weights; those whose names begin with one of ``spare`` may be missing, and are zero then.

    Raises:
        UserError: if they do not fit.
    """
    own = network.state_dict()
    state = OrderedDict(state)
    if not hasattr(state, "_metadata"):  # the versions of modules: one of them (MNASNet) insists on its own
        state._metadata = OrderedDict({"": own._metadata[""]})  # type: ignore[attr-defined]
    wrong: list[str] = []
    missing: list[str] = []
    unknown: list[str] = []
    try:
        missing, unknown = network.load_state_dict(state, strict=False)  # the modules rename what was named otherwise
    except RuntimeError as error:
        wrong = [name for name, value in state.items() if name in own and own[name].shape != value.shape]
        if not wrong:
            raise UserError(
                f"The weights {backbone.weights} do not fit {backbone.arch} ({reason_of(error)})."
            ) from error
    # Old checkpoints lack the counters of BatchNorm, and where only pooled features are asked for no head is needed.
    with torch.no_grad():
        for name in missing:
            if name.startswith(spare):  # drawn at random otherwise: whoever saves the network would save other bytes
                network.state_dict()[name].zero_()
    missing = [name for name in missing if not name.endswith("num_batches_tracked") and not name.startswith(spare)]
    for problem, names in (("other shapes for", wrong), ("no", missing), ("the unknown", unknown)):
        if names:
            raise UserError(
                f"The weights {backbone.weights} do not fit {backbone.arch} ({backbone.output}): they have {problem} "
                f"'{names[0]}'{f' and {len(names) - 1} more' if len(names) > 1 else ''}."
            )


def require_finite(network: nn.Module, backbone: Backbone, spare: tuple[str, ...] = ()) -> None:
    """Check the weights that count.

    Raises:
        UserError: if one is NaN or infinite.
    """
    counted = {name: value for name, value in network.state_dict().items() if not name.startswith(spare)}
    if found := not_finite(counted):
        raise UserError(f"The weights {backbone.weights} of {backbone.arch} hold {found}: its training diverged.")

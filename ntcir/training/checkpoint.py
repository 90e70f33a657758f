"""The state of a training run between steps, without pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch

from ntcir.model.model import Model
from ntcir.model.trained import (
    CHECKPOINT_VERSION,
    LAST,
    Progress,
    checkpoint_version,
    progress_of,
    read_progress,
    reading_checkpoint,
)
from ntcir.model.version1 import lift_state
from ntcir.system.errors import UserError
from ntcir.system.tensor_files import read_tensors, write_tensors
from ntcir.training.optimizers import state_names

__all__ = ["LAST", "Progress", "load_checkpoint", "read_progress", "save_checkpoint"]


def save_checkpoint(
    folder: Path,
    model: Model,
    optimizer: torch.optim.Optimizer,
    progress: Progress,
    mined: Mapping[str, torch.Tensor] | None = None,
) -> None:
    """Write weights, optimizer state, progress and mined negatives to ``last.safetensors``, whole or not at all."""
    tensors = {f"mined.{name}": value for name, value in (mined or {}).items()}
    tensors |= {f"model.{name}": value.contiguous() for name, value in model.state().items()}
    for number, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            tensors[f"optimizer.{number}.{name}"] = torch.as_tensor(value).contiguous()
    facts = {"version": str(CHECKPOINT_VERSION), "progress": json.dumps(asdict(progress))}
    write_tensors(folder / LAST, tensors, facts)


def load_checkpoint(
    folder: Path, model: Model, optimizer: torch.optim.Optimizer
) -> tuple[Progress, dict[str, torch.Tensor]]:
    """Put model and optimizer into the state of ``last.safetensors``; return the progress and the mined negatives.

    Raises:
        UserError: if the file is damaged, of a later format, cannot be read or does not fit the configuration.
    """
    with reading_checkpoint(folder / LAST):
        tensors, facts = read_tensors(folder / LAST)
        progress = progress_of(facts, folder / LAST)
    weights = {name.removeprefix("model."): value for name, value in tensors.items() if name.startswith("model.")}
    if checkpoint_version(facts) == 1:  # the optimizer's tensors are numbered, in an order that has stayed the same
        weights = lift_state(weights)
    try:
        model.load_state(weights)
        states: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith("optimizer."):
                _, number, field = name.split(".", 2)
                states.setdefault(int(number), {})[field] = value
        _check_optimizer(states, optimizer, progress)
        optimizer.load_state_dict({"state": states, "param_groups": optimizer.state_dict()["param_groups"]})
        for parameter, state in optimizer.state.items():
            # A fused optimizer walks through memory: moments must lie as their weights do (channels last, mostly).
            moments = {name: value for name, value in state.items() if value.shape == parameter.shape}
            state.update({name: torch.empty_like(parameter).copy_(value) for name, value in moments.items()})
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"Cannot resume from {folder / LAST} ({' '.join(str(error).split())[:150]}).") from error
    return progress, {name.removeprefix("mined."): rows for name, rows in tensors.items() if name.startswith("mined.")}


def _check_optimizer(
    states: Mapping[int, Mapping[str, torch.Tensor]], optimizer: torch.optim.Optimizer, progress: Progress
) -> None:
    """Check that what was kept of each parameter is what this optimizer keeps.

    Raises:
        ValueError: if it is another's.
    """
    kept = {name for state in states.values() for name in state}
    if progress.step and kept != state_names(optimizer):
        raise ValueError("it is a checkpoint of another optimizer: training.optimizer or training.momentum was changed")

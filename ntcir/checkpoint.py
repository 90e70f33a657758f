"""The state of a training run between steps, without pickle."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ntcir.errors import UserError
from ntcir.files import atomic_path
from ntcir.model import Model

LAST = "last.safetensors"


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        step: steps done.
        best_step: the step with the best validation MRR so far; 0 where there was none.
        best_mrr: that MRR.
        data: a digest of what is trained on: networks, pairs and sensor statistics.
    """

    step: int = 0
    best_step: int = 0
    best_mrr: float = -1.0
    data: str = ""


def save_checkpoint(folder: Path, model: Model, optimizer: torch.optim.Optimizer, progress: Progress) -> None:
    """Write weights, optimizer state and progress to ``last.safetensors``, whole or not at all."""
    tensors = {f"model.{name}": value.contiguous() for name, value in model.state().items()}
    for number, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            tensors[f"optimizer.{number}.{name}"] = torch.as_tensor(value).contiguous()
    with atomic_path(folder / LAST) as temporary:
        save_file(tensors, temporary, metadata={"progress": json.dumps(asdict(progress))})


def read_progress(path: Path) -> Progress:
    """Return how far the run of a checkpoint had come.

    Raises:
        UserError: if the file is damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return Progress(**json.loads(file.metadata()["progress"]))
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise UserError(f"{path} is damaged ({' '.join(str(error).split())[:150]}): remove its folder.") from error


def load_checkpoint(folder: Path, model: Model, optimizer: torch.optim.Optimizer) -> Progress:
    """Put model and optimizer into the state of ``last.safetensors`` and return the progress.

    Raises:
        UserError: if the file is damaged or does not fit the configuration.
    """
    progress = read_progress(folder / LAST)
    try:
        with safe_open(folder / LAST, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        model.load_state(
            {name.removeprefix("model."): value for name, value in tensors.items() if name.startswith("model.")}
        )
        states: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith("optimizer."):
                _, number, field = name.split(".", 2)
                states.setdefault(int(number), {})[field] = value
        optimizer.load_state_dict({"state": states, "param_groups": optimizer.state_dict()["param_groups"]})
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise UserError(f"Cannot resume from {folder / LAST} ({' '.join(str(error).split())[:150]}).") from error
    return progress

"""The state of a training run between steps, without pickle."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from ntcir.model.model import Model
from ntcir.model.tensor_files import read_facts, read_tensors, write_tensors
from ntcir.system.errors import UserError
from ntcir.system.plain_json import parse_object

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
    write_tensors(folder / LAST, tensors, {"progress": json.dumps(asdict(progress))})


def read_progress(path: Path) -> Progress:
    """Return how far the run of a checkpoint had come.

    Raises:
        UserError: if the file is damaged or cannot be read.
    """
    with _reading(path, "remove its folder"):
        return _progress(read_facts(path))


def load_checkpoint(
    folder: Path, model: Model, optimizer: torch.optim.Optimizer
) -> tuple[Progress, dict[str, torch.Tensor]]:
    """Put model and optimizer into the state of ``last.safetensors``; return the progress and the mined negatives.

    Raises:
        UserError: if the file is damaged, cannot be read or does not fit the configuration.
    """
    with _reading(folder / LAST, "remove its folder"):
        tensors, facts = read_tensors(folder / LAST)
        progress = _progress(facts)
    try:
        model.load_state(
            {name.removeprefix("model."): value for name, value in tensors.items() if name.startswith("model.")}
        )
        states: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith("optimizer."):
                _, number, field = name.split(".", 2)
                states.setdefault(int(number), {})[field] = value
        optimizer.load_state_dict({"state": states, "param_groups": optimizer.state_dict()["param_groups"]})
        for parameter, state in optimizer.state.items():
            # A fused optimizer walks through memory: moments must lie as their weights do (channels last, mostly).
            moments = {name: value for name, value in state.items() if value.shape == parameter.shape}
            state.update({name: torch.empty_like(parameter).copy_(value) for name, value in moments.items()})
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"Cannot resume from {folder / LAST} ({' '.join(str(error).split())[:150]}).") from error
    return progress, {name.removeprefix("mined."): rows for name, rows in tensors.items() if name.startswith("mined.")}


def _progress(facts: Mapping[str, str]) -> Progress:
    """Return the progress that a checkpoint's facts hold.

    Raises:
        ValueError: if there is none.
    """
    tree = parse_object(facts.get("progress", ""))
    kinds = {"step": int, "best_step": int, "best_mrr": float, "data": str}
    if tree.keys() != kinds.keys() or not all(type(value) is kinds[name] for name, value in tree.items()):
        raise ValueError("it does not say how far the training had come")
    return Progress(**tree)


@contextmanager
def _reading(path: Path, advice: str) -> Iterator[None]:
    try:
        yield
    except MemoryError as error:
        raise UserError(f"Not enough memory to read {path}.") from error
    except OSError as error:
        raise UserError(f"Cannot read {path}: {(error.strerror or str(error)).lower()}.") from error
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}): {advice}.") from error

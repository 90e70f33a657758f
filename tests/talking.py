"""What processes that work together do in a test; light, for each of them imports it."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch

from ntcir.system import parallel
from ntcir.system.errors import UserError
from ntcir.system.parallel import (
    Deserted,
    any_rank,
    barrier,
    by_first,
    gather_objects,
    ranks,
    share,
    together,
)
from ntcir.system.progress import progress, say
from ntcir.system.tensors import gather, sum_gradients

COUNT = 3
PARTS = {"even": [2, 2, 2], "uneven": [3, 0, 1], "two empty": [0, 4, 0], "nothing": [0, 0, 0]}


def keep(folder: Path, value: Any) -> None:
    """Let the test see what a process has found."""
    torch.save(value, folder / f"{ranks().number}.pt")


def rows_of(number: int, parts: list[int]) -> torch.Tensor:
    """Return a process's rows, [parts[number], 5]."""
    return torch.randn(COUNT, 4, 5, generator=torch.Generator().manual_seed(0))[number, : parts[number]]


def loss_of(rows: torch.Tensor) -> torch.Tensor:
    """Return a scalar in which every row has to do with every other."""
    return ((rows @ rows.T).tanh() * torch.arange(1.0, len(rows) + 1)).sum()


def talk(folder: Path) -> None:
    """Do everything once, in each of the processes."""
    found: dict[str, Any] = {}
    with together() as own, together() as again:
        found["ranks"] = (own, again)
        for name, parts in PARTS.items():
            leaf = rows_of(own.number, parts).requires_grad_()
            gathered = gather(leaf)
            loss_of(gathered).backward()
            found[name] = gathered.detach(), leaf.grad
        found["numbers"] = gather(torch.full((own.number,), own.number))
        found["objects"] = gather_objects({"rank": own.number})
        found["shared"] = share([own.number, "of the first"])
        found["flags"] = any_rank(own.number == 1), any_rank(False)
        found["by first"] = by_first(lambda: own.number + 10)
        with pytest.raises(UserError) as caught:
            by_first(lambda: refuse(own.number))
        found["refused"] = str(caught.value)
        found["gradients"] = summed(own.number)
        say("said")
        with progress("shown", 1) as advance:
            advance(1)
    keep(folder, found)


def refuse(number: int) -> None:
    raise UserError(f"Process {number} does not like it.")


def learnt(number: int) -> list[torch.nn.Parameter]:
    """Return parameters with the gradients of one process: of all processes, of one, of none; in another layout."""
    shapes = [(3,), (2, 2), (4,), (2, 3, 2, 2), ()]
    parameters = [torch.nn.Parameter(torch.zeros(shape)) for shape in shapes]
    parameters[3] = torch.nn.Parameter(torch.zeros(shapes[3]).contiguous(memory_format=torch.channels_last))
    draw = torch.Generator().manual_seed(number)
    for place, parameter in enumerate(parameters):
        gradient = torch.randn(parameter.shape, generator=draw)
        if place not in {1, 2} or (place == 1 and number == 2):
            parameter.grad = torch.empty_like(parameter).copy_(gradient)
    return parameters


def summed(number: int) -> list[torch.Tensor | None]:
    parameters = learnt(number)
    sum_gradients(parameters)
    return [parameter.grad for parameter in parameters]


def lose_one(folder: Path) -> None:
    """The second is late for a meeting, but alive; then it dies, and the others wait for it, each in its way."""
    parallel._STEP, parallel._SIGN, parallel._SILENCE = timedelta(seconds=2), 0.2, 2.0
    with together() as own:
        if own.number == 1:
            time.sleep(3)
        barrier()
        if own.number == 1:
            say("never said")
            os._exit(7)
        start = time.monotonic()
        try:
            barrier() if own.number == 0 else any_rank(False)
        except Deserted as error:
            keep(folder, (str(error), time.monotonic() - start))
            os._exit(0)

"""Where networks run: the CPU or a GPU, of several processes each on its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ntcir.system.errors import UserError
from ntcir.system.parallel import own_gpu, ranks

if TYPE_CHECKING:
    import torch


def find_device(wanted: str, key: str, *, own: bool = False) -> torch.device:
    """Return the device that is asked for; ``auto`` is a GPU if torch finds one.

    Where torchrun started several processes on this machine, they take its GPUs in turn.

    Args:
        wanted: ``auto``, ``cpu`` or ``cuda``.
        key: what the user sets it with, for messages.
        own: whether no two processes may share a GPU.

    Raises:
        UserError: if a GPU is asked for and there is none, or there are too few.
    """
    import torch

    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise UserError(f"{key} is cuda, but torch finds no GPU here: use auto or cpu.")
    if wanted == "cpu" or not there:
        return torch.device("cpu")
    if own and ranks().count > 1 and not own_gpu():
        raise UserError(
            f"Each process trains on a GPU of its own, and there are {torch.cuda.device_count()} here: "
            f"start fewer processes, or use {key} = cpu."
        )
    return torch.device("cuda", ranks().local % torch.cuda.device_count())

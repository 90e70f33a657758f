"""What processes that train together exchange at each step: rows and gradients; see ``ntcir.system.parallel``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ntcir.system.parallel import barrier, met, noticing, ranks

if TYPE_CHECKING:
    import torch

_BUCKET = 2**25  # numbers sent at once, 128 MiB


def gather(tensor: torch.Tensor) -> torch.Tensor:
    """Put the rows of all processes together, with a gradient for those of this one; quick.

    Every process computes the same loss from all rows, sends its gradient back through its own rows, and
    ``sum_gradients`` adds up what comes of it: that is the gradient of one process with all rows. (What SLIP, Mu et al.
    2021, and open_clip do is the same but for a factor: there, the gradients of all processes' losses are exchanged.)

    Args:
        tensor: [n, ...]; n may be another one in each process, 0 too.

    Returns:
        [sum of n, ...], in the order of the processes.
    """
    if met() is None:
        return tensor
    import torch
    import torch.distributed as dist

    own = ranks()
    counts = torch.zeros(own.count, dtype=torch.int64)
    counts[own.number] = len(tensor)
    with torch.no_grad(), noticing():
        dist.all_reduce(counts)
        rows = counts.tolist()
        padded = tensor.new_zeros((max(rows), *tensor.shape[1:]))
        padded[: len(tensor)] = tensor
        received = [torch.empty_like(padded) for _ in rows]
        dist.all_gather(received, padded)
    parts = [part[:number] for part, number in zip(received, rows, strict=True)]
    parts[own.number] = tensor
    return torch.cat(parts)


def total(tensor: torch.Tensor) -> torch.Tensor:
    """Return the sum of the tensors of all processes, which have the same shape; patient."""
    if met() is None:
        return tensor
    import torch.distributed as dist

    barrier()
    summed = tensor.clone()
    with noticing():
        dist.all_reduce(summed)
    return summed


def sum_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Add up the gradients of all processes; quick. Where no process has one, there is none afterwards.

    Args:
        parameters: the same ones in the same order in each process.
    """
    if met() is None:
        return
    for bucket in _buckets(parameters):
        _sum_bucket(bucket)


def _buckets(parameters: Iterable[torch.nn.Parameter]) -> Iterator[list[torch.nn.Parameter]]:
    """Group parameters that can be sent at once: of one device and type, and not too much."""
    buckets: dict[tuple[torch.device, torch.dtype], list[torch.nn.Parameter]] = {}
    for parameter in parameters:
        kind = (parameter.device, parameter.dtype)
        bucket = buckets.setdefault(kind, [])
        bucket.append(parameter)
        if sum(item.numel() for item in bucket) >= _BUCKET:
            yield buckets.pop(kind)
    yield from buckets.values()


def _sum_bucket(bucket: list[torch.nn.Parameter]) -> None:
    import torch
    import torch.distributed as dist

    there = bucket[0].new_tensor([float(item.grad is not None) for item in bucket])
    parts = [torch.zeros_like(item) if item.grad is None else item.grad for item in bucket]
    flat = torch.cat([there, *(part.detach().reshape(-1) for part in parts)])
    with noticing():
        dist.all_reduce(flat)
    flags, *sums = torch.split(flat, [len(bucket), *(item.numel() for item in bucket)])
    for item, flag, part, total in zip(bucket, flags.tolist(), parts, sums, strict=True):
        if flag:
            item.grad = part.copy_(total.view(part.shape))

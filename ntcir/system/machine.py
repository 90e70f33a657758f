"""What the machine can do."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

_M_MMAP_THRESHOLD = -3  # of mallopt


def cores() -> int:
    """Return how many cores this process may use: its share, where torchrun started several on this machine."""
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    processes = os.environ.get("LOCAL_WORLD_SIZE", "1")
    return max(1, mine // max(1, int(processes) if processes.isdigit() else 1))


def has_fast_bf16() -> bool:
    """Return whether this processor multiplies bf16 by itself; others would be slower than in single precision."""
    import torch

    if not hasattr(torch.cpu, "get_capabilities"):  # older versions of torch do not have it
        return False
    can = torch.cpu.get_capabilities()
    return bool(can.get("avx512_bf16") or can.get("amx_bf16"))


def give_back_at_once(size: int) -> None:
    """Have glibc, where it is, give memory of at least so many bytes back to the system as soon as it is freed.

    By default it learns to keep such pieces, for each thread apart: in a server with dozens of threads that adds up.
    """
    with suppress(OSError, AttributeError, TypeError):  # another library, or none
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, size)

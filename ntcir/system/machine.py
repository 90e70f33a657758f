"""What the machine can do."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

_M_ARENA_MAX = -8  # of mallopt


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


def limit_arenas() -> None:
    """Have glibc, where it is, keep freed memory in few places, which threads share, instead of one for each thread."""
    with suppress(OSError, AttributeError, TypeError):  # another library, or none
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)

"""Signals, kept from being lost in what native libraries leave behind."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class _Stack(ctypes.Structure):
    """``stack_t`` of sigaltstack(2), as Linux has it."""

    _fields_ = (("base", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


@contextmanager
def own_signal_stack() -> Iterator[None]:
    """Give this thread back the stack on which its signals are handled, whatever the block has put in its place.

    OpenVINO's CPU plugin puts its own there, and frees it when it is done. Of two plugins that end in the order in
    which they began, the second restores the stack of the first: from then on the next signal that Python handles,
    such as Ctrl-C, is written to unmapped memory, and the process dies without a message.
    """
    if not sys.platform.startswith("linux"):  # elsewhere it does not
        yield
        return
    sigaltstack = ctypes.CDLL(None).sigaltstack
    before = _Stack()
    known = sigaltstack(None, ctypes.byref(before)) == 0
    try:
        yield
    finally:
        if known:  # refused where this processor needs a larger one: then theirs stays
            sigaltstack(ctypes.byref(before), None)

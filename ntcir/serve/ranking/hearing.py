"""What is said on stderr while somebody is answered, for that person instead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import TYPE_CHECKING

from ntcir.system.progress import filtered

if TYPE_CHECKING:
    import logging

_WARNING = "WARNING: "


@contextmanager
def heard() -> Iterator[list[str]]:
    """Yield the list to which go the sentences that this thread says meanwhile; other threads say theirs as ever."""
    own, lines = get_ident(), list[str]()

    def passes(record: logging.LogRecord) -> bool:
        if get_ident() != own:
            return True
        lines.append(record.getMessage().removeprefix(_WARNING))
        return False

    with filtered(passes):
        yield lines

"""What many trainings would repeat is reported once."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from ntcir.system.progress import filtered


@contextmanager
def saying_once(seen: set[str]) -> Iterator[None]:
    """Let through what was not said before, and show no bars: there is one for all trainings.

    Args:
        seen: the kinds of records that were said (see ``ntcir.system.progress.say``); grows.
    """

    def is_new(record: logging.LogRecord) -> bool:
        kind = vars(record)["kind"]
        new = kind not in seen
        seen.add(kind)
        return new

    with filtered(is_new):
        yield

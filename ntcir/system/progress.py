"""What a user sees on stderr during long work; stdout is for data only."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from ntcir.system.errors import Interrupted, UserError, escaped
from ntcir.system.parallel import Deserted, ranks

if TYPE_CHECKING:
    import logging

_INFO = 20  # logging.INFO
_EVERY = 60.0  # seconds between two lines in a log
# Seconds in which torchrun ends a process whose error another one reports, before it reports or leaves itself.
_INTERRUPTED, _MISTAKEN, _DESERTED = 2.0, 10.0, 60.0


def say(*lines: str, kind: str | None = None) -> None:
    """Write lines to stderr, in the first process only; a log that cannot be written must not end the work.

    Control characters are spelled out, line breaks within a line included: they come from names and files. Each line is
    a record of the logger ``ntcir``.

    Args:
        lines: full sentences.
        kind: the ``kind`` of the records, by which a filter recognises that something is said again, where the figures
            in a line would hide that. By default a line is of its own kind.
    """
    if not ranks().first:
        return
    logger = _logger()
    for line in lines:
        record = logger.makeRecord(logger.name, _INFO, "", 0, line, (), None, extra={"kind": kind or line})
        logger.handle(record)  # not ``info``: logging may be disabled while a compiler is at work


@contextmanager
def filtered(passes: Callable[[logging.LogRecord], bool]) -> Iterator[None]:
    """Say only what passes: a record has ``kind`` and ``getMessage()``. No bars move meanwhile: they are no records."""
    logger = _logger()
    logger.addFilter(passes)
    try:
        yield
    finally:
        logger.removeFilter(passes)


@cache
def _logger() -> logging.Logger:
    """Return the package's logger, which writes to what is stderr at the time; made when something is first said."""
    import logging  # costs as much as the rest of `ntcir --help`

    class Stderr(logging.Handler):
        """Writes a record as a line."""

        def emit(self, record: logging.LogRecord) -> None:
            with suppress(OSError):
                print(escaped(record.getMessage()), file=sys.stderr, flush=True)  # noqa: T201

    logger = logging.getLogger("ntcir")
    logger.propagate = False
    logger.addHandler(Stderr())
    return logger


def told_by(error: UserError) -> str | None:
    """Return the sentence with which this process ends; None where another process reports the same.

    A mistake that all processes meet is reported by the first of each machine. The others delay reporting, a time in
    which torchrun ends them because that one has ended; a mistake that is theirs alone is reported after that.
    """
    try:
        own = ranks()
    except UserError:  # which will be this very mistake
        return str(error)
    if own.count > 1 and (own.local or isinstance(error, Deserted)):
        if isinstance(error, Interrupted):  # all processes are, together
            time.sleep(_INTERRUPTED)
            return None
        time.sleep(_DESERTED if isinstance(error, Deserted) else _MISTAKEN)
    return str(error) if own.first else f"[process {own.number + 1} of {own.count}] {error}"


class _Lines:
    """Progress where no bar can be drawn, such as in a log: a line now and then, and one at the end."""

    def __init__(self, what: str, total: float | None, done: float, unit: str) -> None:
        self._what, self._total, self._unit = what, total, unit
        self._begun, self._done = done, done
        self._start = self._said = time.monotonic()

    def advance(self, steps: float) -> None:
        self._done += steps
        now = time.monotonic()
        if now - self._said >= _EVERY:
            self._said = now
            rate = (self._done - self._begun) / (now - self._start)
            total, left = "", ""
            if self._total is not None:
                total = f" of {self._total:,.0f}"
                left = f", {timedelta(seconds=round((self._total - self._done) / rate))} left" if rate else ""
            line = f"{self._what}: {self._done:,.0f}{total}, {rate:.1f}{self._unit}{left}"
            say(line, kind=self._what)

    def end(self) -> None:
        line = f"{self._what}: {self._done if self._total is None else self._total:,.0f} done"
        say(line, kind=self._what)


@contextmanager
def progress(what: str, total: float | None, done: float = 0, unit: str = "/s") -> Iterator[Callable[[float], None]]:
    """Show a bar with rate and time left on stderr, and yield the function that moves it on by a number of steps.

    Where stderr is no terminal, or what is said is filtered, a line is written each minute and at the end. ``total``
    is None if unknown. Of several processes only the first shows anything.
    """
    if not ranks().first:
        yield lambda steps: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        """Steps a second."""

        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(f"{speed:.1f}{unit}" if speed else "")

    console = Console(stderr=True)
    if not console.is_terminal or _logger().filters:
        lines = _Lines(what, total, done, unit)
        yield lines.advance
        lines.end()
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(escaped(what), total=total)
        bar.update(task, completed=done)
        yield lambda steps: bar.advance(task, steps)

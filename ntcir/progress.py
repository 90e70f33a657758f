"""What a person sees on stderr while long work goes on; stdout is for data only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def say(text: str) -> None:
    """Write one line to stderr."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def progress(what: str, total: int, done: int = 0, unit: str = "/s") -> Iterator[Callable[[int], None]]:
    """Show a bar with rate and time left on stderr, and yield the function that moves it on by a number of steps.

    Where stderr is no terminal nothing moves: one line is written at the end.
    """
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
    if not console.is_terminal:
        yield lambda steps: None
        say(f"{what}: {total:,} done")
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(what, total=total, completed=done)
        yield lambda steps: bar.advance(task, steps)

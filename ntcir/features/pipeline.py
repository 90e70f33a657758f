"""From files to shards: pictures are decoded ahead, networks run in lanes, and a block is written when it is done.

What decodes and what runs are given: ``extraction`` fills stores of features, ``detection`` one of objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ntcir.features.blocks import Batch, Block, P, Rows
from ntcir.features.stages import in_lanes
from ntcir.system.errors import Interrupted


def run_pipeline(
    batches: Iterable[Batch[P]],
    network: Callable[[Batch[P]], Callable[[], Rows]],
    lanes: int,
    write: Callable[[Block], None],
    advance: Callable[[float], None],
    *,
    keeps_parts: bool = False,
) -> int:
    """Run a network on batches as they are decoded, and write their blocks.

    Args:
        batches: decoded; those of a block come before those of the next.
        network: begins to work on a batch, and returns what waits for the rows of its items.
        lanes: how many batches it works on at a time; one more waits for it.
        write: stores a block.
        advance: told how many items were done.
        keeps_parts: whether an interrupted block is written as far as it is done.

    Returns:
        how many items there were.

    Raises:
        KeyboardInterrupt: if somebody presses Ctrl-C; what was written stays.
    """
    done, begun = 0, dict[int, Block]()

    def keep(batch: Batch[P], rows: Rows) -> None:
        nonlocal done
        block = batch.block
        begun[block.number] = block
        block.failed |= batch.failed
        for mine, theirs in zip(block.rows, rows, strict=True):
            mine.update(theirs)
        batch.pictures = []
        block.done += len(batch.items)
        done += len(batch.items)
        if block.done == len(block.items):
            write(block)
            del begun[block.number]
        advance(len(batch.items))

    try:
        in_lanes(network, batches, lanes + 1, keep)
    except KeyboardInterrupt:
        for block in begun.values() if keeps_parts else ():
            write(block)
        raise
    return done


@contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Say on Ctrl-C that the same command goes on with what is stored in ``folder``."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(f"Interrupted; nothing is lost: run the same command to continue ({folder}).") from None

"""What stores lack, shared with other processes: a block is claimed by one of them, and written as a whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ntcir.features.backbones import FrozenNetwork
from ntcir.features.blocks import Block
from ntcir.features.store import FeatureStore
from ntcir.system.locks import ByteLocks

_LOCKS = "claims"  # the file in a store's folder whose bytes are locked, one a block
_CHOICE = 1 << 40  # the byte that is locked while one process chooses the backend for all
_PAUSE = 0.5  # seconds until what another process has locked is looked at again


class Filled(Protocol):
    """Something with a store that is filled."""

    @property
    def store(self) -> FeatureStore:
        """Where rows go."""
        ...


@dataclass(frozen=True)
class Output:
    """Where what a network says of one view of the photographs goes.

    Attributes:
        network: that says it.
        store: where it goes.
        view: the number of an altered view; None is the photographs as they are.
        mirrored: whether it is of their mirror images.
    """

    network: FrozenNetwork
    store: FeatureStore
    view: int | None = None
    mirrored: bool = False


class Backlog:
    """What outputs lack, shared with other processes that fill the same stores.

    Args:
        outputs: what is filled.
        signatures: the states of the files of all items.

    Attributes:
        passing: items that could not be read for a reason that may be gone the next time; they stay lacking.
    """

    def __init__(self, outputs: Sequence[Filled], signatures: Mapping[str, str]) -> None:
        self._outputs, self._signatures = outputs, signatures
        self._locks = [ByteLocks(output.store.folder / _LOCKS) for output in outputs]
        self.passing: dict[str, str] = {}  # items that cannot be read now, and why
        self._due: dict[int, int] = {}  # block -> items that were lacking when the work began

    def lacks(self, item: str) -> bool:
        """Return whether any output still lacks the features of an item."""
        sign = self._signatures[item]
        return any(output.store.needs(item, sign) for output in self._outputs)

    def check(self, ids: Sequence[str]) -> None:
        """Look whether what is stored of items is as it was written; what is not is lacking from now on."""
        signs = [self._signatures[item] for item in ids]
        for output in self._outputs:
            output.store.check(ids, signs)

    def refresh(self) -> None:
        """See what other processes have stored since."""
        for output in self._outputs:
            output.store.refresh()

    def claimed(
        self, blocks: Mapping[int, list[str]], busy: dict[int, list[str]], advance: Callable[[float], None]
    ) -> Iterator[Block]:
        """Claim blocks one by one and yield what is to be done of them.

        Args:
            blocks: number -> items.
            busy: gets those that other processes are at.
            advance: told how many items others have done in the meantime.
        """
        for number, items in blocks.items():
            self._due.setdefault(number, sum(map(self.lacks, items)))
        for number, items in blocks.items():
            if not all(locks.take(number) for locks in self._locks):
                self.give(number)
                busy[number] = items
                continue
            self.refresh()
            signs = self._signatures
            lacking = [{item for item in items if each.store.needs(item, signs[item])} for each in self._outputs]
            todo = [item for item in items if any(item in lack for lack in lacking)]
            advance(self._due.pop(number) - len(todo))
            if todo:
                yield Block(number, lacking, todo)
            else:
                self.give(number)

    def write(self, block: Block) -> None:
        """Store a block that is done, and release it.

        Raises:
            UserError: if there is no room.
        """
        signs = self._signatures
        self.passing |= {item: str(why) for item, why in block.failed.items() if why.passing}
        for output, lack, rows in zip(self._outputs, block.lacking, block.rows, strict=True):
            ids = [item for item in block.items if item in rows]
            features = np.stack([rows[item] for item in ids]) if ids else np.empty((0, output.store.dim))
            lasting = {item: str(why) for item, why in block.failed.items() if item in lack and not why.passing}
            failed = [(item, signs[item], why) for item, why in lasting.items()]
            if ids or failed:
                output.store.write(block.number, ids, [signs[item] for item in ids], features, failed)
        self.give(block.number)

    def give(self, number: int) -> None:
        """Let others have a block."""
        for locks in self._locks:
            locks.give(number)

    @contextmanager
    def choice_locked(self) -> Iterator[None]:
        """Wait for the lock under which one process after the other chooses a backend, and hold it."""
        while not self._locks[0].take(_CHOICE):
            self.wait()
        try:
            yield
        finally:
            self._locks[0].give(_CHOICE)

    def wait(self) -> None:
        """Give other processes time to go on with what they have locked."""
        time.sleep(_PAUSE)

    def close(self) -> None:
        """Let others have everything."""
        self._due.clear()
        for locks in self._locks:
            locks.close()

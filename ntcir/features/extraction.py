"""Filling stores: what they lack of a corpus is read, encoded and written, by one process or several."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import pandas as pd

from ntcir.config import Features
from ntcir.features.backbones import FrozenNetwork
from ntcir.features.backend_choice import choose_backends
from ntcir.features.backends import Backend
from ntcir.features.blocks import Backlog, Batch, Block, Output, Views, cut, require_finite
from ntcir.features.decode import UnreadableImage, decode, read_file
from ntcir.features.jpegs import DeviceDecoder, available
from ntcir.features.stages import Clock, ahead, pool
from ntcir.features.store import FeatureStore, signature
from ntcir.system.devices import find_device
from ntcir.system.errors import Interrupted, UserError
from ntcir.system.machine import cores
from ntcir.system.parallel import barrier, ranks
from ntcir.system.progress import progress, say

_READERS = 8  # threads that read files: what they wait for is the disk


class Alteration(Protocol):
    """Makes other pictures of a photograph, such as an ``Augmenter``; may be called by several threads at once."""

    @property
    def meta(self) -> Mapping[str, Any]:
        """What determines the pictures; can be written as JSON."""
        ...

    def __call__(self, picture: np.ndarray, item: str, view: int) -> np.ndarray:
        """Return view ``view`` of the photograph ``item``; both pictures are uint8 [3, height, width]."""
        ...


class Extraction:
    """Stores that are filled together: a photograph is decoded once for all of them that lack it.

    Args:
        images: a corpus's photographs; has ``path``, indexed by id.
        options: the preprocessing, the backend and the device.
        outputs: what is filled.
        signatures: the states of files that are known already; added to.
        backends: what runs the networks, as far as it was started; added to.
        alteration: makes the outputs' views, where they have any.

    Attributes:
        clock: what the last extraction took, by stage.
    """

    def __init__(
        self,
        images: pd.DataFrame,
        options: Features,
        outputs: Sequence[Output],
        signatures: dict[str, str],
        backends: dict[FrozenNetwork, Backend],
        alteration: Alteration | None = None,
    ) -> None:
        self._images = images
        self._options = options
        self.outputs = list(outputs)
        self._signatures = signatures
        self._alteration = alteration
        self._paths: dict[str, str] = {}
        self._backends = backends
        self.clock = Clock()
        self._threads: dict[str, int] = {}  # of each stage
        self._backlog = Backlog(self.outputs, signatures)

    def ensure(self, ids: Sequence[str]) -> np.ndarray:
        """Compute and store what any of the stores lacks of ``ids``.

        Where torchrun has started several processes, each does a part of it, and all wait until all is there.

        Returns:
            bool [len(ids)]: which items have features; the others could not be decoded and are in ``failed.csv``.

        Raises:
            UserError: if there is no room for the features, or none of the pictures can be read.
        """
        self._sign(ids)
        backlog = self._backlog
        backlog.check(ids)
        blocks = cut(self._images.index, list(dict.fromkeys(ids)))

        def lacking() -> dict[int, list[str]]:
            return {number: items for number, items in blocks.items() if any(map(backlog.lacks, items))}

        # Of several processes, one that sees everything done waits for the others all the same.
        todo = lacking()
        if todo:
            self._extract(todo)
        barrier()
        if todo:
            backlog.refresh()
            # What others should have done and this process does not see: their disk is another.
            if left := lacking():
                self._extract(left)
        return self._present(ids)

    def load(self, stores: Sequence[FeatureStore], ids: Sequence[str], out: np.ndarray) -> None:
        """Copy stored features from stores beside one another into ``out`` float32 [len(ids), their dims]."""
        self._sign(ids)
        signs = [self._signatures[item] for item in ids]
        start = 0
        for store in stores:
            store.load(ids, signs, out[:, start : start + store.dim])
            start += store.dim

    def _sign(self, ids: Sequence[str]) -> None:
        """Note the paths of photographs and the states of their files, once each."""
        paths = dict(zip(ids, self._images["path"].reindex(list(ids)), strict=True))
        for item, path in paths.items():
            if item not in self._signatures:
                self._signatures[item] = signature(path)
        self._paths = paths

    def _present(self, ids: Sequence[str]) -> np.ndarray:
        signs = self._signatures
        stores = [output.store for output in self.outputs]
        present = np.array([all(store.has(item, signs[item]) for store in stores) for item in ids], dtype=bool)
        if len(ids) and not present.any():
            item = ids[0]
            reasons = (self._backlog.passing.get(item), *(store.failure(item, signs[item]) for store in stores))
            reason = next(filter(None, reasons), "unknown")
            raise UserError(
                f"None of the {len(ids)} photographs can be read; the first, {self._paths[item]}: {reason}."
            )
        listed = [store.list_failed(signs) for store in stores]  # also where there are none any more
        if not present.all():
            say(f"{(~present).sum()} unreadable photographs are left out; they are listed in {listed[0]}")
        passing = [(item, why) for item, why in self._backlog.passing.items() if self._backlog.lacks(item)]
        if passing:
            item, why = passing[0]
            say(f"{len(passing)} of them could not be read this time, and are tried again the next: {item}: {why}")
        return present

    def _extract(self, blocks: dict[int, list[str]]) -> None:
        todo = sum(self._backlog.lacks(item) for items in blocks.values() for item in items)
        what = "Encoding photographs" if self._alteration is None else "Encoding altered photographs"
        self.clock, start = Clock(), time.perf_counter()
        try:
            self._choose(todo)
            with progress(what, len(self._paths), len(self._paths) - todo, " images/s") as advance:
                done = self._work_off(blocks, advance)
        except KeyboardInterrupt:
            folder = self.outputs[0].store.folder
            raise Interrupted(
                f"Interrupted; nothing is lost: the same command goes on where it stopped ({folder})."
            ) from None
        finally:
            self._backlog.close()
        if done:
            self._tell(done, time.perf_counter() - start)

    def _choose(self, todo: int) -> None:
        """Start the networks' backends; one process after the other, so that all choose what the first one chose."""
        networks = list(dict.fromkeys(output.network for output in self.outputs))
        stores = [output.store for output in self.outputs]
        if self._backends:
            for store in stores:
                store.note_backend(next(iter(self._backends.values())).name)
            return
        with self._backlog.choice_locked(), self.clock.timed("start"):
            backends = choose_backends(networks, stores, todo, find_device(self._options.device, "features.device"))
        self._backends |= dict(zip(networks, backends, strict=True))

    def _work_off(self, blocks: dict[int, list[str]], advance: Callable[[float], None]) -> int:
        """Do all blocks that no other process is at; wait for the others, and do those that were given up."""
        numbers = list(blocks)
        begin = ranks().part(len(numbers)).start  # each process begins elsewhere
        left = {number: blocks[number] for number in numbers[begin:] + numbers[:begin]}
        done, waited = 0, False
        while left:
            busy: dict[int, list[str]] = {}
            done += self._run(self._backlog.claimed(left, busy, advance), advance)
            if busy and not waited and ranks().count == 1:
                say("Another process is at work on these photographs; waiting for it.")
                waited = True
            if busy:
                self._backlog.wait()
            left = busy
        return done

    def _run(self, blocks: Iterable[Block], advance: Callable[[float], None]) -> int:
        """Read, encode and write blocks; return how many photographs they had."""
        done = 0
        lanes = min(backend.lanes for backend in self._backends.values())
        with pool(lanes) as runners, self._read_ahead(self._batches(blocks)) as read:
            for batch in ahead(runners, self._encode, read, lanes + 1):
                batch.block.done += len(batch.items)
                done += len(batch.items)
                if batch.block.done == len(batch.block.items):
                    with self.clock.timed("write"):
                        self._backlog.write(batch.block)
                advance(len(batch.items))
        return done

    def _batches(self, blocks: Iterable[Block]) -> Iterator[Batch]:
        size = min(backend.batch for backend in self._backends.values())
        for block in blocks:
            for start in range(0, len(block.items), size):
                yield Batch(block, block.items[start : start + size])

    @contextmanager
    def _read_ahead(self, batches: Iterator[Batch]) -> Iterator[Iterator[Batch]]:
        """Yield an iterator that reads pictures ahead of the networks, in the background."""
        backend = next(iter(self._backends.values()))
        on_device = backend.device.type == "cuda" and self._options.decode == "scaled" and self._alteration is None
        self._threads = {"read": _READERS, "decode": self._decoders, "network": backend.lanes}
        if on_device and available(backend.device):
            self._threads = {"network": backend.lanes}
            decoder = DeviceDecoder(backend.device, self._options)
            with pool(1) as readers:  # a GPU has one decoder
                yield ahead(readers, lambda batch: self._read_there(decoder, batch), batches, 2)
        else:
            most = 3 * backend.batch
            with pool(_READERS) as readers, pool(self._decoders) as decoders:
                pairs: Iterator[tuple[Batch, str]] = ((batch, item) for batch in batches for item in batch.items)
                files = ahead(readers, lambda pair: (*pair, self._read(pair[1])), pairs, most)
                read = ahead(decoders, lambda file: (file[0], self._views(*file)), files, most)
                yield _whole(read)

    @property
    def _decoders(self) -> int:
        """How many threads decode: beside a network on the CPU, which wants the cores too, half of them."""
        on_cpu = next(iter(self._backends.values())).device.type == "cpu"
        return max(1, cores() // 2) if on_cpu else cores()

    def _read(self, item: str) -> bytes | UnreadableImage:
        """Return what is in a file, or why it cannot be read; runs in several threads."""
        try:
            with self.clock.timed("read"):
                return read_file(self._paths[item])
        except UnreadableImage as error:
            return error

    def _views(self, batch: Batch, item: str, data: bytes | UnreadableImage) -> Views | UnreadableImage:
        """Return the views of a photograph that outputs lack, or why there are none; runs in several threads."""
        if isinstance(data, UnreadableImage):
            return data
        with self.clock.timed("decode"):
            try:
                picture = decode(data, self._options)
            except UnreadableImage as error:
                return error
            lacking = zip(self.outputs, batch.block.lacking, strict=True)
            wanted = {output.view for output, lack in lacking if item in lack}
            return {view: self._altered(picture, item, view) for view in wanted}

    def _read_there(self, decoder: DeviceDecoder, batch: Batch) -> Batch:
        """Decode a batch on the device."""
        with self.clock.timed("decode"):
            found = decoder([self._paths[item] for item in batch.items])
        batch.pictures = [each if isinstance(each, UnreadableImage) else {None: each} for each in found]
        return batch

    def _altered(self, picture: np.ndarray, item: str, view: int | None) -> np.ndarray:
        return picture if view is None or self._alteration is None else self._alteration(picture, item, view)

    def _encode(self, batch: Batch) -> Batch:
        """Run the networks, view by view; runs in as many threads as the backends have lanes."""
        block, views = batch.block, dict(zip(batch.items, batch.pictures, strict=True))
        block.failed |= {item: why for item, why in views.items() if isinstance(why, UnreadableImage)}
        good = {item: pictures for item, pictures in views.items() if not isinstance(pictures, UnreadableImage)}
        # What goes together must not depend on which stores were filled before a kill: the last digits depend on it.
        for output, lack, rows in zip(self.outputs, block.lacking, block.rows, strict=True):
            chosen = [item for item in good if item in lack]
            if chosen:
                with self.clock.timed("network"):
                    encoded = self._backends[output.network].encode(good[item][output.view] for item in chosen)
                require_finite(encoded, chosen, output)
                rows.update(zip(chosen, encoded, strict=True))
        batch.pictures = []
        return batch

    def _tell(self, done: int, seconds: float) -> None:
        backend = next(iter(self._backends.values()))
        own = "" if ranks().count == 1 else " by this process, the first,"
        say(
            f"{done:,} photographs{own} in {seconds:.1f} s, {done / seconds:.1f} a second, by {backend.name}: "
            f"{self.clock.sentence(self._threads)}."
        )


def _whole(read: Iterable[tuple[Batch, Views | UnreadableImage]]) -> Iterator[Batch]:
    """Yield each batch when all of its pictures have come, which they do in order."""
    for batch, views in read:
        batch.pictures.append(views)
        if len(batch.pictures) == len(batch.items):
            yield batch

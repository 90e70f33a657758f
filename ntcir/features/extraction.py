"""Filling stores of features: decoding, then the networks, for what the stores lack; by one process or several."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np

from ntcir.config import Features
from ntcir.features.backbones import FrozenNetwork
from ntcir.features.backend_choice import choose_backends
from ntcir.features.backends import Backend
from ntcir.features.backlog import Backlog, Output
from ntcir.features.blocks import Batch, Block, Rows, cut
from ntcir.features.decode import UnreadableImage, decode_squares, read_file
from ntcir.features.file_states import FileStates, require_some, tell_unreadable
from ntcir.features.jpegs import DeviceDecoder, available
from ntcir.features.mirror import mirrored
from ntcir.features.pipeline import resumable, run_pipeline
from ntcir.features.preprocessing import distinct
from ntcir.features.stages import Clock, ahead, pool
from ntcir.features.store import FeatureStore
from ntcir.features.views import Views, Wanted, unaltered, wanted_by
from ntcir.system.devices import find_device
from ntcir.system.errors import UserError
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
        files: of a corpus's photographs.
        options: the backend and the device.
        outputs: what is filled.
        backends: what runs the networks, as far as it was started; added to.
        alteration: makes the outputs' views, where they have any.

    Attributes:
        clock: what the last extraction took, by stage.
    """

    def __init__(
        self,
        files: FileStates,
        options: Features,
        outputs: Sequence[Output],
        backends: dict[FrozenNetwork, Backend],
        alteration: Alteration | None = None,
    ) -> None:
        self._files = files
        self._options = options
        self.outputs = list(outputs)
        self._alteration = alteration
        self._paths: dict[str, str] = {}
        self._backends = backends
        self.clock = Clock()
        self._threads: dict[str, int] = {}  # of each stage
        self._backlog = Backlog(self.outputs, files.signatures)

    def ensure(self, ids: Sequence[str]) -> np.ndarray:
        """Compute and store what any of the stores lacks of ``ids``.

        Where torchrun has started several processes, each does a part of it, and all wait until all is there.

        Returns:
            bool [len(ids)]: which items have features; the others could not be decoded and are in ``failed.csv``.

        Raises:
            UserError: if there is no room for the features, or none of the pictures can be read.
        """
        self._paths = self._files.look(ids)
        backlog = self._backlog
        backlog.check(ids)
        blocks = cut(self._files.images.index, list(dict.fromkeys(ids)))

        def lacking() -> dict[int, list[str]]:
            return {number: items for number, items in blocks.items() if any(map(backlog.lacks, items))}

        # Of several processes, one that finds everything done still waits for the others.
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
        signs = self._files.of(ids)
        start = 0
        for store in stores:
            store.load(ids, signs, out[:, start : start + store.dim])
            start += store.dim

    def _present(self, ids: Sequence[str]) -> np.ndarray:
        signs, passing = self._files.signatures, self._backlog.passing
        stores = [output.store for output in self.outputs]
        present = np.array([all(store.has(item, signs[item]) for store in stores) for item in ids], dtype=bool)
        if len(ids):
            item = ids[0]
            reasons = (passing.get(item), *(store.failure(item, signs[item]) for store in stores))
            require_some(ids, present, self._paths[item], next(filter(None, reasons), "unknown"))
        listed = [store.list_failed(signs) for store in stores]  # also where none are left
        tell_unreadable(present, listed[0], {item: why for item, why in passing.items() if self._backlog.lacks(item)})
        return present

    def _extract(self, blocks: dict[int, list[str]]) -> None:
        todo = sum(self._backlog.lacks(item) for items in blocks.values() for item in items)
        what = "Encoding photographs" if self._alteration is None else "Encoding altered photographs"
        self.clock, start = Clock(), time.perf_counter()
        try:
            with resumable(self.outputs[0].store.folder):
                self._choose(todo)
                with progress(what, len(self._paths), len(self._paths) - todo, " images/s") as advance:
                    done = self._work_off(blocks, advance)
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
        """Do all blocks that no other process is working on; wait for the others, and do those that were given up."""
        numbers = list(blocks)
        begin = ranks().part(len(numbers)).start  # each process begins elsewhere
        left = {number: blocks[number] for number in numbers[begin:] + numbers[:begin]}
        done, waited = 0, False
        while left:
            busy: dict[int, list[str]] = {}
            done += self._run(self._backlog.claimed(left, busy, advance), advance)
            if busy and not waited and ranks().count == 1:
                say("Another process is working on these photographs; waiting for it.")
                waited = True
            if busy:
                self._backlog.wait()
            left = busy
        return done

    def _run(self, blocks: Iterable[Block], advance: Callable[[float], None]) -> int:
        """Read, encode and write blocks; return how many photographs they had."""
        lanes = min(backend.lanes for backend in self._backends.values())
        with pool(lanes) as runners, self._decoded(self._batches(blocks)) as batches:

            def network(batch: Batch[Views]) -> Callable[[], Rows]:
                return runners.submit(self._encode, batch).result

            return run_pipeline(batches, network, lanes, self._write, advance)

    def _write(self, block: Block) -> None:
        with self.clock.timed("write"):
            self._backlog.write(block)

    def _batches(self, blocks: Iterable[Block]) -> Iterator[Batch[Views]]:
        size = min(backend.batch for backend in self._backends.values())
        for block in blocks:
            for start in range(0, len(block.items), size):
                yield Batch(block, block.items[start : start + size])

    @contextmanager
    def _decoded(self, batches: Iterator[Batch[Views]]) -> Iterator[Iterator[Batch[Views]]]:
        """Yield an iterator that reads pictures ahead of the networks, in the background."""
        backend = next(iter(self._backends.values()))
        on_device = backend.device.type == "cuda" and self._options.decode == "scaled" and self._alteration is None
        self._threads = {"read": _READERS, "decode": self._decoders, "network": backend.lanes}
        if on_device and available(backend.device):
            self._threads = {"network": backend.lanes}
            decoder = DeviceDecoder(backend.device, distinct(each.network.preprocessing for each in self.outputs))
            with pool(1) as readers:  # a GPU has one decoder
                yield ahead(readers, lambda batch: self._read_there(decoder, batch), batches, 2)
        else:
            most = 3 * backend.batch
            with pool(_READERS) as readers, pool(self._decoders) as decoders:
                pairs: Iterator[tuple[Batch[Views], str]] = ((batch, item) for batch in batches for item in batch.items)
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

    def _views(self, batch: Batch[Views], item: str, data: bytes | UnreadableImage) -> Views | UnreadableImage:
        """Return the views of a photograph that outputs lack, or why there are none; runs in several threads."""
        if isinstance(data, UnreadableImage):
            return data
        with self.clock.timed("decode"):
            lacking = zip(self.outputs, batch.block.lacking, strict=True)
            wanted = dict.fromkeys(wanted_by(output) for output, lack in lacking if item in lack)
            try:
                pictures = decode_squares(data, dict.fromkeys(each.square for each in wanted))
            except UnreadableImage as error:
                return error
            return {each: self._made(pictures[each.square], item, each) for each in wanted}

    def _read_there(self, decoder: DeviceDecoder, batch: Batch[Views]) -> Batch[Views]:
        """Decode a batch on the device."""
        with self.clock.timed("decode"):
            found = decoder([self._paths[item] for item in batch.items])
        batch.pictures = [unaltered(each, self.outputs) for each in found]
        return batch

    def _made(self, picture: np.ndarray, item: str, wanted: Wanted) -> np.ndarray:
        """Alter and mirror a picture as far as that is wanted."""
        if wanted.view is not None and self._alteration is not None:
            picture = self._alteration(picture, item, wanted.view)
        return mirrored(picture) if wanted.mirrored else picture

    def _encode(self, batch: Batch[Views]) -> Rows:
        """Run the networks, view by view; runs in as many threads as the backends have lanes."""
        decoded = batch.decoded
        found: Rows = []
        # What goes together must not depend on which stores were filled before a kill: the last digits depend on it.
        for output, lack in zip(self.outputs, batch.block.lacking, strict=True):
            chosen = [item for item in decoded if item in lack]
            rows = np.empty((0, output.network.dim), dtype=np.float32)
            if chosen:
                with self.clock.timed("network"):
                    rows = self._backends[output.network].encode(decoded[item][wanted_by(output)] for item in chosen)
                _require_finite(rows, chosen, output)
            found.append(dict(zip(chosen, rows, strict=True)))
        return found

    def _tell(self, done: int, seconds: float) -> None:
        backend = next(iter(self._backends.values()))
        own = "" if ranks().count == 1 else " by this process, the first,"
        say(
            f"{done:,} photographs{own} in {seconds:.1f} s, {done / seconds:.1f} a second, by {backend.name}: "
            f"{self.clock.sentence(self._threads)}."
        )


def _whole(read: Iterable[tuple[Batch[Views], Views | UnreadableImage]]) -> Iterator[Batch[Views]]:
    """Yield each batch when all of its pictures have come, which they do in order."""
    for batch, views in read:
        batch.pictures.append(views)
        if len(batch.pictures) == len(batch.items):
            yield batch


def _require_finite(rows: np.ndarray, items: Sequence[str], output: Output) -> None:
    """Check the features of photographs before they are stored.

    Raises:
        UserError: if a value is NaN or infinite.
    """
    wrong = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(wrong):
        backbone = output.network.backbone
        raise UserError(
            f"{backbone.arch} gives features that are not finite (NaN or infinity) for the photograph "
            f"{items[wrong[0]]}: check its weights ({backbone.weights})."
        )

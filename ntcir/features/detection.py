"""Filling a store of detections: letterboxing, then the detector, for the photographs that the store lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from ntcir.features.blocks import Batch, Block, Rows, in_order
from ntcir.features.decode import UnreadableImage
from ntcir.features.detector import Detector
from ntcir.features.letterbox import Letterboxed, letterbox
from ntcir.features.pipeline import resumable, run_pipeline
from ntcir.features.stages import ahead, pool
from ntcir.features.store import DetectionStore
from ntcir.system.machine import cores
from ntcir.system.progress import progress


class Detection:
    """Runs a detector on photographs and stores what it finds.

    Args:
        detector: in memory.
        store: gets the detections.
        paths: id -> file, of all photographs that were asked for.
        signatures: the states of these files.

    Attributes:
        passing: photographs that could not be read for a reason that may be gone the next time; they stay lacking.
    """

    def __init__(
        self, detector: Detector, store: DetectionStore, paths: Mapping[str, str], signatures: Mapping[str, str]
    ) -> None:
        self._detector, self._store, self._paths, self._signatures = detector, store, paths, signatures
        self.passing: dict[str, str] = {}

    def fill(self, todo: Sequence[str], ahead_of: int) -> None:
        """Detect and store what is in the photographs ``todo``; a run that is interrupted keeps what it has.

        Args:
            todo: distinct ids.
            ahead_of: how many photographs are read ahead of the detector.

        Raises:
            UserError: if there is no room.
            Interrupted: if somebody presses Ctrl-C.
        """
        detector, total = self._detector, len(self._paths)
        shown = progress("Detecting objects", total, total - len(todo), " images/s")
        with resumable(self._store.folder), shown as advance, pool(cores()) as readers:
            pairs = ((block, item) for block in in_order(todo) for item in block.items)
            read = ahead(readers, lambda pair: (*pair, self._read(pair[1])), pairs, ahead_of)
            batches = _by_shape(read, detector.batch)
            run_pipeline(batches, self._detect, detector.threads, self._write, advance, keeps_parts=True)

    def _read(self, item: str) -> Letterboxed | UnreadableImage:
        """Return a picture as the detector takes it, or why there is none; runs in several threads."""
        try:
            return letterbox(self._paths[item], self._detector.frame)
        except UnreadableImage as error:
            return error

    def _detect(self, batch: Batch[Letterboxed]) -> Callable[[], Rows]:
        """Begin to look at the pictures of a batch, all of one shape."""
        decoded = batch.decoded
        if not decoded:
            return lambda: [{}]
        future = self._detector.submit(list(decoded.values()))
        return lambda: [dict(zip(decoded, future.result(), strict=True))]

    def _write(self, block: Block) -> None:
        (rows,) = block.rows
        self.passing |= {item: str(why) for item, why in block.failed.items() if why.passing}
        lasting = [item for item in block.items if item in block.failed and not block.failed[item].passing]
        failed = [(item, self._signatures[item], str(block.failed[item])) for item in lasting]
        if rows or failed:
            self._store.append(list(rows), [self._signatures[item] for item in rows], list(rows.values()), failed)
            self._store.list_failed(self._signatures)


def _by_shape(
    read: Iterable[tuple[Block, str, Letterboxed | UnreadableImage]], size: int
) -> Iterator[Batch[Letterboxed]]:
    """Yield batches of at most ``size`` pictures of one shape and one block; what cannot be read goes by itself.

    Pictures of one shape go together: padding them to a common one would cost time in the network.
    """
    waiting: dict[tuple[int, ...], list[tuple[str, Letterboxed]]] = {}

    def gathered(block: Block, pairs: list[tuple[str, Letterboxed]]) -> Batch[Letterboxed]:
        batch: Batch[Letterboxed] = Batch(block, [item for item, _ in pairs], [picture for _, picture in pairs])
        pairs.clear()
        return batch

    for block, item, picture in read:
        if isinstance(picture, UnreadableImage):
            yield Batch(block, [item], [picture])
        else:
            pairs = waiting.setdefault(picture.pixels.shape, [])
            pairs.append((item, picture))
            if len(pairs) >= size:
                yield gathered(block, pairs)
        if item == block.items[-1]:
            for pairs in filter(None, waiting.values()):
                yield gathered(block, pairs)
